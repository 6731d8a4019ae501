"""Target means in place of codes: learnt from labelled examples, looked up in others."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.contracts.fits import Encoding, Encodings, Frame
from pipelines.models.rows import LABEL, Values, lists

FOLDS = 5
"""As many as scikit-learn's TargetEncoder has."""


def learnt(examples: pa.Table, frame: Frame) -> Encodings:
    """The target means of the frame's encoded features. examples: of the train span, of one step each; rows whose label
    is null teach nothing."""
    label = lists(examples, LABEL, 1)[:, 0]
    fold, known = _folds(examples[frame.entity]), ~np.isnan(label)

    def of(rows: npt.NDArray[np.bool_]) -> tuple[Encoding, ...]:
        return tuple(
            _encoding(name, smoothing, _codes(examples, name)[rows], label[rows]) for name, smoothing in frame.encoded
        )

    return Encodings(of(known), tuple(of(known & (fold != n)) for n in range(FOLDS)))


def encoded(examples: pa.Table, encodings: Sequence[Encoding]) -> pa.Table:
    """The examples with means in place of codes."""
    for encoding in encodings:
        examples = _with(examples, encoding.feature, _means(_codes(examples, encoding.feature), encoding))
    return examples


def encoded_out_of_fold(examples: pa.Table, encodings: Encodings, entity: str) -> pa.Table:
    """The examples that the means were learnt from, each with those that its own fold had no part in."""
    fold = _folds(examples[entity])
    for n, encoding in enumerate(encodings.whole):
        codes = _codes(examples, encoding.feature)
        means = np.full(len(codes), np.nan)
        for without, of_others in enumerate(encodings.without):
            means[fold == without] = _means(codes[fold == without], of_others[n])
        examples = _with(examples, encoding.feature, means)
    return examples


def _encoding(name: str, smoothing: float, codes: Values, labels: Values) -> Encoding:
    mean = float(labels.mean()) if len(labels) else float("nan")
    has_code = ~np.isnan(codes)
    values, place = np.unique(codes[has_code], return_inverse=True)
    counts, sums = np.bincount(place), np.bincount(place, labels[has_code])
    means = (sums + smoothing * mean) / (counts + smoothing)
    return Encoding(name, tuple(values.tolist()), tuple(means.tolist()), mean)


def _means(codes: Values, encoding: Encoding) -> Values:
    known = np.array([*encoding.codes, np.inf])
    place = np.searchsorted(known, codes)  # a NaN sorts behind the last, which no code equals
    place = np.minimum(place, len(known) - 1)
    means = np.where(known[place] == codes, np.array([*encoding.means, np.nan])[place], encoding.mean)
    return np.where(np.isnan(codes), np.nan, means)


def _folds(entities: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """By a hash of the name, so that a fold is the same in every shard, and all rows of an entity are in one."""
    return np.array([zlib.crc32(f"{name}".encode()) % FOLDS for name in entities.to_pylist()], np.int64)


def _codes(examples: pa.Table, name: str) -> Values:
    return np.asarray(examples[name].cast(pa.float64()).to_numpy(), np.float64)


def _with(examples: pa.Table, name: str, values: Values) -> pa.Table:
    at = examples.schema.get_field_index(name)
    return examples.set_column(at, name, pa.array(values, pa.float64(), from_pandas=True))
