#!/usr/bin/env bash
# Builds the S3 server that tests publish from and push to (tests/s3: Versity's gateway over a folder) into target/s3/bin.
exec "$(dirname "$0")/go.sh" s3 tests/s3 tool
