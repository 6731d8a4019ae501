"""`python3 -m pipelines.provision.airflow`: Airflow in an environment of its own: neither's pins bind the other.

`.airflow/venv` holds what locks/airflow.txt pins, `.airflow/home` Airflow's database, logs and secrets; `make clean`
removes both. Two commands are written beside them: `.airflow/airflow` is Airflow's own with this project's settings,
and `.airflow/start` runs all that schedules, bound to this machine.
"""

import sys
from dataclasses import replace

from pipelines.provision.commands import run_logged
from pipelines.provision.environment import install_packages
from pipelines.provision.fingerprint import fingerprint
from pipelines.provision.places import Places, default_places
from pipelines.provision.setup import Step, carry_out
from pipelines.provision.spark_home import write_anew
from pipelines.provision.tools import provide_tools

# Airflow writes airflow.cfg with fresh secrets when it first runs; what is said here has precedence over it.
# parallelism: a task is a Spark application that takes the whole machine, so domains go one after the other.
AIRFLOW = """\
#!/bin/sh
# Written by `make airflow`.
export AIRFLOW_HOME="{home}" PATH="{venv}/bin:$PATH"
export AIRFLOW__CORE__DAGS_FOLDER="{dags}" AIRFLOW__CORE__LOAD_EXAMPLES=False AIRFLOW__CORE__PARALLELISM=1
export AIRFLOW__API__HOST=127.0.0.1 AIRFLOW__USAGE_DATA_COLLECTION__ENABLED=False
exec "{venv}/bin/airflow" "$@"
"""

# `airflow standalone` serves logs on all interfaces; here they are read from the disk they are written to.
START = """\
#!/usr/bin/env bash
# Written by `make airflow`: scheduler, reader of DAG files and pages, until one of them ends or this is ended.
# Each in a process group of its own: Ctrl-C would reach it beside our TERM, and a scheduler that gets both hangs.
set -m
trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT
trap 'exit 130' INT TERM
"{airflow}" scheduler --skip-serve-logs &
"{airflow}" dag-processor &
"{airflow}" api-server &
wait -n
"""

NEXT = """\
Airflow is ready. Next:
  .airflow/start                        scheduler and pages, http://127.0.0.1:8080, until Ctrl-C; DAGs begin paused
  .airflow/airflow dags list --local    the DAGs, one a domain
  .airflow/airflow dags test DAG DATE   one run of a DAG for a logical date, without a scheduler
The user is admin; the first start writes a password to .airflow/home/simple_auth_manager_passwords.json.generated."""


def airflow_places() -> Places:
    """This checkout with Airflow's environment in the place of the main one."""
    return replace(default_places(), environment=".airflow/venv")


def steps_of(places: Places) -> list[Step]:
    """What makes Airflow run, in order."""
    lock = (places.locks / "airflow.txt").read_text()
    return [
        Step(
            "packages",
            "exactly what locks/airflow.txt pins, into .airflow/venv",
            fingerprint(lock, sys.version),
            lambda: install_packages(places, provide_tools(places), "airflow.txt"),
        ),
        Step(
            "home",
            "Airflow's database and commands, into .airflow",
            fingerprint(lock, str(places.checkout), AIRFLOW, START),
            lambda: install_home(places),
        ),
    ]


def install_home(places: Places) -> None:
    """Write the two commands, and bring Airflow's database to the form that this version wants."""
    folder = places.venv.parent
    airflow = folder / "airflow"
    dags = places.checkout / "jobs" / "dags"
    write_anew(airflow, AIRFLOW.format(home=folder / "home", venv=places.venv, dags=dags), 0o755)
    write_anew(folder / "start", START.format(airflow=airflow), 0o755)
    run_logged([str(airflow), "db", "migrate"], places.logs / "airflow.log")


def main() -> int:
    """Bring Airflow's environment to where it runs, and tell how; return the exit status."""
    places = airflow_places()
    return carry_out(places, lambda: steps_of(places), NEXT)


if __name__ == "__main__":
    sys.exit(main())
