"""Random statements about readings of pools: corrections (some of them to another pool), withdrawals, things told long
before or after they happened, ties of every instant, values and pools that are missing."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pipelines.contracts.features import AsOf, Change, Ewm, Expanding, FeatureView, Lag, Last, Op, Quantile, Rolling
from pipelines.contracts.tables import Column, Table

START, STEP = datetime(2024, 1, 1, tzinfo=UTC), timedelta(minutes=30)
READINGS = Table(
    "readings",
    source="logs",
    key=("reading_id",),
    event_time="happened_at",
    available_at="told_at",
    order=("edition",),
    columns=(
        Column("reading_id", "string"),
        Column("pool_id", "string", nullable=True),
        Column("happened_at", "timestamp"),
        Column("told_at", "timestamp"),
        Column("level_m", "double", nullable=True),
        Column("edition", "int"),
    ),
)
SAID = (
    "reading_id string, pool_id string, happened_at timestamp, told_at timestamp, level_m double, edition int, "
    "available_at timestamp, _delete boolean"
)
OPS: tuple[Op, ...] = ("mean", "std", "min", "max", "sum", "count")
HOURS = (1.0, 5.0)
LAGS, ROLLS = Lag("level_m", hours=(0.0, 0.5, 3.0)), tuple(Rolling("level_m", op, h) for h in HOURS for op in OPS)
QUANTILES = tuple(Quantile("level_m", q, hours) for q in (0.0, 1 / 3, 0.5, 0.9) for hours in HOURS)
MEANS = (Ewm("level_m", half_life_hours=1.5, hours=5.0), Ewm("level_m", half_life_hours=0.5, hours=1.0))
CHANGES = (Change("level_m", 2.0, ttl_hours=3.0), Change("level_m", 0.5, ttl_hours=1.0, by="ratio"))
LASTS = tuple(Last("level_m", op, rows, hours=4.0) for op in OPS for rows in (1, 3))
SO_FAR = tuple(Expanding("level_m", op) for op in ("count", "sum", "mean"))
TTLS = (2.0, math.inf)
VIEWS = (
    FeatureView("past", table="readings", entity="pool_id", features=(LAGS, *ROLLS)),
    FeatureView("more", table="readings", entity="pool_id", features=(*QUANTILES, *MEANS, *CHANGES, *LASTS, *SO_FAR)),
    *[
        FeatureView(f"newest_{n}", table="readings", entity="pool_id", features=(AsOf("level_m", ttl_hours=ttl),))
        for n, ttl in enumerate(TTLS)
    ],
)


@dataclass(frozen=True)
class Said:
    """A statement about a reading. Instants are steps from START."""

    reading: str
    pool: str | None
    happened: int
    told: int
    level: float | None
    edition: int
    withdraws: bool

    @property
    def rank(self) -> tuple:
        """What decides between two statements about one reading."""
        said = ((self.pool is not None, self.pool or ""), self.happened, self.told)
        content = (*said, (self.level is not None, self.level or 0.0))
        return (self.edition, self.withdraws, () if self.withdraws else content)

    @property
    def row(self) -> tuple:
        told = START + self.told * STEP
        return (
            *(self.reading, self.pool, START + self.happened * STEP, told, self.level, self.edition),
            *(told, self.withdraws),
        )


def statements(draw: random.Random, pool: int) -> list[Said]:
    """Readings of a pool, a few of which are corrected or withdrawn; levels are eighths, so sums have no rounding."""
    found = []
    for reading in range(draw.randrange(0, 9)):
        happened = draw.randrange(24)
        for edition in range(draw.choice((1, 1, 1, 2, 3))):
            at = happened + draw.choice((0, 0, 0, 1))
            for _ in range(draw.choice((1, 1, 1, 1, 2))):  # two of one edition, of which the greater counts
                found.append(
                    Said(
                        f"{pool}-{reading}",
                        draw.choice((f"p{pool}",) * 8 + (f"other{pool}", None)),
                        at,
                        at + draw.choice((-6, 0, 0, 0, 1, 2, 5, 20)),
                        draw.choice((None, 0.125, 1.5, -2.25, 4.0, 4.0)),
                        edition,
                        withdraws=False,
                    )
                )
            if draw.random() < 0.15:
                found.append(Said(f"{pool}-{reading}", None, at, at + draw.randrange(8), None, edition, withdraws=True))
    return found
