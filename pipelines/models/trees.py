"""Trees as plain arrays: what both engines' trees become, how they are saved, and how rows fall through them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import safetensors.numpy

from pipelines.models.rows import Values

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Places = npt.NDArray[np.int64]

_METADATA = "headrace"
_BLOCK = 1 << 16
"""Places looked up at once, rows × trees: few enough for a core's cache."""


@dataclass(frozen=True)
class Trees:
    """The nodes of all trees, one after the other. A row's answer is the mean of its leaves' values.

    roots: (trees,). feature, threshold, left, right: (nodes,); a row goes left where its feature is at most the
    threshold; a leaf leads to itself on both sides. value: (nodes, outputs). fill: (features,), the training means.
    """

    roots: Places
    feature: Places
    threshold: Values
    left: Places
    right: Places
    value: Values
    fill: Values

    def leaves(self, values: Values) -> Places:
        """(rows, trees): the node in which each row ends; values: as `filled` makes them."""
        found = np.empty((len(values), len(self.roots)), np.int64)
        rows = max(1, _BLOCK // len(self.roots))
        for start in range(0, len(values), rows):
            block = np.ascontiguousarray(values[start : start + rows])
            flat, first = block.ravel(), np.arange(len(block))[:, None] * block.shape[1]
            node = np.tile(self.roots, (len(block), 1))
            while True:
                is_left = flat.take(first + self.feature[node]) <= self.threshold[node]
                following = np.where(is_left, self.left[node], self.right[node])
                if np.array_equal(following, node):
                    break
                node = following
            found[start : start + rows] = node
        return found

    def means(self, values: Values) -> Values:
        """(rows, outputs), for values as they come. Trees are summed one by one, as Spark does it: so a row's last bits
        depend on no other row."""
        leaves = self.leaves(filled(values, self.fill))
        total = np.zeros((len(values), self.value.shape[1]))
        for of_tree in leaves.T:
            total += self.value[of_tree]
        return total / len(self.roots)

    def sealed(self, content: dict[str, Any]) -> bytes:
        """As safetensors, with `content` (what JSON knows) in the header."""
        arrays = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return safetensors.numpy.save(arrays, metadata={_METADATA: json.dumps(content, sort_keys=True)})


def filled(values: Values, fill: Values) -> Values:
    """What trees see of (rows, features): `fill` for NaN, and single precision, which is all that scikit-learn's trees
    look at."""
    return np.where(np.isnan(values), fill, values).astype(np.float32).astype(np.float64)


def unsealed(model: bytes) -> tuple[Trees, dict[str, Any]]:
    """What `Trees.sealed` made."""
    header = json.loads(model[8 : 8 + int.from_bytes(model[:8], "little")])
    return Trees(**safetensors.numpy.load(model)), json.loads(header["__metadata__"][_METADATA])


def from_scikit_learn(trees: Sequence[Any], fill: Values) -> Trees:
    """Of fitted regression trees."""
    grown = [tree.tree_ for tree in trees]
    return together(
        [_tree(of.feature, of.threshold, of.children_left, of.children_right, of.value[:, 0, 0], fill) for of in grown]
    )


def from_spark(model: Any, spark: SparkSession, fill: Values) -> Trees:
    """Of a fitted tree or forest of pyspark.ml for regression.

    The nodes are those that Spark's own writer makes, asked for one tree at a time as JSON: writing the model would
    need a folder that the driver and all workers share.
    """
    jvm: Any = spark._jvm
    of_root, formats = (
        getattr(getattr(package, f"{name}$"), "MODULE$")  # Scala's objects
        for package, name in (
            (jvm.org.apache.spark.ml.tree, "DecisionTreeModelReadWrite$NodeData"),
            (jvm.org.json4s, "DefaultFormats"),
        )
    )
    parts = []
    for tree in model._java_obj.trees() if hasattr(model, "trees") else [model._java_obj]:
        written = jvm.org.json4s.jackson.Serialization.write(of_root.build(tree.rootNode(), 0)._1(), formats)
        nodes = sorted(json.loads(written), key=lambda node: node["id"])
        splits = [node["split"] for node in nodes]
        parts.append(
            _tree(
                [split["featureIndex"] for split in splits],
                [(split["leftCategoriesOrThreshold"] or [0.0])[0] for split in splits],  # a leaf has none
                [node["leftChild"] for node in nodes],
                [node["rightChild"] for node in nodes],
                [node["prediction"] for node in nodes],
                fill,
            )
        )
    return together(parts)


def _tree(feature: Any, threshold: Any, left: Any, right: Any, value: Any, fill: Values) -> Trees:
    """One tree, whose leaves lead to -1."""
    itself = np.arange(len(value))
    is_leaf = np.asarray(left) < 0
    return Trees(
        roots=np.zeros(1, np.int64),
        feature=np.where(is_leaf, 0, feature).astype(np.int64),
        threshold=np.where(is_leaf, 0.0, threshold),
        left=np.where(is_leaf, itself, left),
        right=np.where(is_leaf, itself, right),
        value=np.array(value, np.float64)[:, None],
        fill=fill,
    )


def together(parts: Sequence[Trees]) -> Trees:
    """One after the other, the places counted on."""
    starts = np.cumsum([0, *(len(part.value) for part in parts[:-1])])
    joined = {
        name: np.concatenate([getattr(part, name) + start for part, start in zip(parts, starts, strict=True)])
        for name in ("roots", "left", "right")
    }
    kept = {name: np.concatenate([getattr(part, name) for part in parts]) for name in ("feature", "threshold", "value")}
    return Trees(**joined, **kept, fill=parts[0].fill)


def with_values(trees: Trees, leaves: Places, values: Values) -> Trees:
    """The trees with these values of their leaves: leaves (n,), values (n, outputs)."""
    value = np.repeat(trees.value[:, :1], values.shape[1], axis=1)
    value[leaves] = values
    return replace(trees, value=value)
