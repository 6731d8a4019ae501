"""What a foreign program must know of an exported model, beside the model as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines import __version__
from pipelines.contracts.cards import ModelCard, sha256
from pipelines.contracts.domain import Domain
from pipelines.contracts.features import Category
from pipelines.metrics.parity import TOLERANCE
from pipelines.models.exportable import Exportable, Tensors
from pipelines.models.formats import Format, Light, NetFormat
from pipelines.transforms.intervals import shifted

_CATEGORIES = "a category is given by its place in the list, from 1; 0 is any other text, and none"
_MEANS = "a code is given by the mean beside it, any other by 'mean'; a missing one stays missing"
_SORTED = "whether the outputs of a row must still be put in ascending order"
_SHIFTS = (
    "what is served is each output moved by its shift, where there is a list by that of its step; one that would cross "
    "q50 or another is moved onto its neighbour on the side of q50"
)
_EXAMPLE = "what the file answers to these inputs (null is NaN), within the tolerance, and what is served of that"
_LIGHT = "the same inputs and outputs; its answers differ from one processor to another, where int8"


def manifest(
    of: Format, scorer: Exportable, card: ModelCard, domain: Domain, *, model: str, content: bytes, tensors: Tensors
) -> dict[str, Any]:
    """content: the model's file. tensors: a few questions, which its answers are told of."""
    s, task, answers = scorer.signature, domain.task(card.task), of.opened(content)(tensors)
    categories = {
        feature.names()[0]: list(feature.among)
        for view in domain.views_of(task)
        for feature in view.features
        if isinstance(feature, Category) and feature.names()[0] in s.features
    }
    return {
        "model": model,
        "family": card.family,
        "domain": card.domain,
        "task": card.task,
        "headrace": __version__,
        "format": of.name,
        "runtime": of.runtime,
        "file": of.file,
        "sha256": sha256(content),
        "inputs": [asdict(one) | {"shape": ["rows", *one.shape]} for one in scorer.inputs],
        "output": {"shape": ["rows", *answers.shape[1:]], "columns": s.outputs, "unit": task.unit},
        "before": {
            "categories": {"meaning": _CATEGORIES, "values": categories},
            "target_means": {"meaning": _MEANS, "values": [asdict(one) for one in s.encodings]},
        },
        "after": {
            "sorted": {"meaning": _SORTED, "value": of.is_unsorted and len(s.quantiles) > 1},
            "shifts": {"meaning": _SHIFTS, "values": _shifts(card)},
        },
        "example": {
            "meaning": _EXAMPLE,
            "tolerance": TOLERANCE,
            "inputs": {name: _listed(values) for name, values in tensors.items()},
            "output": _listed(answers),
            "served": _listed(_served(answers, s.outputs, s.steps, card)),
        },
    }


def light_told(of: NetFormat, light: Light, content: bytes, tensors: Tensors) -> dict[str, Any]:
    """What there is to know of the light model besides; tensors: those of the example."""
    answers = of.opened(content)(tensors)
    how = {"file": of.light_file, "sha256": sha256(content), **asdict(light)}
    return {"light": {**how, "example_output": _listed(answers), "meaning": _LIGHT}}


def json_text(told: Mapping[str, Any]) -> bytes:
    return (json.dumps(told, indent=1) + "\n").encode()


def _shifts(card: ModelCard) -> dict[str, Any]:
    shifts = card.calibration.by_step or card.calibration.shifts
    return {f"{quantile:g}": by for quantile, by in shifts.items()}


def _served(
    answers: npt.NDArray[np.floating], outputs: tuple[str, ...], steps: int, card: ModelCard
) -> npt.NDArray[np.floating]:
    flat = answers.reshape(-1, len(outputs)).astype(np.float64)
    flat = np.sort(flat, axis=1) if card.quantiles else flat
    asked = {"step": np.arange(len(flat)) % steps + 1, **{name: flat[:, j] for j, name in enumerate(outputs)}}
    moved = shifted(pa.table(asked), card.calibration)
    return np.stack([moved[name].to_numpy() for name in outputs], axis=1).reshape(answers.shape)


def _listed(values: npt.NDArray[Any]) -> Any:
    """As JSON has it."""
    if not np.issubdtype(values.dtype, np.floating):
        return values.tolist()
    found = values.astype(object)
    found[np.isnan(values)] = None
    return found.tolist()
