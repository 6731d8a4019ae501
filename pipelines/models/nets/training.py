"""The training loop of nets: mini-batches, one learning rate's rise and fall, early stopping."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from pipelines.contracts.fits import FitError, FitPlan, Recorder
from pipelines.models.nets.batches import Deck
from pipelines.models.nets.checkpoints import Progress, crew_is_at_one, packed, unpacked
from pipelines.models.nets.crew import Crew
from pipelines.models.nets.devices import CPU, in_fixed_order


@dataclass(frozen=True)
class Batchable:
    """Tensors with one row an example. inputs: what the network takes; labels: (examples, steps), NaN where unknown."""

    inputs: tuple[Tensor, ...]
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, device: torch.device) -> Batchable:
        return Batchable(tuple(tensor.to(device) for tensor in self.inputs), self.labels.to(device))


@dataclass(frozen=True)
class Loss:
    """What training makes small; `name` is its curve's.

    total: from the network's answer (examples, steps, outputs) and the labels (examples, steps; NaN where unknown) to
    the sum over the known labels and their number.
    """

    name: str
    total: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Schedule:
    """How long and how fast. learning_rate is the peak; memory is the part of the running mean of the weights
    that a step keeps; unit turns a loss into the label's unit for the curves."""

    epochs: int
    batch: int
    patience: int
    learning_rate: float
    weight_decay: float
    memory: float
    unit: float


@contextmanager
def reproducible(seed: int, device: torch.device = CPU) -> Iterator[None]:
    """One thread and a seed of its own inside; the caller's threads and random state are as before afterwards.

    With more threads the last bits of sums depend on their number; on a CUDA device, on the order of its kernels'.
    Another device draws other numbers from the same seed, so what is left out in training differs.
    """
    threads = torch.get_num_threads()
    is_cuda = device.type == "cuda"
    with (
        torch.random.fork_rng(devices=[device] if is_cuda else []),
        in_fixed_order() if is_cuda else nullcontext(),
    ):
        torch.manual_seed(seed)
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)


def pinball(quantiles: Sequence[float]) -> Loss:
    """The mean pinball loss of all quantiles, for a network that answers with them."""
    levels = torch.tensor(quantiles)

    def total(predicted: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        known = ~torch.isnan(labels)
        short = torch.nan_to_num(labels).unsqueeze(-1) - predicted
        of = levels.to(predicted.device)
        losses = torch.maximum(of * short, (of - 1.0) * short).mean(-1)
        return (losses * known).sum(), known.sum()

    return Loss("pinball", total)


def squared() -> Loss:
    """The squared error of a network with one output, which so learns the mean; its unit is the label's squared."""

    def total(predicted: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        known = ~torch.isnan(labels)
        losses = (torch.nan_to_num(labels) - predicted.squeeze(-1)) ** 2
        return (losses * known).sum(), known.sum()

    return Loss("squared", total)


def log_loss(weights: Sequence[float] | None = None) -> Loss:
    """Binary cross-entropy in nats, for a network that answers with the log odds of a label that is 0 or 1.

    weights: how often a row of either counts; None: once, so that what is learnt stays a probability.
    """

    def total(predicted: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        known = ~torch.isnan(labels)
        labels = torch.nan_to_num(labels)
        losses = nn.functional.binary_cross_entropy_with_logits(predicted.squeeze(-1), labels, reduction="none")
        return (_weighted(losses, labels.long(), weights) * known).sum(), known.sum()

    return Loss("logloss", total)


def cross_entropy(weights: Sequence[float] | None = None) -> Loss:
    """In nats, for a network that answers with a logit a class; the label is the place of its class, from 0.

    weights: how often a row of each class counts; None: once.
    """

    def total(predicted: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        known = ~torch.isnan(labels)
        places = torch.nan_to_num(labels).long()
        losses = nn.functional.cross_entropy(predicted.movedim(-1, 1), places, reduction="none")
        return (_weighted(losses, places, weights) * known).sum(), known.sum()

    return Loss("logloss", total)


def _weighted(losses: Tensor, places: Tensor, weights: Sequence[float] | None) -> Tensor:
    if weights is None:
        return losses
    return losses * torch.tensor(weights, dtype=losses.dtype, device=losses.device)[places]


def loss_of(plan: FitPlan, weights: Sequence[float] | None = None) -> Loss:
    """What a network is trained on that answers the plan's question. weights: how often rows of each class count."""
    if plan.quantiles:
        return pinball(plan.quantiles)
    return cross_entropy(weights) if plan.classes else log_loss(weights)


@contextmanager
def _forward_precision(precision: str, device: torch.device) -> Iterator[None]:
    """The forward pass in `precision`. oneDNN has no LSTM in bfloat16 for processors without AVX-512; there torch's own
    runs, in single precision, and the other layers in bfloat16."""
    is_half = precision == "bfloat16"
    is_known = device.type != "cpu" or torch.ops.mkldnn._is_mkldnn_bf16_supported()
    by_torch = torch.backends.mkldnn.flags(enabled=False) if is_half and not is_known else nullcontext()
    with by_torch, torch.autocast(device.type, torch.bfloat16, enabled=is_half):
        yield


def train_network(
    network: nn.Module,
    train: Batchable,
    validate: Batchable,
    loss: Loss,
    schedule: Schedule,
    seed: int,
    crew: Crew,
    recorder: Recorder,
) -> int:
    """Train the weights of `network` that require it, in place, to its best epoch on the validate span; returns that
    epoch (from 0). All rows follow the network to its device, where they must have room.

    The model is the running mean of the weights, which is what the validate span judges: it moves less from epoch to
    epoch and from seed to seed than the weights themselves (Polyak and Juditsky 1992; Izmailov et al. 2018).

    Batches are drawn from the rows of all ranks, `schedule.batch` rows a rank, the last one of an epoch filled with
    rows of the next draw. Each rank has those of a batch that lie in its shard, and the mean over their known labels is
    that of the whole batch: so however many ranks there are, a step is that of one process with the same batch, up to
    the order of sums, and to what is left out at random, which each rank draws for its own rows.

    Rank 0 records the curves, and after an epoch what a killed fit needs to go on: since every epoch draws by seeds of
    its own, it ends with the same bits.
    """
    device = next(network.parameters()).device
    train, validate = train.to(device), validate.to(device)
    deck = Deck(train.labels, schedule.batch, crew)
    called, optimizer = crew.joined(
        network,
        torch.optim.AdamW(
            [weight for weight in network.parameters() if weight.requires_grad],
            lr=schedule.learning_rate,
            weight_decay=schedule.weight_decay,
        ),
    )
    mean = AveragedModel(network, multi_avg_fn=_drawn_to(schedule.memory))
    for module in mean.modules():
        if isinstance(module, nn.RNNBase):
            module.flatten_parameters()  # a copy's weights lie apart, which costs cuDNN memory and a warning
    progress = Progress(0, math.inf, 0, copy.deepcopy(network.state_dict()))
    if (state := recorder.checkpointed()) is not None:
        progress = unpacked(state, network, mean, optimizer)
    crew_is_at_one(progress.epochs, crew)
    for epoch in range(progress.epochs, schedule.epochs):
        if epoch - progress.best_epoch > max(schedule.patience, 1):
            break
        called.train()
        (own,) = np.random.SeedSequence((seed, crew.rank, epoch)).generate_state(1, np.uint64)
        torch.manual_seed(int(own))
        sums = torch.zeros(2, dtype=torch.float64, device=device)  # read once an epoch: reading waits for the device
        for number, batch in enumerate(deck.dealt(seed, epoch)):
            for group in optimizer.param_groups:
                group["lr"] = schedule.learning_rate * _pace((epoch + number / deck.batches) / schedule.epochs)
            with _forward_precision(crew.precision, device):
                answer = called(*(tensor[batch.rows] for tensor in train.inputs))
            total, known = loss.total(answer.float(), train.labels[batch.rows])
            optimizer.zero_grad()
            (total / batch.by).backward()
            optimizer.step()
            mean.update_parameters(network)
            if math.isfinite(batch.by):
                sums += torch.stack((total.detach().double(), known.double()))
        train_loss = _mean(crew.total(sums.numpy(force=True)))
        validate_loss = _mean(crew.total(_evaluated(mean.module, validate, loss, schedule.batch)))
        if crew.rank == 0:
            recorder.record(f"train/{loss.name}", epoch, train_loss * schedule.unit)
            recorder.record(f"validate/{loss.name}", epoch, validate_loss * schedule.unit)
        if not math.isfinite(train_loss):
            raise FitError(f"the loss is {train_loss} in epoch {epoch}; try a smaller learning_rate")
        progress.epochs = epoch + 1
        if validate_loss < progress.best_loss:
            progress.best_loss, progress.best_epoch = validate_loss, epoch
            progress.best_state = copy.deepcopy(mean.module.state_dict())
        if recorder.is_behind(epoch, progress.best_loss * schedule.unit):
            break
        if crew.rank == 0:
            recorder.checkpoint(partial(packed, progress, network, mean, optimizer))
    network.load_state_dict(progress.best_state)
    return progress.best_epoch


def _drawn_to(memory: float) -> Callable[[Sequence[Tensor], Sequence[Tensor], Tensor | int], None]:
    """How the means follow the weights: quickly in the first steps, then by 1 − memory a step."""

    def draw(means: Sequence[Tensor], weights: Sequence[Tensor], count: Tensor | int) -> None:
        share = max(1.0 - memory, 9.0 / (10.0 + int(count)))
        for mean, weight in zip(means, weights, strict=True):
            mean += (weight - mean) * share

    return draw


def _pace(progress: float) -> float:
    """Up in the first tenth, then down along a cosine to a hundredth (one cycle: Smith and Topin 2018)."""
    if progress < 0.1:
        return 0.1 + 9.0 * progress
    return 0.01 + 0.99 * 0.5 * (1.0 + math.cos(math.pi * (progress - 0.1) / 0.9))


@torch.no_grad()
def _evaluated(network: nn.Module, rows: Batchable, loss: Loss, batch: int) -> np.ndarray:
    network.eval()
    sums = np.zeros(2)
    for start in range(0, len(rows), batch):
        inputs = (tensor[start : start + batch] for tensor in rows.inputs)
        total, known = loss.total(network(*inputs), rows.labels[start : start + batch])
        sums += total.item(), known.item()
    return sums


def _mean(sums: np.ndarray) -> float:
    """From (sum, number); not a number where there was nothing, which no loss beats."""
    return float(sums[0] / sums[1]) if sums[1] else math.nan
