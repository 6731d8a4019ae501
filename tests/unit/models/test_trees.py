"""Trees as arrays: literal ones, and those of scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor

from pipelines.models.trees import Trees, filled, from_scikit_learn, together, unsealed

FILL = np.array([5.0, 0.0])
STUMP = Trees(
    roots=np.array([0]),
    feature=np.array([0, 0, 0]),
    threshold=np.array([4.0, 0.0, 0.0]),
    left=np.array([1, 1, 2]),
    right=np.array([2, 1, 2]),
    value=np.array([[0.5], [0.1], [0.9]]),
    fill=FILL,
)
LEAF = Trees(np.array([0]), *[np.array([0]) for _ in range(4)], value=np.array([[0.3]]), fill=FILL)


def test_a_row_at_the_threshold_goes_left_and_what_is_missing_counts_as_the_fill():
    rows = np.array([[4.0, 7.0], [4.1, 7.0], [np.nan, 7.0]])
    assert STUMP.leaves(filled(rows, FILL)).tolist() == [[1], [2], [2]]
    assert STUMP.means(rows)[:, 0].tolist() == [0.1, 0.9, 0.9]


def test_an_answer_is_the_mean_over_the_trees():
    both = together([LEAF, STUMP])
    assert both.leaves(np.array([[1.0, 0.0]])).tolist() == [[0, 2]]
    assert both.means(np.array([[1.0, 0.0]])).tolist() == [[pytest.approx(0.2)]]
    assert both.means(np.empty((0, 2))).shape == (0, 1)


def test_what_is_sealed_comes_back():
    trees, content = unsealed(together([LEAF, STUMP]).sealed({"a": 1}))
    assert content == {"a": 1}
    assert trees.leaves(np.array([[9.0, 0.0]])).tolist() == [[0, 3]]
    assert trees.fill.tolist() == FILL.tolist()


def test_trees_of_scikit_learn_answer_as_it_predicts():
    draw = np.random.default_rng(3)
    values = draw.normal(size=(3000, 6)) * 1e5
    values[draw.random(values.shape) < 0.1] = np.nan
    fill = np.nanmean(values, axis=0)
    labels = draw.normal(size=3000) + np.nan_to_num(values[:, 0] > values[:, 1])
    forest = RandomForestRegressor(n_estimators=12, max_depth=9, random_state=1).fit(filled(values, fill), labels)
    trees = from_scikit_learn(forest.estimators_, fill)
    assert np.abs(trees.means(values)[:, 0] - forest.predict(filled(values, fill))).max() < 1e-12
    assert (trees.means(values[17:18]) == trees.means(values)[17:18]).all()
