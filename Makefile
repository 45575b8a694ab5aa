# Each target does its own set-up: all that is needed is make and python3 >= 3.10.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check

.PHONY: setup run demo test long soak mutations lint audit lock format show bench clean

setup: $(INSTALLED)

$(INSTALLED): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 10) else "python3 >= 3.10 is needed, this is " + sys.version.split()[0])'
	@$(PYTHON) -m venv .venv || { echo "python3 -m venv does not work here; on Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@echo "installing into .venv (once, a minute or so) ..."
	@$(PIP) --no-deps --require-hashes --only-binary :all: -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

run: setup  ## load live data, build the models
	@$(BIN)/python pipelines/all_venues.py --transform --wait 60

demo: setup  ## the same job against the bundled simulator
	@$(BIN)/python pipelines/demo.py

test: setup
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

long: mutations soak  ## what is too long for .ci/run

soak: setup  ## the long, random tests; `make soak SEED=7` repeats a run
	@$(BIN)/python -m pytest -n 2 --dist load -m soak $(if $(SEED),--seed $(SEED))

mutations: setup  ## break each promise of docs/reliability.md on purpose: its test has to fail
	@$(BIN)/python -m tests.mutations

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/sqlfluff lint --processes 0 dbt_project/models dbt_project/macros dbt_project/tests

audit: setup  ## look for known vulnerabilities of what is installed
	@$(BIN)/python .ci/audit.py requirements.lock

lock:  ## renew requirements.lock from pyproject.toml; versions change only where they must (UPGRADE=--upgrade: all)
	@uv pip compile -q --universal --python-version 3.10 --all-extras --generate-hashes \
		--no-annotate --custom-compile-command "make lock" $(UPGRADE) pyproject.toml -o requirements.lock

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

show: setup  ## dlt's dashboard, in the browser
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/dlt pipeline binance show

bench: setup
	@$(BIN)/python -m benchmarks.rest

clean:  ## remove what the set-up and the runs made, except for databases
	rm -rf .venv .dlt/.var dbt_project/target dbt_project/logs logs
