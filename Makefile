# `make help` lists what there is. The first run sets up a virtual environment in .venv; later runs find it.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
PIP := $(BIN)/pip --quiet --disable-pip-version-check
REAL_PARTS := engine or registry or trivy or browser
# what `make check` leaves out: it needs no network, no engine and less than a minute
NEEDS := $(REAL_PARTS) or slow or exhaustive
COVERED_AT_LEAST := 90

.PHONY: help setup check test proof demo benchmark clean
.DEFAULT_GOAL := help

help: ## this list
	@sed -nE 's/^([a-z]+):.*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 11

setup: $(READY) ## the virtual environment with the locked tools and imageopt itself

$(READY): pyproject.toml requirements-dev.lock
	@echo 'setting up .venv'
	@[ -x $(BIN)/pip ] || $(PYTHON) -m venv .venv
	@$(PIP) install --requirement requirements-dev.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q imageopt
	@touch $@

check: setup ## format, lint, types and the unit tests; under a minute
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/pytest --quiet --numprocesses auto --dist worksteal -m 'not ($(NEEDS))'

test: setup ## everything once: real engine, registry and scanner, with coverage
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/coverage erase
	$(BIN)/pytest --quiet --numprocesses auto -m exhaustive
	$(BIN)/coverage run -m pytest --numprocesses auto --dist worksteal -m 'not ($(REAL_PARTS) or exhaustive)'
	$(BIN)/coverage run -m pytest -m '($(REAL_PARTS)) and not proof'
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --fail-under=$(COVERED_AT_LEAST)

proof: test ## the tests, those that build for minutes, every base image, what generators make today, and every sabotage three times
	$(BIN)/pytest -m proof
	tests/bed/prove
	exports=$$(tests/bed/up) && eval "$$exports" && $(BIN)/python tests/generators.py docs/generated.json
	exports=$$(tests/bed/up all) && eval "$$exports" && $(BIN)/python -m docs.rewriting --measure
	exports=$$(tests/bed/up) && eval "$$exports" && PYTHONPATH=. $(BIN)/python tests/sabotaged.py 3

demo: setup ## the whole chain on sample_projects/agent-buildkit; results in .demo/
	sample_projects/demo.sh

benchmark: setup ## imageopt beside its peers; an hour; writes docs/benchmarks.md
	exports=$$(tests/bed/up) && eval "$$exports" && $(BIN)/python -m benchmarks.page

clean: ## what make left in the checkout; the engine of the bed stays (tests/bed/engine.sh wipe)
	rm -rf .venv .demo dist build .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +
