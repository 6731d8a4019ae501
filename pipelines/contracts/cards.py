"""A model's card: what must be known beside its bytes to score with them, stored with them as headrace.json."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime, timedelta
from typing import Any

from pipelines.contracts.fits import Calibration, FitPlan, FitResult
from pipelines.contracts.tasks import GLOBAL, Scope

CARD_FILE = "headrace.json"


class CardError(ValueError):
    """A model's bytes or card are not what was stored; the message says which."""


@dataclass(frozen=True)
class ModelCard:
    """format names the model file's ending; sha256 is that of its bytes; frame tells, as plain values, what the
    examples are made of, so that a score on another frame can be refused."""

    domain: str
    task: str
    family: str
    format: str
    sha256: str
    fit_key: str
    quantiles: tuple[float, ...]
    calibration: Calibration
    features: tuple[str, ...]
    frame: Mapping[str, Any]
    classes: tuple[str, ...] = ()
    scope: Scope = GLOBAL

    @classmethod
    def of(cls, plan: FitPlan, result: FitResult, calibration: Calibration) -> ModelCard:
        return cls(
            domain=plan.domain,
            task=plan.task,
            family=plan.family,
            format=result.format,
            sha256=sha256(result.model),
            fit_key=plan.key,
            quantiles=plan.quantiles,
            calibration=calibration,
            features=plan.frame.features,
            frame=plain(plan.frame),
            classes=plan.classes,
            scope=plan.scope,
        )

    @property
    def file(self) -> str:
        """The name of the model's file."""
        return f"model.{self.format}"

    def text(self) -> str:
        """As JSON; the same card gives the same text."""
        return json.dumps(plain(self), sort_keys=True, indent=2) + "\n"

    @classmethod
    def read(cls, text: str) -> ModelCard:
        """The card that `text` made; CardError if it is none."""
        try:
            content = json.loads(text)
            calibration = content.pop("calibration")
            return cls(
                **content
                | {
                    "quantiles": tuple(content["quantiles"]),
                    "features": tuple(content["features"]),
                    "classes": tuple(content.get("classes", ())),  # cards of before the first have none
                    "calibration": Calibration(
                        {float(quantile): shift for quantile, shift in calibration["shifts"].items()},
                        calibration["learnt_on"],
                        {float(q): tuple(of) for q, of in calibration.get("by_step", {}).items()},
                    ),
                }
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise CardError(f"{CARD_FILE} is not a model's card: {error}") from error

    def check(self, model: bytes) -> None:
        """Raise CardError unless these are the bytes that the card was written for."""
        found = sha256(model)
        if found != self.sha256:
            raise CardError(f"{self.file} has sha256 {found}, but its card says {self.sha256}: it was changed")


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def plain(value: Any) -> Any:
    """Declarations as what JSON knows: a feature carries its kind, a duration is in seconds, an instant ISO text."""
    if is_dataclass(value) and not isinstance(value, type):
        kind = {"kind": type(value).__name__} if type(value).__module__.endswith(".features") else {}
        return kind | {member.name: plain(getattr(value, member.name)) for member in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value.isoformat() if isinstance(value, datetime) else value
