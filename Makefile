# `make` or `make help` lists the targets. ./run and ./test need no make.
.DEFAULT_GOAL := help
.PHONY: help setup check asan tsan fuzz bench wheel

help: ## this list
	@sed -nE 's/^([a-z]+):.*## (.*)/\1|\2/p' $(MAKEFILE_LIST) | \
	  while IFS='|' read -r name text; do printf '  make %-8s %s\n' "$$name" "$$text"; done

setup: ## system packages, .venv, editable install that rebuilds when the engine is imported
	scripts/setup.sh dev

check: ## the inner loop: format, lint, types, stubs, ctest, pytest
	./test format lint types stubs ctest pytest

asan: setup ## the engine's tests under the address and undefined-behaviour sanitizers
	cmake --workflow --preset asan

tsan: setup ## the engine's tests under the thread sanitizer
	cmake --workflow --preset tsan

fuzz: ## search for bytes that the wire format's decoders do not survive; SECONDS=60 a target
	scripts/fuzz.sh $(SECONDS)

bench: setup ## medians and ratios to Bytewax and plain loops; ARGS=--quick for a rough idea
	.venv/bin/python -m benchmarks $(ARGS)

wheel: setup ## source distribution and wheel, into dist/
	.venv/bin/python -m build --outdir dist
