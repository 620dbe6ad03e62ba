# The front door. `make demo` and `make test` need Python 3.11 or later with venv and pip, and nothing else.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# Only what the locks name is installed; `pip check` then proves that nothing is missing.
INSTALL := $(PIP) install --no-deps
PYTEST := $(BIN)/python -m pytest

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test quick check lint types imports format bench lock clean

help: ## show this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1@/p' $(MAKEFILE_LIST) | tr '@' '\t'

demo: $(VENV)/installed ## install unspool into .venv and run a real workflow
	$(BIN)/unspool run workflows/hello.yaml

test: $(VENV)/installed-dev ## install and run the whole suite
	$(PYTEST)

quick: $(VENV)/installed-dev ## the suite without its slow tests
	$(PYTEST) -m "not slow"

check: lint types imports ## lint, format, types, import rules

lint: $(VENV)/installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/installed-dev
	$(BIN)/mypy

imports: $(VENV)/installed-dev
	$(BIN)/lint-imports

format: $(VENV)/installed-dev ## lay the code out and fix what can be fixed
	$(BIN)/ruff check --fix-only --quiet
	$(BIN)/ruff format --quiet

bench: $(VENV)/installed-bench ## measure against make and ninja (minutes)
	$(BIN)/python benchmarks/run.py

$(VENV)/created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "unspool needs Python 3.11 or later, and $(PYTHON) is not. Name one: make PYTHON=python3.11 demo" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/installed: $(VENV)/created requirements/runtime.txt pyproject.toml
	$(INSTALL) -r requirements/runtime.txt
	$(INSTALL) --no-build-isolation --editable .
	$(PIP) check
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed requirements/dev.txt
	$(INSTALL) -r requirements/dev.txt
	$(PIP) check
	@touch $@

$(VENV)/installed-bench: $(VENV)/installed requirements/bench.txt
	$(INSTALL) -r requirements/bench.txt
	@touch $@

# Each lock is what pip chose in an empty environment: names and versions, and no address.
FRESH := build/lock/bin/python -m pip --disable-pip-version-check --quiet
FREEZE := $(FRESH) freeze --exclude unspool
BUILD = $$($(PYTHON) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"])')

lock: ## choose the newest allowed versions anew (needs Python 3.11, the oldest supported)
	rm -rf build/lock
	$(PYTHON) -m venv build/lock
	$(FRESH) install $(BUILD) .
	$(FREEZE) > requirements/runtime.txt
	$(FRESH) install --constraint requirements/runtime.txt '.[dev,http]'
	$(FREEZE) | grep -vxF -f requirements/runtime.txt > requirements/dev.txt
	$(FRESH) freeze --exclude unspool > build/lock/before
	$(FRESH) install --constraint build/lock/before '.[bench]'
	$(FREEZE) | grep -vxF -f build/lock/before > requirements/bench.txt

clean: ## remove what building and testing left behind
	rm -rf $(VENV) build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
