"""Each feature of a made-up table is told what it is, and goes or stays for that reason."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest

from pipelines.metrics.selection import Judgement, select

ROWS = 2_000
draw = np.random.default_rng(3)
GOOD, SECOND, NOISE = draw.normal(size=ROWS), draw.normal(size=ROWS), draw.normal(size=ROWS)
LATE = (draw.random(ROWS) < 1 / (1 + np.exp(-(2.0 * GOOD + 1.0 * SECOND - 1.0)))).astype(float)
COLUMNS = {
    "useless": NOISE,
    "good": GOOD,
    "copy_of_good": GOOD.copy(),
    "nearly_good": GOOD + draw.normal(0, 0.2, ROWS),
    "second": SECOND,
    "still": np.full(ROWS, 7.0),
    "never_known": np.full(ROWS, np.nan),
    "answer": LATE * 2 - 1,
    "known_of_late_ones": np.where(LATE > 0, NOISE, np.nan),
}


def judged(columns=COLUMNS, label=LATE, budget=2, class_count=2, seed=1) -> dict[str, Judgement]:
    return {one.feature: one for one in select(columns, label, budget=budget, class_count=class_count, seed=seed)}


def test_every_kind_of_feature_is_told_from_the_others():
    found = judged()
    assert [name for name, one in found.items() if one.is_kept] == ["good", "second"]
    why = {name: one.why for name, one in found.items()}
    assert why["still"] == why["never_known"] == "constant"
    assert why["copy_of_good"] == "copy of good"
    assert why["useless"] == "useless: tells nothing, alone or with others"
    assert why["nearly_good"].startswith("beyond the budget of 2; good tells 5")
    assert why["answer"] == "too good: by its values alone (1.000); is it the answer?"
    assert why["known_of_late_ones"] == "too good: by being there alone (1.000); is it the answer?"
    assert set(found) == set(COLUMNS)
    fates = ("kept", "kept", "beyond the budget", "useless", "too good", "too good", "copy", "constant", "constant")
    assert tuple(one.fate for one in found.values()) == fates


def test_what_is_measured_orders_the_features():
    found = judged()
    good, second, near, useless = (found[name] for name in ("good", "second", "nearly_good", "useless"))
    assert (good.rank, second.rank, near.rank, useless.rank) == (1, 2, 3, 0)
    assert good.information > second.information > useless.information == 0.0
    assert near.information == pytest.approx(good.information, rel=0.3)
    assert good.redundancy == 0.0 and second.redundancy < 0.05 and near.redundancy > 0.5
    assert near.adds < second.adds < good.adds == good.information
    assert good.permutation > second.permutation > 0.01 > abs(useless.permutation)
    assert sum(one.gain for one in found.values()) == pytest.approx(1.0)
    assert found["answer"].gain == 0.0  # never shown to the booster


@pytest.mark.parametrize("budget", [1, 2, 3, 50])
def test_no_more_are_kept_than_the_budget_allows_and_nothing_useless_to_fill_it(budget):
    found = judged(budget=budget)
    assert [name for name, one in found.items() if one.is_kept] == ["good", "second", "nearly_good"][:budget]


def test_an_amount_is_judged_as_a_flag_is():
    amount = 2.0 * GOOD + SECOND + draw.normal(0, 0.5, ROWS)
    found = judged({**COLUMNS, "answer": amount * 7, "known_of_late_ones": NOISE > 0}, amount, class_count=0)
    assert [name for name, one in found.items() if one.is_kept] == ["good", "second"]
    assert found["answer"].fate == "too good"


def test_a_pair_that_tells_only_together_is_not_useless():
    one, other = draw.integers(0, 2, ROWS).astype(float), draw.integers(0, 2, ROWS).astype(float)
    label = np.where(draw.random(ROWS) < 0.9, one != other, one == other).astype(float)
    found = judged({"one": one, "other": other, "noise": NOISE}, label)
    assert {name for name, judgement in found.items() if judgement.is_kept} == {"one", "other"}
    assert found["one"].information == found["other"].information == 0.0 < found["one"].permutation


def test_an_unknown_value_is_a_value_and_an_unknown_label_none():
    gaps = np.where(draw.random(ROWS) < 0.3 + 0.4 * LATE, np.nan, NOISE)
    found = judged({"gaps": gaps, "noise": NOISE[::-1].copy()})
    assert found["gaps"].is_kept and not found["noise"].is_kept
    label = LATE.copy()
    label[::2] = np.nan
    half = {name: values[1::2] for name, values in COLUMNS.items()}
    assert judged(label=label) == judged(half, LATE[1::2])
    with pytest.raises(ValueError, match="no row has a label"):
        judged(label=np.full(ROWS, np.nan))


def test_the_same_rows_are_judged_the_same():
    first, again = (list(map(astuple, judged().values())) for _ in range(2))
    assert first == again
