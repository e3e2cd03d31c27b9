# Soky: set-up is part of every target. `make demo` and `make test` are the two commands a newcomer needs.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMPS := .stamps
OUT ?= demo-out
FLOORS := api bpmn directory documents signing storage workflow
PORT ?= 8000

.PHONY: demo test test-quick explore serve lint format bench setup setup-dev clean help

help:  ## what can be asked for
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

demo: setup  ## set everything up, take a class book from marks to a sealed volume, leave the results in ./demo-out
	$(BIN)/soky demo --out $(OUT)

serve: setup  ## the same office in the browser
	$(BIN)/soky serve --demo --port $(PORT)

test: setup-dev  ## set everything up and run every test
	@tests/debian-packages
	$(BIN)/python -m pytest -n 2 --dist loadgroup

test-quick: setup-dev  ## the tests that need no browser, no PostgreSQL and less than ten seconds
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not slow and not browser and not postgres"

explore: setup-dev  ## the tests of invariants, ten times, each time with new examples
	for turn in {1..10}; do $(BIN)/python -m pytest -q -n 2 --dist loadgroup -m hypothesis --hypothesis-profile=explore --hypothesis-seed=$$RANDOM; done

lint: setup-dev  ## ruff and mypy, strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: setup-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup-dev  ## measure against the goals; prints a table, leaves it in bench/results
	$(BIN)/python -m bench

setup: $(STAMPS)/runtime $(STAMPS)/assets
	@$(BIN)/python -m compileall -q -j 2 $(FLOORS)
setup-dev: $(STAMPS)/dev $(STAMPS)/assets
	@$(BIN)/python -m compileall -q -j 2 $(FLOORS) bench tests

# A Debian machine without python3-venv has no ensurepip: as root it is installed, otherwise named.
$(STAMPS)/venv:
	@mkdir -p $(STAMPS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Soky needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version)."; exit 1; }
	@if ! $(PYTHON) -m venv $(VENV) 2>$(STAMPS)/venv.log; then \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-venv >/dev/null && $(PYTHON) -m venv --clear $(VENV); \
		else cat $(STAMPS)/venv.log; echo "Install the package python3-venv (as root: apt-get install python3-venv) and try again."; exit 1; fi; fi
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv || echo "uv could not be installed: pip will be used instead, which takes longer"
	@touch $@

# uv is quick, but does not read a site's pip settings; where it cannot reach its packages pip takes over. Modules are compiled
# here, as pip does: where Python may not write beside its modules, every start of a program would compile them anew.
define install
	@if [ -x $(BIN)/uv ] && VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip install --quiet --compile-bytecode --require-hashes -r $(1); then :; \
	else $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(1); fi
endef

$(STAMPS)/runtime: $(STAMPS)/venv requirements/runtime.lock pyproject.toml
	$(call install,requirements/runtime.lock)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index -e .
	@touch $@

$(STAMPS)/dev: $(STAMPS)/runtime requirements/dev.lock
	$(call install,requirements/dev.lock)
	@touch $@

# Node bundles the page assets once; where the machine has none (or an older one), the wheel brings it.
$(STAMPS)/assets: $(STAMPS)/runtime package.json package-lock.json $(wildcard api/assets/* api/static/*.css api/static/*.js)
	@if ! { command -v npm >/dev/null && node -e 'process.exit(parseInt(process.versions.node) < 20)' 2>/dev/null; } && [ ! -x $(BIN)/npm ]; then \
		if [ -x $(BIN)/uv ]; then VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip install --quiet --require-hashes -r requirements/node.lock \
			|| $(BIN)/python -m pip install --quiet --require-hashes -r requirements/node.lock; \
		else $(BIN)/python -m pip install --quiet --require-hashes -r requirements/node.lock; fi; fi
	@PATH="$$PATH:$(CURDIR)/$(BIN)" npm ci --ignore-scripts --silent --no-audit --no-fund
	@mkdir -p documents/fonts && cp node_modules/@expo-google-fonts/tinos/*/*.ttf documents/fonts/
	@PATH="$$PATH:$(CURDIR)/$(BIN)" node api/assets/build.mjs
	@touch $@

clean:  ## take away what set-up and the demo made
	rm -rf $(VENV) node_modules $(STAMPS) demo-out demo-office documents/fonts/*.ttf api/static/dist *.egg-info
