"""`headrace estimate` before a fit, `headrace reproduce` after it, `headrace tune` for a better one, `headrace effect`
once its decisions have labels, `headrace why` about single ones."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pipelines.cli.arguments import instant, positive
from pipelines.cli.exit_codes import COMPLETE, INCOMPLETE
from pipelines.contracts.names import DeclarationError
from pipelines.settings import load


def add_tasks(parser: argparse.ArgumentParser) -> None:
    """Give a command about some tasks its options."""
    parser.add_argument("--domain", action="append", default=[], help="only this domain; may be repeated")
    parser.add_argument("--task", action="append", default=[], help="only this task; may be repeated")
    _add_conf(parser)


def add_reproduce(parser: argparse.ArgumentParser) -> None:
    """Give `headrace reproduce` its options."""
    parser.add_argument("run_id", metavar="RUN_ID", help="a family's run, by the id that MLflow or a table shows")
    _add_conf(parser)


def add_tune(parser: argparse.ArgumentParser) -> None:
    """Give `headrace tune` its options."""
    parser.add_argument("--task", required=True, help="the task whose families are tuned, e.g. load_mw")
    parser.add_argument("--domain", default="", help="its domain, where several have a task of this name")
    parser.add_argument(
        "--family", action="append", default=[], help="only this family; may be repeated (default: all with ranges)"
    )
    parser.add_argument(
        "--trials", type=positive, default=20, help="so many trials a family, those made before included (default 20)"
    )
    parser.add_argument(
        "--minutes", type=positive, default=30, help="after so many minutes a family begins no trial (default 30)"
    )
    _add_conf(parser)


def add_why(parser: argparse.ArgumentParser) -> None:
    """Give `headrace why` its options."""
    parser.add_argument("--task", required=True, help="the task whose decisions are explained, e.g. is_late")
    parser.add_argument("--domain", default="", help="its domain, where several have a task of this name")
    parser.add_argument("--entity", action="append", default=[], help="only about this one; may be repeated")
    parser.add_argument(
        "--cut-at", type=instant, help="decided at this cut-off, ISO 8601, UTC without an offset (default: the newest)"
    )
    parser.add_argument("--rows", type=positive, default=3, help="at most so many decisions (default 3)")
    _add_conf(parser)


def estimate(options: argparse.Namespace) -> int:
    """A line for each family of the tasks."""
    from pipelines.runner.estimates import estimates, table

    print(table(estimates(load(options.conf), options.domain, options.task)))
    return COMPLETE


def effect(options: argparse.Namespace) -> int:
    """What the decisions of the tasks came to beside the naive policy's."""
    from pipelines.runner.effects import effects, table

    print(table(effects(load(options.conf), options.domain, options.task)))
    return COMPLETE


def why(options: argparse.Namespace) -> int:
    """What the features had part in some decisions."""
    from pipelines.runner.failures import EXPECTED
    from pipelines.runner.reasons import Asked, reasons
    from pipelines.runner.reasons_report import text

    asked = Asked(options.domain, options.task, tuple(options.entity), options.cut_at, options.rows)
    try:
        print(text(reasons(load(options.conf), asked)))
    except DeclarationError:
        raise
    except EXPECTED as failure:
        print(f"headrace: {failure}", file=sys.stderr)
        return INCOMPLETE
    return COMPLETE


def reproduce(options: argparse.Namespace) -> int:
    """What came of the fit, made once more."""
    from pipelines.runner import reproduce as again

    outcome = again.reproduce(load(options.conf), options.run_id)
    print(again.summary(outcome))
    return COMPLETE if outcome.is_same else INCOMPLETE


def tune(options: argparse.Namespace) -> int:
    """What each family's search found."""
    from pipelines.runner import tuning
    from pipelines.runner.failures import EXPECTED
    from pipelines.runner.tuning_report import summary

    budget = tuning.Budget(options.trials, options.minutes)
    try:
        outcome = tuning.tune(load(options.conf), options.domain, options.task, options.family, budget)
    except DeclarationError:
        raise
    except EXPECTED as failure:
        print(f"headrace: {failure}", file=sys.stderr)
        return INCOMPLETE
    for found in outcome.found:
        print(f"\n{summary(found)}")
    for family, why in outcome.failures.items():
        print(f"headrace: {family}: {why}", file=sys.stderr)
    return INCOMPLETE if outcome.failures else COMPLETE


def _add_conf(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--conf", type=Path, help="overlay over conf/base.yaml: a file, or a name such as cluster")
