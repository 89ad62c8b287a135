#!/usr/bin/env bash
# Builds what checks a log from outside (tests/logcheck: Tessera's fsck, Torchwood's litewitness, our logcheck) into target/logcheck/bin.
exec "$(dirname "$0")/go.sh" logcheck tests/logcheck . tool
