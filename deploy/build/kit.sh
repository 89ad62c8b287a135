#!/usr/bin/env bash
# Puts the conformance kit of the Dataspace Protocol in target/kit: the published jars that tests/conformance/pom.xml names, each
# held against its digest, and our launcher. Quick, and without a network, when it is there already.
set -euo pipefail
cd "$(dirname "$0")/../.."
source deploy/build/jars.sh
tests=$PWD/tests/conformance
kit=${CARGO_TARGET_DIR:-target}/kit
mkdir -p "$kit"
kit=$(cd "$kit" && pwd)

need_java kit "the conformance kit"
if ! listed "$kit/jars" "$tests/jars.sha256"; then
  echo "kit: fetching the jars that tests/conformance/pom.xml names"
  rm -rf "$kit/classes"
  fetch_jars kit "$tests" "$kit/jars"
  check_jars kit "$kit/jars" "$tests/jars.sha256"
fi
if [ ! "$kit/classes/RunKit.class" -nt "$tests/RunKit.java" ]; then
  compile_java "$kit/jars" "$kit/classes" "$tests/RunKit.java"
fi
