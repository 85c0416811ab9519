# `make` or `make help` lists the targets. ./run and ./test need no make.
.DEFAULT_GOAL := help
.PHONY: help setup check docs asan tsan freethreaded fuzz mutations soak kafka-soak bench bench-all wheel

help: ## this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1|\2/p' $(MAKEFILE_LIST) | \
	  while IFS='|' read -r name text; do printf '  make %-12s %s\n' "$$name" "$$text"; done

setup: ## system packages, .venv, editable install that rebuilds when the engine is imported
	scripts/setup.sh dev

check: ## the inner loop: format, lint, types, stubs, ctest, pytest, docs
	./test format lint types stubs ctest pytest docs

docs: ## the site of docs/, with a reference of all modules: build/docs/index.html
	./test docs

asan: setup ## the engine's tests under the address and undefined-behaviour sanitizers
	cmake --workflow --preset asan

tsan: setup ## the engine's tests under the thread sanitizer
	cmake --workflow --preset tsan

freethreaded: ## the tests on free-threaded Python; ARGS="stress 5" again and again, ARGS=bench its speed
	scripts/free_threaded.sh $(ARGS)

fuzz: ## search for bytes that the wire format's decoders do not survive; SECONDS=60 a target
	scripts/fuzz.sh $(SECONDS)

mutations: setup ## breaks each rule of the protocol in turn: the seeds until the simulation sees it
	.venv/bin/python -m tests.mutations $(ARGS)

soak: setup ## the simulation over SEEDS (20000) seeds from FIRST (1) on
	cmake --preset dev && cmake --build build/dev --target simulation_tests
	CPPWAX_SIM_SEEDS=$(or $(SEEDS),20000) CPPWAX_SIM_FIRST=$(or $(FIRST),1) \
	  build/dev/tests/cpp/simulation_tests

kafka-soak: setup ## a million messages through Kafka, kill -9 at random: is each there once? ARGS="--seed 7"
	.venv/bin/python -m tests.python.connectors.kafka.soak $(ARGS)

bench: setup ## medians and ratios to Bytewax and plain loops; ARGS=--quick for a rough idea
	.venv/bin/python -m benchmarks $(ARGS)

bench-all: setup ## measures all there is and writes docs/performance.md; ARGS=table for a piece
	bash -c '. scripts/common.sh; install_pinned .cache/pip.log "$$python" matplotlib'
	.venv/bin/python -m benchmarks.all $(ARGS)

wheel: setup ## source distribution and wheel, into dist/
	.venv/bin/python -m build --outdir dist
