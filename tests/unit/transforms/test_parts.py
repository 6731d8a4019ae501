"""Runs of parts made one: of their own parts alone to the last bit, and what a plain sum would give."""

from __future__ import annotations

import math
import statistics

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipelines.contracts.features import Op
from pipelines.transforms.parts import Ladder, Parts, alone, fading, merged, op_of, weighted_alone

OPS: tuple[Op, ...] = ("count", "sum", "mean", "std", "min", "max")
VALUES = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40)


def over(values: list[float], first: list[int], past: list[int]) -> Parts:
    return Ladder(alone(np.array(values), OPS), merged).over(np.array(first), np.array(past))


def test_the_smallest_power_of_two_is_the_oldest() -> None:
    told = []

    def joined(older: Parts, newer: Parts) -> Parts:
        return {"told": np.char.add(np.char.add("(", older["told"]), np.char.add(newer["told"], ")"))}

    letters = {"told": np.array(list("abcdefg"), "U40")}
    for past in (1, 2, 3, 6, 7):
        told.append(Ladder(letters, joined).over(np.array([0]), np.array([past]))["told"][0])
    assert told == ["a", "(ab)", "(a(bc))", "((ab)((cd)(ef)))", "((a(bc))((de)(fg)))"]


def test_ops_over_literal_runs() -> None:
    parts = over([1.0, 2.0, 4.0, 8.0], [0, 1, 2, 3], [4, 3, 2, 4])
    assert {op: op_of(parts, op).tolist()[:2] for op in OPS} == {
        "count": [4.0, 2.0],
        "sum": [15.0, 6.0],
        "mean": [3.75, 3.0],
        "std": [statistics.stdev([1, 2, 4, 8]), math.sqrt(2.0)],
        "min": [1.0, 2.0],
        "max": [8.0, 4.0],
    }
    assert op_of(parts, "count")[2:].tolist() == [0.0, 1.0]
    assert [op for op in OPS if np.isnan(op_of(parts, op)[2])] == ["sum", "mean", "std", "min", "max"]
    assert np.isnan(op_of(parts, "std")[3]), "one value has no deviation"


@given(values=VALUES, others=VALUES, data=st.data())
def test_a_run_is_the_same_to_the_last_bit_whatever_lies_beside_it(
    values: list[float], others: list[float], data: st.DataObject
) -> None:
    before = data.draw(st.integers(0, len(others)))
    among = [*others[:before], *values, *others[before:]]
    first, past = [0, before, 0], [len(among), before + len(values), before]
    for op in OPS:
        whole = op_of(over(among, first, past), op)[1]
        own = op_of(over(values, [0], [len(values)]), op)[0]
        assert whole.tobytes() == own.tobytes(), op


@given(values=st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=200))
def test_sums_and_deviations_are_close_to_exact_ones(values: list[float]) -> None:
    far = [value + 1e9 for value in values]
    found = over(far, [0], [len(far)])
    assert math.isclose(op_of(found, "sum")[0], math.fsum(far), rel_tol=1e-14)
    assert math.isclose(op_of(found, "std")[0], statistics.stdev(far), rel_tol=1e-6, abs_tol=1e-6)


@given(steps=st.lists(st.tuples(st.integers(0, 5), st.floats(-100, 100)), min_size=1, max_size=40))
def test_weights_halve_back_from_the_newest(steps: list[tuple[int, float]]) -> None:
    event = np.cumsum([hours for hours, _ in steps]) * 3_600_000_000
    value = np.array([each for _, each in steps])
    parts = weighted_alone(value, event)
    made = Ladder(parts, fading(3.6e9)).over(np.array([0]), np.array([len(steps)]))
    weights = [0.5 ** ((event[-1] - at) / 3.6e9) for at in event]
    expected = math.fsum(w * v for w, v in zip(weights, value, strict=True)) / math.fsum(weights)
    assert math.isclose(made["sum"][0] / made["weight"][0], expected, rel_tol=1e-9, abs_tol=1e-9)
