"""A net that goes on from a registered one: by all its weights, or by small adapters beside them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import safetensors.torch
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from pipelines.contracts.fits import FitError, FitPlan, FitResult
from pipelines.contracts.tasks import ParamValue
from pipelines.models.base import ADAPTER_RANK, Signature
from pipelines.models.nets.sealing import content_of, sealed
from pipelines.models.warm_starts import must_be_alike, unlike

Network = TypeVar("Network", bound=nn.Module)

MOST_TRAINED = 0.05
"""The part of a net's weights that its adapters may be at most."""
_FREE = ("dropout", "feature_dropout", "moves", "turns", "scales", "start")
"""Of a net's shape, what may differ from the model that it begins from: what is done in training alone, and what a net
answers before it has learnt."""


class LowRank(nn.Module):
    """A weight with a product of two narrow matrices added to it, at first 0 (Hu et al. 2022, LoRA, with α = rank)."""

    def __init__(self, weight: Tensor, rank: int) -> None:
        super().__init__()
        after, before = weight.shape
        self.down = nn.Parameter(torch.empty(rank, before))
        self.up = nn.Parameter(torch.zeros(after, rank))
        nn.init.kaiming_uniform_(self.down, a=math.sqrt(5))

    def forward(self, weight: Tensor) -> Tensor:
        return weight + self.up @ self.down


def content_begun_from(plan: FitPlan) -> dict[str, Any] | None:
    """What was sealed with the model that the fit begins from; None where it begins anew. FitError where the model
    answers another question."""
    found = _before(plan)
    return found[1] if found else None


def begun(network: Network, shape: Mapping[str, Any], plan: FitPlan, params: Mapping[str, ParamValue]) -> Network:
    """The network as training finds it: fresh, or with the weights of the model that the fit begins from and, if they
    are asked for, adapters, beside which nothing is trained. shape: what the network was built from.

    FitError where that model has other sizes, or adapters of this rank would be more than MOST_TRAINED of the weights.
    """
    found = _before(plan)
    if found is None:
        return network
    model, content = found
    there = content["shape"]
    other = [
        f"{name} {there.get(name)} there, {value} here"
        for name, value in shape.items()
        if name not in _FREE and there.get(name) != value
    ]
    if other:
        raise unlike(plan, f"it has other sizes: {'; '.join(other)}")
    network.load_state_dict(safetensors.torch.load(model))
    if rank := int(params[ADAPTER_RANK]):
        _adapt(network, rank, plan)
    return network


def fit_result(network: nn.Module, content: Mapping[str, Any], best_step: int) -> FitResult:
    """The trained network as a model. Adapters are merged into the weights, so that a scorer knows nothing of them."""
    share = trained_share(network)
    for layer in list(_adapted(network)):
        parametrize.remove_parametrizations(layer, "weight", leave_parametrized=True)
    return FitResult(model=sealed(network, content), format="safetensors", best_step=best_step, trained_share=share)


def trained_share(network: nn.Module) -> float | None:
    """The adapters' part of the weights; None where there are none."""
    trained = sum(of.numel() for layer in _adapted(network) for of in layer.parameters() if of.requires_grad)
    whole = sum(of.numel() for of in network.parameters()) - trained
    return trained / whole if trained else None


def _before(plan: FitPlan) -> tuple[bytes, dict[str, Any]] | None:
    """The model that the fit begins from and what was sealed with it."""
    model = plan.warm_start.content if plan.warm_start else None
    if model is None:
        return None
    content = content_of(model)
    must_be_alike(plan, Signature.read(content["signature"]))
    return model, content


def _adapt(network: nn.Module, rank: int, plan: FitPlan) -> None:
    """Adapters on every linear layer that has at least ten times their weights."""
    network.requires_grad_(requires_grad=False)
    for layer in [of for of in network.modules() if isinstance(of, nn.Linear)]:
        if 10 * rank * (layer.in_features + layer.out_features) <= layer.weight.numel():
            parametrize.register_parametrization(layer, "weight", LowRank(layer.weight, rank))
    share = trained_share(network)
    if share is None or share > MOST_TRAINED:
        found = "no linear layer is large enough" if share is None else f"they are {share:.1%}"
        raise FitError(
            f"{plan.family} by {plan.engine}: adapters of rank {rank} may be {MOST_TRAINED:.0%} of a net's weights at "
            f"most, here {found}. Take a lower {ADAPTER_RANK}, or 0, which trains all weights"
        )


def _adapted(network: nn.Module) -> Iterator[nn.Module]:
    for layer in network.modules():
        if isinstance(layer, nn.Linear) and any(isinstance(of, LowRank) for of in layer.modules()):
            yield layer
