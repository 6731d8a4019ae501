"""Nets on the long-horizon benchmark on ETTh1: trained over Horovod by its protocol, judged on its test windows."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
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
from tests.quality import etth1
from tests.quality.figure import Figure

DATA = etth1.DATA
RANKS, SEED = 2, 2021  # the seed of the published PatchTST
HORIZONS = (96, 192)
PROTOCOL = (
    f"{etth1.PROTOCOL}; one net for all channels, trained on their mean squared error over Horovod by {RANKS} ranks, "
    "stopped early by the validate rows 8640 to 11519, which chose its parameters too. Reference: the same net as "
    "published; goal: the published DLinear"
)


@dataclass(frozen=True)
class Net:
    """published: its row in the reference. look_back: of its window, in steps."""

    family: str
    published: str
    look_back: int
    params: Mapping[str, ParamValue] = field(default_factory=dict)


NETS = (
    Net("dlinear", "DLinear", 336, {"epochs": 8, "patience": 6, "batch": 256, "learning_rate": 2e-3}),
    Net("patchtst", "PatchTST64", 512, {"epochs": 6, "patience": 2, "batch": 128, "learning_rate": 5e-4}),
)


def figures(data: Path, reference: Mapping[str, Any], quick: bool) -> Iterator[Figure]:
    """MSE and MAE per net and horizon; one that is no better than repeating the last value breaks a promise."""
    channels = etth1.standardised(etth1.from_gold(data / DATA))
    published = reference["ltsf"]["rows"]["ETTh1"]
    for net in NETS[:1] if quick else NETS:
        for horizon in HORIZONS[:1] if quick else HORIZONS:
            started = time.monotonic()
            with tempfile.TemporaryDirectory() as folder:
                model = trained(channels, net, horizon, Path(folder))
            errors = tested(channels, net, horizon, model)
            seconds = time.monotonic() - started
            of_horizon = published[str(horizon)]
            for place, name in enumerate(("MSE", "MAE")):
                yield Figure(
                    what=f"ETTh1, {net.published}, horizon {horizon}: {name}",
                    ours=errors[place],
                    reference=of_horizon[net.published][place],
                    goal=of_horizon["DLinear"][place],
                    first_mark=of_horizon["DLinear"][place],
                    protocol=PROTOCOL,
                    seed=SEED,
                    samples=etth1.windows_tested(horizon) * len(channels),
                    seconds=seconds,
                    holds=errors[place] < of_horizon["Repeat"][place],
                )


def trained(channels: Mapping[str, pa.Table], net: Net, horizon: int, folder: Path) -> bytes:
    """The net's model. It never sees a test window: the plan's spans end before them."""
    at = etth1.instants(next(iter(channels.values())))
    plan = FitPlan(
        domain="ltsf",
        task="value",
        family=net.family,
        engine="horovod",
        params={"loss": "squared", "origins_every": 0, **net.params},
        seed=SEED,
        frame=_frame(net, horizon),
        quantiles=(0.5,),
        train=Span(at[net.look_back], at[etth1.TRAIN_ROWS - horizon + 1]),
        validate=Span(at[etth1.TRAIN_ROWS], at[etth1.TEST_FIRST - horizon + 1]),
        tables=_stored(channels, folder),
        workers=RANKS,
    )
    settings, workspace = settings_on(folder), Workspace(folder / "fit")
    workspace.path.mkdir()
    try:
        return fit(plan, workspace, lambda: session(settings), FileRecorder(workspace)).model
    finally:
        stop()


def tested(channels: Mapping[str, pa.Table], net: Net, horizon: int, model: bytes) -> tuple[float, float]:
    """MSE and MAE over all test windows of all channels."""
    scorer, actual, predicted = families()[net.family].scorer(model), [], []
    for name, series in channels.items():
        at = etth1.instants(series)[etth1.TEST_FIRST :][: etth1.windows_tested(horizon)]
        test = examples(etth1.cut_offs(name, at), {"series": series}, _frame(net, horizon))
        predicted.append(np.asarray(scorer.predict(test)["q50"]))
        actual.append(lists(test, LABEL, horizon).ravel())
    everything = np.concatenate(actual), np.concatenate(predicted)
    return rmse(*everything) ** 2, mae(*everything)


def _stored(channels: Mapping[str, pa.Table], folder: Path) -> dict[str, Shard]:
    """The z-scored series, which gold does not hold, as files that ranks can read; an origin at every hour."""
    series, origins = [], []
    for name, rows in channels.items():
        series.append(_written(folder / f"series-{name}.parquet", rows))
        of_channel = etth1.cut_offs(name, etth1.instants(rows))
        origins.append(_written(folder / f"origins-{name}.parquet", of_channel))
    return {"series": Shard("series", 0, tuple(series)), "origins": Shard("origins", 0, tuple(origins))}


def _written(path: Path, rows: pa.Table) -> str:
    pq.write_table(rows, path)
    return str(path)


def _frame(net: Net, horizon: int) -> Frame:
    return Frame(
        entity="channel",
        cut_offs="origins",
        cut_off_features=(),
        targets=(),
        windows=(TargetFeatures("series", "channel", (History("value", hours=net.look_back),)),),
        label="value",
        label_series="series",
        step=etth1.HOUR,
        steps=horizon,
        label_known_after=etth1.HOUR,
    )
