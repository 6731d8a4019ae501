"""Airflow's DAGs, generated from units of publication × domains: one a domain, a task a unit, in the order of the way;
and one for the maintenance of all.

Airflow reads this file anew every half minute, so a new domain's folder is all that a new DAG takes. The tasks run in
this project's own environment; HEADRACE_CONF names an overlay, as --conf does.
"""

import os
import shlex
import sys
from datetime import timedelta
from pathlib import Path

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, CronTriggerTimetable, chain

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Headrace is not installed where Airflow is

from pipelines.schedule import upkeep, ways
from pipelines.settings import PROJECT

# a run that was triggered by hand may have no logical date; then the moment of triggering counts, the same at each try
AS_OF = "{{ (dag_run.logical_date or dag_run.run_after).isoformat() }}"

CONF = os.environ.get("HEADRACE_CONF")

for way in (*ways(CONF), upkeep(CONF)):
    with DAG(
        way.name,
        description=way.question,
        schedule=CronTriggerTimetable(way.cron, timezone="UTC"),
        catchup=False,  # a run takes all that was delivered until its instant, what missed runs left included
        max_active_runs=1,  # and two at once would want the same tables
        default_args={"owner": way.owner, "retries": 2, "retry_delay": timedelta(minutes=5)},
        tags=["headrace", way.domain],
    ):
        chain(
            *[
                BashOperator(
                    task_id=step.unit,
                    doc=step.told,
                    bash_command=f"exec {shlex.join(step.as_of(AS_OF))}",
                    cwd=str(PROJECT),
                    # headrace has no exit code that means 'skip': whatever is not 0 fails the task
                    skip_on_exit_code=None,
                )
                for step in way.steps
            ]
        )
