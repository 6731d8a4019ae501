"""What every family of nets for sequences does alike: from windows to a net, from its bytes to a scorer."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from pipelines.contracts.fits import FitError, FitPlan, FitResult, Recorder
from pipelines.contracts.tasks import Forecast, ParamValue
from pipelines.models.base import FINE_TUNING, NetFamily, Param, Scorer, Signature
from pipelines.models.channels import Channels, learnt_channels
from pipelines.models.exportable import Input, NetScorer
from pipelines.models.losses import LOSS, check_loss, is_mean
from pipelines.models.rows import LABEL, Values, lists
from pipelines.models.warm_starts import unlike

if TYPE_CHECKING:
    from torch import nn

    from pipelines.models.nets.crew import Crew
    from pipelines.models.nets.training import Batchable

Params = Mapping[str, ParamValue]
Shape = dict[str, Any]
"""What a net is built from: sizes and places that JSON knows; sealed beside the weights."""

_BLOCK = 32
_PAST, _STEPS = "past", "steps"


def training_params(
    *, epochs: int, patience: int, batch: int, learning_rate: float, weight_decay: float = 1e-3, memory: float = 0.99
) -> tuple[Param, ...]:
    """The parameters of the training that all these families have, with a family's own defaults."""
    around = (learning_rate / 2, learning_rate, learning_rate * 2)
    return (
        Param("origins_every", int, 6, None, "a training origin every so many steps; 0 takes the cut-offs alone"),
        Param("epochs", int, epochs, None, "most passes over the training rows"),
        Param("patience", int, patience, None, "epochs without a gain on the validate span before stopping"),
        Param("batch", int, batch, None, "examples a batch has for each rank"),
        Param("learning_rate", float, learning_rate, around, "peak of the learning rate"),
        Param("weight_decay", float, weight_decay, (0.0, 1e-3, 1e-2), "decay of the weights (AdamW)"),
        Param("memory", float, memory, None, "part of the running mean of the weights that a step keeps"),
        LOSS,
        *FINE_TUNING,
    )


class SequenceFamily(NetFamily):
    """Nets that take `Channels.past` and `Channels.future` and answer with quantiles of every step at once, trained on
    the pinball loss; or with the mean, trained on the squared error, where it is that error that counts.

    They read the windows and the features per step; cut-off features they leave to the tabular families, since the
    origins between the cut-offs, on which they train too, have none.
    """

    tasks = (Forecast,)

    @abstractmethod
    def shape(self, channels: Channels, plan: FitPlan, params: Params) -> Shape:
        """FitError if the family cannot read such channels."""

    @abstractmethod
    def network(self, shape: Shape) -> nn.Module:
        """Takes past (examples, time, channels) and steps (examples, steps, features); gives (examples, steps,
        quantiles)."""

    def read_at_once(self, params: Params) -> int:
        """Steps of the past that the net reads together; the windows are filled up in front to a multiple of it."""
        return 1

    def settled(self, given: Params) -> dict[str, ParamValue]:
        params = super().settled(given)
        check_loss(self.name, params)
        return params

    def origins_every(self, params: Params) -> int:
        return int(self.settled(params)["origins_every"])

    def train(self, train: pa.Table, validate: pa.Table, plan: FitPlan, crew: Crew, recorder: Recorder) -> FitResult:
        from pipelines.models.nets.devices import device_of
        from pipelines.models.nets.fine_tuning import begun, content_begun_from, fit_result
        from pipelines.models.nets.training import Schedule, pinball, reproducible, squared, train_network

        device = device_of(plan)
        params = self.settled(plan.params)
        of_mean = is_mean(plan, params)
        channels = learnt_channels(plan.frame, train, self.read_at_once(params), crew)
        if not channels.windows:
            raise FitError(f"{self.name}: the task needs a view of windows (History)")
        if (content := content_begun_from(plan)) is not None:
            channels = _on_their_scales(channels, Channels(**content["channels"]), plan)
        train_rows, validate_rows = _batchable(channels, train), _batchable(channels, validate)
        schedule = Schedule(
            epochs=int(params["epochs"]),
            batch=int(params["batch"]),
            patience=int(params["patience"]),
            learning_rate=float(params["learning_rate"]),
            weight_decay=float(params["weight_decay"]),
            memory=float(params["memory"]),
            unit=channels.scales[LABEL][1] ** (2 if of_mean else 1),
        )
        with reproducible(plan.seed, device):
            shape = self.shape(channels, plan, params)
            network = begun(self.network(shape), shape, plan, params).to(device)
            loss = squared() if of_mean else pinball(plan.quantiles)
            best = train_network(network, train_rows, validate_rows, loss, schedule, plan.seed, crew, recorder)
        told = {"signature": Signature.of(plan).json(), "channels": asdict(channels), "shape": shape}
        return fit_result(network, told, best)

    def scorer(self, model: bytes) -> Scorer:
        from pipelines.models.nets.sealing import content_of, load_weights

        content = content_of(model)
        network = self.network(content["shape"])
        load_weights(network, model)
        return _SequenceScorer(Signature.read(content["signature"]), Channels(**content["channels"]), network)


class _SequenceScorer(NetScorer):
    def __init__(self, signature: Signature, channels: Channels, network: nn.Module) -> None:
        super().__init__(signature)
        self._channels, self._network = channels, network

    @property
    def inputs(self) -> tuple[Input, ...]:
        channels = self._channels
        past, steps = tuple(channels.windows), (*channels.numbers, *channels.cycles)
        of_past = "windows before the cut-off, oldest first, in front NaN where one is shorter; what is missing is NaN"
        found = (Input(_PAST, "float64", (channels.longest, len(past)), past, of_past),)
        of_steps = "what is known at the cut-off of each step ahead; what is missing is NaN"
        ahead = (Input(_STEPS, "float64", (channels.steps, len(steps)), steps, of_steps),)
        return (*found, *ahead) if steps else found

    def tensors(self, examples: pa.Table) -> dict[str, Values]:
        channels = self._channels
        past = np.full((len(examples), channels.longest, len(channels.windows)), np.nan)
        for place, (name, length) in enumerate(channels.windows.items()):
            past[:, channels.longest - length :, place] = lists(examples, name, length)
        steps = [lists(examples, name, channels.steps) for name in (*channels.numbers, *channels.cycles)]
        return {_PAST: past, **({_STEPS: np.stack(steps, axis=2)} if steps else {})}

    def graph(self) -> nn.Module:
        from pipelines.models.nets.graphs import WindowsGraph

        return WindowsGraph(self._network, self._channels, self.signature).eval()

    def outputs(self, examples: pa.Table) -> Values:
        from pipelines.models.nets.sealing import in_blocks

        past, future = self._channels.past(examples), self._channels.future(examples)
        predicted = in_blocks(self._network, (past, future), _BLOCK)
        return self._channels.unscaled(predicted, examples).reshape(-1, len(self.signature.quantiles))


def sizes(channels: Channels, plan: FitPlan) -> Shape:
    """What every net over a whole window is built by."""
    return {
        "time": channels.longest,
        "channels": len(channels.windows),
        "features": channels.features,
        "steps": channels.steps,
        "quantiles": len(plan.quantiles),
    }


def _on_their_scales(here: Channels, there: Channels, plan: FitPlan) -> Channels:
    """The channels on the scales of the model that the fit begins from, whose weights mean nothing on others; FitError
    where it reads other channels."""
    found = replace(here, scales=there.scales)
    mine, theirs = (json.loads(json.dumps(asdict(of))) for of in (found, there))
    other = [f"{name} {theirs[name]} there, {mine[name]} here" for name in mine if mine[name] != theirs[name]]
    if other:
        raise unlike(plan, f"it reads other channels: {'; '.join(other)}")
    return found


def _batchable(channels: Channels, examples: pa.Table) -> Batchable:
    import torch

    from pipelines.models.nets.training import Batchable

    inputs = (torch.from_numpy(channels.past(examples)), torch.from_numpy(channels.future(examples)))
    return Batchable(inputs, torch.from_numpy(channels.labels(examples)))
