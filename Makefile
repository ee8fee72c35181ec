# One command each; `make help` lists them. Nothing is needed beforehand but make and a Python of 3.11 to 3.14.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# `python3` where its version is supported, else the newest that is; override with `make PYTHON=/path/to/python3.13 install`.
# Each candidate is run, not only looked up: a version manager's shim exists for versions that are not installed. 3.15 is
# too new for the lock: numba has no wheel for it. ensurepip is what Debian leaves out of python3.
SUPPORTED := import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))
CANDIDATES := python3 python3.14 python3.13 python3.12 python3.11 python
PYTHON ?= $(shell for p in $(CANDIDATES); do \
	"$$p" -c '$(SUPPORTED)' >/dev/null 2>&1 && { echo "$$p"; break; }; done)
UV ?= uv
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
ARGS ?=
# Tests mostly wait for servers, so three processes keep two processors busy; each has a broker and a Redis of its own,
# a gigabyte in all. 0: one, in the foreground, as a debugger needs it.
TEST_PROCESSES ?= 3

# A stamp is newer than everything the environment was made from, so an unchanged environment costs nothing.
STAMP := $(VENV)/.installed
DEV_STAMP := $(VENV)/.installed-dev

.PHONY: help install install-dev lock demo check test docs mutants fresh bench bench-quick profile lint format clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(STAMP) ## Create .venv from the hash-checked lock, compile the kernels
install-dev: $(DEV_STAMP) ## The same with the test and lint tools

$(BIN)/python:
	@if [ -z "$(PYTHON)" ]; then \
		echo "make: no Python 3.11 to 3.14 with its venv module found on the PATH (looked for $(CANDIDATES))." >&2; \
		echo "      Install one (Debian, Ubuntu: apt install python3-venv; Fedora: dnf install python3; macOS: brew install python)," >&2; \
		echo "      or name it: make PYTHON=/path/to/python3.13 install" >&2; exit 1; \
	fi
	@"$(PYTHON)" -c '$(SUPPORTED)' 2>/dev/null || { \
		echo "make: PYTHON=$(PYTHON) is $$("$(PYTHON)" -V 2>/dev/null || echo 'not an interpreter'); needed is Python 3.11 to 3.14 with its venv module." >&2; \
		echo "      Name another: make PYTHON=/path/to/python3.13 install (Debian, Ubuntu: apt install python3-venv)" >&2; \
		exit 1; }
	"$(PYTHON)" -m venv $(VENV)

$(STAMP): requirements-demo.lock pyproject.toml | $(BIN)/python
	$(PIP) install --quiet --require-hashes -r requirements-demo.lock
	$(PIP) install --quiet --no-deps --no-build-isolation -e .
	$(BIN)/python -m streams.bootstrap.kernels
	@touch $@

$(DEV_STAMP): requirements-dev.lock $(STAMP)
	$(PIP) install --quiet --require-hashes -r requirements-dev.lock
	@touch $@

# Each lock holds the one before it: the engine, what `make install` brings, what `make test` needs.
COMPILE = $(UV) pip compile --quiet --universal --generate-hashes --python-version 3.11 $(if $(UPGRADE),--upgrade) \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

lock: ## Resolve pyproject.toml into the lock files again (needs uv; UPGRADE=1 takes newer versions), and look for wheels
	$(COMPILE) --extra build pyproject.toml -o requirements.lock
	$(COMPILE) --constraints requirements.lock --extra build --extra demo pyproject.toml -o requirements-demo.lock
	$(COMPILE) --constraints requirements-demo.lock --extra build --extra demo --extra dev pyproject.toml -o requirements-dev.lock
	$(COMPILE) .ci/site/requirements.in -o .ci/site/requirements.lock
	python3 .ci/wheels.py --uv $(UV) requirements-dev.lock

demo: install ## Start an embedded broker and Redis, replay real customers, show what the engine does
	$(BIN)/retention demo $(ARGS)

# A shell may tell Python to keep no compiled modules. Then each process would compile all tests anew, and every assert in
# them: fifteen seconds of a processor in each, before the first test.
check test: export PYTHONDONTWRITEBYTECODE :=

check: lint ## Before a push: lint, unit, contract and auditor tests but the slow ones
	$(BIN)/pytest tests/unit tests/contract tests/auditor -q -n $(TEST_PROCESSES) --dist loadscope --no-loadscope-reorder -m "not slow" $(ARGS)

test: install-dev ## Run the tests (ARGS="-k name" to choose, TEST_PROCESSES=0 for one process)
	$(BIN)/pytest -n $(TEST_PROCESSES) --dist loadscope --no-loadscope-reorder $(ARGS)

SITE := build/site-venv
docs: $(SITE)/.installed ## Build the documentation as a site, build/site/index.html: no warning, no request to another host
	@cd .ci/site && NO_MKDOCS_2_WARNING=1 ../../$(SITE)/bin/mkdocs build --quiet --strict

$(SITE)/.installed: .ci/site/requirements.lock
	@"$(PYTHON)" -m venv --clear $(SITE)
	@$(SITE)/bin/python -m pip --disable-pip-version-check --no-input install --quiet --require-hashes -r .ci/site/requirements.lock
	@touch $@

mutants: install-dev ## Change the core of exactly once line by line, and list what no test notices (ARGS=relay for one module)
	$(BIN)/python .ci/mutants.py $(ARGS)

fresh: ## The README's two commands in a new Debian 13 of their own (root, debootstrap; SUITE=sid for unstable)
	.ci/fresh $(SUITE)

bench: install-dev ## Measure everything on Apache Kafka, about 25 minutes (docs/performance.md)
	$(BIN)/python -m benchmarks $(ARGS)

bench-quick: install-dev ## The same, smaller in everything, in a few minutes
	$(BIN)/python -m benchmarks --quick $(ARGS)

profile: install-dev ## Say where the microseconds of an event go
	$(BIN)/python -m benchmarks.profiling $(ARGS)

lint: install-dev ## ruff, mypy --strict, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict models streams benchmarks
	$(BIN)/lint-imports

format: install-dev ## Let ruff rewrite what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## Remove the environment and every cache
	rm -rf $(VENV) .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
