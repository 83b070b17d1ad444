# Everything runs in .venv, which `make` creates on first use and refreshes when pyproject.toml or
# constraints.txt change. `make` alone lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.DEFAULT_GOAL := help
.PHONY: help install quickstart test test-services check format bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(VENV)/.installed-dev ## create .venv with everything needed to run and to develop

quickstart: $(VENV)/.installed ## run the smallest real ablation on built-in data and say where its report is
	$(BIN)/repose run experiments/quickstart.yaml

test: $(VENV)/.installed-dev ## all tests; ARGS="tests/metrics -x" passes arguments to pytest
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist worksteal $(ARGS)

test-services: $(VENV)/.installed-services ## tests in a real browser, LaTeX and PostgreSQL; installs these Debian packages
	tests/services/packages.sh
	$(BIN)/python -m pytest -m services tests/services $(ARGS)

check: $(VENV)/.installed-dev ## lint, formatting, types, directions of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.installed-dev ## rewrite the code the way `make check` wants it
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.installed-dev ## time what benchmarks/README.md lists
	@for script in $(filter-out benchmarks/spec_to_table.py benchmarks/scale.py,$(shell grep -l __main__ benchmarks/*.py)); do \
		echo "== $$script"; $(BIN)/python $$script || exit 1; done
	@echo "== benchmarks/spec_to_table.py"; if [ -n "$$REPOSE_DATA" ]; \
		then $(BIN)/python benchmarks/spec_to_table.py "$$REPOSE_DATA/cmu_h36m17.npz"; \
		else echo "left out: REPOSE_DATA does not name the folder of cmu_h36m17.npz"; fi

clean: ## remove caches and the environment; runs/ and results/ stay
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache .import_linter_cache .hypothesis

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# Two stamps, so that a first `make quickstart` waits for nothing it does not run.
$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP_INSTALL) --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(PIP_INSTALL) --editable '.[dev]'
	@touch $@

$(VENV)/.installed-services: $(VENV)/.installed-dev
	$(PIP_INSTALL) --editable '.[dev,services]'
	@touch $@
