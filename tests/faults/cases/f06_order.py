"""F6: thirty days of files in any order, late ones among them, corrections before what they correct, files again."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from pipelines.io.ledger import Ledger
from pipelines.io.table_hash import PROVENANCE, table_hash
from pipelines.settings import Settings, load
from tests.faults import oracle, warm
from tests.faults.domains.daily.domain import DOMAIN
from tests.faults.domains.daily.statements import FILES, Said, Statement, features, in_force, said, spans
from tests.faults.harness import Case, Finding
from tests.faults.place import Place
from tests.house import drop, query
from tests.overlay import write_overlay

FAULT, WHERE = "F6", "land to gold"
QUICK, FULL = 2 * FILES, 3 * FILES
_STAGES = ("land", "bronze", "silver", "gold")
_INGESTS = 4
_SALES, _HISTORY = "silver.daily_sales", "silver.daily_sales_history"
_SERIES, _FEATURES = "gold.daily_sales_series", "gold.daily_amount_eur"
_OF_RECORDS = ("_record_id", "_ordinal", "_delivered_at")
"""Which of two records that say the same came first is a matter of the order."""
_CUT_OFFS = "SELECT shop_id, cut_at, amount_eur__sum_72h, amount_eur__max_720h FROM t"


def cases(place: Place, number: int, seed: int) -> Iterator[Case]:
    """One order a case; all of them bring the same files, and must end in the same tables."""
    everything, seen = said(seed), []
    for turn in range(-(-number // FILES)):
        point = f"{FILES} files in a random order, {_INGESTS} ingests, the latest files last"
        yield Case(seed + turn, point, _case(everything, seed + turn, seen))


def _case(everything: Said, seed: int, seen: list[dict[str, str]]) -> Callable[[Place], Finding]:
    """seen: the tables' hashes after each order so far, to which this one's are added."""

    def happen(place: Place) -> Finding:
        folder = place.folder / f"order-{seed}"
        folder.mkdir()
        problems = _delivered(everything, _parts(everything, seed), folder)
        hashes = _hashes(folder)
        if seen and hashes != seen[0]:
            differing = sorted(table for table in hashes if hashes[table] != seen[0].get(table))
            problems.append(f"not as after the first order: {', '.join(differing)}")
        seen.append(hashes)
        return Finding(f"{_INGESTS} ingests", tuple(problems), FILES)

    return happen


def _parts(everything: Said, seed: int) -> list[list[str]]:
    """What comes in each ingest: the latest three files in the last one, all others in any order before."""
    draw = random.Random(seed)
    latest = list(everything.late[len(everything.late) // 2 :])
    others = [name for name in everything.by_file if name not in latest]
    draw.shuffle(others)
    ends = sorted(draw.sample(range(3, len(others) - 2), _INGESTS - 2))
    return [others[begin:end] for begin, end in zip([0, *ends], [*ends, len(others)], strict=True)] + [latest]


def _delivered(everything: Said, parts: Sequence[Sequence[str]], folder: Path) -> list[str]:
    """What is wrong after any of the ingests, each held against a model of all that was said by then."""
    settings, log = _settings(folder), folder / "run.log"
    problems, records, statements = [], Counter[str](), []
    earlier: list[tuple[Any, ...]] = []
    for turn, names in enumerate(parts, start=1):
        # the very bytes of a file that is there already are left out, whichever of the two names came first
        fresh = [name for name in sorted(names) if not _was_landed(everything, name, records, sorted(names))]
        records.update({name: len(everything.by_file[name]) for name in fresh})
        news = [statement for name in fresh for statement in everything.by_file[name]]
        statements += news
        drop(settings, DOMAIN.name, {name: everything.text[name] for name in names})
        if code := warm.run(settings, DOMAIN.name, _STAGES, log).code:
            return [*problems, f"ingest {turn} ended with exit code {code}: {log.read_text().splitlines()[-1]}"]
        ledger = Ledger(settings.ledger)
        as_of = ledger.newest_delivery(DOMAIN.name)
        assert as_of is not None
        wrong = oracle.broken(ledger, DOMAIN, records) + _against_model(settings, statements, as_of)
        now = query(settings, DOMAIN.name, _FEATURES, _CUT_OFFS)
        before_news = min(statement.said_at for statement in news)
        past = [row for row in earlier if row[1] < before_news]
        if changed := set(past) - set(now):
            wrong.append(f"{len(changed)} features changed by what became known later, such as {min(changed)}")
        if turn == len(parts) and not past:
            wrong.append("no cut-off lies before the latest files, so nothing was shown")
        problems += [f"after ingest {turn}: {problem}" for problem in wrong]
        earlier = now
    return problems


def _was_landed(everything: Said, name: str, records: Counter[str], together: Sequence[str]) -> bool:
    """Whether the other of two files with the same bytes comes before this one. together: with it, in their order."""
    alike = {**everything.copies, **{original: copy for copy, original in everything.copies.items()}}.get(name)
    return alike is not None and (alike in records or alike in together[: together.index(name)])


def _against_model(settings: Settings, statements: Sequence[Statement], as_of: datetime) -> list[str]:
    """Where silver, its history and gold are not what the statements come to."""
    columns = "shop_id, sold_at, amount_eur, revision, said_at"
    held = in_force(statements)
    wanted = {
        _SALES: [_row(statement) for statement in held],
        _HISTORY: [_row(statement) for statement in set(statements) - held],
        _SERIES: [(s.shop_id, s.sold_at, s.said_at, until, s.amount_eur) for s, until in spans(statements)],
        _FEATURES: [(*asked, *values) for asked, values in features(statements, as_of).items()],
    }
    found = {
        _SALES: query(settings, DOMAIN.name, _SALES, f"SELECT {columns} FROM t"),
        # an older statement that comes twice is there twice: each of its records has a place
        _HISTORY: query(settings, DOMAIN.name, _HISTORY, f"SELECT DISTINCT {columns} FROM t"),
        _SERIES: query(settings, DOMAIN.name, _SERIES, "SELECT shop_id, at, known_at, known_until, amount_eur FROM t"),
        _FEATURES: query(settings, DOMAIN.name, _FEATURES, _CUT_OFFS),
    }
    problems = []
    for table, rows in wanted.items():
        lacking, beyond = Counter(rows) - Counter(found[table]), Counter(found[table]) - Counter(rows)
        if lacking:
            problems.append(f"{table}: lacks {lacking.total()} rows, such as {next(iter(lacking))}")
        if beyond:
            problems.append(f"{table}: has {beyond.total()} rows too many, such as {next(iter(beyond))}")
    return problems


def _row(statement: Statement) -> tuple[Any, ...]:
    return (*statement.key, statement.amount_eur, statement.revision, statement.said_at)


def _hashes(folder: Path) -> dict[str, str]:
    """By published table, a hash of what it says; the history apart, which has a row for each record."""
    pins = Ledger(_settings(folder).ledger).pins(DOMAIN.name)
    return {
        name: table_hash(pins[name].path, pins[name].version, without=(*PROVENANCE, *_OF_RECORDS))
        for name in (_SALES, _SERIES, _FEATURES)
        if name in pins
    }


def _settings(folder: Path) -> Settings:
    return load(write_overlay(folder, folder / "root", samples=False))
