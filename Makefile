# Two commands do it all: `make demo` and `make test`. Each installs what it needs first, and says so.
# Demo and tests share one cargo profile (dev), so that nothing is compiled twice.
SHELL := /bin/bash
# `make bench-catalogue profile=release` builds everything anew, which takes a quarter of an hour.
profile := dev
target := $(or $(CARGO_TARGET_DIR),target)

.PHONY: bench-catalogue bench-dsp bench-ledger bench-policy bench-pull conformance demo deny deps doc faults fmt fuzz help interop kill lint log-check mutants native test tidy

help: ## what there is
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/make \1\t\2/p' Makefile | expand -t 22

# The demonstration needs neither formatter nor lints, which a minimal toolchain lacks.
demo: needs := demo
demo: deps native ## from rain to a decision: traced, verified, replayed, refused
	cargo build --locked -p herleid -p herleid-sewer
	$(target)/debug/herleid demo

test: deps native ## every check: formatting, lints, tests, licences
	deploy/build/test.sh

conformance: needs := java
conformance: deps native ## the Dataspace Protocol's conformance kit against the connector, and the suites of ODRL
	cargo build --locked -p herleid
	deploy/build/conformance.sh

kill: deps native ## both ends of negotiations and transfers killed for ten minutes; KILL_SEED=... draws the same again
	cargo build --locked -p herleid
	KILL_SECONDS=$${KILL_SECONDS:-600} cargo test --locked -p herleid-tests --test kill -- --nocapture

interop: needs := java
interop: deps native ## the connector and a real EDC, each as the other's peer
	cargo build --locked -p herleid
	deploy/build/interop.sh

log-check: deps native ## Tessera's fsck, sumdb, a C2SP witness and others against a running connector's log
	cargo build --locked -p herleid
	deploy/build/log-check.sh

bench-dsp: needs := java
bench-dsp: deps native ## negotiations, first byte, memory and start-up, beside EDC's
	cargo build --locked --release -p herleid
	deploy/build/bench-dsp.sh

faults: deps native ## writes, syncs, renames and opens of every kind fail in every way, also of a backup, a restore, an erasure; torn writes, 300 kills, a full disk
	cargo build --locked -p herleid
	FAULTS=all cargo test --locked -p herleid-tests --test served -- --nocapture
	HERLEID_FAULTS=all cargo test --locked -p herleid-ledger --test faults

bench-ledger: needs := postgres
bench-ledger: records := 1000000
bench-ledger: deps native ## the log's appends and proofs, beside Tessera's and PostgreSQL's (records=N), then grown to ten million; writes target/bench/ledger.json
	deploy/build/bench-tessera.sh
	HERLEID_BENCH_RECORDS=$(records) cargo bench --locked --profile release -p herleid-tests --bench ledger

bench-policy: ## decisions under policies, beside cedar-policy's and those of EYE rules; writes target/bench/policy.json
	deploy/build/bench-policy.sh

bench-pull: needs := nginx
bench-pull: deps native ## recorded pulls over TLS: small ones a second, a large one beside nginx; writes target/bench/pull.json
	cargo build --locked --release -p herleid
	cargo bench --locked --profile release -p herleid-tests --bench pull

deps: ## install what is missing, by package name (Debian; root or sudo)
	@deploy/build/deps.sh $(needs)
	@[ -n "$(needs)" ] || { deploy/build/logcheck-tools.sh && deploy/build/s3.sh; }

native: ## compile RocksDB once for all profiles (about five minutes the first time)
	@deploy/build/rocksdb.sh

bench-catalogue: deps native ## 10,000 datasets: start, pages, searches, SPARQL; writes target/bench/catalogue.json
	cargo bench --locked --profile $(profile) -p herleid --bench catalogue

fuzz: cases := 100000
fuzz: deps native ## parsers of what comes from outside, with many more cases than `make test` tries (cases=N)
	HERLEID_FUZZ_CASES=$(cases) cargo test --locked -p herleid never_panic
	PROPTEST_CASES=$(cases) cargo test --locked -p herleid-credentials -p herleid-policies -p herleid-verifier panic

mutants: ## changes the evaluator in small ways, and sees that a test fails each time (hours; outside of `make test`)
	deploy/build/mutants.sh

fmt: ## write the code in its one form
	cargo fmt --all

lint: deps native ## clippy, with every warning an error
	cargo clippy --locked --workspace --all-targets -- -D warnings

deny: ## banned crates, licences, sources
	deploy/build/deny.sh

tidy: deps native ## the house rules alone
	cargo test --locked -p herleid-tests --test tidy

doc: deps native ## the documentation of the code, in target/doc
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps
