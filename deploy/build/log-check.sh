#!/usr/bin/env bash
# Runs programs of others against the log of the connector that was built, and says at the end, one line each, what they make of it.
set -euo pipefail
cd "$(dirname "$0")/../.."
verdict=${CARGO_TARGET_DIR:-target}/logcheck/verdict
deploy/build/logcheck-tools.sh
# What an earlier run found out must not be taken for what this one did.
rm -f "$verdict"
failed=0
cargo test --locked -p herleid-tests --test logcheck || failed=1
if [ ! -s "$verdict" ]; then
  echo "log-check: the checks did not come to their end; the lines above say why" >&2
  exit 1
fi
for check in tessera-fsck sumdb-tlog witness scitt-receipt rfc3161; do
  if ! grep "^$check: " "$verdict"; then
    echo "$check: not built"
    failed=1
  elif ! grep -q "^$check: ok$" "$verdict"; then
    failed=1
  fi
done
exit "$failed"
