"""Tasks: which question is asked of which entity at which cut-offs, and when its answer becomes known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

from pipelines.contracts.fairness import Protected
from pipelines.contracts.monitors import Monitor, ScoreMonitor
from pipelines.contracts.names import DeclarationError, checked_name
from pipelines.contracts.splits import SPLITS, ByEntity, ByHash, ByTime, Fold, RollingOrigin, Share, Span

__all__ = [
    "BASELINE",
    "GLOBAL",
    "PER_ENTITY",
    "PROBABILITY",
    "SPLITS",
    "ByEntity",
    "ByHash",
    "ByTime",
    "Classify",
    "Detect",
    "Estimate",
    "Events",
    "Forecast",
    "ParamValue",
    "Promote",
    "Protected",
    "Rank",
    "RollingOrigin",
    "Scope",
    "Select",
    "Share",
    "Span",
    "Spine",
    "Task",
    "output_columns",
    "quantile_column",
    "utc",
]
"""A declaration takes all its words from here, those of its split too."""

ParamValue = int | float | str | bool

Scope = Literal["global", "per_entity"]
GLOBAL: Scope = "global"
PER_ENTITY: Scope = "per_entity"


@dataclass(frozen=True)
class Spine:
    """The cut-offs: every entity of `table`, every `every`, shifted by `offset` from midnight UTC."""

    table: str
    entity: str
    every: timedelta
    offset: timedelta = timedelta(0)


@dataclass(frozen=True)
class Events:
    """One cut-off for each row of `table`, `lead` before its event time; without an event time, when it is delivered.

    entity: the table's key. What the row says may be a feature (Own, Category), and its columns name the other entities
    whose features are joined to it.
    """

    table: str
    entity: str
    lead: timedelta = timedelta(0)


@dataclass(frozen=True)
class Promote:
    """The gate: `metric` must beat the baseline family `must_beat` by the fraction `by` of what that reaches; it is
    smaller where it is a loss, greater where it is one of a Rank's (`ndcg`, `map`, `mrr`)."""

    metric: str
    must_beat: str
    by: float


@dataclass(frozen=True)
class Select:
    """No more than `budget` of a task's features reach its models, picked on the training span alone; constants, copies
    and features that must be the answer never do. The baseline and windows of histories are left as they are."""

    budget: int

    def __post_init__(self) -> None:
        if self.budget < 1:
            raise DeclarationError(f"select: a budget of {self.budget} features; it must be 1 or more")


@dataclass(frozen=True, kw_only=True)
class Task:
    """One question: `column` of `table`, asked at the cut-offs of `spine`. Declared as Forecast, Estimate,
    Classify, Detect or Rank.

    label_known_after: how long after the cut-off (Forecast: after a step's own time) the label is known at the latest.
    quantiles: ascending, with 0.5 among them (the point forecast); () where probabilities are asked for.
    classes: the values that `column` may have, as text, where the probability of each is asked for.
    query: the column of the asked table that says which rows a Rank puts in order together. top: how many places of
    that order its metrics look at.
    families: names in pipelines/models, each with the parameters that differ from the family's defaults in `params`.
    decide: name of a policy in the domain's decide.py.
    folds: how families are cross-validated besides. select: how many features they see; None: all that are declared.
    capacity: what share of all rows can be acted on, for the recall of a Classify.
    slices: by what errors are shown besides: "step", "hour_of_day" (of the target, local), the entity of a Spine, a
    column that a Category is made of. None: by all of these that the task has.
    protected: columns between whose groups a Classify is compared, and what may block its promotion.
    monitor: of an Estimate of what is left of a machine's life, or of a Detect (ScoreMonitor), which predictions raise
    an alarm.
    scope: whether a family makes one model of all entities, or one of each that has `least_rows` labelled rows in the
    train span, and one of all for the others. The baseline is always one.
    """

    column: str = field(kw_only=False)
    table: str
    spine: Spine | Events
    step: timedelta = timedelta(0)
    steps: int = 1
    label_known_after: timedelta = timedelta(0)
    quantiles: tuple[float, ...] = ()
    classes: tuple[str, ...] = ()
    query: str = ""
    top: int = 10
    views: tuple[str, ...]
    families: tuple[str, ...]
    split: ByTime | ByHash
    promote: Promote
    decide: str
    unit: str = ""
    folds: RollingOrigin | None = None
    select: Select | None = None
    capacity: float = 0.05
    slices: tuple[str, ...] | None = None
    protected: tuple[Protected, ...] = ()
    monitor: Monitor | ScoreMonitor | None = None
    scope: Scope = GLOBAL
    least_rows: int = 100
    params: Mapping[str, Mapping[str, ParamValue]] = field(default_factory=dict)
    doc: str = ""

    def __post_init__(self) -> None:
        checked_name(self.column, "task")
        if self.quantiles and (0.5 not in self.quantiles or list(self.quantiles) != sorted(set(self.quantiles))):
            raise DeclarationError(f"task '{self.column}': quantiles must ascend and hold 0.5")
        if self.promote.must_beat not in self.families:
            raise DeclarationError(f"task '{self.column}': the baseline '{self.promote.must_beat}' is not in families")
        unknown = set(self.params) - set(self.families)
        if unknown:
            raise DeclarationError(f"task '{self.column}': params for {sorted(unknown)}, which are not in families")
        if isinstance(self.split, ByTime) and self.split.gap < self.horizon + self.label_known_after:
            raise DeclarationError(f"task '{self.column}': the split's gap lets a label reach into the next span")
        if self.scope not in (GLOBAL, PER_ENTITY):
            raise DeclarationError(f"task '{self.column}': no scope '{self.scope}'; there are: {GLOBAL}, {PER_ENTITY}")
        if self.scope == PER_ENTITY and isinstance(self.spine, Events):
            raise DeclarationError(
                f"task '{self.column}': each '{self.spine.entity}' is asked about once, so there is nothing to make a "
                f"model of its own from; scope '{PER_ENTITY}' is for a Spine"
            )
        if self.least_rows < 1:
            raise DeclarationError(f"task '{self.column}': least_rows is {self.least_rows}; it must be 1 or more")
        if self.protected and (not isinstance(self, Classify) or self.classes):
            raise DeclarationError(f"task '{self.column}': only a Classify of 0 and 1 picks, so no other can protect")
        if isinstance(self.monitor, Monitor) and not isinstance(self, Estimate):
            raise DeclarationError(f"task '{self.column}': only an Estimate can be of what is left, and have a Monitor")
        if isinstance(self.monitor, ScoreMonitor) and not (isinstance(self, Detect) and isinstance(self.split, ByTime)):
            raise DeclarationError(f"task '{self.column}': only a Detect that is split by time can have a ScoreMonitor")
        if self.query and not isinstance(self, Rank):
            raise DeclarationError(f"task '{self.column}': a query is what a Rank puts in order; no other kind has one")
        if self.folds is not None:
            if not isinstance(self.split, ByTime):
                raise DeclarationError(f"task '{self.column}': folds roll through time, so its split must be ByTime")
            self.folds.of(self.split)  # refuses those that the split has no room for

    @property
    def name(self) -> str:
        """The task's name is the column it predicts."""
        return self.column

    def scope_of(self, family: str) -> Scope:
        """The scope of a family's models."""
        return GLOBAL if family == self.promote.must_beat else self.scope

    @property
    def cross_validation(self) -> tuple[Fold, ...]:
        """The folds on which every family is judged besides; none where none are declared."""
        return self.folds.of(self.split) if self.folds and isinstance(self.split, ByTime) else ()

    @property
    def hashed_by(self) -> str:
        """The column by whose names the asked rows are split, of a Rank that of its queries, which no split may cut;
        "" for a split by time."""
        if isinstance(self.split, ByEntity):
            return self.split.entity
        return (self.query or self.spine.entity) if isinstance(self.split, ByHash) else ""

    @property
    def horizon(self) -> timedelta:
        return self.step * self.steps

    @property
    def told_beside(self) -> tuple[str, ...]:
        """Columns of the asked rows that no model need see and by which predictions are judged."""
        return (*[of.column for of in self.protected], *([self.monitor.machine] if self.monitor else []))

    @property
    def is_unlabelled(self) -> bool:
        """Whether models are made without looking at a label."""
        return isinstance(self, Detect)

    @property
    def outputs(self) -> tuple[str, ...]:
        """The columns of a prediction."""
        return output_columns(self.quantiles, self.classes, is_unlabelled=self.is_unlabelled, query=self.query)

    @property
    def point(self) -> str:
        """The column that stands for a prediction where one number is wanted; the first class's of several."""
        return quantile_column(0.5) if self.quantiles else self.outputs[0]

    @property
    def baseline_columns(self) -> dict[str, str]:
        """Which outputs of the baseline stand beside a prediction, and what they are called there."""
        if self.classes:
            return {output: f"{BASELINE}_{output}" for output in self.outputs}
        return {self.point: BASELINE}


@dataclass(frozen=True, kw_only=True)
class Forecast(Task):
    """The next `steps` values of `column`, `step` apart, the first at the cut-off itself, as quantiles."""

    spine: Spine
    split: ByTime

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (self.quantiles and self.step > timedelta(0) and self.steps > 0):
            raise DeclarationError(f"task '{self.column}': a forecast needs quantiles, a step and steps")
        _no_classes(self)


@dataclass(frozen=True, kw_only=True)
class Estimate(Task):
    """What `column` will be for each event, as quantiles."""

    spine: Events

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.quantiles:
            raise DeclarationError(f"task '{self.column}': an estimate needs quantiles")
        _no_classes(self)


@dataclass(frozen=True, kw_only=True)
class Classify(Task):
    """How probable it is that `column`, which is 0 or 1, will be 1 for each event; or each of `classes`, if given."""

    spine: Events

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.quantiles:
            raise DeclarationError(f"task '{self.column}': a probability has no quantiles")
        if not 0.0 < self.capacity <= 1.0:
            raise DeclarationError(f"task '{self.column}': capacity is a share of all rows, above 0 and up to 1")
        if len(self.classes) == 1 or len(set(self.classes)) < len(self.classes):
            raise DeclarationError(f"task '{self.column}': classes must be two or more, each told once")
        for name in self.classes:
            checked_name(f"of_{name}", "class")  # a part of column names


@dataclass(frozen=True, kw_only=True)
class Detect(Task):
    """How odd each event is beside those of the train span, from 0 to 1. `column`, which is 0 or 1 and may come late or
    for a few alone, only judges that: no model sees it, and the train span needs none."""

    spine: Events

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.quantiles:
            raise DeclarationError(f"task '{self.column}': an anomaly score has no quantiles")
        if self.select:
            raise DeclarationError(f"task '{self.column}': features are selected by a label, which no Detect looks at")
        _no_classes(self)


@dataclass(frozen=True, kw_only=True)
class Rank(Task):
    """In which order the rows of a query stand, best first, by how relevant each is: `column`, a whole number from 0
    (not at all) to MOST_RELEVANT. An answer is a score a row, which only says its place among the rows of its query.

    All rows of a query are on one side of a split: by hash they are split by the query's name, by time they are asked
    about at the first cut-off of any of them; one that was not known by then is not asked about.
    """

    spine: Events

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.query:
            raise DeclarationError(f"task '{self.column}': a rank needs a query, the rows of which it puts in order")
        if self.quantiles:
            raise DeclarationError(f"task '{self.column}': an order has no quantiles")
        if self.top < 1:
            raise DeclarationError(f"task '{self.column}': top is {self.top}; an order is judged by a place or more")
        if isinstance(self.split, ByEntity) and self.split.entity != self.query:
            raise DeclarationError(
                f"task '{self.column}': a split by '{self.split.entity}' could cut a '{self.query}' in two; let it be "
                "ByHash, which keeps the rows of a query together"
            )
        _no_classes(self)


def utc(text: str) -> datetime:
    """An instant from ISO text; text without an offset is UTC."""
    at = datetime.fromisoformat(text)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def quantile_column(quantile: float) -> str:
    """The name of a quantile's column in predictions: 0.1 → "q10", 0.975 → "q97_5"."""
    return f"q{quantile * 100:g}".replace(".", "_")


STEP, HOUR_OF_DAY = "step", "hour_of_day"
"""Slices that are no column of a table."""
PROBABILITY = "probability"
ANOMALY_SCORE = "anomaly_score"
SCORE = "score"
"""The column of a Rank's predictions: the greater, the nearer to the top of its query."""
MOST_RELEVANT = 31
"""The greatest relevance: it counts 2 to its power, and XGBoost learns none that is greater."""
CLUSTER = "cluster"
"""The column of a backtest that says which of its clusters a model puts a row in; null where it has none."""
BASELINE = "baseline"
"""The column with the baseline's point beside a prediction; with several classes, the beginning of their names."""


def output_columns(
    quantiles: tuple[float, ...], classes: tuple[str, ...] = (), *, is_unlabelled: bool = False, query: str = ""
) -> tuple[str, ...]:
    """The columns of a prediction: one a quantile or a class, the one probability where there are neither, how odd a
    thing is, or the score by which it stands among the rows of its query."""
    if is_unlabelled:
        return (ANOMALY_SCORE,)
    if query:
        return (SCORE,)
    if classes:
        return tuple(f"{PROBABILITY}_{name}" for name in classes)
    return tuple(quantile_column(quantile) for quantile in quantiles) or (PROBABILITY,)


def _no_classes(task: Task) -> None:
    if task.classes:
        raise DeclarationError(f"task '{task.column}': classes are asked for by a Classify alone")
