#!/usr/bin/env bash
# Installs what building, demonstrating and testing need, by Debian package name. Quick when nothing is missing.
# deps.sh demo: what the demonstration needs, which is all but the formatter, the lints and what runs others' programs.
# deps.sh java: what running others' programs against ours needs (the conformance kit, EDC), which is all but the formatter and the lints.
# deps.sh postgres: the same, and PostgreSQL, which the ledger is measured beside.
# deps.sh nginx: the same, and nginx, which large pulls are measured beside.
set -euo pipefail

# package: what it is for
needed=(
  "build-essential: the C and C++ compiler, for RocksDB and aws-lc"
  "libclang-dev: reads RocksDB's header when its bindings are made"
  "pkg-config: tells build scripts where libraries are"
  "python3: runs deploy/build/rocksdb.sh and verify.py"
  "bubblewrap: the sandbox that model programs run in"
  "util-linux: mounts and network namespaces of the fault tests"
  "strace: shows that every acknowledgement comes after fdatasync"
  "git: the sources"
  "ca-certificates: lets cargo trust its registry"
)
# Others' programs that are run against ours are Java. Any JDK from 17 on will do, whatever it is called and wherever it came from.
if [ "${1:-}" != demo ]; then
  command -v javac >/dev/null || needed+=("default-jdk-headless: runs the conformance kit and EDC (17 or newer)")
  command -v mvn >/dev/null || needed+=("maven: fetches the jars of the conformance kit and of EDC")
  # Wherever they came from, as above.
  python3 -c 'import ensurepip, venv' 2>/dev/null || needed+=("python3-venv: keeps the tools of tests/ apart from the system's (deploy/build/tools.sh)")
  command -v openssl >/dev/null || needed+=("openssl: stands for a time authority in the tests of the log")
  needed+=("curl: speaks to EDC in the guide of docs/dsp.md, and to an S3 server in tests" "jq: reads its answers there")
fi

# The programs of a server, which the benchmark runs in a folder of its own. Wherever they came from, as above; Debian's are on no path.
has_postgres() {
  local initdb
  initdb=$(command -v initdb) && [ -x "$(dirname "$(readlink -f "$initdb")")/pgbench" ] || compgen -G '/usr/lib/postgresql/*/bin/pgbench' >/dev/null
}
if [ "${1:-}" = postgres ] && ! has_postgres; then
  needed+=("postgresql: what the ledger is measured beside")
fi

# Debian's lies where only root's PATH leads.
if [ "${1:-}" = nginx ] && ! PATH=$PATH:/usr/sbin command -v nginx >/dev/null; then
  needed+=("nginx: what large pulls are measured beside")
fi

cd "$(dirname "$0")/../.."
wanted=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
if ! command -v cargo >/dev/null; then
  echo "deps: cargo is not on the PATH; install a Rust toolchain of version $wanted or newer (https://rustup.rs), then run this again" >&2
  exit 1
fi
# It says `cargo VERSION (COMMIT DATE)`. An older one would fail in the middle of the build, with errors about language features.
if ! found=$(cargo --version); then
  echo "deps: \`cargo --version\` fails; install a Rust toolchain of version $wanted or newer (\`rustup default stable\`), then run this again" >&2
  exit 1
fi
found=${found#cargo }
found=${found%% *}
if [ "$(printf '%s\n' "$wanted" "$found" | sort -V | head -n 1)" != "$wanted" ]; then
  echo "deps: cargo is version $found, $wanted or newer is needed; run \`rustup update stable\`, then run this again" >&2
  exit 1
fi
for tool in fmt clippy; do
  if [ -z "${1:-}" ] && ! cargo "$tool" --version >/dev/null 2>&1; then
    echo "deps: \`cargo $tool\` is missing; run \`rustup component add rustfmt clippy\`, then run this again" >&2
    exit 1
  fi
done
if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  echo "deps: this is not a Debian system; install by hand what is missing of:" >&2
  printf '  %s\n' "${needed[@]}" >&2
  tools=(c++ python3 bwrap unshare strace git)
  [ "${1:-}" = demo ] || tools+=(javac mvn openssl curl jq)
  [ "${1:-}" != postgres ] || tools+=(initdb pgbench)
  [ "${1:-}" != nginx ] || tools+=(nginx)
  for tool in "${tools[@]}"; do
    command -v "$tool" >/dev/null || { echo "deps: the command \`$tool\` is missing" >&2; exit 1; }
  done
  exit 0
fi

missing=()
for line in "${needed[@]}"; do
  package=${line%%:*}
  if [ "$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null)" != "install ok installed" ]; then
    missing+=("$package")
    echo "deps: to be installed: $line"
  fi
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "deps: not root, and there is no sudo; as root run: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  # Without a terminal nobody can type a password: fail at once instead of waiting.
  if [ -t 0 ]; then as_root=(sudo); else as_root=(sudo -n); fi
fi
apt() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q "$@"; }
echo "deps: installing ${missing[*]}"
apt update
apt install -y --no-install-recommends "${missing[@]}"
