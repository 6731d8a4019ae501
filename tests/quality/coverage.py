"""python -m tests.quality.coverage [--conf FILE]: how much the published intervals hold, as a table in the README.

It reads what evaluation published in the data root of FILE, energy's and logistics' runs say, and starts no Spark. A
task that has none there keeps the rows that are held.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from pipelines.contracts.tasks import Task
from pipelines.domains import domains
from pipelines.io.ledger import Ledger
from pipelines.settings import PROJECT, load
from tests import results
from tests.results import Record

RECORDS = Path(__file__).with_name("coverage.json")
README = PROJECT / "README.md"
NAMES = ("domain", "task", "family", "nominal", "split", "low", "high", "others", "tested_on", "as_of", "commit")
WAYS = ("pooled", "by_step", "rolling", "adaptive")
NEAR = 0.03
"""How far from what was promised a coverage may lie without more being said."""
_BEGIN, _END = "<!-- coverage -->", "<!-- end -->"


def main(words: Sequence[str] | None = None) -> int:
    """Read, write; returns the exit code: 1 where nothing is published."""
    parser = argparse.ArgumentParser(prog="python -m tests.quality.coverage", description="what intervals hold")
    parser.add_argument("--conf", type=Path, help="the settings whose data root is read")
    ledger, commit = Ledger(load(parser.parse_args(words).conf).ledger), results.Code.now().commit
    asked = [(domain.name, task) for domain in domains().values() for task in domain.tasks]
    found = [record for domain, task in asked for record in held(ledger, domain, task, commit)]
    if not found:
        print("coverage: no published fit has intervals there. Run headrace run --domain energy first", file=sys.stderr)
        return 1
    records = renewed(results.read(RECORDS), found)
    results.write(RECORDS, records, NAMES)
    README.write_text(in_readme(README.read_text(), records))
    print(table(found))
    return 0


def held(ledger: Ledger, domain: str, task: Task, commit: str) -> Iterator[Record]:
    """A record for each family of a task with quantiles, the baseline last."""
    fits = ledger.fits(domain, task.name) if task.quantiles else {}
    for family in sorted(fits, key=lambda of: (of == task.promote.must_beat, of)):
        metrics = fits[family].metrics
        yield {
            "domain": domain,
            "task": task.name,
            "family": family,
            "nominal": metrics["nominal_coverage"],
            "split": metrics["coverage"],
            "low": metrics.get("interval/coverage_low"),
            "high": metrics.get("interval/coverage_high"),
            "others": {way: metrics[name] for way in WAYS if (name := f"conformal/{way}_coverage") in metrics},
            "tested_on": str(task.split.spans["test"]),
            "as_of": fits[family].as_of.isoformat(),
            "commit": commit,
        }


def renewed(before: Iterable[Record], found: Sequence[Record]) -> list[Record]:
    """The held records of other tasks, and all that was found now."""
    tasks = {(of["domain"], of["task"]) for of in found}
    return sorted(
        [*[of for of in before if (of["domain"], of["task"]) not in tasks], *found],
        key=lambda of: (of["domain"], of["task"]),
    )


def in_readme(text: str, records: Iterable[Record]) -> str:
    """The README's text with these records between its marks."""
    return re.sub(f"{_BEGIN}\n.*?{_END}", lambda _: f"{_BEGIN}\n{table(records)}{_END}", text, flags=re.DOTALL)


def table(records: Iterable[Record]) -> str:
    """A row a family; what lies farther than NEAR from what was promised is marked by how many points."""
    records = list(records)
    ways = [way for way in WAYS if any(way in of["others"] for of in records)]
    head = ("task: family", "promised", "split (95 % interval)", *[way.replace("_", " ") for way in ways])
    return results.table(head, [_row(of, ways) for of in records])


def _row(of: Record, ways: Sequence[str]) -> list[str]:
    others: Mapping[str, float] = of["others"]
    ends = "" if of["low"] is None or of["high"] is None else f" ({100 * of['low']:.1f} to {100 * of['high']:.1f})"
    nominal = of["nominal"]
    told = [_share(others[way], nominal) if way in others else "" for way in ways]
    return [f"{of['task']}: {of['family']}", f"{nominal:.0%}", _share(of["split"], nominal) + ends, *told]


def _share(coverage: float, nominal: float) -> str:
    off = coverage - nominal
    return f"{100 * coverage:.1f} %" if round(abs(off), 9) <= NEAR else f"{100 * coverage:.1f} % [{100 * off:+.1f}]"


if __name__ == "__main__":
    sys.exit(main())
