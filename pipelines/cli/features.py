"""The verbs of `headrace features`: which features there are, and where one comes from."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict

from pipelines import __version__
from pipelines.cli.exit_codes import COMPLETE
from pipelines.contracts.lineage import FeatureLineage, lineage
from pipelines.domains import domain, domains
from pipelines.io.failures import UnknownNameError

EPILOG = """\
examples:
  headrace features list                          every feature of every domain, a line each
  headrace features list --domain energy --task load_mw
  headrace features show temp_c__as_of            what it means, how far it looks back, where it comes from
  headrace features list --json                   for programs
"""


def add_verbs(parser: argparse.ArgumentParser) -> None:
    """Give `headrace features` its verbs and their options."""
    parser.epilog = EPILOG
    verbs = parser.add_subparsers(title="commands", metavar="list|show", required=True)

    def verb(name: str, does: Callable[[argparse.Namespace], int], told: str) -> argparse.ArgumentParser:
        added = verbs.add_parser(
            name, help=told, description=told, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        added.set_defaults(command=does)
        added.add_argument("--domain", default="", help="only this domain")
        added.add_argument("--json", action="store_true", help="a JSON list")
        return added

    listed = verb("list", list_features, "every feature: view, look-back, unit, tasks")
    listed.add_argument("--task", default="", help="only what this task's models see, e.g. load_mw")
    shown = verb("show", _show, "one feature: meaning, owner, look-back, freshness, lineage")
    shown.add_argument("feature", metavar="FEATURE", help="its name, as the list shows it")


def list_features(options: argparse.Namespace) -> int:
    """Print every feature that is asked for, a line each."""
    found = _features(options.domain)
    tasks = sorted({task for of in found for task in of.tasks})
    if options.task and options.task not in tasks:
        raise UnknownNameError(f"no task '{options.task}' sees a feature. Tasks that do: {', '.join(tasks)}")
    _print(
        [of for of in found if not options.task or options.task in of.tasks],
        _table,
        as_json=options.json,
    )
    return COMPLETE


def _show(options: argparse.Namespace) -> int:
    every = _features(options.domain)
    found = [of for of in every if of.name == options.feature]
    if not found:
        like = sorted({of.name for of in every if options.feature.split("__")[0] in of.name})
        near = f"Names like it: {', '.join(like)}" if like else "headrace features list shows all"
        raise UnknownNameError(f"there is no feature '{options.feature}'. {near}")
    _print(found, _cards, as_json=options.json)
    return COMPLETE


def _features(name: str) -> list[FeatureLineage]:
    return [of for each in ([domain(name)] if name else domains().values()) for of in lineage(each)]


def _print(found: Sequence[FeatureLineage], told: Callable[[Sequence[FeatureLineage]], str], *, as_json: bool) -> None:
    print(json.dumps([_plain(of) for of in found]) if as_json else told(found))


def _plain(of: FeatureLineage) -> dict[str, object]:
    within_h = of.fresh_within.total_seconds() / 3600 if of.fresh_within else None
    look_back_h = None if math.isinf(of.look_back_h) else of.look_back_h  # JSON has no infinity
    plain = {name: value for name, value in asdict(of).items() if name != "fresh_within"}
    return plain | {"look_back_h": look_back_h, "fresh_within_h": within_h, "code_version": __version__}


def _table(found: Sequence[FeatureLineage]) -> str:
    from pipelines.runner.report import table_text

    head = ("feature", "domain", "view", "about", "looks back", "unit", "seen by")
    rows = [
        (
            *(of.name, of.domain, of.view, ", ".join(of.entity)),
            *(_hours(of.look_back_h), of.unit, ", ".join(of.tasks)),
        )
        for of in found
    ]
    return "\n".join(table_text(head, rows, left=len(head)))


def _cards(found: Sequence[FeatureLineage]) -> str:
    return "\n\n".join(_card(of) for of in found)


def _card(of: FeatureLineage) -> str:
    about = ", ".join(of.entity) or ("all alike" if of.table else "time itself")
    read_from = f"field '{of.field}' of the source {of.source}" if of.source else "nothing but the clock"
    way = f"silver.{of.domain}_{of.table}.{of.column} ← {read_from}" if of.table else read_from
    if of.table and not of.field:
        by = f"{of.table} of pipelines/domains/{of.domain}/features.py"
        way = f"{of.column} ← {by} ← silver.{of.domain}_{of.table} ← the source {of.source}"
    known = "what had happened and was known by the cut-off, and held then" if of.table else "the cut-off's own time"
    lines = {
        "what": of.meaning + (f" ({of.unit})" if of.unit else ""),
        "view": f"{of.view}: {of.doc}" if of.doc else of.view,
        "looked up": of.moment,
        "about": about,
        "made of": known,
        "looks back": _hours(of.look_back_h) or "not at all",
        "freshness": f"promised within {of.fresh_within}" if of.fresh_within else "no promise",
        "lineage": f"{way}; code {__version__}",
        "owner": f"{of.owner} (domain {of.domain})",
        "seen by": ", ".join(of.tasks) or "no task",
    }
    return "\n".join([of.name, *[f"  {name:<10}  {value}" for name, value in lines.items()]])


def _hours(hours: float) -> str:
    return "for ever" if math.isinf(hours) else f"{hours:g} h" if hours else ""
