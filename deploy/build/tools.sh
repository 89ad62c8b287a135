#!/usr/bin/env bash
# Installs what tests run or run against (pygeoapi, Go, readers of receipts and of signed webhooks) into target/tools, by their names on PyPI.
# Quick when it is there already; without them the tests that need them say that they are skipped.
set -euo pipefail
cd "$(dirname "$0")/../.."
tools=${CARGO_TARGET_DIR:-target}/tools
wanted=deploy/build/test-tools.txt
mkdir -p "$(dirname "$tools")"
# Scripts may run side by side: the second waits for the first.
exec 8>"$tools.lock"
flock 8
# The commands in it name the folder that they were installed in: after a checkout was moved, none of them runs.
if cmp -s "$wanted" "$tools/installed.txt" && "$tools/bin/pip" --version >/dev/null 2>&1; then
  exit 0
fi
echo "tools: installing into $tools: $(grep -v '^#' "$wanted" | tr '\n' ' ')"
if ! python3 -m venv --clear "$tools"; then
  echo "tools: python3 makes no virtual environment; install the package python3-venv, then run this again" >&2
  exit 1
fi
"$tools/bin/pip" install --quiet --disable-pip-version-check --requirement "$wanted"
cp "$wanted" "$tools/installed.txt"
