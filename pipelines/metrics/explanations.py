"""What a model makes of its features: asked of its scorer alone, so that every family is explained alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Values = npt.NDArray[np.float64]
Predict = Callable[[pa.Table], Values]

_SEED = 2001
_POINTS = 12


@dataclass(frozen=True)
class Dependence:
    """at: values of the feature, ascending. mean: of the predictions, were it so in every example."""

    at: Values
    mean: Values


def permutation(examples: pa.Table, features: Sequence[str], loss: Callable[[pa.Table], float]) -> dict[str, float]:
    """By what part the loss grows when a feature's values are dealt out anew among the examples (Breiman 2001; Fisher,
    Rudin and Dominici 2019); below 0 where that happens to help. The same every time.

    examples: columns by feature, one value an example or a list. loss: of examples with their labels, above 0.
    Features that say the same share the loss between them: each alone may look useless.
    """
    order = pa.array(np.random.default_rng(_SEED).permutation(len(examples)))
    whole = loss(examples)
    return {name: loss(with_column(examples, name, examples[name].take(order))) / whole - 1.0 for name in features}


def dependence(examples: pa.Table, feature: str, predict: Predict) -> Dependence:
    """The mean prediction as one feature takes up to twelve of its values in every example (Friedman 2001). Where it
    hangs together with others, some of these examples could not be.

    predict: a value for each row of the prediction. feature: one of numbers, or of lists of them.
    """
    column = examples[feature].combine_chunks()
    is_list = pa.types.is_list(column.type)
    flat = np.asarray((column.flatten() if is_list else column).cast(pa.float64()).to_numpy(zero_copy_only=False))
    known = flat[~np.isnan(flat)]
    at = np.unique(np.quantile(known, np.linspace(0.02, 0.98, _POINTS), method="nearest")) if len(known) else known
    means = []
    for value in at:
        of = column.type.value_type if is_list else column.type
        values = pa.array(np.full(len(flat), value)).cast(of, safe=False)
        told = pa.ListArray.from_arrays(column.offsets, values) if is_list else values
        means.append(float(np.nanmean(predict(with_column(examples, feature, told)))))
    return Dependence(at, np.array(means))


def with_column(examples: pa.Table, name: str, column: pa.Array | pa.ChunkedArray) -> pa.Table:
    """The examples with another column of this name, in its place."""
    return examples.set_column(examples.column_names.index(name), name, column)
