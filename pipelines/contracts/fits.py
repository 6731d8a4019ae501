"""A fit as data: the plan that `stages/train.py` makes, what an engine returns, and where both leave their traces."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from pipelines.contracts.calendar import Calendar
from pipelines.contracts.features import AsOf, History, Image, Lag
from pipelines.contracts.splits import Purge, Share, Span
from pipelines.contracts.tasks import GLOBAL, ParamValue, Scope, output_columns


@dataclass(frozen=True)
class Shard:
    """A Delta table at one version, as the parquet files that hold it: all that a worker without a JVM needs.

    content: the version since which the table holds just these rows, where compaction has made a new one of them since.
    """

    name: str
    version: int
    files: tuple[str, ...]
    content: int | None = None

    @property
    def state(self) -> int:
        """What stands for the rows: equal for versions that only lay them out in other files."""
        return self.version if self.content is None else self.content


LookedUp = Lag | AsOf | Calendar | History


@dataclass(frozen=True)
class TargetFeatures:
    """Features looked up per step or per window in one gold series; series is "" for the calendar."""

    series: str
    entity: str
    features: tuple[LookedUp, ...]

    def names(self) -> tuple[str, ...]:
        return tuple(name for feature in self.features for name in feature.names())


@dataclass(frozen=True)
class Frame:
    """How gold at (entity, time) becomes examples at (entity, cut-off, step): never stored, always made anew.

    cut_offs: gold table with `entity`, `cut_at` and `cut_off_features`. A gold series has its entity (if any), `at`,
    `known_at`, `known_until` and value columns. label is a column of label_series. targets are per step, windows per
    example. Without a step there is one answer an entity, and `target_at` is the cut-off itself. categories: cut-off
    features that are places in a list, from 1, with its length; 0 stands for any other value. encoded: cut-off
    features that are codes of a text, for which a model sees target means, with the smoothing of these. images: columns
    of bytes beside the cut-off features. query: the column of text, besides, that says which examples are put in order
    together; "" where none are.
    """

    entity: str
    cut_offs: str
    cut_off_features: tuple[str, ...]
    targets: tuple[TargetFeatures, ...]
    windows: tuple[TargetFeatures, ...]
    label: str
    label_series: str
    step: timedelta
    steps: int
    label_known_after: timedelta
    categories: tuple[tuple[str, int], ...] = ()
    encoded: tuple[tuple[str, float], ...] = ()
    images: tuple[Image, ...] = ()
    query: str = ""

    @property
    def image_columns(self) -> tuple[str, ...]:
        return tuple(name for image in self.images for name in image.names())

    @property
    def beside(self) -> tuple[str, ...]:
        """Columns of the cut-offs that are no numbers."""
        return (*self.image_columns, *((self.query,) if self.query else ()))

    @property
    def order(self) -> tuple[str, ...]:
        """The columns by which examples are sorted: the rows of a query stand together."""
        return (*((self.query,) if self.query else ()), self.entity, "cut_at")

    @property
    def features(self) -> tuple[str, ...]:
        """Columns that a tabular family sees, in this order: `step` if there are any, cut-off and target features."""
        steps = ("step",) if self.step else ()
        return (*steps, *self.cut_off_features, *(name for t in self.targets for name in t.names()))


@dataclass(frozen=True)
class Encoding:
    """What stands for the codes of a feature: a mean for each of `codes` (ascending), `mean` for all others."""

    feature: str
    codes: tuple[float, ...]
    means: tuple[float, ...]
    mean: float


@dataclass(frozen=True)
class Encodings:
    """Target means as one fit learns them. whole: of the train span, for all rows but its own; without: by fold, of the
    span without that fold, for the rows of that fold."""

    whole: tuple[Encoding, ...] = ()
    without: tuple[tuple[Encoding, ...], ...] = ()


@dataclass(frozen=True)
class WarmStart:
    """A registered model that a fit begins from, as it was found when the fit was planned.

    model_id: MLflow's, for its lineage. file: where its bytes lie, with the hash `sha256`. learnt_from: the spans that
    it was fitted on and stopped by. content: its bytes, None in a plan that no engine has taken up.
    """

    name: str
    version: int
    sha256: str
    learnt_from: tuple[Span | Share, ...]
    model_id: str
    file: str
    content: bytes | None = None

    def __str__(self) -> str:
        return f"{self.name}/{self.version}"


@dataclass(frozen=True)
class FitPlan:
    """Everything that decides a fit; two plans with one key give the same model on the same machine.

    quantiles: () where probabilities are asked for: of the label, which is 0 or 1, or of each of `classes`, of which
    the label is the place, from 0; or where the frame has a query, whose rows are put in order. is_unlabelled: no label
    is looked at. encodings: none yet in a plan that no engine has taken up. purge: from when on labels of a span are
    known too late to count; those of other spans count whenever they came. precision: float32, or bfloat16 for the
    layers of nets that bear it. compression: none, or fp16 for the gradients that ranks send one another. warm_start:
    None for a fit that begins anew. scope: one model, or one of each entity with `least_rows` labelled rows to learn
    from besides one of all, together in one bundle.
    """

    domain: str
    task: str
    family: str
    engine: str
    params: Mapping[str, ParamValue]
    seed: int
    frame: Frame
    quantiles: tuple[float, ...]
    train: Span | Share
    validate: Span | Share
    tables: Mapping[str, Shard]
    workers: int = 1
    device: str = "cpu"
    encodings: Encodings = Encodings()
    purge: Purge = ()
    precision: str = "float32"
    compression: str = "none"
    classes: tuple[str, ...] = ()
    is_unlabelled: bool = False
    warm_start: WarmStart | None = None
    scope: Scope = GLOBAL
    least_rows: int = 0

    @property
    def class_count(self) -> int:
        """How many classes the label may be the place of: 0, 1, …; 0 where it is a number."""
        return len(self.classes) or (0 if self.quantiles or self.frame.query else 2)

    @property
    def outputs(self) -> tuple[str, ...]:
        """The columns of a prediction."""
        return output_columns(self.quantiles, self.classes, is_unlabelled=self.is_unlabelled, query=self.frame.query)

    def known_before(self, span: Span | Share) -> datetime | None:
        """When the labels of a span must be known; None where that does not matter."""
        return next((limit for purged, limit in self.purge if purged == span), None)

    @property
    def key(self) -> str:
        """A hash of the whole plan; tables count by name and state, wherever and in whatever files they lie, and the
        model that the fit begins from by name, version and hash."""
        content = asdict(self) | {"tables": {name: shard.state for name, shard in self.tables.items()}}
        del content["warm_start"]
        if self.warm_start is not None:
            content["warm_start"] = (str(self.warm_start), self.warm_start.sha256)
        return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


@dataclass(frozen=True)
class CurvePoint:
    """One point of a learning curve: `name` is, say, "train/pinball" or "validate/pinball"; `step` a round or epoch."""

    name: str
    step: int
    value: float


@dataclass(frozen=True)
class WorkerRecord:
    """What one worker of a distributed fit did: shard_hash is order-free over the keys of its examples."""

    rank: int
    process_id: int
    rows: int
    shard_hash: str
    weights_hash: str = ""


@dataclass(frozen=True)
class FitResult:
    """A fitted model in its native bytes (`format`: ubj, json, safetensors) and the traces of its making.

    trained_share: the part of a net's weights that its adapters are; None where all weights were trained.
    """

    model: bytes
    format: str
    curves: tuple[CurvePoint, ...] = ()
    importance: Mapping[str, float] = field(default_factory=dict)
    workers: tuple[WorkerRecord, ...] = ()
    seconds: float = 0.0
    best_step: int | None = None
    trained_share: float | None = None


@dataclass(frozen=True)
class Workspace:
    """The folder of one fit: curves, checkpoints, per-rank error files. On a cluster it must lie on shared storage."""

    path: Path


class Recorder(Protocol):
    """Takes the points of a learning curve as they come, and what a fit needs to go on after it was killed; rank 0
    alone records. Never talks to a tracking server."""

    def record(self, name: str, step: int, value: float) -> None: ...

    def points(self) -> tuple[CurvePoint, ...]: ...

    def checkpoint(self, state: Callable[[], bytes]) -> None:
        """Keep what `state` gives in place of what was kept before; left out where that would take more than a small
        part of the fit's time."""

    def checkpointed(self) -> bytes | None:
        """What was kept last, by this attempt or a killed one before it; `points` are then those of that moment."""

    def is_behind(self, step: int, loss: float) -> bool:
        """Whether the fit is to end at this step, since it is worth nothing more; the same answer on every rank.

        loss: the least so far on the validate span, in the unit of its curve; of a curve that rises, its negative.
        """


class FitError(RuntimeError):
    """A fit failed; the message names the family, the engine, the rank if one is to blame, and its own cause."""


class WorkerLost(FitError):
    """A worker ended without an error of its own, as when it is killed: the fit can go on from its checkpoint."""


@dataclass(frozen=True)
class Calibration:
    """What turns a model's quantiles into honest ones: per quantile a shift in the label's unit, learnt on the
    calibration span alone (split conformal, per quantile: Romano, Patterson and Candès 2019, asymmetric form).
    The point forecast (0.5) is left as the model gave it. A probability has no shifts. learnt_on: that span, in words.
    shifts: of all steps together. by_step: a shift for each step ahead instead, where that span has rows enough.
    """

    shifts: Mapping[float, float]
    learnt_on: str
    by_step: Mapping[float, tuple[float, ...]] = field(default_factory=dict)
