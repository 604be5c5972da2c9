# `make run` and `make test` are all that a newcomer needs; both install what is missing (tools/install says what).
SHELL := /bin/sh
BIN := .venv/bin
SOURCES := common collectors hub tests benchmarks setup.py

.PHONY: run test check format bench gallery truth fuzz faults clean help changelog

help:
	@echo "make run    start Tocsin here and watch this machine (data in ./var; ARGS='--data DIR')"
	@echo "make test   all checks and tests"
	@echo "make check  format, lint, types, imports"
	@echo "make bench  print figures: cost, latency, throughput (ARGS=topic for one of them)"
	@echo "make gallery  draw docs/gallery anew from simulated data (ARGS=DIR for another folder)"
	@echo "make truth  the process collector on a simulated fleet: what it missed, and what it made up (ARGS='--devices 1000 --minutes 10')"
	@echo "make fuzz   agents and /proc that lie, for a minute (ARGS='--seconds 3600 --seed 7')"
	@echo "make faults the fault tests in their long form, about an hour (ARGS='-k partition' for one of them)"
	@echo "make clean  remove .venv and caches; ./var stays"

run:
	@tools/install run
	@exec $(BIN)/tocsin up $(ARGS)

test:
	@tools/install test
	@$(MAKE) --no-print-directory check-installed
	$(BIN)/python -m pytest -n 3 --dist loadgroup $(ARGS)

check:
	@tools/install test
	@$(MAKE) --no-print-directory check-installed

.PHONY: check-installed
check-installed:
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/lint-imports --no-cache
	$(BIN)/mypy

format:
	@tools/install test
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

bench:
	@tools/install test
	$(BIN)/python -m benchmarks $(ARGS)

gallery:
	@tools/install test
	$(BIN)/python -m benchmarks.gallery $(ARGS)

truth:
	@tools/install test
	$(BIN)/python -m benchmarks.bench_truth $(ARGS)

fuzz:
	@tools/install test
	$(BIN)/python -m tests.fuzz $(ARGS)

faults:
	@tools/install test
	TOCSIN_FAULTS=long $(BIN)/python -m pytest tests/faults -v $(ARGS)

changelog:
	$(BIN)/towncrier build --yes --version $(VERSION)

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis _trial_temp*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
