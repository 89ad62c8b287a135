#!/usr/bin/env bash
# Builds the program that appends to Tessera for the ledger's benchmark (tests/benches/ledger/tessera). Its last line says where the program is.
set -euo pipefail
cd "$(dirname "$0")/../.."
deploy/build/go.sh bench-tessera tests/benches/ledger/tessera .
realpath "${CARGO_TARGET_DIR:-target}/bench-tessera/bin/tessera"
