MAKEFLAGS += --warn-undefined-variables --no-builtin-rules
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
export PIP_DISABLE_PIP_VERSION_CHECK := 1
.DELETE_ON_ERROR:
.PHONY: help setup dev catalog demo models check export \
    evaluate figure report realism page page-bundle docs index lint test test-dachs bench lock clean distclean

# the first that runs: a name may be a shim without a Python behind it
PYTHON  ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
    "$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null && { echo "$$p"; exit; }; done; echo python3)
VENV    ?= .venv
TORCH   ?= torch==2.13.0
DEFAULT := build/simulated/survey/survey.toml
SURVEY  ?= $(DEFAULT)
BUILD   ?= build
STARS   ?= 16032
OBCAT   := $(VENV)/bin/obcat
NAME     = $(shell $(VENV)/bin/python -c 'import sys, tomllib; print(tomllib.load(open(sys.argv[1], "rb"))["name"])' $(SURVEY))
COMPILE  = $(VENV)/bin/uv pip compile --universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
    --no-emit-index-url --no-emit-find-links --no-emit-package torch --quiet
DATABASE = $(BUILD)/$(NAME)/obcat.duckdb

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: $(VENV)/.ready ## a virtual environment in .venv with the command obcat, and what catalog and test need

$(VENV)/.ready: requirements.lock pyproject.toml
	@rm -f $@
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null || { \
	    echo "obcat needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1 || true): make setup PYTHON=/path/to/python3.12"; \
	    exit 1; }
	$(PYTHON) -m venv $(VENV) || { echo "Python needs its venv module: apt-get install python3-venv"; exit 1; }
	$(VENV)/bin/python -m pip install --quiet --require-hashes --requirement requirements.lock
	$(VENV)/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	.ci/torch.sh $(VENV)/bin/python '$(TORCH)'
	@$(VENV)/bin/python .ci/imports.py
	$(OBCAT) --version
	touch $@

dev: $(VENV)/.dev ## linters, docs builders and a browser's driver, beside what setup installs

$(VENV)/.dev: requirements-dev.lock $(VENV)/.ready
	$(VENV)/bin/python -m pip install --quiet --require-hashes --requirement requirements-dev.lock
	touch $@

catalog: setup ## build the catalog of SURVEY (default: the SIMULATED survey of STARS stars, made first if need be)
	if [ "$(SURVEY)" = "$(DEFAULT)" ]; then $(OBCAT) simulate build/simulated --stars $(STARS) --keep; fi
	$(OBCAT) ingest "$(SURVEY)" --build "$(BUILD)"
	$(OBCAT) build "$(SURVEY)" --build "$(BUILD)"

demo: setup ## everything on 2,000 SIMULATED stars: simulate, build, check, export, evaluate, figure
	$(OBCAT) demo build/demo
	$(OBCAT) check build/demo/simulated/obcat.duckdb
	$(OBCAT) export build/demo/simulated/obcat.duckdb
	$(OBCAT) evaluate build/demo/simulated/obcat.duckdb
	$(OBCAT) figure build/demo/simulated/obcat.duckdb build/demo/simulated/catalog.png

PORTABLE := --stars 8000 --seed 11 --training-from 1
models: setup ## the models that obcat predict uses where none are named, from a SIMULATED survey
	$(OBCAT) simulate build/portable $(PORTABLE) --keep
	$(OBCAT) ingest surveys/portable.toml --build build
	$(OBCAT) build surveys/portable.toml --build build
	$(OBCAT) models build/portable/obcat.duckdb obcat/data/portable/models.safetensors \
	    --note "obcat simulate $(PORTABLE), built with surveys/portable.toml"

check: setup ## run sql/95_check on the catalog
	$(OBCAT) check $(DATABASE)

export: setup ## the catalog as FITS, CSV, VOTable, Parquet and for CDS
	$(OBCAT) export $(DATABASE)

evaluate: setup ## the simulated catalog against its truth
	$(OBCAT) evaluate $(DATABASE)

figure: setup ## the picture of the README
	$(OBCAT) figure $(DATABASE) docs/catalog.png

report: setup ## the paper's figures and numbers, on a page
	$(OBCAT) report $(DATABASE)

realism: setup ## simulated spectra beside real ones
	$(OBCAT) realism build/simulated/survey/spectra --write docs/realism

page: setup ## the catalog as one page for a browser
	$(OBCAT) page $(DATABASE)

page-bundle: ## the parts of that page anew (Node)
	cd obcat/page/web && npm ci && npm run build

docs: dev ## the documentation as a site, build/docs
	$(VENV)/bin/python -m sphinx -W --keep-going -q -b html docs build/docs

index: setup ## sql/README.md, from the heads of the files, and docs/rooms.*, from the imports, anew
	$(VENV)/bin/python docs/sql_index.py
	$(VENV)/bin/python docs/rooms.py

test: setup ## the test suite
	$(VENV)/bin/python -m pytest -n 2

test-dachs: setup ## fetch from, and publish by, a real server (Debian's gavodachs2-server; not in CI)
	tests/dachs/run.sh $(VENV)/bin/python

lint: dev ## ruff and mypy
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

bench: setup ## ratios to the limits
	$(VENV)/bin/python bench/run.py

lock: setup ## resolve requirements.lock and requirements-dev.lock anew
	$(COMPILE) pyproject.toml requirements.in --extra build --extra test --override .ci/no-torch.txt \
	    --output-file requirements.lock
	$(COMPILE) --group dev --constraint requirements.lock --output-file requirements-dev.lock

clean: ## remove builds
	rm -rf build dist

distclean: clean ## and .venv
	rm -rf $(VENV)
