#!/usr/bin/env bash
# Changes the evaluator of policies in one small way after the other (cargo-mutants), and sees whether a test of its crate fails each time.
# It takes hours, on one core. What no test noticed is printed, and lies in target/mutants/mutants.out/missed.txt; docs/mutants.md says what
# is known of it. `mutants.sh OPTION...` hands options on, such as `--shard 0/8` or `--file policies/src/moment.rs`.
set -euo pipefail
cd "$(dirname "$0")/../.."
version=27.1.0
target=${CARGO_TARGET_DIR:-target}
mkdir -p "$target/tools" "$target/mutants"
target=$(cd "$target" && pwd)
# Scripts may run side by side: the second waits for the first.
exec 9>"$target/tools/mutants.lock"
flock 9
if [ "$("$target/tools/mutants/bin/cargo-mutants" mutants --version 2>/dev/null)" != "cargo-mutants $version" ]; then
  echo "mutants: installing cargo-mutants $version into $target/tools/mutants; the first time this takes a few minutes"
  CARGO_TARGET_DIR=$target/tools/mutants/build cargo install --quiet --locked --root "$target/tools/mutants" --version "$version" cargo-mutants
  rm -r "$target/tools/mutants/build"
fi

files=(--file 'policies/src/compiled/*.rs' --file 'policies/src/odrl/*.rs')
for name in decide again moment purpose action; do files+=(--file "policies/src/$name.rs"); done
case " $* " in *" --file "*) files=() ;; esac

# The copy that is changed lies where others' material is beside it as it is beside this checkout; tests that need that skip without it.
copies=$target/mutants/copies
mkdir -p "$copies"
if [ -e ../shared ]; then ln -sfn "$(realpath ../shared)" "$copies/shared"; fi
# A quarter of the drawn policies: each change is met by all the other tests too. Those of how two policies differ ask the evaluator a thousand
# times what others ask once, and take longer than all the others together.
export TMPDIR=$copies CARGO_TARGET_DIR=$target/mutants/target PROPTEST_CASES=${PROPTEST_CASES:-64}
export CARGO_INCREMENTAL=1 CARGO_PROFILE_DEV_DEBUG=0 CARGO_PROFILE_DEV_OPT_LEVEL=0
exec nice -n 19 "$target/tools/mutants/bin/cargo-mutants" mutants --package herleid-policies --test-package herleid-policies "${files[@]}" \
  --jobs 1 --timeout 90 --no-shuffle --colors never --output "$target/mutants" "$@" -- -- --skip difference
