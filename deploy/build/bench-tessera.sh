#!/usr/bin/env bash
# Builds the program that appends to Tessera for the ledger's benchmark (tests/benches/ledger/tessera) into target/bench-tessera, with the Go
# that deploy/build/tools.sh installs. Its last line says where the program is. Quick, and without a network, when it is there already.
set -euo pipefail
cd "$(dirname "$0")/../.."
target=${CARGO_TARGET_DIR:-target}
deploy/build/tools.sh
mkdir -p "$target/bench-tessera"
target=$(cd "$target" && pwd)
# Scripts may run side by side: the second waits for the first.
exec 9>"$target/bench-tessera/lock"
flock 9
program=$target/bench-tessera/bench-tessera
made=$target/bench-tessera/made.txt
cd tests/benches/ledger/tessera
wanted=$(sha256sum -- *.go go.mod go.sum && "$target/tools/bin/go" version)
if [ "$(cat "$made" 2>/dev/null)" != "$wanted" ] || [ ! -x "$program" ]; then
  echo "bench-tessera: building; the first time this fetches Tessera's modules and takes a minute"
  rm -f "$made"
  # Exactly the modules of go.sum, and exactly this Go: neither may fetch another.
  export GOTOOLCHAIN=local GOFLAGS=-mod=readonly GOWORK=off CGO_ENABLED=0
  if ! "$target/tools/bin/go" build -trimpath -o "$program" .; then
    echo "bench-tessera: the build failed; if modules could not be fetched, set GOPROXY to a mirror that has them" >&2
    exit 1
  fi
  "$target/tools/bin/go" vet .
  echo "$wanted" >"$made"
fi
echo "$program"
