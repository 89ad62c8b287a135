#!/usr/bin/env bash
# Builds what checks a log from outside (tests/logcheck: Tessera's fsck, Torchwood's litewitness, our logcheck) into target/logcheck/bin,
# with the Go that deploy/build/tools.sh installs. Quick, and without a network, when they are there already.
set -euo pipefail
cd "$(dirname "$0")/../.."
target=${CARGO_TARGET_DIR:-target}
deploy/build/tools.sh
mkdir -p "$target/logcheck/bin"
target=$(cd "$target" && pwd)
# Tests and scripts may run side by side: the second waits for the first.
exec 9>"$target/logcheck/lock"
flock 9
made=$target/logcheck/made.txt
wanted=$(cd tests/logcheck && sha256sum -- *.go go.mod go.sum && "$target/tools/bin/go" version)
if [ "$(cat "$made" 2>/dev/null)" = "$wanted" ]; then
  exit 0
fi
echo "logcheck-tools: building fsck, litewitness and logcheck; the first time this fetches their modules and takes two minutes"
rm -f "$made"
# Exactly the modules of go.sum, and exactly this Go: neither may fetch another.
export GOTOOLCHAIN=local GOFLAGS=-mod=readonly GOWORK=off CGO_ENABLED=0
cd tests/logcheck
if ! "$target/tools/bin/go" build -o "$target/logcheck/bin/" . tool; then
  echo "logcheck-tools: the build failed; if modules could not be fetched, set GOPROXY to a mirror that has them" >&2
  exit 1
fi
"$target/tools/bin/go" vet .
echo "$wanted" >"$made"
