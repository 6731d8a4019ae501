"""A net that reads one row: numbers and categories, no past."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from pipelines.contracts.fits import FitPlan, FitResult, Recorder
from pipelines.contracts.tasks import Classify, Estimate, Forecast
from pipelines.models.base import FINE_TUNING, NetFamily, Param, Scorer, Signature
from pipelines.models.class_weights import CLASS_WEIGHT, is_weighted, of_a_net
from pipelines.models.exportable import NetScorer, RowsExportable
from pipelines.models.labels import known, no_label
from pipelines.models.reading import Reading, learnt_reading, reading_begun_from
from pipelines.models.rows import Values, matrix

if TYPE_CHECKING:
    from torch import nn

    from pipelines.models.nets.crew import Crew
    from pipelines.models.nets.embedding_mlp import EmbeddingMLP
    from pipelines.models.nets.training import Batchable

_BLOCK = 256


class MLP(NetFamily):
    """A perceptron with embedded categories, trained on the pinball loss, or on the log loss for probabilities.

    Rows of a rare label weigh no more than others, so that the answer stays a probability, unless class_weight says so.
    """

    name = "mlp"
    tasks = (Classify, Estimate, Forecast)
    tells_classes = True
    params = (
        Param("hidden", int, 64, (32, 64, 128), "width of the layers"),
        Param("dropout", float, 0.1, (0.0, 0.1, 0.3), "part of the units left out in training"),
        Param("epochs", int, 12, None, "most passes over the training rows"),
        Param("patience", int, 3, None, "epochs without a gain on the validate span before stopping"),
        Param("batch", int, 2048, None, "rows a batch has for each rank"),
        Param("learning_rate", float, 4e-3, (1e-3, 4e-3, 1e-2), "peak of the learning rate"),
        Param("weight_decay", float, 1e-3, (0.0, 1e-3, 1e-2), "decay of the weights (AdamW)"),
        Param("memory", float, 0.99, None, "part of the running mean of the weights that a step keeps"),
        CLASS_WEIGHT,
        *FINE_TUNING,
    )

    def train(self, train: pa.Table, validate: pa.Table, plan: FitPlan, crew: Crew, recorder: Recorder) -> FitResult:
        from pipelines.models.nets.devices import device_of
        from pipelines.models.nets.fine_tuning import begun, fit_result
        from pipelines.models.nets.training import Schedule, loss_of, reproducible, train_network

        device = device_of(plan)
        params = self.settled(plan.params)
        learnt, judged = known(train, plan), known(validate, plan)
        for span, (_, labels) in (("train", learnt), ("validate", judged)):
            if not crew.total(np.array([len(labels)], np.float64))[0]:
                raise no_label(plan, span)
        reading = reading_begun_from(plan) or learnt_reading(plan, *learnt, crew)
        train_rows, validate_rows = _batchable(plan, reading, *learnt), _batchable(plan, reading, *judged)
        schedule = Schedule(
            epochs=int(params["epochs"]),
            batch=int(params["batch"]),
            patience=int(params["patience"]),
            learning_rate=float(params["learning_rate"]),
            weight_decay=float(params["weight_decay"]),
            memory=float(params["memory"]),
            unit=reading.label[1],
        )
        weights, start = None, [0.0] * len(plan.quantiles)
        if is_weighted(params, plan) or plan.class_count:
            weights, start = of_a_net(params, plan, learnt[1], crew)
        shape = {
            "lengths": list(reading.categories.values()),
            "numbers": train_rows.inputs[1].shape[1],
            "start": start,
            "hidden": int(params["hidden"]),
            "dropout": float(params["dropout"]),
        }
        with reproducible(plan.seed, device):
            network = begun(_network(shape), shape, plan, params).to(device)
            best = train_network(
                network, train_rows, validate_rows, loss_of(plan, weights), schedule, plan.seed, crew, recorder
            )
        content = {"signature": Signature.of(plan).json(), "reading": asdict(reading), "shape": shape}
        return fit_result(network, content, best)

    def scorer(self, model: bytes) -> Scorer:
        from pipelines.models.nets.sealing import content_of, load_weights

        content = content_of(model)
        network = _network(content["shape"])
        load_weights(network, model)
        return _MLPScorer(Signature.read(content["signature"]), Reading(**content["reading"]), network)


class _MLPScorer(RowsExportable, NetScorer):
    def __init__(self, signature: Signature, reading: Reading, network: EmbeddingMLP) -> None:
        super().__init__(signature)
        self._reading, self._network = reading, network

    def graph(self) -> nn.Module:
        from pipelines.models.nets.graphs import RowsGraph

        return RowsGraph(self._network, self._reading, self.signature).eval()

    def outputs(self, examples: pa.Table) -> Values:
        import torch

        from pipelines.models.nets.sealing import answered, in_blocks

        values = matrix(examples, self.signature.features, self.signature.steps)
        columns = dict(zip(self.signature.features, values.T, strict=True))

        def answer(*rows: torch.Tensor) -> torch.Tensor:
            found: torch.Tensor = self._network(*rows)[:, 0]
            return answered(found, self.signature)

        predicted = in_blocks(answer, (self._reading.places(columns), self._reading.values(columns)), _BLOCK)
        mean, deviation = self._reading.label
        return predicted.astype(np.float64) * deviation + mean


def _batchable(plan: FitPlan, reading: Reading, values: Values, labels: Values) -> Batchable:
    import torch

    from pipelines.models.nets.training import Batchable

    columns = dict(zip(plan.frame.features, values.T, strict=True))
    inputs = (torch.from_numpy(reading.places(columns)), torch.from_numpy(reading.values(columns)))
    mean, deviation = reading.label
    scaled = ((labels - mean) / deviation).astype(np.float32)
    return Batchable(inputs, torch.from_numpy(scaled[:, None]))


def _network(shape: Mapping[str, Any]) -> EmbeddingMLP:
    from pipelines.models.nets.embedding_mlp import EmbeddingMLP

    return EmbeddingMLP(**shape)
