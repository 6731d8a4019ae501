from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from pipelines.contracts.features import Lag
from pipelines.contracts.fits import Frame, TargetFeatures
from pipelines.models.rows import flatten, lists

CUT = datetime(2024, 1, 1, 14, tzinfo=UTC)
HALF = timedelta(minutes=30)
FRAME = Frame(
    "place", "cuts", ("mean",), (TargetFeatures("s", "place", (Lag("x", (24,)),)),), (), "x", "s", HALF, 2, HALF
)


def test_one_row_a_step_with_its_own_time_and_the_examples_own_features_repeated():
    examples = pa.table(
        {
            "place": ["a", "b"],
            "cut_at": pa.array([CUT, CUT], pa.timestamp("us", "UTC")),
            "mean": [5.0, None],
            "x__lag_24h": [[1.0, None], [3.0, 4.0]],
            "label": [[10.0, 20.0], [None, 40.0]],
        }
    )
    rows = flatten(examples, FRAME)
    assert rows.column_names == ["place", "cut_at", "step", "target_at", "mean", "x__lag_24h", "label"]
    assert rows.drop(["cut_at"]).to_pylist() == [
        {"place": "a", "step": 1, "target_at": CUT, "mean": 5.0, "x__lag_24h": 1.0, "label": 10.0},
        {"place": "a", "step": 2, "target_at": CUT + HALF, "mean": 5.0, "x__lag_24h": None, "label": 20.0},
        {"place": "b", "step": 1, "target_at": CUT, "mean": None, "x__lag_24h": 3.0, "label": None},
        {"place": "b", "step": 2, "target_at": CUT + HALF, "mean": None, "x__lag_24h": 4.0, "label": 40.0},
    ]


def test_a_list_of_another_length_is_refused():
    with pytest.raises(ValueError, match="'x__lag_24h' must hold 3 values in each of 1 rows"):
        lists(pa.table({"x__lag_24h": [[1.0, 2.0]]}), "x__lag_24h", 3)
