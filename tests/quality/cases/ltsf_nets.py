"""Nets on the long-horizon benchmark: trained over Horovod by its protocol, judged on its test windows; on ETTh1."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.contracts.features import History
from pipelines.contracts.fits import FitPlan, Frame, Shard, TargetFeatures, Workspace
from pipelines.contracts.tasks import ParamValue, Span
from pipelines.engines import fit
from pipelines.engines.recorder import FileRecorder
from pipelines.io.session import session, stop
from pipelines.metrics.point import mae, rmse
from pipelines.models.base import families
from pipelines.models.rows import LABEL, lists
from pipelines.transforms.examples import examples
from tests.house import settings_on
from tests.quality import ett
from tests.quality.ett import ETTH1, Transformer
from tests.quality.figure import Figure

DATA = ETTH1.file
RANKS, SEED = 2, 2021  # the seed of the published PatchTST
HORIZONS = (96, 192)
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Net:
    """published: its row in the reference. look_back: of its window, in steps. validate_every: one of so many validate
    rows is an origin. if_missed: what is to be said of a figure that misses its goal."""

    family: str
    published: str
    look_back: int
    params: Mapping[str, ParamValue] = field(default_factory=dict)
    validate_every: int = 1
    if_missed: str = ""


NETS = (
    Net(
        "dlinear",
        "DLinear",
        336,
        {"epochs": 8, "patience": 6, "batch": 256, "learning_rate": 2e-3},
        if_missed="ETTh1, DLinear: of one seed and one way of drawing batches. When each rank drew its own, the same "
        "net had a squared error of .4032 at 192 steps, so the draw is worth more than what is short",
    ),
    Net(
        "patchtst",
        "PatchTST64",
        512,
        {"epochs": 6, "patience": 2, "batch": 128, "learning_rate": 5e-4},
        if_missed="ETTh1, PatchTST: the goal is the published DLinear's row. Two cores do its 6 epochs in three "
        "to five minutes a horizon; the published net was given up to 100. Learning rates and numbers of "
        "epochs were tried by the validate rows; many more epochs, or another seed, were not",
    ),
)


def figures(data: Path, reference: Mapping[str, Any], quick: bool) -> Iterator[Figure]:
    """MSE and MAE per net and horizon on ETTh1."""
    yield from measured(ETTH1, data, reference, NETS[:1] if quick else NETS, HORIZONS[:1] if quick else HORIZONS)


def measured(
    of: Transformer, data: Path, reference: Mapping[str, Any], nets: Sequence[Net], horizons: Sequence[int]
) -> Iterator[Figure]:
    """MSE and MAE per net and horizon; one that is no better than repeating the last value breaks a promise."""
    channels = ett.standardised(ett.from_gold(of, data), of.train_rows)
    published = reference["ltsf"]["rows"][of.name]
    for net in nets:
        for horizon in horizons:
            started = time.monotonic()
            with tempfile.TemporaryDirectory() as folder:
                model = trained(of, channels, net, horizon, Path(folder))
            errors = tested(of, channels, net, horizon, model)
            seconds = time.monotonic() - started
            of_horizon = published[str(horizon)]
            for place, name in enumerate(("MSE", "MAE")):
                yield Figure(
                    what=f"{of.name}, {net.published}, horizon {horizon}: {name}",
                    ours=errors[place],
                    reference=of_horizon[net.published][place],
                    goal=of_horizon["PatchTST64"][place],
                    first_mark=of_horizon["DLinear"][place],
                    protocol=_protocol(of, net),
                    seed=SEED,
                    samples=of.windows_tested(horizon) * len(channels),
                    seconds=seconds,
                    holds=errors[place] < of_horizon["Repeat"][place],
                    note=net.if_missed if errors[place] > of_horizon["DLinear"][place] else "",
                )


def trained(of: Transformer, channels: Mapping[str, pa.Table], net: Net, horizon: int, folder: Path) -> bytes:
    """The net's model. It never sees a test window: the plan's spans end before them."""
    at = ett.instants(next(iter(channels.values())))
    plan = FitPlan(
        domain="ltsf",
        task="value",
        family=net.family,
        engine="horovod",
        params={"loss": "squared", "origins_every": 0, **net.params},
        seed=SEED,
        frame=_frame(of, net, horizon),
        quantiles=(0.5,),
        train=Span(at[net.look_back], at[of.train_rows - horizon + 1]),
        validate=Span(at[of.train_rows], at[of.first_tested - horizon + 1]),
        tables=_stored(of, channels, net, folder),
        workers=RANKS,
    )
    settings, workspace = settings_on(folder), Workspace(folder / "fit")
    workspace.path.mkdir()
    try:
        return fit(plan, workspace, lambda: session(settings), FileRecorder(workspace)).model
    finally:
        stop()


def tested(
    of: Transformer, channels: Mapping[str, pa.Table], net: Net, horizon: int, model: bytes
) -> tuple[float, float]:
    """MSE and MAE over all test windows of all channels."""
    scorer, actual, predicted = families()[net.family].scorer(model), [], []
    for name, series in channels.items():
        at = ett.instants(series)[of.first_tested :][: of.windows_tested(horizon)]
        test = examples(ett.cut_offs(name, at), {"series": series}, _frame(of, net, horizon))
        predicted.append(np.asarray(scorer.predict(test)["q50"]))
        actual.append(lists(test, LABEL, horizon).ravel())
    everything = np.concatenate(actual), np.concatenate(predicted)
    return rmse(*everything) ** 2, mae(*everything)


def _stored(of: Transformer, channels: Mapping[str, pa.Table], net: Net, folder: Path) -> dict[str, Shard]:
    """The z-scored series, which gold does not hold, as files that ranks can read; an origin at every train row."""
    series, origins = [], []
    for name, rows in channels.items():
        series.append(_written(folder / f"series-{name}.parquet", rows))
        at = ett.instants(rows)
        asked = at[: of.train_rows] + at[of.train_rows : of.first_tested : net.validate_every]
        origins.append(_written(folder / f"origins-{name}.parquet", ett.cut_offs(name, asked)))
    return {"series": Shard("series", 0, tuple(series)), "origins": Shard("origins", 0, tuple(origins))}


def _written(path: Path, rows: pa.Table) -> str:
    pq.write_table(rows, path)
    return str(path)


def _frame(of: Transformer, net: Net, horizon: int) -> Frame:
    window = History("value", hours=net.look_back * (of.step / HOUR))
    return Frame(
        entity="channel",
        cut_offs="origins",
        cut_off_features=(),
        targets=(),
        windows=(TargetFeatures("series", "channel", (window,)),),
        label="value",
        label_series="series",
        step=of.step,
        steps=horizon,
        label_known_after=of.step,
    )


def _protocol(of: Transformer, net: Net) -> str:
    some = "" if net.validate_every == 1 else f" (one origin in {net.validate_every})"
    return (
        f"{of.protocol}; one net for all channels, window {net.look_back}, trained on their mean squared error over "
        f"Horovod by {RANKS} ranks, stopped early by the validate rows {of.train_rows} to {of.first_tested - 1}{some}, "
        "which chose its parameters too. Reference: the same net as published; first mark: the published DLinear; "
        "goal: PatchTST/64"
    )
