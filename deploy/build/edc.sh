#!/usr/bin/env bash
# Puts a whole EDC in target/edc: the published jars that tests/interop/pom.xml names, each held against its digest, and what
# tests/interop/src adds to them. Quick, and without a network, when it is there already.
# EDC_VERSION=0.18.0 deploy/build/edc.sh: another version, whose digests are not listed.
set -euo pipefail
cd "$(dirname "$0")/../.."
source=$PWD/tests/interop
edc=${CARGO_TARGET_DIR:-target}/edc
mkdir -p "$edc"
edc=$(cd "$edc" && pwd)
pinned=$(sed -n 's:.*<edc.version>\(.*\)</edc.version>.*:\1:p' "$source/pom.xml")
version=${EDC_VERSION:-$pinned}

for tool in java javac; do
  if ! command -v "$tool" >/dev/null; then
    echo "edc: \`$tool\` is missing; EDC needs a JDK, 17 or newer: run deploy/build/deps.sh java" >&2
    exit 1
  fi
done

# Exactly the jars of the list: one that is missing, changed or more is a difference.
listed() { (cd "$edc/libs" 2>/dev/null && LC_ALL=C sha256sum -- *.jar 2>/dev/null) | cmp -s - "$source/jars.sha256"; }
ready() {
  [ "$(cat "$edc/version" 2>/dev/null)" = "$version" ] || return 1
  [ "$version" != "$pinned" ] || listed
}

if ! ready; then
  if ! command -v mvn >/dev/null; then
    echo "edc: \`mvn\` is missing; it fetches the jars of EDC: run deploy/build/deps.sh java" >&2
    exit 1
  fi
  echo "edc: fetching the jars of version $version that tests/interop/pom.xml names"
  rm -rf "$edc/libs" "$edc/classes" "$edc/version"
  if ! mvn -B -q --strict-checksums -f "$source/pom.xml" -Dedc.version="$version" dependency:copy-dependencies -DoutputDirectory="$edc/libs"; then
    echo "edc: Maven could not fetch the jars; it needs Maven Central, or a mirror of it in its settings.xml, once" >&2
    exit 1
  fi
  if [ "$version" = "$pinned" ] && ! listed; then
    echo "edc: $edc/libs is not what tests/interop/jars.sha256 lists:" >&2
    (cd "$edc/libs" && LC_ALL=C sha256sum -- *.jar) | diff "$source/jars.sha256" - >&2 || true
    echo "edc: a published jar never changes; do not run these" >&2
    exit 1
  fi
  echo "$version" >"$edc/version"
fi

if [ ! -e "$edc/classes/made" ] || [ -n "$(find "$source/src" -newer "$edc/classes/made" -print -quit)" ]; then
  rm -rf "$edc/classes"
  mkdir -p "$edc/classes"
  find "$source/src" -name '*.java' -print0 |
    xargs -0 javac --release 17 -Xlint:all,-classfile,-processing -Werror -cp "$edc/libs/*" -d "$edc/classes"
  cp -r "$source/src/META-INF" "$edc/classes/"
  touch "$edc/classes/made"
fi
