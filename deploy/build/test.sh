#!/usr/bin/env bash
# Every check there is, and at the end how many tests passed, failed and were skipped. `make test` calls it.
set -uo pipefail
cd "$(dirname "$0")/../.."
log=target/test.log
failed_steps=()

step() { # step NAME COMMAND...
  local name=$1 from=$SECONDS
  shift
  printf '\n== %s: %s\n' "$name" "$*"
  if "$@"; then
    echo "== $name: good, $((SECONDS - from)) s"
  else
    echo "== $name: FAILED, $((SECONDS - from)) s"
    failed_steps+=("$name")
  fi
}

# A skipped test says so on standard error, past the test runner's capture (herleid_vocab::reference).
tests() { cargo test --locked --workspace --no-fail-fast 2>&1 | tee "$log"; }

mkdir -p target
# What kits and peers of others find, in their own words; an earlier run's must not be taken for this one's.
verdicts=(target/kit/verdict target/edc/verdict target/logcheck/verdict target/odrl/verdict)
rm -f "${verdicts[@]}"
: >"$log"
step formatting cargo fmt --all --check
step build cargo build --locked --workspace --all-targets
# Without a build there is nothing to run, and the compiler has already said why.
if [ ${#failed_steps[@]} -eq 0 ] || [ "${failed_steps[*]}" = formatting ]; then
  # Apart from the tests, so that a network that is not there is told from a test that fails.
  step kit deploy/build/kit.sh
  step edc deploy/build/edc.sh
  step logcheck deploy/build/logcheck-tools.sh
  step s3 deploy/build/s3.sh
  step tests tests
  step lints cargo clippy --locked --workspace --all-targets -- -D warnings
fi
step licences deploy/build/deny.sh

# A test that skips itself (a line that starts with SKIPPED) is "ok" to the runner; the fault tests say it themselves.
read -r passed failed skipped < <(awk '
  /^test .* \.\.\. ok$/ { ok++ }
  /^test .* \.\.\. FAILED$/ { failed++ }
  /^test .* \.\.\. (ignored|SKIPPED)/ { other++ }
  /^SKIPPED/ { self++ }
  END { print ok - self, failed + 0, self + other + 0 }' "$log")
absent=$(grep -c 'SKIPPED.*\.\./shared' "$log")
echo
if [ "$skipped" -gt 0 ]; then
  grep -E '^SKIPPED|^test .* \.\.\. (ignored|SKIPPED)' "$log" | sort
  echo "$skipped tests skipped, $absent of them because ../shared is absent"
fi
if [ "$passed" -le 0 ]; then
  failed_steps+=("no test ran")
fi
if [ ${#failed_steps[@]} -gt 0 ]; then
  printf 'not good: %s\n' "${failed_steps[@]}"
  # A failed step without a failed test counts as one failure: the closing line must not look like success.
  [ "$failed" -gt 0 ] || failed=1
fi
for verdict in "${verdicts[@]}"; do
  [ ! -s "$verdict" ] || cat "$verdict"
done
echo "$passed passed, $failed failed, $skipped skipped"
[ ${#failed_steps[@]} -eq 0 ]
