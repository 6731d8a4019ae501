"""The verbs of `headrace tracking`: what MLflow has yet to be told, and telling it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from pipelines.cli.exit_codes import COMPLETE, INCOMPLETE
from pipelines.settings import load

EPILOG = """\
examples:
  headrace tracking list                    how many records of runs wait, by task
  headrace tracking sync                    log them, and put every champion's alias where the ledger has it
  headrace tracking sync --domain energy

Every run of the stages does the same for the tasks that it works on.
"""


def add_verbs(parser: argparse.ArgumentParser) -> None:
    """Give `headrace tracking` its verbs and their options."""
    parser.epilog = EPILOG
    verbs = parser.add_subparsers(title="commands", metavar="list|sync", required=True)

    def verb(name: str, does: Callable[[argparse.Namespace], int], told: str) -> None:
        added = verbs.add_parser(
            name, help=told, description=told, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        added.set_defaults(command=does)
        added.add_argument("--domain", action="append", default=[], help="only this domain; may be repeated")
        added.add_argument("--conf", type=Path, help="overlay over conf/base.yaml: a file, or a name such as cluster")

    verb("list", list_waiting, "what waits until MLflow is there")
    verb("sync", sync, "log what waits; exit 1 where MLflow does not take it")


def list_waiting(options: argparse.Namespace) -> int:
    """One line for each task with records that wait."""
    from pipelines.runner.tell import waiting

    found = waiting(load(options.conf), options.domain)
    for task, entries in found.items():
        print(f"{task}: {entries} {'record waits' if entries == 1 else 'records wait'}")
    print("Next: headrace tracking sync" if found else "MLflow was told everything")
    return COMPLETE


def sync(options: argparse.Namespace) -> int:
    """Log what waits, and say how much."""
    from pipelines.runner.tell import sync as tell_all

    logged, failures = tell_all(load(options.conf), options.domain)
    for task, entries in logged.items():
        print(f"{task}: {entries} {'record' if entries == 1 else 'records'} logged")
    for subject, failure in failures.items():
        print(f"headrace: {subject}: {failure}", file=sys.stderr)
    if failures:
        return INCOMPLETE
    if not logged:
        print("MLflow was told everything before")
    return COMPLETE
