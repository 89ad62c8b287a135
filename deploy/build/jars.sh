# Published jars by name and digest, for kit.sh and edc.sh (`source` it). Each function's first argument says who asks.

# need_java WHO WHAT: a JDK must be there.
need_java() {
  local tool
  for tool in java javac; do
    if ! command -v "$tool" >/dev/null; then
      echo "$1: \`$tool\` is missing; $2 needs a JDK, 17 or newer: run deploy/build/deps.sh java" >&2
      exit 1
    fi
  done
}

# listed JARS LIST: exactly the jars of the list; one that is missing, changed or more is a difference.
listed() { (cd "$1" 2>/dev/null && LC_ALL=C sha256sum -- *.jar 2>/dev/null) | cmp -s - "$2"; }

# fetch_jars WHO SOURCE JARS [OPTION...]: what SOURCE/pom.xml names, into JARS.
fetch_jars() {
  local who=$1 source=$2 jars=$3
  shift 3
  if ! command -v mvn >/dev/null; then
    echo "$who: \`mvn\` is missing; it fetches published jars: run deploy/build/deps.sh java" >&2
    exit 1
  fi
  rm -rf "$jars"
  if ! mvn -B -q -Dstyle.color=never --strict-checksums -f "$source/pom.xml" "$@" \
    org.apache.maven.plugins:maven-dependency-plugin:copy-dependencies -DoutputDirectory="$jars"; then
    echo "$who: Maven could not fetch the jars; it needs Maven Central, or a mirror of it in its settings.xml, once" >&2
    exit 1
  fi
}

# check_jars WHO JARS LIST: stops at a difference, and shows it.
check_jars() {
  if ! listed "$2" "$3"; then
    echo "$1: $2 is not what $3 lists:" >&2
    (cd "$2" && LC_ALL=C sha256sum -- *.jar) | diff "$3" - >&2 || true
    echo "$1: a published jar never changes; do not run these" >&2
    exit 1
  fi
}

# compile_java JARS CLASSES FILE...: with every warning an error.
compile_java() {
  local jars=$1 classes=$2
  shift 2
  javac --release 17 -Xlint:all,-classfile,-processing -Werror -cp "$jars/*" -d "$classes" "$@"
}
