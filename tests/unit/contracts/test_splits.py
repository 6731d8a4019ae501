"""Folds roll through the development span alone, and no label that came too late counts for a span."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pipelines.contracts.names import DeclarationError
from pipelines.contracts.tasks import ByTime, RollingOrigin, Span, utc
from pipelines.domains import domain

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
START = datetime(2024, 1, 1, tzinfo=UTC)
hours = st.integers(1, 300).map(lambda count: count * HOUR)


def split_of(train: timedelta, validate: timedelta, gap: timedelta) -> ByTime:
    spans, start = [], START
    for length in (train, validate, DAY, DAY):
        spans.append(Span(start, start + length))
        start += length + gap
    return ByTime(*spans, gap=gap)


@st.composite
def rolling(draw) -> tuple[ByTime, RollingOrigin]:
    split = split_of(draw(hours), draw(hours), draw(st.integers(0, 72)) * HOUR)
    window = draw(st.one_of(st.just("expanding"), hours))
    return split, RollingOrigin(draw(st.integers(2, 6)), draw(st.integers(1, 48)) * HOUR, window)


@settings(max_examples=300, deadline=None)
@given(rolling())
def test_folds_cover_just_what_is_declared_in_time_order(declared):
    split, rule = declared
    try:
        folds = rule.of(split)
    except DeclarationError:
        assume(False)
    tests = [fold.test for fold in folds]
    assert len(tests) == rule.folds and all(test.end - test.start == rule.span for test in tests)
    assert all(earlier.end == later.start for earlier, later in pairwise(tests))
    assert tests[-1].end == split.validate.end
    for fold in folds:
        assert split.train.start <= fold.train.start
        if rule.window == "expanding":
            assert fold.train.start == split.train.start
        else:
            assert fold.train.end - fold.train.start == rule.window
        assert fold.validate.end - fold.validate.start == rule.span
        assert fold.train.end + split.gap == fold.validate.start
        assert fold.validate.end + split.gap == fold.test.start


@settings(max_examples=300, deadline=None)
@given(rolling())
def test_no_label_counts_that_became_known_when_the_next_span_had_begun(declared):
    split, rule = declared
    try:
        folds = rule.of(split)
    except DeclarationError:
        assume(False)
    assert split.purge == (
        (split.train, split.validate.start),
        (split.validate, split.calibrate.start),
        (split.calibrate, split.test.start),
    )
    for fold in folds:
        assert fold.purge == (
            (fold.train, fold.validate.start),
            (fold.validate, fold.test.start),
            (fold.test, split.calibrate.start),
        )


@settings(max_examples=300, deadline=None)
@given(rolling())
def test_folds_are_refused_only_where_there_is_no_room_for_them(declared):
    split, rule = declared
    before_first_test = split.validate.end - rule.folds * rule.span - 2 * split.gap - rule.span - split.train.start
    least = timedelta(microseconds=1) if rule.window == "expanding" else rule.window
    if before_first_test >= least:
        assert len(rule.of(split)) == rule.folds
    else:
        with pytest.raises(DeclarationError, match="declare fewer or shorter folds"):
            rule.of(split)


def test_three_folds_in_literal_days():
    split = split_of(20 * DAY, 9 * DAY, DAY)
    folds = RollingOrigin(folds=3, span=4 * DAY, window=5 * DAY).of(split)
    day_of = [
        tuple((moment - START).days for span in (f.train, f.validate, f.test) for moment in (span.start, span.end))
        for f in folds
    ]
    assert day_of == [(7, 12, 13, 17, 18, 22), (11, 16, 17, 21, 22, 26), (15, 20, 21, 25, 26, 30)]


def refused(words: str):
    return pytest.raises(DeclarationError, match=re.escape(words))


def test_folds_that_cannot_be_are_refused_as_they_are_declared():
    load = domain("energy").task("load_mw")
    assert load.cross_validation == ()
    with refused("fold 1 of 9 would have to be fitted on cut-offs from before 2014-01-15T00:00Z"):
        replace(load, folds=RollingOrigin(folds=9, span=30 * DAY))
    with refused("rolling origin: 1 folds of"):
        RollingOrigin(folds=1, span=DAY)
    with refused("rolling origin: 2 folds of 0:00:00"):
        RollingOrigin(folds=2, span=timedelta(0))
    with refused("holds nothing to fit on"):
        RollingOrigin(folds=2, span=DAY, window=-DAY)
    with refused("task 'is_bad': folds roll through time, so its split must be ByTime"):
        replace(domain("finance").task("is_bad"), folds=RollingOrigin(folds=2, span=DAY))
    rolled = replace(load, folds=RollingOrigin(folds=2, span=30 * DAY))
    assert [str(fold.test) for fold in rolled.cross_validation] == [
        str(Span(utc("2014-07-03"), utc("2014-08-02"))),
        str(Span(utc("2014-08-02"), utc("2014-09-01"))),
    ]
