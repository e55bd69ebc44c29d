# `make run` is all one needs. Variables: VENV (the environment's folder), PYTHON (an interpreter by hand), ONCE=1.
VENV ?= .venv
BIN := $(VENV)/bin
unexport PYTHONDONTWRITEBYTECODE
.DEFAULT_GOAL := help
.PHONY: help setup setup-dev run down test lint types tests bench soak lock clean

help:
	@echo "make run          start everything and stay in the foreground (ONCE=1: end after the first load)"
	@echo "make setup        only install"
	@echo "make down         end what runs"
	@echo "make test         lint, check types, test"
	@echo "make bench        measure speed and memory into benchmarks/results"
	@echo "make soak         long tests: many kills, whole sessions"
	@echo "make lock         resolve requirements*.in anew"
	@echo "make clean        remove the environment and caches (data stays)"

# Both find a Python only when there is something to install.
setup:
	@python=$$(PYTHON="$(PYTHON)" VENV="$(VENV)" scripts/find-python) && "$$python" scripts/install.py "$(VENV)" requirements.lock
	@$(BIN)/python -m orchestration.prepare

setup-dev: setup
	@$(BIN)/python scripts/install.py "$(VENV)" requirements-dev.lock

run: setup
	@exec $(BIN)/python -m orchestration up $(if $(filter-out 0,$(ONCE)),--once)

down: setup
	@exec $(BIN)/python -m orchestration down

test: lint types tests

lint: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: setup-dev
	$(BIN)/mypy

tests: setup-dev
	$(BIN)/python -m pytest -n 2 --no-loadscope-reorder $(ARGS)

bench: setup-dev
	$(BIN)/python -m benchmarks $(ARGS)

soak: setup-dev
	$(BIN)/python -m pytest -m soak $(ARGS)

lock: setup
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --upgrade requirements.in -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --constraint requirements.lock requirements-dev.in -o requirements-dev.lock
	echo uv | $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate - -o requirements-uv.lock

clean:
	rm -rf "$(VENV)" .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache dbt_project/target
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
