#!/usr/bin/env bash
# Decisions under the same policies by our evaluator, by cedar-policy and by the EYE reasoner: target/bench/policy.json and policy.md.
# Cedar is compiled in a project of its own (about two minutes the first time), so that nothing of it is in our tree; EYE comes from npm.
# What cannot be had is said and left out.
set -euo pipefail
cd "$(dirname "$0")/../.."
target=$(realpath "${CARGO_TARGET_DIR:-target}")
out=$target/bench
sources=$PWD/deploy/build/bench-policy
mkdir -p "$out"
rm -f "$out/cedar.json" "$out/eye.json"

cedar=$target/bench-cedar
mkdir -p "$cedar"
cp "$sources/cedar.rs" "$cedar/"
cp "$sources/cedar.toml" "$cedar/Cargo.toml"
cp "$sources/cedar.lock" "$cedar/Cargo.lock"
if ! (cd "$cedar" && CARGO_TARGET_DIR=target cargo run --quiet --release --locked -- "$out"); then
  echo "bench-policy: without Cedar, which could not be compiled" >&2
fi

eye=$target/bench-eye
mkdir -p "$eye"
cp "$sources"/eye.mjs "$sources"/package.json "$sources"/package-lock.json "$eye/"
if ! command -v npm >/dev/null; then
  echo "bench-policy: without EYE, which takes npm" >&2
elif ! (cd "$eye" && npm ci --silent --no-audit --no-fund && node eye.mjs "$out"); then
  echo "bench-policy: without EYE, which did not come or did not run" >&2
fi

HERLEID_BENCH_OUT=$out cargo bench --quiet --locked --profile release -p herleid-policies --bench policy
