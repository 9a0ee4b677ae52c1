# The house's commands. `make setup` comes first; every other target calls it, and it returns at once when nothing changed.
BIN := .venv/bin

.PHONY: help setup test-tools packets demo test test-long lint format bench lock build clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## make .venv with the pinned, hashed packages and trunkline itself
	@scripts/setup.sh

packets: ## as root on Debian: install what the lab's real packets need
	@if [ "$$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then scripts/install-debian.sh packets || true; fi

test-tools: ## as root on Debian: install what the tests need, real packets and a browser
	@if [ "$$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then scripts/install-debian.sh tests || true; fi

demo: setup packets ## a lab of two clouds, the federation in one, a VPC of the other connected to it
	@$(BIN)/python examples/demo.py

test: setup test-tools ## the tests (minutes)
	@$(BIN)/python -m pytest -m "not long" --numprocesses 4 --dist loadfile

test-long: setup test-tools ## the sweeps too (many hours); ends with a table of what they counted
	@$(BIN)/python -m pytest

lint: setup ## style, types and layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup ## let ruff put the style right
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup packets ## measure; prints a table against its goals
	@bench/setup.sh
	@$(BIN)/python -m bench

lock: ## write constraints/ for what pyproject.toml asks; UPGRADE=1 takes the newest versions
	@scripts/lock.sh

build: setup ## dist/*.whl and dist/*.tar.gz, from what is installed, without network
	@$(BIN)/python -m hatchling build

clean: ## remove what the other targets made
	rm -rf .venv .venv-bench dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .grimp_cache
