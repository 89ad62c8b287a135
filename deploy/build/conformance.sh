#!/usr/bin/env bash
# Runs the conformance kit of the Dataspace Protocol against the connector that was built, then the suites of ODRL, and says at the
# end what came of each.
set -euo pipefail
cd "$(dirname "$0")/../.."
verdict=${CARGO_TARGET_DIR:-target}/kit/verdict
odrl=${CARGO_TARGET_DIR:-target}/odrl/verdict
deploy/build/kit.sh
# What an earlier run found out must not be taken for what this one did.
rm -f "$verdict" "$odrl"
failed=0
cargo test --locked -p herleid-tests --test conformance || failed=1
cargo test --locked -p herleid-tests --test odrl || failed=1
if [ ! -s "$verdict" ]; then
  echo "dsp-tck: the kit did not come to its end; the lines above say why" >&2
  exit 1
fi
if [ "$failed" -eq 0 ] && [ "$(cat "$verdict")" != "dsp-tck: 65 passed, 0 failed" ]; then
  echo "dsp-tck: the test passed without the result that it is there for" >&2
  exit 1
fi
cat "$verdict"
# The suites are not part of the product; where they are absent the test has said so, and there is nothing to show.
if [ -s "$odrl" ]; then
  cat "$odrl"
else
  echo "odrl-suite: not run, since ../shared is absent" >&2
fi
exit "$failed"
