#!/usr/bin/env bash
# Checks the dependency tree against deny.toml: banned crates, licences, sources. Builds cargo-deny once, unoptimised
# (about two minutes of processor time), into target/tools.
set -euo pipefail
cd "$(dirname "$0")/../.."
version=0.20.2
tool=target/tools/bin/cargo-deny

if [ "$("$tool" --version 2>/dev/null)" != "cargo-deny $version" ]; then
  echo "deny: compiling cargo-deny $version once"
  CARGO_PROFILE_DEV_DEBUG=0 cargo install --quiet --locked --debug --no-default-features cargo-deny \
    --version "$version" --root target/tools --target-dir target/tools/build
  rm -rf target/tools/build
fi
# The directory goes first, so that cargo finds this version and no other.
PATH="$PWD/target/tools/bin:$PATH" cargo deny --locked check bans licenses sources
