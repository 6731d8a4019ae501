"""The code that MLflow runs to load a logged model (models-from-code): native bytes, checked, to a scorer. No pickle.

MLflow copies this file beside the model, so it stands on its own and imports Headrace as installed.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from pipelines.contracts.cards import ModelCard
from pipelines.models.bundles import scorer_of
from pipelines.transforms.intervals import shifted

if TYPE_CHECKING:
    from pipelines.models.base import Scorer


class HeadraceModel(PythonModel):
    """Calibrated quantiles from examples: a row per (entity, cut_at) in, a row per (entity, cut_at, step) out."""

    def load_context(self, context: PythonModelContext) -> None:
        """Read card and model; CardError if the bytes are not those that were logged."""
        self._card = ModelCard.read(Path(context.artifacts["card"]).read_text())
        model = Path(context.artifacts["model"]).read_bytes()
        self._card.check(model)
        self._scorer: Scorer = scorer_of(self._card.family, model, self._card.scope)

    def predict(
        self, context: PythonModelContext, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """examples: as `transforms.examples.examples` makes them, without the label; instants without a zone
        are UTC."""
        examples = pa.Table.from_pandas(model_input, preserve_index=False)
        predictions = shifted(self._scorer.predict(examples), self._card.calibration).to_pandas()
        for instant in ("cut_at", "target_at"):
            predictions[instant] = predictions[instant].dt.tz_localize(None)
        return predictions


set_model(HeadraceModel())
