"""Day-ahead prices of two markets, forecast day by day by models that are fitted anew as the days pass."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.contracts.fits import FitPlan, Workspace
from pipelines.contracts.tasks import ParamValue, Span, utc
from pipelines.engines.recorder import FileRecorder
from pipelines.metrics.point import mae
from pipelines.models.base import families
from pipelines.models.rows import LABEL, Values, lists
from pipelines.stages.train import SEED
from pipelines.transforms.examples import INSTANT, examples, instants
from tests.quality.figure import Figure
from tests.quality.through_gold import asked_of_gold
from tests.reference import reference_domains

DATA = "energy/epf"
TEST = Span(utc("2016-12-27"), utc("2018-12-25"))
MARKETS = ("NP", "PJM")
QUICK_DAYS, HOURS = 28, 24
PROTOCOL = (
    "EPF open-access benchmark (Lago et al. 2021), both markets through land, bronze, silver and gold: at each "
    "midnight of {days} days from 2016-12-27 on, the prices of the 24 hours to come, from prices up to then and two "
    "published forecasts; mean absolute error. {models}; their parameters were chosen by the days of "
    "2016 before the test. Reference and first mark: the authors' LEAR ensemble, fitted anew every day; goal: their "
    "ensemble of nets; both from their own forecasts of these days"
)

WITH_TREES = (
    "EPF: with the trees the mean is better on one market and worse on the other; nothing before the test days chose "
    "between the two, so both stand"
)


@dataclass(frozen=True, eq=False)
class Member:
    """A model of the mean. days: the newest ones that it is fitted on; every: days from one fit to the next."""

    family: str
    days: int
    every: int
    params: Mapping[str, ParamValue] = field(default_factory=dict)

    @property
    def told(self) -> str:
        params = ", ".join(f"{name} {value}" for name, value in self.params.items())
        often = "every day" if self.every == 1 else f"every {self.every} days"
        return f"{self.family} ({params}) fitted anew {often} on up to {self.days} days"


SHORT = Member("lear", 84, 1, {"windows": "56,84"})
LONG = Member("lear", 1456, 7, {"windows": "1092,1456"})
TREES = Member("xgboost", 1092, 28, {"rounds": 300, "patience": 300, "max_depth": 6})
LEAR = {"lear": (SHORT, LONG)}
MODELS = LEAR | {"mean of lear and xgboost": (SHORT, LONG, TREES)}


def figures(data: Path, reference: Mapping[str, Any], quick: bool) -> Iterator[Figure]:
    """MAE of each mean of models; no better than the same hour a week before breaks a promise. The quick round has the
    first days of one market."""
    asked, of_market = from_gold(data / DATA)
    for market in MARKETS[:1] if quick else MARKETS:
        days = of_market[market]
        first, end = np.searchsorted(instants(days["cut_at"]), instants(pa.array([TEST.start, TEST.end], INSTANT)))
        end = first + QUICK_DAYS if quick else end
        labels = lists(days, LABEL, HOURS)
        actual, week_before = labels[first:end].ravel(), labels[first - 7 : end - 7].ravel()
        authors = pd.read_csv(data / DATA / "forecasts" / f"Forecasts_{market}.csv.gz", index_col=0)[: len(actual)]
        lear = mae(actual, authors["LEAR Ensemble"].to_numpy())
        held: dict[Member, Values] = {}
        started = time.monotonic()
        for name, members in (LEAR if quick else MODELS).items():
            held |= {member: walked(member, asked, days, first, end) for member in members if member not in held}
            ours = mae(actual, np.mean([held[member] for member in members], axis=0).ravel())
            yield Figure(
                what=f"EPF {market}, {f'first {QUICK_DAYS} days, ' if quick else ''}{name}: MAE",
                ours=ours,
                reference=lear,
                goal=mae(actual, authors["DNN Ensemble"].to_numpy()),
                first_mark=lear,
                protocol=PROTOCOL.format(days=end - first, models="; ".join(member.told for member in members)),
                seed=SEED,
                samples=len(actual),
                seconds=time.monotonic() - started,
                holds=ours < mae(actual, week_before),
                note=WITH_TREES if ours > lear and len(members) > len(LEAR["lear"]) else "",
            )


def from_gold(raw: Path) -> tuple[FitPlan, Mapping[str, pa.Table]]:
    """What the domain's task asks, as a plan without tables; each market's days as examples, in the order of time."""
    with reference_domains():
        from pipelines.domains.epf.domain import DOMAIN, PRICE
    files = {f"hours/2018-12-25-{market}.csv.gz": (raw / f"{market}.csv.gz").read_bytes() for market in MARKETS}
    asked, held = asked_of_gold(DOMAIN, PRICE, "lear", {}, files)
    of_market = {}
    for market in MARKETS:
        own = {name: rows.filter(pc.equal(rows["market"], market)) for name, rows in held.items()}
        of_market[market] = examples(own[asked.frame.cut_offs], own, asked.frame)
    return asked, of_market


def walked(member: Member, asked: FitPlan, days: pa.Table, first: int, end: int) -> Values:
    """(end - first, 24): what the member says of each day, fitted on days whose prices were all known as it began."""
    family, told = families()[member.family], []
    of_member = replace(asked, family=member.family, params=member.params)
    for begin in range(first, end, member.every):
        known = days.slice(max(0, begin - member.days), min(begin, member.days))
        with tempfile.TemporaryDirectory() as folder:
            model = family.fit(known, known, of_member, FileRecorder(Workspace(Path(folder)))).model
        asked_of = days.slice(begin, min(member.every, end - begin))
        told.append(np.asarray(family.scorer(model).predict(asked_of)["q50"]).reshape(-1, HOURS))
    return np.concatenate(told)
