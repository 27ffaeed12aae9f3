# Two commands for everybody: `make demo` and `make test`. Both set up .venv with pinned, hashed packages first, by the
# newest Python there is or by the one that is asked for: `make test PYTHON=python3.12`.

PYTHON ?= $(shell for p in python3.14 python3.13 python3.12 python3.11 python3; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$p"; break; }; done)
VENV := .venv
# Else a .venv that is there already would be used without a word.
ifeq ($(origin PYTHON),command line)
ifneq ($(wildcard $(VENV)/bin/python),)
ifneq ($(shell $(PYTHON) -c 'import sys; print(sys.version)'),$(shell $(VENV)/bin/python -c 'import sys; print(sys.version)'))
$(error $(VENV) has another Python than $(PYTHON): `make clean` first)
endif
endif
endif
BIN := $(VENV)/bin
# Tests start hundreds of Python processes; each would compile all of qlikops and of the tests again.
unexport PYTHONDONTWRITEBYTECODE
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: demo test lint types contracts unit fuzz simulate nightly coverage e2e packages docs site release benchmarks \
	screenshots recording snapshots lock clean

demo: $(VENV)/local.stamp
	@$(BIN)/qlikops demo $(ARGS)

# mypy and the wheel's installation keep one core busy, stories of the console wait for a third of their time: side by
# side they take less. What a person is told of first, and what counts seconds, runs alone.
test: $(VENV)/dev.stamp
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory -j 2 unit types contracts packages
	@$(MAKE) --no-print-directory e2e

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/dev.stamp
	$(BIN)/mypy

contracts: $(VENV)/dev.stamp
	PYTHONPATH=. $(BIN)/lint-imports

# A worker that is done takes tests from the end of another one; neighbours stay together, as they share fixtures.
unit: $(VENV)/dev.stamp
	$(BIN)/pytest tests/unit tests/contract -n auto --dist worksteal

# Many more command lines, settings, files and messages of the kind that a unit test tries a few of.
fuzz: $(VENV)/dev.stamp
	FUZZ=500 $(BIN)/pytest tests/unit/cli/test_fuzz.py tests/unit/agent/diagnosis/test_safety.py -n auto

# Whether each module is covered by its own tests alone: a list of exceptions that may only shrink. Of one, in seconds:
# `make coverage MODULES=qlikops/aws/process.py`.
coverage: $(VENV)/dev.stamp
	$(BIN)/python tests/individual_coverage.py $(MODULES)

# They wait for most of their time: three at once keep two cores busy.
e2e: $(VENV)/dev.stamp
	$(BIN)/pytest tests/e2e -n 3 --dist loadfile

packages: $(VENV)/dev.stamp
	$(BIN)/python tests/packages.py

# The pages of docs/ that follow from the code; a unit test fails where they are not current.
docs: $(VENV)/dev.stamp
	$(BIN)/python -m tests.documents

# All pages as a site in build/site, with every link in it followed.
site: $(VENV)/site.stamp
	$(BIN)/python -m tests.site

# Wheel, source, SBOM and their hashes, in dist; the wheel is installed as people do first.
release: $(VENV)/release.stamp
	$(BIN)/python -m tests.release

# Ratios against baselines taken in the same run; the tables are the point, so they are always shown.
benchmarks: $(VENV)/dev.stamp
	$(BIN)/pytest tests/benchmarks -s --page docs/development/benchmarks.md

# Everything in one seeded world (docs/proof.md): other seeds than those of `make test`, or one of them by name with
# `python -m tests.simulation.simulate --seed 7`.
SEEDS ?= 2000
FIRST ?= 0
simulate: $(VENV)/dev.stamp
	$(BIN)/python -m tests.simulation.simulate --seeds $(SEEDS) --first $(FIRST)

# A new stretch of seeds every day, and as many restarts as there may be tasks.
nightly: $(VENV)/dev.stamp
	LARGE=5000 $(BIN)/pytest tests/unit/agent/act/test_large.py
	$(BIN)/python -m tests.simulation.simulate --seeds 10000 --first $$(( $$(date +%s) / 86400 * 10000 ))

# Each screen of the demo, as pictures for the docs and as text that a test compares.
screenshots: $(VENV)/dev.stamp
	$(BIN)/python -m tests.pictures

recording: $(VENV)/dev.stamp
	$(BIN)/python -m tests.recording

snapshots: $(VENV)/dev.stamp
	SNAPSHOTS=write $(BIN)/pytest tests/unit/tui/test_snapshots.py

# Compiles the pins: hashes, no addresses.
lock: $(VENV)/dev.stamp
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --quiet \
		--extra local --group build --output-file requirements/local.txt pyproject.toml
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --quiet \
		--extra local --extra jq --group build --group dev --output-file requirements/dev.txt pyproject.toml
	for group in site release; do \
		$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --quiet \
			--constraints requirements/dev.txt --group pyproject.toml:$$group \
			--output-file requirements/$$group.txt || exit 1; done

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "qlikops needs Python 3.11 or newer on the PATH." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/local.stamp: requirements/local.txt pyproject.toml | $(BIN)/python
	@echo "Installing pinned packages into $(VENV) …"
	$(PIP) install --require-hashes -r requirements/local.txt
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/dev.stamp: requirements/dev.txt pyproject.toml | $(BIN)/python
	@echo "Installing pinned packages into $(VENV) …"
	$(PIP) install --require-hashes -r requirements/dev.txt
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/local.stamp

$(VENV)/site.stamp $(VENV)/release.stamp: $(VENV)/%.stamp: requirements/%.txt | $(VENV)/dev.stamp
	$(PIP) install --require-hashes -r $<
	@touch $@

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
