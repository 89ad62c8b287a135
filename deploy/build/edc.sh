#!/usr/bin/env bash
# Puts a whole EDC in target/edc: the published jars that tests/interop/pom.xml names, each held against its digest, and what
# tests/interop/src adds to them. Quick, and without a network, when it is there already.
# EDC_VERSION=0.18.0 deploy/build/edc.sh: another version, whose digests are not listed.
set -euo pipefail
cd "$(dirname "$0")/../.."
source deploy/build/jars.sh
tests=$PWD/tests/interop
edc=${CARGO_TARGET_DIR:-target}/edc
mkdir -p "$edc"
edc=$(cd "$edc" && pwd)
pinned=$(sed -n 's:.*<edc.version>\(.*\)</edc.version>.*:\1:p' "$tests/pom.xml")
version=${EDC_VERSION:-$pinned}

ready() {
  [ "$(cat "$edc/version" 2>/dev/null)" = "$version" ] || return 1
  [ "$version" != "$pinned" ] || listed "$edc/libs" "$tests/jars.sha256"
}

need_java edc EDC
if ! ready; then
  echo "edc: fetching the jars of version $version that tests/interop/pom.xml names"
  rm -rf "$edc/classes" "$edc/version"
  fetch_jars edc "$tests" "$edc/libs" -Dedc.version="$version"
  if [ "$version" = "$pinned" ]; then
    check_jars edc "$edc/libs" "$tests/jars.sha256"
  fi
  echo "$version" >"$edc/version"
fi

if [ ! -e "$edc/classes/made" ] || [ -n "$(find "$tests/src" -newer "$edc/classes/made" -print -quit)" ]; then
  rm -rf "$edc/classes"
  mkdir -p "$edc/classes"
  readarray -d '' files < <(find "$tests/src" -name '*.java' -print0)
  compile_java "$edc/libs" "$edc/classes" "${files[@]}"
  cp -r "$tests/src/META-INF" "$edc/classes/"
  touch "$edc/classes/made"
fi
