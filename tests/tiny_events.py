"""A small gold layer of events and plans over it: flights that are late or not, asked about once each, no steps."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.contracts.features import Image, Lag
from pipelines.contracts.fits import FitPlan, Frame, Shard
from pipelines.contracts.tasks import ParamValue, Span

START = datetime(2024, 1, 1, tzinfo=UTC)
INSTANT = pa.timestamp("us", tz="UTC")
LEGS = 2400
LEAD = timedelta(hours=2)
FRAME = Frame(
    entity="leg_id",
    cut_offs="gold.tiny_legs",
    cut_off_features=("carrier__place", "inbound_delay_min__as_of", "distance_km__own", "calendar__time_of_day"),
    targets=(),
    windows=(),
    label="is_late",
    label_series="gold.tiny_outcomes",
    step=timedelta(0),
    steps=1,
    label_known_after=timedelta(days=1),
    categories=(("carrier__place", 3),),
    images=(Image("picture", height=8, width=8),),
)

LAGS_H = tuple(range(12))
WITH_LAGS = replace(
    FRAME,
    cut_off_features=(*FRAME.cut_off_features, *Lag("speed_kmh", LAGS_H).names(), *Lag("heat_c", LAGS_H).names()),
)
"""What is measured every hour besides, for families that follow it."""


def hour(number: int) -> datetime:
    return START + timedelta(hours=number)


TRAIN, VALIDATE, TEST = Span(hour(0), hour(1500)), Span(hour(1500), hour(1900)), Span(hour(1900), hour(LEGS))


def examples() -> pa.Table:
    """One leg an hour. Late are those of carrier 2 and after a late inbound, which is unknown for every fifth leg;
    distances say nothing, some by powers of ten. A picture shows both. Every fiftieth label is unknown. The lags are of
    a speed that comes and goes and of the heat that follows it.
    """
    random = np.random.default_rng(5)
    carrier = random.integers(0, 4, LEGS)
    inbound = random.normal(0.0, 20.0, LEGS)
    log_odds = -1.5 + 3.0 * (carrier == 2) + 0.15 * inbound
    late = random.random(LEGS) < 1.0 / (1.0 + np.exp(-log_odds))
    return pa.table(
        {
            "leg_id": [f"leg-{n:04d}" for n in range(LEGS)],
            "cut_at": pa.array([hour(n) for n in range(LEGS)], INSTANT),
            "carrier__place": carrier.astype(np.float64),
            "inbound_delay_min__as_of": [None if n % 5 == 0 else float(inbound[n]) for n in range(LEGS)],
            "distance_km__own": np.exp(random.normal(5.0, 2.0, LEGS)),
            "calendar__time_of_day": np.arange(LEGS) % 24.0,
            "label": pa.array([[None if n % 50 == 0 else float(late[n])] for n in range(LEGS)]),
            "picture__image": pa.array([_picture(carrier[n], inbound[n] if n % 5 else 0.0) for n in range(LEGS)]),
            **_lags(),
        }
    )


def _lags() -> dict[str, pa.Array]:
    random = np.random.default_rng(6)
    speed, heat = np.zeros(LEGS), np.zeros(LEGS)
    for n in range(1, LEGS):
        speed[n] = 0.7 * speed[n - 1] + random.normal()
        heat[n] = 0.8 * heat[n - 1] + 0.5 * speed[n - 1] + 0.2 * random.normal()
    return {
        name: pa.array(np.concatenate([np.full(hours, np.nan), values[: LEGS - hours]]), from_pandas=True)
        for column, values in (("speed_kmh", speed), ("heat_c", heat))
        for name, hours in zip(Lag(column, LAGS_H).names(), LAGS_H, strict=True)
    }


def _picture(carrier: int, inbound: float) -> bytes:
    """8 × 8: a bar as wide as the carrier's number says, on a ground as bright as the inbound was late."""
    pixels = np.full((8, 8), np.clip(128.0 + 3.0 * inbound, 0.0, 255.0), np.uint8)
    pixels[:3, : 2 * carrier] = 255
    pixels[3:6, : 2 * carrier] = 0
    return pixels.tobytes()


def within(rows: pa.Table, span: Span) -> pa.Table:
    return rows.filter(pa.array([span.start <= at < span.end for at in rows["cut_at"].to_pylist()]))


def write_gold(folder: Path) -> dict[str, Shard]:
    """The legs with their features, and the outcomes, each two hours after its cut-off and known a day later."""
    rows = examples()
    at = [cut + LEAD for cut in rows["cut_at"].to_pylist()]
    outcomes = pa.table(
        {
            "leg_id": rows["leg_id"],
            "at": pa.array(at, INSTANT),
            "known_at": pa.array([moment + timedelta(days=1) for moment in at], INSTANT),
            "known_until": pa.nulls(LEGS, INSTANT),
            "is_late": rows["label"].combine_chunks().flatten(),
        }
    )
    files = {
        "gold.tiny_legs": rows.drop(["label"]),
        "gold.tiny_outcomes": outcomes.filter(pc.is_valid(outcomes["is_late"])),
    }
    for name, table in files.items():
        pq.write_table(table, folder / f"{name}.parquet")
    return {name: Shard(name, 1, (str(folder / f"{name}.parquet"),)) for name in files}


def plan_for(
    family: str,
    engine: str = "single",
    quantiles: tuple[float, ...] = (),
    tables: dict[str, Shard] | None = None,
    workers: int = 1,
    **params: ParamValue,
) -> FitPlan:
    return FitPlan(
        domain="tiny",
        task="is_late",
        family=family,
        engine=engine,
        params=params,
        seed=7,
        frame=FRAME,
        quantiles=quantiles,
        train=TRAIN,
        validate=VALIDATE,
        tables=tables or {},
        workers=workers,
    )
