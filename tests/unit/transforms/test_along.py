"""The way along a time line: whatever is looked at in one go, and whoever lies in between, the answers are the same."""

from __future__ import annotations

import random

import pyarrow as pa

from pipelines.contracts.features import Ewm, Lag, Last, Quantile, Rolling
from pipelines.transforms.lookback import answer
from pipelines.transforms.time_line import Grid
from tests.time_lines import answered, laid

HOUR = 3_600_000_000
FEATURES = (
    Rolling("level_m", "mean", hours=5.0),
    Rolling("level_m", "count", hours=9.0),
    Quantile("level_m", 0.4, hours=9.0),
    Ewm("level_m", 2.0, hours=9.0),
    Lag("level_m", hours=(9.0,)),
    Last("level_m", "sum", rows=4, hours=9.0),
)
NAMES = [name for feature in FEATURES for name in feature.names()]


def told(draw: random.Random) -> tuple[list[dict], list[dict]]:
    """Facts and probes of three before and after 1970, one of which has most; many facts are late, and some are taken
    back."""
    facts, probes = [], []
    for who, size in (("a", 6), ("b", 150), (None, 0)):
        for _ in range(size):
            event = draw.randrange(-200, 200)
            known = event + draw.choice((-3, 0, 0, 0, 2, 30))
            until = draw.choice((None, None, None, known + 1, known + 25))
            hours = {"event": event, "known": known, "until": until}
            said = {"who": who, "_number level_m": draw.choice((None, 0.1, 1 / 3, 2.7))}
            facts.append(said | {name: None if hour is None else hour * HOUR for name, hour in hours.items()})
        probes += [{"who": who, "cut_at": draw.randrange(-220, 230) * HOUR} for _ in range(60)]
    return facts, probes


def test_however_few_rows_are_looked_at_in_one_go_the_answers_are_the_same():
    apart, together = Grid(9.0, 1 << 20), Grid(9.0, 1)
    ways = (
        (apart, lambda who, bucket: len(who or ""), 1 << 18, 1 << 18),
        (together, lambda who, bucket: 1000 * len(who or "") + bucket, 1, 1),
        (together, lambda who, bucket: bucket % 2, 17, 3),  # keys and buckets lie in each other
        (together, lambda who, bucket: -1, 50, 50),
        (together, lambda who, bucket: 0, 5, 2),
    )
    for seed in range(2):
        facts, probes = told(random.Random(seed))
        answers = [of_way(facts, probes, *way) for way in ways]
        assert len(answers[0]) == 180 and all(each == answers[0] for each in answers)
        assert sum(row[0] != "None" for row in answers[0]) > 25


def of_way(facts: list[dict], probes: list[dict], grid: Grid, run_of, at_once: int, in_a_batch: int) -> list[tuple]:
    rows, types = laid(facts, probes, grid, run_of), {"_number level_m": pa.float64()}
    found = answered(rows, types, lambda some: answer(some, FEATURES, grid.reach), grid, at_once, in_a_batch)
    return [tuple(repr(row[name]) for name in NAMES) for row in found]
