#!/usr/bin/env bash
# Puts the conformance kit of the Dataspace Protocol in target/kit: the published jars that tests/conformance/pom.xml names, each
# held against its digest, and our launcher. Quick, and without a network, when it is there already.
set -euo pipefail
cd "$(dirname "$0")/../.."
source=$PWD/tests/conformance
kit=${CARGO_TARGET_DIR:-target}/kit
mkdir -p "$kit"
kit=$(cd "$kit" && pwd)

for tool in java javac; do
  if ! command -v "$tool" >/dev/null; then
    echo "kit: \`$tool\` is missing; the conformance kit needs a JDK, 17 or newer: run deploy/build/deps.sh java" >&2
    exit 1
  fi
done

# Exactly the jars of the list: one that is missing, changed or more is a difference.
listed() { (cd "$1" 2>/dev/null && LC_ALL=C sha256sum -- *.jar 2>/dev/null) | cmp -s - "$source/jars.sha256"; }

if ! listed "$kit/jars"; then
  if ! command -v mvn >/dev/null; then
    echo "kit: \`mvn\` is missing; it fetches the jars of the conformance kit: run deploy/build/deps.sh java" >&2
    exit 1
  fi
  echo "kit: fetching the jars that tests/conformance/pom.xml names"
  rm -rf "$kit/jars" "$kit/classes"
  if ! mvn -B -q -Dstyle.color=never --strict-checksums -f "$source/pom.xml" \
    org.apache.maven.plugins:maven-dependency-plugin:copy-dependencies -DoutputDirectory="$kit/jars"; then
    echo "kit: Maven could not fetch the jars; it needs Maven Central, or a mirror of it in its settings.xml, once" >&2
    exit 1
  fi
  if ! listed "$kit/jars"; then
    echo "kit: $kit/jars is not what tests/conformance/jars.sha256 lists:" >&2
    (cd "$kit/jars" && LC_ALL=C sha256sum -- *.jar) | diff "$source/jars.sha256" - >&2 || true
    echo "kit: a published jar never changes; do not run these" >&2
    exit 1
  fi
fi

if [ ! "$kit/classes/RunKit.class" -nt "$source/RunKit.java" ]; then
  javac --release 17 -Xlint:all,-classfile,-processing -Werror -cp "$kit/jars/*" -d "$kit/classes" "$source/RunKit.java"
fi
