# make demo   set everything up and serve on http://127.0.0.1:8311 with sample contacts
# make test   set everything up and run every test
# make check  lint, types and the fast tests, in under a minute
# make notebooks   open the analysts' notebooks in the browser
# make bench  measure latency, throughput, memory and start-up on this machine

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export TRIAGE_HOME ?= $(CURDIR)/.triage
# Bytecode is written when a module is first imported: compiling every file of torch takes longer than installing it.
PIP_INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check --no-compile -c constraints.txt

.PHONY: demo serve test check format notebooks bench clean

demo: $(VENV)/.installed
	@$(BIN)/triage demo

serve: $(VENV)/.installed
	@$(BIN)/triage serve

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest

check: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -m "not system" -n 2

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

notebooks: $(VENV)/.installed-notebooks
	$(BIN)/jupyter lab --notebook-dir notebooks

bench: $(VENV)/.installed-dev
	$(BIN)/python -m benchmarks.latency

clean:
	rm -rf $(VENV) .triage

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name it with PYTHON=...")'
	@echo "Installing the packages into $(VENV) (two to three minutes, once) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(PIP_INSTALL) -e .
	@touch $@

$(VENV)/.installed-notebooks: $(VENV)/.installed
	@echo "Installing what the notebooks need ..."
	@$(PIP_INSTALL) -e ".[notebooks]"
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@echo "Installing what the tests need ..."
	@$(PIP_INSTALL) -e ".[dev,postgres]"
	@touch $@
