# The commands of this project. `make help` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PROTO_FILES := $(shell find proto -name '*.proto' | sort)
RUST_FILES := $(shell find rust_core -name '*.rs' -not -path '*/target/*'; ls rust_core/Cargo.lock rust_core/*/Cargo.toml rust_core/Cargo.toml 2>/dev/null)
CORPUS_ENV := $(if $(SYNCWELL_CORPUS),SYNCWELL_CORPUS=$(SYNCWELL_CORPUS),)

.PHONY: help setup proto demo test lint bench formats soak up lock baseline clean

help: ## Print this list.
	@grep -hE '^[a-z][a-z-]*:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: .setup/core ## Make .venv with everything locked, generate protobuf code, build the native core.

.setup/venv: requirements/dev.lock
	@mkdir -p .setup
	@$(PYTHON) scripts/check_toolchain.py
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	@touch $@

.setup/proto: .setup/venv $(PROTO_FILES)
	@mkdir -p python/syncwell/api
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m grpc_tools.protoc -I proto --python_out=python --grpc_python_out=python --mypy_out=quiet:python --mypy_grpc_out=quiet:python $(PROTO_FILES)
	@touch $@

.setup/core: .setup/venv .setup/proto $(RUST_FILES) pyproject.toml
	VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/maturin develop --release --quiet
	@touch $@

proto: .setup/proto ## Generate the protobuf code.

demo: setup ## Carry real workouts from a Garmin sandbox to a Strava sandbox, through a kill -9.
	$(BIN)/syncwell demo $(ARGS)

up: setup ## Run everything on this machine.
	$(BIN)/syncwell up $(ARGS)

test: setup ## Run the Python and Rust tests.
	cargo test --quiet --manifest-path rust_core/Cargo.toml --workspace
	$(CORPUS_ENV) $(BIN)/pytest $(ARGS)

lint: setup ## Check style, types, layers, protobuf and Rust.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy python services tests
	$(BIN)/lint-imports
	cargo fmt --manifest-path rust_core/Cargo.toml --all --check
	cargo clippy --quiet --manifest-path rust_core/Cargo.toml --workspace --all-targets -- -D warnings
	cd proto && ../$(BIN)/buf lint && ../$(BIN)/buf format --diff --exit-code && ../$(BIN)/buf breaking --against baseline.binpb

soak: setup ## Run the slow tests: every crash point many times, many seeds.
	$(CORPUS_ENV) $(BIN)/pytest -m slow --timeout 3600 $(ARGS)

bench: setup ## Compare with named peers; ROWS=P1,P4 picks rows.
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bench.lock
	$(BIN)/python -m bench $(if $(ROWS),--rows $(ROWS),) $(ARGS)

formats: setup ## Read and write every activity file at hand; writes docs/formats.md.
	$(CORPUS_ENV) $(BIN)/python -m bench.formats

lock: ## Compile the hashed locks anew (needs uv).
	for name in runtime dev bench; do \
	  uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header requirements/$$name.in -o requirements/$$name.lock; \
	done

baseline: setup ## Accept the present protobuf files as the released ones.
	cd proto && ../$(BIN)/buf build -o baseline.binpb

clean: ## Remove what the set-up made.
	rm -rf $(VENV) .setup python/syncwell/api python/syncwell/*.so rust_core/target
