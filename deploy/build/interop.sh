#!/usr/bin/env bash
# Runs the connector that was built and a real EDC as each other's peers, and says at the end what came of it.
set -euo pipefail
cd "$(dirname "$0")/../.."
verdict=${CARGO_TARGET_DIR:-target}/edc/verdict
deploy/build/edc.sh
# What an earlier run found out must not be taken for what this one did.
rm -f "$verdict"
failed=0
cargo test --locked -p herleid-tests --test interop -- --nocapture || failed=1
if [ ! -s "$verdict" ]; then
  echo "edc-interop: the cases did not come to their end; the lines above say why" >&2
  exit 1
fi
echo "edc: version $(cat "${CARGO_TARGET_DIR:-target}/edc/version")"
cat "$verdict"
exit "$failed"
