"""A small gold layer of queries and plans over it: offers of a request, a few each, of which some are wanted."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.contracts.fits import FitPlan, Frame, Shard
from pipelines.contracts.tasks import ParamValue, Span
from tests import tiny_events

START = datetime(2024, 1, 1, tzinfo=UTC)
INSTANT = pa.timestamp("us", tz="UTC")
REQUESTS, OFFERS = 300, 6
FRAME = Frame(
    entity="offer_id",
    cut_offs="gold.tiny_offers",
    cut_off_features=("price__own", "place__own", "weight__own"),
    targets=(),
    windows=(),
    label="relevance",
    label_series="gold.tiny_choices",
    step=timedelta(0),
    steps=1,
    label_known_after=timedelta(0),
    query="request_id",
)


def hour(number: int) -> datetime:
    return START + timedelta(hours=number)


TRAIN, VALIDATE, TEST = Span(hour(0), hour(180)), Span(hour(180), hour(230)), Span(hour(230), hour(REQUESTS))


def examples() -> pa.Table:
    """A request an hour, by falling names, of six offers. The cheaper an offer is beside its request's level, the more
    it is wanted, from 0 to 2, with some chance; the place at which it was shown helps a little, its weight says
    nothing. Of every tenth request nothing is wanted, every twentieth offer's label is unknown."""
    random = np.random.default_rng(11)
    rows = REQUESTS * OFFERS
    price, weight = random.normal(0.0, 1.0, rows), random.normal(0.0, 1.0, rows)
    place = np.tile(np.arange(1.0, OFFERS + 1), REQUESTS)
    wanted = -1.5 * price - 0.2 * place + random.normal(0.0, 0.5, rows)
    relevance = np.clip(np.floor(wanted), 0.0, 2.0)
    relevance[np.repeat(np.arange(REQUESTS) % 10 == 0, OFFERS)] = 0.0
    return pa.table(
        {
            "offer_id": [f"offer-{(7919 * n) % rows:04d}" for n in range(rows)],
            "cut_at": pa.array(np.repeat([hour(n) for n in range(REQUESTS)], OFFERS).tolist(), INSTANT),
            "price__own": price,
            "place__own": place,
            "weight__own": weight,
            "request_id": [f"request-{REQUESTS - n // OFFERS:03d}" for n in range(rows)],
            "label": pa.array([[None if n % 20 == 7 else float(relevance[n])] for n in range(rows)]),
        }
    )


def within(rows: pa.Table, span: Span) -> pa.Table:
    found = rows.filter(pa.array([span.start <= at < span.end for at in rows["cut_at"].to_pylist()]))
    return found.sort_by([(name, "ascending") for name in FRAME.order])


def write_gold(folder: Path) -> dict[str, Shard]:
    """The offers with their features, and what became of them, known at once."""
    rows = examples()
    choices = pa.table(
        {
            "offer_id": rows["offer_id"],
            "at": rows["cut_at"],
            "known_at": rows["cut_at"],
            "known_until": pa.nulls(len(rows), INSTANT),
            "relevance": rows["label"].combine_chunks().flatten(),
        }
    )
    files = {"gold.tiny_offers": rows.drop(["label"]), "gold.tiny_choices": choices}
    for name, table in files.items():
        pq.write_table(table, folder / f"{name}.parquet")
    return {name: Shard(name, 1, (str(folder / f"{name}.parquet"),)) for name in files}


def plan_for(
    family: str,
    engine: str = "single",
    tables: dict[str, Shard] | None = None,
    workers: int = 1,
    frame: Frame = FRAME,
    **params: ParamValue,
) -> FitPlan:
    plan = tiny_events.plan_for(family, engine, tables=tables, workers=workers, **params)
    return replace(plan, task="relevance", frame=frame, train=TRAIN, validate=VALIDATE)
