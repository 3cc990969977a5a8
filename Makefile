# Two commands matter: `make demo` and `make test`. Both do all their set-up themselves.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
ARGS ?=
PYTEST_ARGS ?=
WORKERS ?= 2

PACKAGES := dynamo events projections
CODE := $(PACKAGES) tests
# The databases that `make test` runs on; `make test DB=postgres` takes one. All tests run on SQLite, and those
# that touch the database on the others too.
DATABASES := sqlite postgres mariadb
DB ?= $(DATABASES)
TESTS_sqlite := tests
TESTS_postgres := tests/integration
TESTS_mariadb := tests/integration

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo demo-check test $(DATABASES:%=test-%) bench format lint types docs-check docs messages pictures \
    system-packages clean
.DEFAULT_GOAL := help

help:
	@echo "make demo         load real data and serve it (ARGS=--reset starts over, ARGS='--port 9000' picks a port)"
	@echo "make demo-check   the demo, checked from outside, in a temporary folder"
	@echo "make test         set-up, format, lint, types, docs and all tests (DB=postgres runs one database)"
	@echo "make bench        measure against floors on three databases, and write docs/benchmarks.md (ARGS=--help: what else)"
	@echo "make format       format the code"
	@echo "make lint         format check, ruff, import contract, templates"
	@echo "make types        mypy"
	@echo "make docs         write the generated reference pages"
	@echo "make messages     gather the texts to translate, and compile the translations"
	@echo "make pictures     take the pictures of the README anew"
	@echo "make docs-check   fail when the generated reference pages are stale"
	@echo "make clean        remove the virtual environment, the demo's data and all caches"

demo: $(VENV)/.demo
	@$(BIN)/python -m dynamo.demo $(ARGS)

demo-check: $(VENV)/.demo
	@$(BIN)/python -m dynamo.demo --check

test: lint types docs-check $(DB:%=test-%)

# A server is started for the run, unless DYNAMO_TEST_POSTGRES or DYNAMO_TEST_MARIADB names one.
$(DATABASES:%=test-%): test-%: $(VENV)/.dev
	@DYNAMO_TEST_DB=$* $(BIN)/python -m tests.servers $(filter-out sqlite,$*) -- \
	    $(BIN)/python -m pytest -n $(WORKERS) $(TESTS_$*) $(PYTEST_ARGS)

bench: $(VENV)/.dev
	@$(BIN)/python -m tests.servers --durable postgres mariadb -- \
	    $(BIN)/python -m tests.benchmarks $(or $(ARGS),--write)

format: $(VENV)/.dev
	$(BIN)/ruff format $(CODE)
	$(BIN)/ruff check --fix $(CODE)

lint: $(VENV)/.dev
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/ruff check $(CODE)
	$(BIN)/lint-imports --no-cache
	$(BIN)/djlint --quiet --lint $(PACKAGES)

types: $(VENV)/.dev
	$(BIN)/mypy

messages: $(VENV)/.dev
	@for package in dynamo projections; do \
	    (cd $$package && ../$(BIN)/python -m django makemessages --locale de --no-location --no-wrap \
	        --ignore demo && ../$(BIN)/python -m django compilemessages) || exit 1; done

docs: $(VENV)/.dev
	$(BIN)/python -m tests.docs_reference

pictures: $(VENV)/.dev
	$(BIN)/python -m tests.pictures

docs-check: $(VENV)/.dev
	$(BIN)/python -m tests.docs_reference --check

system-packages: $(VENV)/.created
	@$(BIN)/python -m tests.packages

# Stamps are written last, so an interrupted set-up is done again.
$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "Python 3.11 or later is needed; name it with: make PYTHON=python3.11 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.demo: $(VENV)/.created pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[demo]'
	@touch $@

# dev contains demo, so its stamp vouches for both. It builds mysqlclient, which needs system packages.
$(VENV)/.dev: $(VENV)/.created pyproject.toml | system-packages
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $(VENV)/.demo $@

clean:
	rm -rf $(VENV) .demo .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
	find $(CODE) -name __pycache__ -type d -prune -exec rm -rf {} +
