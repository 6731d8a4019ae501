"""What a model family is: its parameters, how it is fitted, how its bytes become a scorer. Families are discovered."""

from __future__ import annotations

import importlib
import inspect
import json
import math
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.contracts.fits import Encoding, FitError, FitPlan, FitResult, Recorder
from pipelines.contracts.model_references import START_FROM, ModelReference
from pipelines.contracts.names import DeclarationError
from pipelines.contracts.tasks import (
    GLOBAL,
    Classify,
    Detect,
    Estimate,
    Forecast,
    ParamValue,
    Rank,
    Scope,
    Task,
    output_columns,
)
from pipelines.models.encodings import encoded
from pipelines.models.rows import keys

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from pipelines.models.nets.crew import Crew

IS_VALIDATION = "is_validation"
"""The boolean column that tells rows of the validate span from those of the train span in a fit on Spark."""


@dataclass(frozen=True)
class Param:
    """One parameter of a family. search: the values that a search tries, None where it is not searched."""

    name: str
    type: type[int] | type[float] | type[str] | type[bool]
    default: ParamValue
    search: tuple[ParamValue, ...] | None
    doc: str


ADAPTER_RANK = "adapter_rank"
WARM_START = Param(
    START_FROM, str, "", None, "registered model to begin from: models:/NAME/VERSION or models:/NAME@ALIAS; '': none"
)
FINE_TUNING = (
    WARM_START,
    Param(ADAPTER_RANK, int, 0, None, "rank of the adapters (LoRA) that alone are trained; 0: all weights are"),
)
"""The parameters of families whose fits can begin from a registered model, and of nets, which can stay near it."""


@dataclass(frozen=True)
class Signature:
    """What a model must know of its frame to score examples by itself; saved within the model. encodings: of the train
    span, looked up before a scorer sees the examples. query: the column whose rows a model of orders stands among."""

    entity: str
    features: tuple[str, ...]
    step_seconds: float
    steps: int
    quantiles: tuple[float, ...]
    encodings: tuple[Encoding, ...] = ()
    classes: tuple[str, ...] = ()
    is_unlabelled: bool = False
    scope: Scope = GLOBAL
    query: str = ""

    @classmethod
    def of(cls, plan: FitPlan) -> Signature:
        frame = plan.frame
        seconds = frame.step.total_seconds()
        return cls(
            frame.entity,
            frame.features,
            seconds,
            frame.steps,
            plan.quantiles,
            plan.encodings.whole,
            plan.classes,
            plan.is_unlabelled,
            plan.scope,
            frame.query,
        )

    @classmethod
    def read(cls, text: str) -> Signature:
        content = json.loads(text)
        encodings = tuple(
            Encoding(of["feature"], tuple(of["codes"]), tuple(of["means"]), of["mean"])
            for of in content.get("encodings", ())  # models of before the first encoding have none
        )
        lists = {name: tuple(content.get(name, ())) for name in ("features", "quantiles", "classes")}
        return cls(**(content | lists | {"encodings": encodings}))

    def json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @property
    def outputs(self) -> tuple[str, ...]:
        """The columns of a prediction."""
        return output_columns(self.quantiles, self.classes, is_unlabelled=self.is_unlabelled, query=self.query)

    @property
    def step(self) -> timedelta:
        return timedelta(seconds=self.step_seconds)


class Scorer(ABC):
    """A fitted model that predicts without a JVM. A row's prediction does not depend on the rows beside it."""

    def __init__(self, signature: Signature) -> None:
        self.signature = signature

    def predict(self, examples: pa.Table) -> pa.Table:
        """One row per (entity, cut_at, step) with `target_at` and a double column per quantile, never crossing; or
        probabilities, from 0 to 1: one, or one a class, which sum to 1; or a score, and the row's query beside it.

        examples: what `transforms.examples.examples` makes; `label` is not looked at. Names: `output_columns`.
        A prediction is null only where the model has nothing to go by.
        """
        s = self.signature
        columns = s.outputs
        examples = encoded(examples, s.encodings)
        outputs = self.outputs(examples).reshape(len(examples) * s.steps, len(columns))
        if s.quantiles:
            outputs = np.sort(outputs, axis=1)
        if s.classes:
            outputs = outputs / outputs.sum(axis=1, keepdims=True, dtype=np.float64)  # a net's are of single precision
        predictions = keys(examples, s.entity, s.step, s.steps)
        for j, name in enumerate(columns):
            column = pa.array(np.ascontiguousarray(outputs[:, j], np.float64), from_pandas=True)
            predictions = predictions.append_column(name, column)
        return predictions.append_column(s.query, examples[s.query]) if s.query else predictions

    def contributions(self, examples: pa.Table) -> npt.NDArray[np.float64] | None:
        """(examples · steps, features): each feature's part in the point prediction, or in its log odds, beside what
        the model says on average (SHAP values: Lundberg and Lee 2017); None where the family cannot tell. Rows as in
        `predict`."""
        return None

    @abstractmethod
    def outputs(self, examples: pa.Table) -> npt.NDArray[np.floating]:
        """(examples · steps, quantiles), in the order of `predict`, which may still cross; or probabilities:
        (examples · steps, 1), or one a class; or scores, (examples, 1)."""


class ClusterScorer(Scorer):
    """A scorer that also tells which of its clusters an example is in."""

    def clusters(self, examples: pa.Table) -> npt.NDArray[np.int64]:
        """(examples,) the number of the cluster that each is in, from 0."""
        return self.nearest(encoded(examples, self.signature.encodings))

    @abstractmethod
    def nearest(self, examples: pa.Table) -> npt.NDArray[np.int64]:
        """What `clusters` gives, of examples whose encodings are applied."""


class Family(ABC):
    """One kind of model. engines: what can fit it, the preferred one first; "single" is always among them.

    tasks: the kinds of questions that it can answer. tells_classes: whether a Classify may ask for several classes.
    exports: the formats in which its models can go out of here; their scorers are Exportable.
    """

    name: ClassVar[str]
    params: ClassVar[tuple[Param, ...]]
    engines: ClassVar[tuple[str, ...]] = ("single",)
    tasks: ClassVar[tuple[type[Task], ...]] = (Forecast, Estimate)
    tells_classes: ClassVar[bool] = False
    exports: ClassVar[tuple[str, ...]] = ()

    def settled(self, given: Mapping[str, ParamValue]) -> dict[str, ParamValue]:
        """All parameters: the given ones checked, the others by default."""
        known = {param.name: param for param in self.params}
        for name, value in given.items():
            if name not in known:
                names = ", ".join(known) or "none"
                raise DeclarationError(f"family '{self.name}': unknown parameter '{name}'; known: {names}")
            wanted = known[name].type
            if not (type(value) is wanted or (wanted is float and type(value) is int)):
                raise DeclarationError(f"family '{self.name}': '{name}' must be {wanted.__name__}, not {value!r}")
        if given.get(START_FROM):
            ModelReference.read(str(given[START_FROM]))
        return {name: param.type(given.get(name, param.default)) for name, param in known.items()}

    def must_answer(self, plan: FitPlan) -> None:
        """FitError if the plan's question is none that this family can answer."""
        asked: type[Task] = Forecast if plan.frame.step else Estimate
        if plan.frame.query:
            asked = Rank
        elif not plan.quantiles:
            asked = Detect if plan.is_unlabelled else Classify
        if asked not in self.tasks:
            kinds = " and ".join(kind.__name__ for kind in self.tasks)
            raise FitError(f"{self.name} answers {kinds} tasks, '{plan.task}' is of the kind {asked.__name__}")
        if plan.classes and not self.tells_classes:
            raise FitError(f"{self.name} tells 0 from 1, '{plan.task}' asks for {len(plan.classes)} classes")

    def origins_every(self, params: Mapping[str, ParamValue]) -> int:
        """Distance in steps of the extra training origins that the family asks for; 0 is none."""
        return 0

    def rungs(self, params: Mapping[str, ParamValue]) -> tuple[int, ...]:
        """Steps of the learning curve, ascending, by each of which fits with any searched parameters have come equally
        far, so that their losses can be compared on the way; () where a fit shows nothing on its way."""
        return ()

    def engines_for(self, task: Task) -> tuple[str, ...]:
        """Those of `engines` that can fit it for this task, the preferred one first."""
        return self.engines

    @abstractmethod
    def fit(self, train: pa.Table, validate: pa.Table, plan: FitPlan, recorder: Recorder) -> FitResult:
        """Fit in this process on examples. Curves, workers and seconds of the result are the engine's to fill in."""

    @abstractmethod
    def scorer(self, model: bytes) -> Scorer:
        """The scorer of a model that this family made."""


class RowsFamily(Family):
    """A family that can also be fitted where its rows lie: in Spark."""

    @abstractmethod
    def fit_rows(self, rows: DataFrame, plan: FitPlan, recorder: Recorder) -> FitResult:
        """Fit on flattened rows with labels: `plan.frame.features`, `label`, `is_validation`; in `plan.workers`
        partitions whose order is fixed."""


class NetFamily(Family):
    """A family of nets, trained by a crew of equal ranks that average their gradients."""

    engines = ("horovod", "torch_ddp", "single")
    exports = ("onnx", "torchscript")

    def settled(self, given: Mapping[str, ParamValue]) -> dict[str, ParamValue]:
        params = super().settled(given)
        rank = int(params[ADAPTER_RANK])
        if rank < 0 or (rank and not params[START_FROM]):
            raise DeclarationError(
                f"family '{self.name}': '{ADAPTER_RANK}' is 0, or a number of 1 or more beside '{START_FROM}': "
                "adapters change a model that is there"
            )
        return params

    def rungs(self, params: Mapping[str, ParamValue]) -> tuple[int, ...]:
        """Half and three quarters of the epochs: over all of them the learning rate rises and falls."""
        epochs = int(self.settled(params)["epochs"])
        return tuple(math.ceil(epochs * part) - 1 for part in (0.5, 0.75))

    def fit(self, train: pa.Table, validate: pa.Table, plan: FitPlan, recorder: Recorder) -> FitResult:
        from pipelines.models.nets.crew import Solo

        return self.train(train, validate, plan, Solo(plan.precision), recorder)

    @abstractmethod
    def train(self, train: pa.Table, validate: pa.Table, plan: FitPlan, crew: Crew, recorder: Recorder) -> FitResult:
        """Fit on this rank's examples, in step with the other ranks. The result is the same on all."""


def families() -> dict[str, Family]:
    """Every family in this folder by name."""
    found: dict[str, Family] = {}
    package = importlib.import_module("pipelines.models")
    for module_info in pkgutil.iter_modules(package.__path__):
        if module_info.ispkg:
            continue
        module = importlib.import_module(f"pipelines.models.{module_info.name}")
        for _, kind in inspect.getmembers(module, inspect.isclass):
            if issubclass(kind, Family) and not inspect.isabstract(kind) and kind.__module__ == module.__name__:
                found[kind.name] = kind()
    return dict(sorted(found.items()))
