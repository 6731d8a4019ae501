"""Clusters beside labels, in literal numbers: by hand and by scikit-learn's own example."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from pipelines.metrics.clusters import adjusted_rand


def of(*values):
    return np.array(values, np.float64)


def test_the_same_parts_agree_wholly_whatever_they_are_called():
    assert adjusted_rand(of(0, 0, 1, 1), of(7, 7, 3, 3)) == 1.0


def test_pairs_are_counted_as_by_hand():
    """Together: 2 pairs by labels, 1 by clusters, 1 by both; by chance 2 · 1 / 6 of them. (1 − 1/3) / (1.5 − 1/3)."""
    assert adjusted_rand(of(0, 0, 1, 1), of(0, 0, 1, 2)) == pytest.approx(4 / 7) == pytest.approx(0.5714285714)


def test_one_cluster_of_all_says_nothing_and_less_than_chance_is_negative():
    assert adjusted_rand(of(0, 0, 1, 1), of(0, 0, 0, 0)) == 0.0
    assert adjusted_rand(of(0, 0, 1, 1), of(0, 1, 0, 1)) == pytest.approx(-0.5)


def test_rows_without_a_label_do_not_count():
    label, cluster = of(0, math.nan, 0, 1, 1, math.nan), of(0, 0, 0, 1, 2, 2)
    assert adjusted_rand(label, cluster) == adjusted_rand_score([0, 0, 1, 1], [0, 0, 1, 2])


def test_what_is_missing_is_told():
    assert math.isnan(adjusted_rand(of(0, 1), of(0, math.nan)))
    with pytest.raises(ValueError, match="no row has an actual value"):
        adjusted_rand(of(math.nan), of(0))
