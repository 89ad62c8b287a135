#!/usr/bin/env bash
# Builds Go programs for tests into target/NAME/bin, with the Go that deploy/build/tools.sh installs: `go.sh NAME FOLDER PACKAGE...`, where
# FOLDER holds a go.mod that pins every module. Quick, and without a network, when they are there already.
set -euo pipefail
cd "$(dirname "$0")/../.."
name=$1 folder=$2
shift 2
target=${CARGO_TARGET_DIR:-target}
deploy/build/tools.sh
mkdir -p "$target/$name/bin"
target=$(cd "$target" && pwd)
# Tests and scripts may run side by side: the second waits for the first.
exec 9>"$target/$name/lock"
flock 9
made=$target/$name/made.txt
cd "$folder"
wanted=$(find . -maxdepth 1 -type f -print0 | sort -z | xargs -0 sha256sum && "$target/tools/bin/go" version && echo "$*")
if [ "$(cat "$made" 2>/dev/null)" = "$wanted" ]; then
  exit 0
fi
echo "$name: building Go programs; the first time this fetches their modules and takes two minutes"
rm -f "$made"
# Exactly the modules of go.sum, and exactly this Go: neither may fetch another.
export GOTOOLCHAIN=local GOFLAGS=-mod=readonly GOWORK=off CGO_ENABLED=0
if ! "$target/tools/bin/go" build -trimpath -o "$target/$name/bin/" "$@"; then
  echo "$name: the build failed; if modules could not be fetched, set GOPROXY to a mirror that has them" >&2
  exit 1
fi
if ls -- *.go >/dev/null 2>&1; then
  "$target/tools/bin/go" vet .
fi
echo "$wanted" >"$made"
