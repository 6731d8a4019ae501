"""Windows along the time line: random histories against their plain meaning, an entity each, in one Spark job."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from pipelines.contracts.features import Rolling
from pipelines.transforms.lookback import look_back
from tests.frames import frame, rows

START, HOUR = datetime(2024, 1, 1, tzinfo=UTC), timedelta(hours=1)
FACTS = "who string, at timestamp, known timestamp, until timestamp, level double, is_open int"
HOURS = (1.0, 6.0, 48.0)
FEATURES = (
    *[Rolling("level", op, hours=hours) for hours in HOURS for op in ("count", "sum", "mean")],
    Rolling("is_open", "mean", hours=6.0),
)
ABOUT = {"by": ["who"], "at": "cut_at", "event": "at", "known": ("known", "until"), "features": FEATURES}
NAMES = [name for feature in FEATURES for name in feature.names()]
Fact = tuple[datetime, datetime, datetime | None, float | None, int | None]


def history(draw: random.Random, levels: tuple[float | None, ...]) -> list[Fact]:
    """Facts on half hours, several at one instant: known before they happen, then, or late; some no longer hold."""
    return [
        (
            START + event * HOUR / 2,
            START + (event + draw.choice((-4, 0, 0, 1, 3, 9))) * HOUR / 2,
            draw.choice((None, None, START + (event + draw.randrange(-3, 14)) * HOUR / 2)),
            draw.choice(levels),
            draw.choice((None, 0, 1)),
        )
        for event in draw.choices(range(60), k=draw.randrange(0, 40))
    ]


def plainly(facts: list[Fact], cut: datetime) -> tuple[float | None, ...]:
    """What one cut-off must hold, by plain Python."""
    usable = [fact for fact in facts if fact[0] <= cut and fact[1] <= cut and (fact[2] is None or cut < fact[2])]
    values: list[float | None] = []
    for hours in HOURS:
        window = [fact[3] for fact in usable if fact[0] > cut - hours * HOUR and fact[3] is not None]
        values += [len(window), sum(window) if window else None, sum(window) / len(window) if window else None]
    flags = [fact[4] for fact in usable if fact[0] > cut - 6 * HOUR and fact[4] is not None]
    return (*values, sum(flags) / len(flags) if flags else None)


def of_all(spark, histories: dict[str, list[Fact]]):
    return spark.createDataFrame([(who, *fact) for who, facts in histories.items() for fact in facts], FACTS)


def asked(spark, whom, cuts: list[datetime]):
    return spark.createDataFrame([(who, cut) for who in whom for cut in cuts], "who string, cut_at timestamp")


def by_question(found) -> dict:
    return {(row["who"], row["cut_at"]): tuple(row[name] for name in NAMES) for row in found.toArrow().to_pylist()}


def test_windows_equal_their_plain_meaning_and_look_back(spark):
    """Levels are eighths, so sums have no rounding and all three agree to the last bit."""
    draw = random.Random(23)
    histories = {f"w{n}": history(draw, (None, 1.5, -2.25, 4.125, 10.0)) for n in range(80)}
    cuts = [START + n * HOUR / 2 for n in range(-2, 80, 5)]
    probes, facts = asked(spark, histories, cuts), of_all(spark, histories)
    found = by_question(look_back(probes, facts, **ABOUT))
    assert len(found) == len(histories) * len(cuts)
    assert found == {(who, cut): plainly(histories[who], cut) for who, cut in found}
    assert found == by_question(look_back(probes, facts, **ABOUT))
    assert sum(values[NAMES.index("level__count_6h")] > 1 for values in found.values()) > 300


def test_what_becomes_known_after_the_cut_off_changes_no_bit(spark):
    """Tenths and thirds, whose sums depend on their order: later facts and later revocations, in another order."""
    draw = random.Random(5)
    levels = (0.1, 1 / 3, 1e9 / 7, -2.7, None)
    histories = {f"w{n}": history(draw, levels) for n in range(40)}
    cut = START + 20 * HOUR
    cuts = [cut - n * HOUR / 2 for n in range(0, 30, 3)]

    def otherwise(facts: list[Fact]) -> list[Fact]:
        """The same up to the cut-off; after it more is told, or less, and what held is revoked."""
        past = [fact for fact in facts if fact[1] <= cut]
        changed = [
            (*fact[:2], draw.choice((None, cut + HOUR)) if fact[2] is None or fact[2] > cut else fact[2], *fact[3:])
            for fact in past
        ]
        late = [
            (at, max(known, cut) + HOUR / 60, None, draw.choice(levels), 1) for at, known, *_ in history(draw, levels)
        ]
        return draw.sample(changed + late, len(changed) + len(late))

    probes = asked(spark, histories, cuts)
    before = by_question(look_back(probes, of_all(spark, histories), **ABOUT))
    told = {who: otherwise(facts) for who, facts in histories.items()}
    after = by_question(look_back(probes.repartition(3), of_all(spark, told).repartition(3), **ABOUT))
    assert {question: tuple(map(repr, values)) for question, values in before.items()} == {
        question: tuple(map(repr, values)) for question, values in after.items()
    }


def test_probes_keep_their_rows_and_columns(spark):
    """Equal questions stay apart, and whoever is asked of without facts, or without a name, has none."""
    probes = frame(
        spark,
        "id int, who string, other string, cut_at timestamp",
        [
            (1, "a", "x", "2024-01-02 00:00"),
            (2, "a", None, "2024-01-02 00:00"),
            (3, "nobody", "x", "2024-01-02 00:00"),
            (4, None, "x", "2024-01-02 00:00"),
        ],
    )
    facts = frame(
        spark,
        FACTS,
        [
            ("a", "2024-01-01 20:00", "2024-01-01 20:00", None, 3.0, 1),
            ("a", "2024-01-02 00:00", "2024-01-02 00:00", None, 5.0, None),
            (None, "2024-01-01 20:00", "2024-01-01 20:00", None, 99.0, 1),
        ],
    )
    features = (Rolling("level", "sum", hours=6), Rolling("level", "count", hours=3))
    found = look_back(probes, facts, **ABOUT | {"features": features})
    assert found.columns == [*probes.columns, "level__sum_6h", "level__count_3h"]
    assert rows(found, "id") == [
        (1, "a", "x", "2024-01-02 00:00", 8.0, 1),
        (2, "a", None, "2024-01-02 00:00", 8.0, 1),
        (3, "nobody", "x", "2024-01-02 00:00", None, 0),
        (4, None, "x", "2024-01-02 00:00", None, 0),
    ]


def test_facts_may_be_about_all_alike_or_about_several_names_together(spark):
    probes = frame(
        spark,
        "origin string, destination string, cut_at timestamp",
        [("a", "b", "2024-01-02 00:00"), ("b", "a", "2024-01-02 00:00")],
    )
    facts = frame(
        spark,
        "origin string, destination string, at timestamp, known timestamp, until timestamp, level double",
        [
            ("a", "b", "2024-01-01 20:00", "2024-01-01 21:00", None, 1.0),
            ("a", "b", "2024-01-01 21:00", "2024-01-01 21:00", None, 0.0),
            ("a", "c", "2024-01-01 21:00", "2024-01-01 21:00", None, 0.0),
        ],
    )
    features = (Rolling("level", "mean", hours=6),)
    together = look_back(probes, facts, **ABOUT | {"by": ["origin", "destination"], "features": features})
    assert rows(together, "origin") == [("a", "b", "2024-01-02 00:00", 0.5), ("b", "a", "2024-01-02 00:00", None)]
    alike = look_back(probes, facts, **ABOUT | {"by": [], "features": features})
    assert [row[-1] for row in rows(alike)] == [pytest.approx(1 / 3)] * 2


def test_a_value_that_is_not_finite_counts_as_none(spark):
    facts = frame(
        spark,
        FACTS,
        [
            ("a", f"2024-01-01 0{hour}:00", f"2024-01-01 0{hour}:00", None, level, None)
            for hour, level in ((1, 2.0), (2, float("nan")), (3, float("inf")), (4, 4.0))
        ],
    )
    cut = datetime(2024, 1, 1, 5, tzinfo=UTC)
    found = look_back(asked(spark, ["a"], [cut]), facts, **ABOUT | {"features": (Rolling("level", "mean", hours=6.0),)})
    assert rows(found) == [("a", "2024-01-01 05:00", 3.0)]
