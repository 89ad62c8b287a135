#!/usr/bin/env bash
# Measures the connector that was built for release beside EDC, and leaves the numbers in target/bench/dsp.json and, as a table, dsp.md.
# About ten minutes. Nothing else should be running meanwhile.
set -euo pipefail
cd "$(dirname "$0")/../.."
deploy/build/edc.sh
cargo bench --locked -p herleid-tests --bench dsp
