"""The kernel of windows: random histories against their plain meaning, and to the last bit whoever asks."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.contracts.features import Change, Ewm, Lag, Last, Op, Quantile, Rolling, Windowed
from pipelines.transforms import blocks, runs
from pipelines.transforms.runs import FOREVER
from pipelines.transforms.windows import Asked, Told, windows

MINUTE, HOUR = 60_000_000, 3_600_000_000
OPS: tuple[Op, ...] = ("mean", "std", "min", "max", "sum", "count")
FEATURES: tuple[Windowed, ...] = (
    *[Rolling("level_m", op, hours) for op in OPS for hours in (0.25, 2.0, 24.0)],
    *[Last("level_m", op, rows, hours=4.0) for op in OPS for rows in (1, 3)],
    Quantile("level_m", 0.3, hours=4.0),
    Ewm("level_m", half_life_hours=0.5, hours=6.0),
    Ewm("level_m", half_life_hours=0.001, hours=24.0),
    Lag("level_m", hours=(0.0, 0.5)),
    Change("level_m", 1.0, ttl_hours=2.0),
    Change("level_m", 0.5, ttl_hours=1.0, by="ratio"),
)


@dataclass(frozen=True)
class Fact:
    """Instants are minutes. until: None if it holds to this day."""

    event: int
    known: int
    until: int | None
    level_m: float | None


def told(of: dict[int, list[Fact]]) -> Told:
    rows = [(entity, fact) for entity, facts in of.items() for fact in facts]
    return Told(
        np.array([entity for entity, _ in rows], np.int64),
        np.array([fact.event * MINUTE for _, fact in rows], np.int64),
        np.array([fact.known * MINUTE for _, fact in rows], np.int64),
        np.array([FOREVER if fact.until is None else fact.until * MINUTE for _, fact in rows], np.int64),
        {"level_m": np.array([math.nan if fact.level_m is None else fact.level_m for _, fact in rows], np.float64)},
    )


def asked(questions: list[tuple[int, int]]) -> Asked:
    entities, cuts = [entity for entity, _ in questions], [cut * MINUTE for _, cut in questions]
    return Asked(np.array(entities, np.int64), np.array(cuts, np.int64))


def plainly(facts: list[Fact], cut: int) -> dict[str, float]:
    seen = sorted(
        (fact.event, fact.known, fact.level_m)
        for fact in facts
        if fact.event <= cut and fact.known <= cut and (fact.until is None or cut < fact.until)
        if fact.level_m is not None and math.isfinite(fact.level_m)
    )

    def within(hours: float, ends_h: float = 0.0) -> list[tuple[int, float]]:
        end = cut - 60 * ends_h
        return [(event, level) for event, _, level in seen if end - 60 * hours < event <= end]

    def newest(hours: float, ends_h: float = 0.0) -> float:
        return within(hours, ends_h)[-1][1] if within(hours, ends_h) else math.nan

    found = {}
    for feature in FEATURES:
        names = feature.names()
        match feature:
            case Rolling():
                found[names[0]] = rolled(feature.op, [level for _, level in within(feature.hours)])
            case Last():
                found[names[0]] = rolled(feature.op, [level for _, level in within(feature.hours)][-feature.rows :])
            case Quantile():
                levels = [level for _, level in within(feature.hours)]
                found[names[0]] = float(np.quantile(levels, feature.q)) if levels else math.nan
            case Ewm():
                window = within(feature.hours)
                weights = [0.5 ** ((window[-1][0] - event) / 60 / feature.half_life_hours) for event, _ in window]
                total = sum(weight * level for weight, (_, level) in zip(weights, window, strict=True))
                found[names[0]] = total / sum(weights) if window else math.nan
            case Lag():
                for name, hours in zip(names, feature.hours, strict=True):
                    just = [level for event, _, level in seen if event == cut - 60 * hours]
                    found[name] = just[-1] if just else math.nan
            case Change():
                now, then = newest(feature.ttl_hours), newest(feature.ttl_hours, feature.hours)
                found[names[0]] = now - then if feature.by == "difference" else now / (then or math.nan)
    return found


def rolled(op: Op, levels: list[float]) -> float:
    if op == "count" or not levels:
        return float(len(levels)) if op == "count" else math.nan
    if op == "std":
        return float(np.std(levels, ddof=1)) if len(levels) > 1 else math.nan
    mean = math.fsum(levels) / len(levels)
    return {"mean": mean, "sum": math.fsum(levels), "min": min(levels), "max": max(levels)}[op]


LEVELS = st.sampled_from([0.1, 1 / 3, -2.7, 1e6 / 7, 4.0, 4.0, 0.0, math.inf, None])
PUNCTUAL = st.builds(lambda event, level: Fact(event, event, None, level), st.integers(0, 400), LEVELS)
ANY = st.builds(
    lambda event, delay, lasts, level: Fact(event, event + delay, None if lasts is None else event + lasts, level),
    st.integers(0, 400),
    st.sampled_from([-30, 0, 0, 0, 5, 60, 300]),
    st.sampled_from([None, None, -5, 0, 10, 200]),
    LEVELS,
)
HISTORIES = st.one_of(st.lists(PUNCTUAL, max_size=60), st.lists(ANY, max_size=60))


@settings(max_examples=400, deadline=None)
@given(
    st.dictionaries(st.integers(0, 3), HISTORIES, max_size=3),
    st.lists(st.tuples(st.integers(0, 3), st.integers(-10, 2000)), min_size=1, max_size=12),
)
def test_every_feature_is_what_plain_python_makes_of_the_facts(of, questions):
    found = windows(told(of), asked(questions), FEATURES)
    for number, (entity, cut) in enumerate(questions):
        expected = plainly(of.get(entity, []), cut)
        row = {name: values[number] for name, values in found.items()}
        assert row == pytest.approx(expected, rel=1e-9, abs=1e-7, nan_ok=True), (entity, cut)
        # alone, and in the order in which facts happen to come, it has the same bits
        alone = windows(told({entity: of.get(entity, [])[::-1]}), asked([(entity, cut)]), FEATURES)
        assert {name: repr(values[0]) for name, values in alone.items()} == {n: repr(v) for n, v in row.items()}


def test_windows_of_very_many_facts_are_summed_by_blocks_with_the_bits_of_a_window_alone(monkeypatch):
    """An entity with 40,000 facts, a few of them late or taken back, and windows of up to 30,000 of them."""
    draw = np.random.default_rng(11)
    size, cuts = 40_000, 300
    event = np.sort(draw.integers(0, 400 * HOUR, size))
    known = event + np.where(draw.random(size) < 0.01, 5 * HOUR, 0)
    until = np.where(draw.random(size) < 0.001, known + 7 * HOUR, FOREVER)
    of = Told(np.zeros(size, np.int64), event, known, until, {"level_m": draw.normal(size=size)})
    at = draw.integers(0, 420 * HOUR, cuts)
    features = (*[Rolling("level_m", op, hours=300) for op in OPS], Ewm("level_m", 20.0, hours=300))
    gone_through = []
    are_seen = runs.Facts.are_seen
    monkeypatch.setattr(runs.Facts, "are_seen", lambda *of: gone_through.append(len(of[1])) or are_seen(*of))
    found = windows(of, Asked(np.zeros(cuts, np.int64), at), features)
    values, held = of.values["level_m"], 0
    for number, cut in enumerate(at):
        window = (cut - 300 * HOUR < event) & (event <= cut) & (known <= cut) & (cut < until)
        held += window.sum()
        assert found["level_m__count_300h"][number] == window.sum()
        assert found["level_m__sum_300h"][number] == pytest.approx(values[window].sum(), abs=1e-9)
        assert found["level_m__std_300h"][number] == pytest.approx(values[window].std(ddof=1), rel=1e-12)
        near = event > cut - 301 * HOUR
        near = Told(of.entity[near], event[near], known[near], until[near], {"level_m": values[near]})
        if number % 20 == 0:
            alone = windows(near, Asked(np.zeros(1, np.int64), at[number : number + 1]), features)
            assert all(repr(alone[name][0]) == repr(found[name][number]) for name in found)
    assert sum(gone_through) < 2 * held / 5  # both gatherings met most facts in blocks that were summed before
    assert size / 100 > blocks.BLOCKS  # so that blocks hold many
