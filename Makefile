# Needs Python 3.11 or later with pip, and make; everything else is set up in $(VENV).
#
#   make demo    migrate the example, run it before and after, compare and measure
#   make test    lint, types, tests against the built wheel, generated docs are fresh
#
# Another interpreter: make test PYTHON=python3.13 VENV=.venv-313

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

PYTHON ?= python3
VENV ?= .venv
WHEEL_VENV = $(VENV)-wheel
PYTEST_ARGS ?= -n auto
PIP_FLAGS = -qq --disable-pip-version-check
BIN = $(VENV)/bin
WHEEL_BIN = $(abspath $(WHEEL_VENV))/bin
READY = $(VENV)/.asyncshift-ready
WHEEL_READY = $(WHEEL_VENV)/.asyncshift-ready

# The second form is for Debian's Python, which has pip but may lack ensurepip.
define make_venv
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "$(PYTHON) is older than 3.11: say make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 2; }
	@echo "setting up $(1)"
	@test -x $(1)/bin/pip \
		|| $(PYTHON) -m venv $(1) 2>/dev/null \
		|| { $(PYTHON) -m venv --clear --without-pip $(1) \
			&& $(PYTHON) -m pip --python $(1)/bin/python install $(PIP_FLAGS) pip; }
endef

.PHONY: help
help:
	@sed -n '3,6s/^# \{0,3\}//p' Makefile
	@echo "also: lint types unit docs real-code slices-real check-real prefixes fuzz fuzz-graph fuzz-nets" \
		"fuzz-postgres sql-corpus crash-corpus format clean"

$(READY): pyproject.toml
	$(call make_venv,$(VENV))
	@$(BIN)/python -m pip install $(PIP_FLAGS) --editable '.[dev]'
	@touch $@

# The tests run against what users get: an editable install would hide a file missing in the wheel.
$(WHEEL_READY): pyproject.toml
	$(call make_venv,$(WHEEL_VENV))
	@rm -rf build dist/$(VENV)
	@$(WHEEL_VENV)/bin/python -m pip install $(PIP_FLAGS) '.[dev]'
	@touch $@

.PHONY: wheel
wheel: $(WHEEL_READY)
	@rm -rf build dist/$(VENV)
	@$(WHEEL_BIN)/python -m build --no-isolation --outdir dist/$(VENV) . > $(WHEEL_VENV)/build.log 2>&1 \
		|| { cat $(WHEEL_VENV)/build.log; exit 1; }
	@$(WHEEL_BIN)/python -m pip install $(PIP_FLAGS) --no-deps --force-reinstall dist/$(VENV)/*.whl
	@rm -rf build

.PHONY: test
test: lint types unit docs-fresh

.PHONY: lint
lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

.PHONY: format
format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# From tests/, neither src/ nor codemods/ can be imported in place of the installed package.
.PHONY: types
types: wheel
	cd tests && $(WHEEL_BIN)/mypy --config-file ../pyproject.toml --cache-dir $(abspath $(WHEEL_VENV))/mypy-cache --strict -p asyncshift

.PHONY: unit
unit: wheel
	cd tests && ASYNCSHIFT_EXPECT_WHEEL=1 $(WHEEL_BIN)/pytest -p no:cacheprovider $(PYTEST_ARGS)

.PHONY: docs
docs: $(READY)
	$(BIN)/python scripts/gen_docs.py

.PHONY: docs-fresh
docs-fresh: wheel
	$(WHEEL_BIN)/python scripts/gen_docs.py --check

.PHONY: demo
demo: $(READY)
	@$(BIN)/python scripts/demo.py

.PHONY: real-code
real-code: $(READY)
	$(BIN)/python scripts/real_code.py

# Slow: some twenty minutes.  Downloads source distributions through pip.
.PHONY: slices-real
slices-real: $(READY)
	$(BIN)/python scripts/slices_real.py

.PHONY: check-real
check-real: $(READY)
	$(BIN)/python scripts/check_real.py

.PHONY: prefixes
prefixes: $(READY)
	$(BIN)/python scripts/prefixes.py

FUZZ_ARGS ?= --seconds 600
.PHONY: fuzz
fuzz: $(READY)
	$(BIN)/python -m tests.fuzz.walks $(FUZZ_ARGS)

# Generated programs are run, and what ran must be in the call graph.
SECONDS ?= 600
.PHONY: fuzz-graph
fuzz-graph: $(READY)
	$(BIN)/python -m tests.fuzz.edges --seconds $(SECONDS)
	$(BIN)/python -m tests.fuzz.any_module --seconds $(SECONDS)

# Downloads wheels through pip, and reads the SQL in them.
.PHONY: sql-corpus
sql-corpus: $(READY)
	$(BIN)/python scripts/sql_corpus.py $(CORPUS_ARGS)

# Generated programs are run against a PostgreSQL, as written and migrated.
POSTGRES_ARGS ?= --programs 3000
.PHONY: fuzz-postgres
fuzz-postgres: $(READY)
	$(BIN)/python -m tests.fuzz.postgres $(POSTGRES_ARGS)

# Call graphs of functions, generators, managers and callbacks: run, migrated, run again.
NETS_ARGS ?= --programs 2000
.PHONY: fuzz-nets
fuzz-nets: $(READY)
	$(BIN)/python -m tests.fuzz.nets $(NETS_ARGS)

# The standard library, its tests, and sources that nobody writes; some twenty minutes.
.PHONY: crash-corpus
crash-corpus: $(READY)
	$(BIN)/python -m tests.fuzz.corpus $(CORPUS_ARGS)

.PHONY: clean
clean:
	rm -rf build dist $(VENV) $(WHEEL_VENV) src/*.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find src codemods tests scripts examples -name __pycache__ -type d -prune -exec rm -rf {} +
