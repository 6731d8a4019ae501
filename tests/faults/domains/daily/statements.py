"""What the shops say, in which files, and in plain Python what must be held and known of it, in whatever order it came.

The last word on a key is the one of the greatest revision. No two statements about a key have the same.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

DAYS, LATE, COPIES, CHANGED_COPIES = 30, 6, 3, 3
FILES = DAYS + LATE + COPIES + CHANGED_COPIES
SHOPS = ("east", "north", "west")
FIRST_DAY = datetime(2024, 3, 1, tzinfo=UTC)
LATEST = timedelta(days=90)
_DAY = timedelta(days=1)
_HEADER = "shop_id,sold_at,amount_eur,revision,said_at,status"
Key = tuple[str, datetime]
Text = Mapping[str, str]
"""What is in a file, by its name."""


@dataclass(frozen=True)
class Statement:
    """amount_eur: a whole number, so that sums are exact in any order; None withdraws the key."""

    shop_id: str
    sold_at: datetime
    amount_eur: float | None
    revision: int
    said_at: datetime

    @property
    def key(self) -> Key:
        return self.shop_id, self.sold_at


@dataclass(frozen=True)
class Said:
    """All that is ever said. by_file: statements by file name. copies: names of files whose very bytes another has."""

    by_file: Mapping[str, tuple[Statement, ...]]
    text: Text
    copies: Mapping[str, str]
    late: tuple[str, ...]


def said(seed: int) -> Said:
    """Thirty days, a file each, with corrections and withdrawals of earlier days; then files up to 90 days after the
    last; some files again under a new name, byte for byte or with their rows in another order."""
    draw = random.Random(seed)
    revisions: dict[Key, int] = {}

    def statement(key: Key, at: datetime, share_withdrawn: float) -> Statement:
        revisions[key] = revisions.get(key, -1) + 1
        withdraws = revisions[key] > 0 and draw.random() < share_withdrawn
        return Statement(*key, None if withdraws else float(draw.randint(1, 900)), revisions[key], at)

    days = [FIRST_DAY + day * _DAY for day in range(DAYS)]
    keys = [(shop, day + _DAY / 2) for day in days for shop in SHOPS]
    told_late = draw.sample(keys, LATE)
    by_file: dict[str, tuple[Statement, ...]] = {}
    for day in days:
        at = day + timedelta(hours=20)
        fresh = [key for key in keys if key[1].date() == day.date() and key not in told_late]
        again = draw.sample(sorted(revisions), min(2, len(revisions)))
        by_file[_name(day)] = tuple([statement(key, at, 0.0) for key in fresh] + [statement(k, at, 0.3) for k in again])
    delays = [*sorted(draw.sample(range(2, LATEST.days), LATE - 1)), LATEST.days]
    late = [days[-1] + delay * _DAY for delay in delays]
    for day, key in zip(late, told_late, strict=True):
        about = [key, *draw.sample(sorted(revisions), 3)]
        by_file[_name(day)] = tuple(statement(key, day + _DAY / 2, 0.3) for key in dict.fromkeys(about))
    text = {name: _text(of_file) for name, of_file in by_file.items()}
    # those of the last three may not come before them
    originals = draw.sample(sorted(by_file)[: -LATE // 2], COPIES + CHANGED_COPIES)
    copies = {name.replace(".csv", "-again.csv"): name for name in originals}
    for number, (copy, name) in enumerate(copies.items()):
        by_file[copy] = by_file[name] if number < COPIES else by_file[name][::-1]
        text[copy] = _text(by_file[copy])
    same = {copy: name for copy, name in copies.items() if text[copy] == text[name]}
    return Said(by_file, text, same, tuple(map(_name, late)))


def in_force(statements: Collection[Statement]) -> set[Statement]:
    """The last word on each key, unless it withdraws it."""
    return {words[-1] for words in _by_key(statements).values() if words[-1].amount_eur is not None}


def spans(statements: Collection[Statement]) -> Iterator[tuple[Statement, datetime | None]]:
    """What was in force at some time, with the instant from which a greater word was known, None if none is."""
    for words in _by_key(statements).values():
        for number, word in enumerate(words):
            until = min((later.said_at for later in words[number + 1 :]), default=None)
            if word.amount_eur is not None and (until is None or word.said_at < until):
                yield word, until


def features(
    statements: Collection[Statement], as_of: datetime
) -> dict[tuple[str, datetime], tuple[float | None, ...]]:
    """By shop and cut-off: the sum of 72 hours and the greatest amount of 720, of what was known then."""
    found = {}
    for shop in {statement.shop_id for statement in statements}:
        of_shop = [statement for statement in statements if statement.shop_id == shop]
        first = min(max(statement.sold_at, statement.said_at) for statement in _ever_in_force(of_shop))
        cut_at = datetime(first.year, first.month, first.day, tzinfo=UTC) + _DAY
        while cut_at <= as_of:
            known = in_force([statement for statement in of_shop if statement.said_at <= cut_at])
            ages = [(cut_at - word.sold_at, word.amount_eur) for word in known]
            near = [amount for age, amount in ages if age < timedelta(hours=72)]
            far = [amount for age, amount in ages if age < timedelta(hours=720)]
            found[shop, cut_at] = (sum(near) if near else None, max(far) if far else None)
            cut_at += _DAY
    return found


def _ever_in_force(statements: Collection[Statement]) -> list[Statement]:
    return [statement for statement, _ in spans(statements)]


def _by_key(statements: Collection[Statement]) -> dict[Key, list[Statement]]:
    """By key, each statement once, the greatest last."""
    found = defaultdict(list)
    for statement in sorted(set(statements), key=lambda statement: statement.revision):
        found[statement.key].append(statement)
    return found


def _name(day: datetime) -> str:
    return f"tills/{day:%Y-%m-%d}.csv"


def _text(statements: Collection[Statement]) -> str:
    return "".join(f"{line}\n" for line in (_HEADER, *map(_line, statements)))


def _line(statement: Statement) -> str:
    at = f"{statement.sold_at:%Y-%m-%dT%H:%MZ}"
    amount, status = (f"{statement.amount_eur:g}", "sold") if statement.amount_eur is not None else ("", "withdrawn")
    return f"{statement.shop_id},{at},{amount},{statement.revision},{statement.said_at:%Y-%m-%dT%H:%MZ},{status}"
