"""A worker is spared pandas, and whoever wants it gets it."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import sys
import pyarrow as pa
from pipelines.io.arrow_alone import without_pandas

without_pandas()
assert pa.array(["a", None]).to_pylist() == ["a", None]
assert "pandas" not in sys.modules, "an array of a list imported pandas"
frame = pa.table({"x": [1.0, None]}).to_pandas()
import pandas
assert isinstance(frame, pandas.DataFrame)
assert pa.array(pandas.Series([1.0, float("nan")])).to_pylist() == [1.0, None], "Arrow does not know a Series"
without_pandas()
assert pa.table({"x": [1]}).to_pandas()["x"].tolist() == [1]
"""


def test_arrow_imports_no_pandas_for_a_list_and_knows_it_once_it_is_there():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
