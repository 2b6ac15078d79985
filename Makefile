# The developer's interface; .ci/run calls the same. Needs Python 3.11 to 3.13 only.
.DEFAULT_GOAL := help
.PHONY: help install demo test test-slow test-long chaos defects browser lint format bench docs lock audit clean

PYTHON ?= $(shell for name in python3.11 python3.12 python3.13 python3 python; do \
	$$name -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
	2>/dev/null && echo $$name && break; done)
BIN := .venv/bin
STAMP := .venv/requirements.stamp

export DO_NOT_TRACK := 1

help: ## Say what the targets do
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

install: $(STAMP) ## Make .venv with the locked dependencies and this project

# The stamp is the lock that was installed: a new time stamp alone, as in a fresh
# checkout beside an old .venv, installs nothing.
$(STAMP): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo 'Error: no Python 3.11 to 3.13 found; install one,' \
		'or name it: make PYTHON=/path/to/python3.11' >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@cmp -s requirements.lock $(STAMP) || \
		$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@cp requirements.lock $(STAMP)

demo: install ## Run the whole system on the embedded sample
	$(BIN)/kedro run --env=demo
	@echo
	@echo 'Pictures:  data/demo/07_model_output/samples and data/demo/07_model_output/completed'
	@echo 'Figures:   data/demo/08_reporting'
	@echo 'Runs:      $(BIN)/kedro mlflow ui --env=demo, which prints their address'

# More threads than one in each process would wait for those of the others.
PYTEST := env OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 \
	TF_NUM_INTRAOP_THREADS=1 TF_NUM_INTEROP_THREADS=1 \
	$(BIN)/python -m pytest -n logical --maxprocesses=4 --dist=loadfile

test: install lint ## Check style, types and layers, and run the tests but for the slow ones
	$(PYTEST) -m "not slow and not long and not chaos"

test-slow: install ## Run the tests of ten seconds and more: whole runs, kills, servers
	$(PYTEST) -m "slow and not long and not chaos"

test-long: install ## Run the tests that take minutes: clusters, devices, the commands of the pages
	$(BIN)/python -m pytest -m long

# Two at a time, for two cores; what shares a prepared folder stays together.
chaos: install ## Run the catalogue of faults: kills, full disks, lost servers
	$(BIN)/python -m pytest -m chaos -n 2 --dist=loadfile --durations=0

defects: install ## Plant deliberate defects; every one has to be caught by its test
	$(BIN)/python tools/plant_defects.py

# An environment on top of .venv, which stays as it is locked: Gradio wants an older
# Pillow.
BROWSER := build/browser
browser: install ## Install what tests in the browser need, and run them
	@command -v chromium >/dev/null || { command -v apt-get >/dev/null && \
		test "$$(id -u)" = 0 && apt-get update -qq && apt-get install -qq chromium; } || \
		{ echo 'Error: no chromium found; install it as your system does, such as' \
		'sudo apt-get install chromium' >&2; exit 1; }
	@test -x $(BROWSER)/bin/python || $(BIN)/python -m venv $(BROWSER)
	@$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' > \
		"$$($(BROWSER)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/locked.pth"
	$(BROWSER)/bin/python -m pip install --quiet -e '.[app,browser,docs,viz]'
	$(BROWSER)/bin/python -m pytest -m browser

lint: install ## Check style, types and layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install ## Write the code as the linter wants it
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

bench: install ## Run every benchmark that needs no data and no hours
	@for benchmark in $(filter-out benchmarks/ablation.py benchmarks/encoder.py benchmarks/groups.py benchmarks/in_photo.py benchmarks/posterior.py benchmarks/searches.py benchmarks/soak.py,$(wildcard benchmarks/*.py)); do \
		echo "== $$benchmark"; $(BIN)/python "$$benchmark" || exit; done

docs: ## Build the documentation into site/; needs pip install -e '.[docs]'
	$(BIN)/mkdocs build --strict

lock: install ## Resolve the dependencies anew
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate \
		-o requirements.lock

# --strict: a package that could not be looked up counts as a finding.
AUDIT := build/audit
audit: install ## List the licences of all dependencies, and look them up among advisories
	$(BIN)/python tools/licence_report.py --write
	@test -x $(AUDIT)/bin/pip-audit || { $(BIN)/python -m venv $(AUDIT) && \
		$(AUDIT)/bin/python -m pip install --quiet 'pip-audit>=2.10,<3'; }
	$(AUDIT)/bin/pip-audit --strict --no-deps --disable-pip -r requirements.lock

clean: ## Delete what tools and runs made, but not .venv, photos or models
	rm -rf build dist site .mypy_cache .ruff_cache .pytest_cache .import_linter_cache \
		.hypothesis .viz src/*.egg-info
	find src tests tools benchmarks -name __pycache__ -prune -exec rm -rf {} +
