# make setup     a virtual environment in .venv with the command obcat in it
# make catalog   build the catalog of SURVEY (default: the SIMULATED survey, made first if it is not there)
# make demo      everything on 2,000 simulated stars: simulate, build, check, export, evaluate, figure
# make check     run sql/95_check on the catalog          make export    FITS and CSV of the catalog
# make evaluate  the simulated catalog against its truth  make figure    the picture of the README
# make report    the paper's figures, numbers; a page     make page      the catalog as one page for a browser
# make realism   simulated spectra beside real ones      make docs      the documentation as a site, build/docs
# make page-bundle  the parts of that page anew (Node)   make lint      ruff and mypy
# make test      the test suite
# make bench     ratios to the limits                     make lock      resolve requirements.lock anew
# make test-dachs  the fetch from Gaia against a real TAP server (Debian's gavodachs2-server; not in CI)
# make clean     remove builds (make distclean: and .venv)
MAKEFLAGS += --warn-undefined-variables --no-builtin-rules
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.PHONY: setup catalog demo check export evaluate figure report realism page page-bundle docs test test-dachs lint bench lock clean distclean

PYTHON  ?= $(shell command -v python3.11 || command -v python3)
VENV    ?= .venv
TORCH   ?= torch==2.13.0
DEFAULT := build/simulated/survey/survey.toml
SURVEY  ?= $(DEFAULT)
BUILD   ?= build
STARS   ?= 16032
OBCAT   := $(VENV)/bin/obcat
NAME     = $(shell $(VENV)/bin/python -c 'import sys, tomllib; print(tomllib.load(open(sys.argv[1], "rb"))["name"])' $(SURVEY))
DATABASE = $(BUILD)/$(NAME)/obcat.duckdb

setup: $(VENV)/.ready

$(VENV)/.ready: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV) || { echo "Python needs its venv module: apt-get install python3-venv"; exit 1; }
	$(VENV)/bin/pip install --quiet --require-hashes --requirement requirements.lock
	$(VENV)/bin/pip install --quiet --no-deps '$(TORCH)'
	$(VENV)/bin/pip install --quiet --no-deps --no-build-isolation --editable .
	$(VENV)/bin/python -c 'import lightgbm' || { echo "LightGBM needs the OpenMP runtime: apt-get install libgomp1"; exit 1; }
	$(OBCAT) --version
	touch $@

catalog: setup
	if [ "$(SURVEY)" = "$(DEFAULT)" ]; then $(OBCAT) simulate build/simulated --stars $(STARS); fi
	$(OBCAT) ingest "$(SURVEY)" --build "$(BUILD)"
	$(OBCAT) build "$(SURVEY)" --build "$(BUILD)"

demo: setup
	$(OBCAT) simulate build/demo/simulated --stars 2000
	$(OBCAT) ingest build/demo/simulated/survey/survey.toml --build build/demo
	$(OBCAT) build build/demo/simulated/survey/survey.toml --build build/demo
	$(OBCAT) check build/demo/simulated/obcat.duckdb
	$(OBCAT) export build/demo/simulated/obcat.duckdb
	$(OBCAT) evaluate build/demo/simulated/obcat.duckdb
	$(OBCAT) figure build/demo/simulated/obcat.duckdb build/demo/simulated/catalog.png

check: setup
	$(OBCAT) check $(DATABASE)

export: setup
	$(OBCAT) export $(DATABASE)

evaluate: setup
	$(OBCAT) evaluate $(DATABASE)

figure: setup
	$(OBCAT) figure $(DATABASE) docs/catalog.png

report: setup
	$(OBCAT) report $(DATABASE)

realism: setup
	$(OBCAT) realism build/simulated/survey/spectra --write docs

page: setup
	$(OBCAT) page $(DATABASE)

page-bundle:
	cd obcat/page/web && npm ci && npm run build

docs: setup
	$(VENV)/bin/python -m sphinx -W --keep-going -q -b html docs build/docs

test: setup
	$(VENV)/bin/python -m pytest -n 2

test-dachs: setup
	tests/dachs/run.sh $(VENV)/bin/python

lint: setup
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

bench: setup
	$(VENV)/bin/python bench/run.py

lock: setup
	$(VENV)/bin/uv pip compile pyproject.toml requirements.in --extra dev --extra docs --override .ci/no-torch.txt \
	    --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --quiet \
	    --output-file requirements.lock

clean:
	rm -rf build dist

distclean: clean
	rm -rf $(VENV)
