# Everything sets itself up in .venv from hash-pinned locks; only Python 3.11 or later is needed. `make help` lists the targets.

PYTHON ?= $(shell for each in python3.11 python3 python3.12 python3.13 python3.14 python; do \
	"$$each" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$each"; break; }; done)
PROBES ?= probes.toml
YEARS ?= 10
KILLS ?= 1000
MINUTES ?= 60
SEED ?= 1

BIN := .venv/bin
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check --no-input
CHECKED := src tests bench docs
RIVALS := curl prometheus-blackbox-exporter
PURE := src/prober/core/*,src/prober/render/*
# The locks come from the default index alone, so that their hashes are the ones everybody sees.
COMPILE := PIP_CONFIG_FILE=/dev/null PIP_FIND_LINKS= PIP_EXTRA_INDEX_URL= $(BIN)/pip-compile --quiet --no-config --generate-hashes \
	--allow-unsafe --strip-extras --no-header --no-emit-options --no-emit-index-url --no-emit-trusted-host --no-emit-find-links

.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help demo demo-standby run test check lint bounds format lock bench soak picture clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' Makefile | expand -t 14

demo: .venv/runtime ## show a real outage on loopback: caught, mailed, resolved
	@$(BIN)/prober demo

demo-standby: .venv/runtime ## show prober standing in for UptimeRobot when that stops watching, and handing back
	@$(BIN)/python -m tests.standby_demo

run: .venv/runtime ## check everything in probes.toml once (PROBES=file for another)
	@$(BIN)/prober --config $(PROBES) run

test: .venv/development ## run the tests, measuring coverage
	@echo "running the tests"
	@$(BIN)/python -m coverage erase
	@$(BIN)/python -m pytest --quiet --numprocesses auto --dist worksteal --cov --cov-report=

check: lint test bounds ## format, lint, types, contracts, workflows, tests and coverage

lint: .venv/development ## all of check that runs no code
	@echo "checking format, lint, types, contracts and workflows"
	@$(BIN)/ruff format --quiet --check $(CHECKED) || { echo "run: make format"; exit 1; }
	@$(BIN)/ruff check --quiet $(CHECKED)
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/zizmor --quiet --offline --persona auditor .github/workflows

bounds: .venv/development ## hold the last tests' branch coverage to its bounds
	@$(BIN)/coverage report --include='$(PURE)' --fail-under=100
	@$(BIN)/coverage report --fail-under=95

format: .venv/development ## put the code into form
	@$(BIN)/ruff format $(CHECKED)
	@$(BIN)/ruff check --fix-only $(CHECKED)

lock: .venv/development ## pin every requirement anew with its hashes (UPGRADE=1 takes newer versions)
	@$(COMPILE) $(if $(UPGRADE),--upgrade) --output-file requirements/runtime.txt pyproject.toml
	@$(COMPILE) $(if $(UPGRADE),--upgrade) --output-file requirements/dev.txt pyproject.toml requirements/dev.in
	@$(COMPILE) $(if $(UPGRADE),--upgrade) --output-file requirements/build.txt requirements/build.in

bench: .venv/development ## measure the figures that we hold ourselves to (NAMES="one two" for some)
	@for each in $(RIVALS); do command -v $$each >/dev/null || [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null || \
		{ echo "installing $$each, to race against"; apt-get install -qq -y --no-install-recommends $$each >/dev/null || true; }; done
	@$(BIN)/python -m bench $(NAMES)

soak: .venv/development ## simulate years of faults, kill the service, let it run (YEARS=10 KILLS=1000 MINUTES=60 SEED=1)
	@$(BIN)/python -m tests.simulation --years $(YEARS) --seed $(SEED)
	@$(BIN)/python -m tests.simulation --years $(YEARS) --seed $(SEED) --whole --days 3 --probes 8 --fury 20
	@$(BIN)/python -m tests.app.kill --kills $(KILLS) --seed $(SEED)
	@$(BIN)/python -m tests.app.soak --minutes $(MINUTES) --seed $(SEED)

picture: .venv/runtime ## draw docs/demo.svg anew
	@$(BIN)/python docs/picture.py

clean: ## remove everything that was made
	rm -rf .venv .coverage .coverage.* .hypothesis .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "prober needs Python 3.11 or later: install it, or say where it is with PYTHON=..."; exit 1; }
	@echo "making .venv with $(PYTHON)"
	@$(PYTHON) -m venv --clear .venv || { rm -rf .venv; echo "this Python cannot make environments: on Debian, apt-get install python3-venv"; exit 1; }

.venv/runtime: requirements/runtime.txt requirements/build.txt pyproject.toml | .venv/bin/python
	@echo "installing what prober needs into .venv (once)"
	@$(PIP) install --require-hashes -r requirements/runtime.txt -r requirements/build.txt
	@$(PIP) install --no-build-isolation --no-deps --editable .
	@touch $@

.venv/development: requirements/dev.txt .venv/runtime
	@echo "installing what developing prober needs into .venv (once)"
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@
