"""A net to which what is odd cannot be told in few words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from pipelines.contracts.fits import FitError, FitPlan, FitResult, Recorder
from pipelines.contracts.tasks import Detect
from pipelines.models.base import FINE_TUNING, NetFamily, Param, Scorer, Signature
from pipelines.models.exportable import NetScorer, RowsExportable
from pipelines.models.labels import unlabelled
from pipelines.models.oddity import Ranks
from pipelines.models.reading import Reading, learnt_reading, reading_begun_from
from pipelines.models.rows import Values, matrix

if TYPE_CHECKING:
    from torch import nn

    from pipelines.models.nets.autoencoder_net import AutoencoderNet
    from pipelines.models.nets.crew import Crew
    from pipelines.models.nets.training import Batchable

_BLOCK = 256


class Autoencoder(NetFamily):
    """Odd is a row whose numbers a net cannot tell again through its narrow layer: their mean squared error. Numbers
    are read as by `mlp`; categories are known to it, so a rare category is not odd by itself."""

    name = "autoencoder"
    tasks = (Detect,)
    params = (
        Param("hidden", int, 64, (32, 64, 128), "width of the outer layers"),
        Param("code", int, 4, (2, 4, 8), "units of the narrow layer"),
        Param("epochs", int, 20, None, "most passes over the training rows"),
        Param("patience", int, 4, None, "epochs without a gain on the validate span before stopping"),
        Param("batch", int, 512, None, "rows a batch has for each rank"),
        Param("learning_rate", float, 4e-3, (1e-3, 4e-3, 1e-2), "peak of the learning rate"),
        Param("weight_decay", float, 1e-3, (0.0, 1e-3, 1e-2), "decay of the weights (AdamW)"),
        Param("memory", float, 0.99, None, "part of the running mean of the weights that a step keeps"),
        *FINE_TUNING,
    )

    def train(self, train: pa.Table, validate: pa.Table, plan: FitPlan, crew: Crew, recorder: Recorder) -> FitResult:
        from pipelines.models.nets.devices import CPU, device_of
        from pipelines.models.nets.fine_tuning import begun, fit_result
        from pipelines.models.nets.training import Schedule, reproducible, squared, train_network

        device, params = device_of(plan), self.settled(plan.params)
        values = unlabelled(train, plan, "train")
        reading = reading_begun_from(plan) or learnt_reading(plan, values, np.zeros(0), crew)
        learnt, judged = (_batchable(plan, reading, of) for of in (values, unlabelled(validate, plan, "validate")))
        schedule = Schedule(
            epochs=int(params["epochs"]),
            batch=int(params["batch"]),
            patience=int(params["patience"]),
            learning_rate=float(params["learning_rate"]),
            weight_decay=float(params["weight_decay"]),
            memory=float(params["memory"]),
            unit=1.0,
        )
        numbers = learnt.inputs[1].shape[1]
        if not numbers:
            raise FitError(f"{self.name}: the task has no feature that is a number")
        shape = {
            "lengths": list(reading.categories.values()),
            "numbers": numbers,
            "hidden": int(params["hidden"]),
            "code": int(params["code"]),
        }
        with reproducible(plan.seed, device):
            network = begun(_network(shape), shape, plan, params).to(device)
            best = train_network(network, learnt, judged, squared(), schedule, plan.seed, crew, recorder)
        network = network.to(CPU).eval()
        ranks = _together(Ranks.of(_oddity(network, reading, plan.frame.features, values)), crew)
        content = {
            "signature": Signature.of(plan).json(),
            "reading": asdict(reading),
            "shape": shape,
            "ranks": asdict(ranks),
        }
        return fit_result(network, content, best)

    def scorer(self, model: bytes) -> Scorer:
        from pipelines.models.nets.sealing import content_of, load_weights

        content = content_of(model)
        network = _network(content["shape"])
        load_weights(network, model)
        reading, ranks = Reading(**content["reading"]), Ranks(**content["ranks"])
        return _AutoencoderScorer(Signature.read(content["signature"]), reading, network, ranks)


class _AutoencoderScorer(RowsExportable, NetScorer):
    def __init__(self, signature: Signature, reading: Reading, network: AutoencoderNet, ranks: Ranks) -> None:
        super().__init__(signature)
        self._reading, self._network, self._ranks = reading, network, ranks

    def graph(self) -> nn.Module:
        from pipelines.models.nets.graphs import OddityGraph

        return OddityGraph(self._network, self._reading, self.signature, self._ranks).eval()

    def outputs(self, examples: pa.Table) -> Values:
        s = self.signature
        values = matrix(examples, s.features, s.steps)
        return self._ranks.score(_oddity(self._network, self._reading, s.features, values))


def _oddity(network: AutoencoderNet, reading: Reading, features: tuple[str, ...], values: Values) -> Values:
    """(rows,): the mean squared error of what the net tells."""
    from pipelines.models.nets.sealing import in_blocks

    columns = dict(zip(features, values.T, strict=True))
    inputs = (reading.places(columns), reading.values(columns))
    told = in_blocks(network, inputs, _BLOCK)[:, :, 0].astype(np.float64)
    return np.asarray(((told - inputs[1]) ** 2).mean(axis=1), np.float64)


def _together(ranks: Ranks, crew: Crew) -> Ranks:
    """The mean of what the crew's members found, each weighed by its rows: near that of all rows, as shards are."""
    summed = crew.total(ranks.rows * np.array([*ranks.marks, 1.0]))
    return Ranks((summed[:-1] / summed[-1]).tolist(), int(summed[-1]))


def _batchable(plan: FitPlan, reading: Reading, values: Values) -> Batchable:
    import torch

    from pipelines.models.nets.training import Batchable

    columns = dict(zip(plan.frame.features, values.T, strict=True))
    numbers = torch.from_numpy(reading.values(columns))
    return Batchable((torch.from_numpy(reading.places(columns)), numbers), numbers)


def _network(shape: Mapping[str, Any]) -> AutoencoderNet:
    from pipelines.models.nets.autoencoder_net import AutoencoderNet

    return AutoencoderNet(**shape)
