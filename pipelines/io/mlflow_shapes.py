"""Headrace's values in the shapes that MLflow takes: parameters, dataset inputs, a model's signature."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING

import pyarrow as pa

from pipelines.contracts.fits import FitPlan
from pipelines.contracts.tasks import PER_ENTITY

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.entities import DatasetInput
    from mlflow.models import ModelSignature
    from mlflow.types import Schema

_WHOLE_KEYS = ("step",)
"""Whole numbers that are never missing."""


def metric_name(name: str) -> str:
    """A name that MLflow takes: letters, digits, `_ - . / :` and blanks; every other sign becomes an underscore."""
    return re.sub(r"[^\w\-./: ]", "_", name, flags=re.ASCII)


def parameters(plan: FitPlan) -> dict[str, str]:
    """What decided the fit, as text."""
    scope: dict[str, str] = {"scope": plan.scope}
    if plan.scope == PER_ENTITY:
        scope |= {"least_rows": str(plan.least_rows), "fallback": f"pooled {plan.family}"}
    begun = {"warm_start": str(plan.warm_start)} if plan.warm_start else {}
    return (
        {name: str(value) for name, value in plan.params.items()}
        | begun
        | {
            "engine": plan.engine,
            "workers": str(plan.workers),
            "device": plan.device,
            "precision": plan.precision,
            "compression": plan.compression,
            "seed": str(plan.seed),
            "features": str(len(plan.frame.features)),
            "train_span": str(plan.train),
            "validate_span": str(plan.validate),
            **scope,
        }
    )


def dataset_input(name: str, path: str, version: int, rows: int) -> DatasetInput:
    """A Delta table at one version, as what a fit was trained on.

    Made by hand: `mlflow.data.load_delta` starts Spark jobs (14 to 20 s a table under load) and does not count the
    rows, and MLflow's own Delta source leaves version 0 out.
    """
    from mlflow.entities import Dataset, DatasetInput, InputTag

    source = json.dumps({"path": path, "delta_table_version": version})
    digest = hashlib.sha256(f"{name} {source}".encode()).hexdigest()[:8]
    dataset = Dataset(f"{name} v{version}", digest, "delta_table", source, profile=json.dumps({"num_rows": rows}))
    return DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])


def signature(example: pa.Table, prediction: pa.Table) -> ModelSignature:
    """Columns and types of a model's examples and predictions; every value may be missing but those of keys."""
    from mlflow.models import ModelSignature

    return ModelSignature(inputs=_schema(example), outputs=_schema(prediction))


def pandas_input(table: pa.Table) -> pd.DataFrame:
    """A table as MLflow keeps an example: instants in UTC without a zone, lists as lists, whole numbers as doubles."""
    frame = table.to_pandas()
    for column in table.schema:
        if pa.types.is_timestamp(column.type) and column.type.tz is not None:
            frame[column.name] = frame[column.name].dt.tz_localize(None)
        elif pa.types.is_list(column.type):
            frame[column.name] = [list(values) for values in frame[column.name]]
        elif pa.types.is_integer(column.type) and column.name not in _WHOLE_KEYS:
            frame[column.name] = frame[column.name].astype("float64")
    return frame


def _schema(table: pa.Table) -> Schema:
    from mlflow.types import ColSpec, DataType, Schema
    from mlflow.types.schema import Array

    kinds = (
        (pa.types.is_timestamp, DataType.datetime),
        (pa.types.is_floating, DataType.double),
        (pa.types.is_boolean, DataType.boolean),
        # pandas has no whole number that is missing: such a column would come as doubles, which MLflow refuses for long
        (pa.types.is_integer, DataType.double),
        (pa.types.is_list, Array(DataType.double)),
        (pa.types.is_binary, DataType.binary),
    )
    of_keys = dict.fromkeys(_WHOLE_KEYS, DataType.integer)
    return Schema(
        [
            ColSpec(
                of_keys.get(column.name)
                or next((known for fits, known in kinds if fits(column.type)), DataType.string),
                column.name,
            )
            for column in table.schema
        ]
    )
