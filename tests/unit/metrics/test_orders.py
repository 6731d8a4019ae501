"""Orders judged by hand, and by scikit-learn where it knows the same figure."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, ndcg_score

from pipelines.metrics.orders import Orders


def orders(*queries: list[tuple[float, float]]) -> Orders:
    """queries: (relevance, score) of each row."""
    rows = [(*row, number) for number, query in enumerate(queries) for row in query]
    relevance, score, query = zip(*rows, strict=True)
    return Orders.of(np.array(relevance), np.array(score), np.array(query))


SHOWN = [(0.0, 0.9), (2.0, 0.5), (1.0, 0.7), (0.0, 0.1)]  # by score: 0, 1, 2, 0


def test_an_order_is_judged_by_hand():
    of = orders(SHOWN)
    found = 1 / math.log2(3) + 3 / math.log2(4)
    best = 3 / math.log2(2) + 1 / math.log2(3)
    assert of.ndcg(10) == pytest.approx([found / best])
    assert of.ndcg(2) == pytest.approx([(1 / math.log2(3)) / best])
    assert of.ndcg(1).tolist() == [0.0]
    assert of.average_precision(10) == pytest.approx([(1 / 2 + 2 / 3) / 2])
    assert of.average_precision(2) == pytest.approx([(1 / 2) / 2])
    assert of.average_precision(1).tolist() == [0.0]
    assert of.reciprocal_rank().tolist() == [0.5]


def test_of_more_relevant_rows_than_places_only_those_count_that_there_is_room_for():
    of = orders([(1.0, 3.0), (1.0, 2.0), (1.0, 1.0)])
    assert of.average_precision(2).tolist() == of.ndcg(2).tolist() == [1.0]


def test_each_query_stands_for_itself_and_one_without_a_relevant_row_is_left_out():
    of = orders(SHOWN, [(0.0, 5.0), (0.0, 4.0)], [(3.0, -1.0), (0.0, -2.0)])
    assert of.has_relevant.tolist() == [True, False, True]
    assert np.isnan(of.ndcg(10)).tolist() == np.isnan(of.average_precision(3)).tolist() == [False, True, False]
    assert of.mean(of.reciprocal_rank()) == (0.5 + 1.0) / 2
    assert of.mean(of.ndcg(1)) == 0.5


def test_equal_scores_stand_as_the_rows_are_given():
    assert orders([(0.0, 1.0), (1.0, 1.0), (1.0, 2.0)]).average_precision(3) == pytest.approx([(1 + 2 / 3) / 2])
    assert orders([(1.0, 1.0), (0.0, 1.0), (1.0, 2.0)]).average_precision(3).tolist() == [1.0]


def test_rows_of_a_query_need_not_stand_together():
    relevance, score, query = np.array([0.0, 0, 1, 2]), np.array([0.9, 1, 0.7, 0]), np.array([0, 1, 0, 1])
    assert Orders.of(relevance, score, query).reciprocal_rank().tolist() == [0.5, 0.5]


def test_a_missing_score_makes_its_query_and_the_mean_nan():
    of = orders(SHOWN, [(1.0, math.nan), (0.0, 1.0)])
    assert np.isnan(of.ndcg(10)).tolist() == np.isnan(of.reciprocal_rank()).tolist() == [False, True]
    assert math.isnan(of.mean(of.average_precision(10)))


def test_what_is_no_row_a_score_is_refused():
    with pytest.raises(ValueError, match=r"metrics: \(0,\) relevances and \(0,\) scores in \(0,\) rows"):
        Orders.of(np.zeros(0), np.zeros(0), np.zeros(0, np.int64))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.lists(st.integers(0, 4), min_size=2, max_size=8), min_size=1, max_size=4), st.integers(1, 9))
def test_figures_are_scikit_learns(relevances, top):
    random = np.random.default_rng(sum(map(sum, relevances)))
    queries = [[*zip(map(float, of), random.permutation(len(of)) + 0.5, strict=True)] for of in relevances]
    of = orders(*queries)
    for number, query in enumerate(queries):
        relevance, score = np.array(query).T
        if not relevance.any():
            assert np.isnan(of.ndcg(top)[number])
            continue
        assert of.ndcg(top)[number] == pytest.approx(ndcg_score([2.0**relevance - 1.0], [score], k=top))
        assert of.average_precision(8)[number] == pytest.approx(average_precision_score(relevance > 0, score))
