#!/usr/bin/env bash
# pySHACL in an environment of its own under target/, made if it is not there; prints its Python. Used by the test that checks the catalogue
# against the shapes of DCAT-AP-NL. Ends with 1, and says why, where there is no Python or nothing can be fetched.
set -euo pipefail
cd "$(dirname "$0")/../.."
version=0.40.0
place=${CARGO_TARGET_DIR:-target}/pyshacl-$version
mkdir -p "$(dirname "$place")"
# Tests run side by side: the second waits for the first.
exec 9>"$place.lock"
flock 9
if [ ! -e "$place/made" ]; then
  command -v python3 >/dev/null || { echo "there is no python3" >&2; exit 1; }
  rm -rf "$place"
  python3 -m venv "$place" >&2
  "$place/bin/pip" install --quiet --disable-pip-version-check "pyshacl==$version" >&2
  touch "$place/made"
fi
realpath "$place/bin"/python3 --no-symlinks
