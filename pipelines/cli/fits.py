"""`headrace estimate` before a fit, `headrace reproduce` after it."""

from __future__ import annotations

import argparse
from pathlib import Path

from pipelines.cli.exit_codes import COMPLETE, INCOMPLETE
from pipelines.settings import load


def add_estimate(parser: argparse.ArgumentParser) -> None:
    """Give `headrace estimate` its options."""
    parser.add_argument("--domain", action="append", default=[], help="only this domain; may be repeated")
    parser.add_argument("--task", action="append", default=[], help="only this task; may be repeated")
    _add_conf(parser)


def add_reproduce(parser: argparse.ArgumentParser) -> None:
    """Give `headrace reproduce` its options."""
    parser.add_argument("run_id", metavar="RUN_ID", help="a family's run, by the id that MLflow or a table shows")
    _add_conf(parser)


def estimate(options: argparse.Namespace) -> int:
    """A line for each family of the tasks."""
    from pipelines.runner.estimates import estimates, table

    print(table(estimates(load(options.conf), options.domain, options.task)))
    return COMPLETE


def reproduce(options: argparse.Namespace) -> int:
    """What came of the fit, made once more."""
    from pipelines.runner import reproduce as again

    outcome = again.reproduce(load(options.conf), options.run_id)
    print(again.summary(outcome))
    return COMPLETE if outcome.is_same else INCOMPLETE


def _add_conf(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--conf", type=Path, help="overlay over conf/base.yaml: a file, or a name such as cluster")
