# Everything a person does with Headrace. `make help` lists the targets.

# The first Python that fits; say PYTHON=/path/to/python to choose another.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && command -v "$$p" && break; done)
BIN = .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup run test ui notebooks check bench faults quality airflow s3 lock clean

help: ## list every target
	@grep -hE '^[a-z0-9]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-9s %s\n", $$1, $$2 }'

setup: ## make .venv: packages, Delta's jars, Horovod; does nothing when all is there
	@if [ -z "$(PYTHON)" ]; then \
		echo "No Python 3.11 to 3.13 was found on the PATH. Install one (Debian: apt-get install python3 python3-venv)," \
			"or name it: make setup PYTHON=/path/to/python3" >&2; exit 2; fi
	@"$(PYTHON)" -m pipelines.provision

run: setup ## set up, then run the main job on the embedded records; DOMAIN=energy for one domain
	@$(BIN)/headrace run $(if $(DOMAIN),--domain $(DOMAIN))

test: setup ## set up, then run the quick tests; SLOW=1 for all that need no GPU
	@$(BIN)/python -m pytest -n 2 --dist loadfile --max-worker-restart 0 -m "$(if $(SLOW),not gpu,not slow and not gpu)" tests

ui: setup ## open the MLflow UI on what the runs logged
	@$(BIN)/headrace ui

notebooks: setup ## execute the analysts' notebooks on what is published; pages go to notebooks/out; CONF=FILE for an overlay
	@$(BIN)/headrace notebooks $(if $(CONF),--conf $(CONF))

check: setup ## ruff and mypy
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: setup ## measure speed against the reference; RACE=name for one race
	@$(BIN)/python -m tests.bench $(RACE)

faults: setup ## kill, refuse and tear, then compare tables; QUICK=1 for the short round, MINUTES=n to begin nothing after
	@$(BIN)/python -m tests.faults $(if $(QUICK),--quick) $(if $(MINUTES),--minutes $(MINUTES))

quality: setup ## measure the models against their goals; QUICK=1 for the short round, CASE=name for one
	@$(BIN)/python -m tests.quality $(if $(QUICK),--quick) $(if $(CASE),--case $(CASE)) $(if $(TABLES),--tables)

airflow: setup ## make .airflow, Airflow with a DAG a domain in an environment of its own, and say how to start it
	@"$(PYTHON)" -m pipelines.provision.airflow

s3: setup ## let Spark keep tables in an object store (s3a://): Hadoop's client and the AWS SDK, 0.7 GB, into .venv
	@"$(PYTHON)" -m pipelines.provision.s3

lock: setup ## write the locks anew from pyproject.toml and locks/*.in; UPGRADE=1 for the newest of everything
	@UPGRADE="$(UPGRADE)" "$(PYTHON)" -m pipelines.provision.lock

clean: ## remove what was made here: .venv, .airflow, the data root .headrace, notebooks/out, caches (the shared cache stays)
	rm -rf .venv .airflow .headrace notebooks/out build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis spark-warehouse metastore_db derby.log
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
