#!/usr/bin/env bash
# Builds RocksDB once, for every cargo profile, from the sources that cargo has already fetched.
#
# Why: the crate's own build script compiles 343 C++ files one by one, over 20 minutes on two cores and once for every
# profile. The same sources as a few dozen "unity" files (files that include others) take about five minutes, once.
# .cargo/config.toml points the crate at the archive made here.
set -euo pipefail
cd "$(dirname "$0")/../.."
out=target/native
jobs=${JOBS:-$(nproc)}

# Where cargo keeps the sources of a crate of our lock file.
crate_dir() {
  cargo metadata --format-version 1 --locked | python3 -c '
import json, os, sys
name = sys.argv[1]
found = [p for p in json.load(sys.stdin)["packages"] if p["name"] == name]
if len(found) != 1:
    sys.exit(f"rocksdb.sh: expected one {name} in the lock file, found {len(found)}")
print(os.path.dirname(found[0]["manifest_path"]))' "$1"
}
sys_dir=$(crate_dir librocksdb-sys)
lz4_dir=$(crate_dir lz4-sys)
zstd_dir=$(crate_dir zstd-sys)

arch_flags=()
# Hardware CRC32C; every x86-64 server since 2011 has it.
[ "$(uname -m)" = x86_64 ] && arch_flags=(-msse4.2 -mpclmul)
flags=(-std=c++20 -O2 -fPIC -w -include cstdint "${arch_flags[@]}"
  -DNDEBUG=1 -DLZ4=1 -DZSTD=1 -DHAVE_ALIGNED_NEW -DHAVE_UINT128_EXTENSION
  -DOS_LINUX -DROCKSDB_PLATFORM_POSIX -DROCKSDB_LIB_IO_POSIX -DROCKSDB_SCHED_GETCPU_PRESENT
  -DROCKSDB_AUXV_GETAUXVAL_PRESENT -DROCKSDB_FALLOCATE_PRESENT -DROCKSDB_RANGESYNC_PRESENT
  -I"$sys_dir/rocksdb/include" -I"$sys_dir/rocksdb" -I"$sys_dir"
  -I"$lz4_dir/liblz4/lib" -I"$zstd_dir/zstd/lib")

stamp="$(basename "$sys_dir") $(basename "$lz4_dir") $(basename "$zstd_dir") $(g++ -dumpfullversion) $(sha256sum <"$0" | cut -d' ' -f1)"
if [ -f "$out/librocksdb.a" ] && [ "$(cat "$out/stamp" 2>/dev/null)" = "$stamp" ]; then
  exit 0
fi
echo "rocksdb: compiling $(basename "$sys_dir") once, with $jobs jobs (about five minutes on two cores)"
rm -rf "$out" && mkdir -p "$out/unity"

# Consecutive files of the sources list share a unit: 24 units keep two cores busy to the end, and no two files of a
# unit define the same file-local name (a new version that does fails to compile, loudly).
python3 - "$sys_dir" "$out/unity" <<'PY'
import pathlib, sys
sys_dir, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
skip = {"util/build_version.cc"}
sources = [s.strip() for s in (sys_dir / "rocksdb_lib_sources.txt").read_text().split("\n")]
sources = [s for s in sources if s and s not in skip]
sources = [sys_dir / "build_version.cc"] + [sys_dir / "rocksdb" / s for s in sources]
size = -(-len(sources) // 24)
units = [sources[i:i + size] for i in range(0, len(sources), size)]
for n, unit in enumerate(units):
    (out / f"u{n:03}.cc").write_text("".join(f'#include "{s}"\n' for s in unit))
PY
export CXXFLAGS_ROCKSDB="${flags[*]}"
find "$out/unity" -name 'u*.cc' | sort | xargs -P "$jobs" -I{} sh -c '
  c++ $CXXFLAGS_ROCKSDB -c "$1" -o "${1%.cc}.o" || { echo "rocksdb: $1 does not compile" >&2; exit 255; }' _ {}
ar crs "$out/librocksdb.a" "$out"/unity/*.o
rm -rf "$out/unity"
echo "$stamp" >"$out/stamp"
echo "rocksdb: $out/librocksdb.a, $(du -h "$out/librocksdb.a" | cut -f1)"
