"""A leak of each kind, planted in a domain of springs, is found; and where none is, none is."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import functions as F

from pipelines.contracts.domain import Domain
from pipelines.contracts.features import AsOf, FeatureView, History, Lag, Rolling
from pipelines.contracts.sources import Source
from pipelines.contracts.tables import Column, Table
from pipelines.contracts.tasks import ByEntity, ByHash, ByTime, Classify, Events, Forecast, Promote, Share, Span, Spine
from pipelines.metrics.suspicion import suspicions
from pipelines.runner.leakcheck import Checked, Leak, Outcome, _split, summary
from pipelines.stages import gold, leakcheck
from pipelines.stages.train import frame
from pipelines.transforms.examples import examples
from pipelines.transforms.lookback import look_back
from tests.arrivals import arrive

START, HOUR, DAY = datetime(2024, 1, 1, tzinfo=UTC), timedelta(hours=1), timedelta(days=1)
AT, SINCE, AS_OF = START + 12 * DAY, START + 6 * DAY, START + 20 * DAY
FLOWS = Table(
    "flows",
    source="gauges",
    key=("spring_id", "read_at"),
    event_time="read_at",
    available_at="told_at",
    order=("told_at",),
    columns=(
        Column("spring_id", "string"),
        Column("read_at", "timestamp"),
        Column("told_at", "timestamp"),
        Column("flow_ls", "double"),
    ),
)
SPANS = [Span(START + n * 4 * DAY, START + (n * 4 + 2) * DAY) for n in range(4)]
FLOW = Forecast(
    column="flow_ls",
    table="flows",
    spine=Spine("flows", entity="spring_id", every=DAY),
    step=HOUR * 6,
    steps=4,
    quantiles=(0.5,),
    views=("before", "newest", "day_before", "recent"),
    families=("constant",),
    split=ByTime(*SPANS, gap=2 * DAY),
    promote=Promote("mae", must_beat="constant", by=0.0),
    decide="nothing",
)
DOMAIN = Domain(
    "springs",
    "o",
    "q",
    sources=(Source("gauges", format="csv"),),
    tables=(FLOWS,),
    views=(
        FeatureView("before", table="flows", entity="spring_id", features=(Rolling("flow_ls", "mean", hours=48),)),
        FeatureView("newest", table="flows", entity="spring_id", features=(AsOf("flow_ls", ttl_hours=72),)),
        FeatureView(
            "day_before", table="flows", entity="spring_id", moment="target", features=(Lag("flow_ls", hours=(24,)),)
        ),
        FeatureView(
            "recent", table="flows", entity="spring_id", moment="window", features=(History("flow_ls", hours=24),)
        ),
    ),
    tasks=(FLOW,),
)
SAID = "spring_id string, read_at timestamp, told_at timestamp, flow_ls double, available_at timestamp, _delete boolean"


@pytest.fixture(scope="module")
def springs(spark):
    """Two springs, read every six hours; a third of the readings is told days late, a third is corrected later."""
    draw = random.Random(2)
    first, corrections = [], []
    for spring in ("a", "b"):
        for n in range(80):
            read = START + n * 6 * HOUR
            told = read + draw.choice((HOUR, HOUR, 2 * DAY))
            first.append((spring, read, told, draw.uniform(1, 9), told, False))
            if draw.random() < 1 / 3:
                later = told + draw.randrange(1, 8) * DAY
                corrections.append((spring, read, later, draw.uniform(1, 9), later, False))
    held, history = arrive(spark, DOMAIN, FLOWS, SAID, [first, corrections])
    return {"flows": held}, {"flows": history}


def found(springs) -> dict[str, int]:
    """What the check says of the cut-offs."""
    silver, history = springs
    made = gold.cut_offs(DOMAIN, FLOW, gold.known(DOMAIN, silver, history), AS_OF)
    made = made.where(F.col("cut_at").between(F.lit(SINCE), F.lit(AT)))
    again = leakcheck.as_known_at(DOMAIN, FLOW, silver, history, AT, SINCE)
    line = leakcheck.differences(made, again, "spring_id").collect()[0].asDict()
    assert line.pop("rows") == 14
    return line


def test_an_honest_domain_has_no_leak(springs):
    assert found(springs) == {"flow_ls__mean_48h": 0, "flow_ls__as_of": 0, leakcheck.ROWS: 0}


def test_a_correction_that_reaches_back_is_found(springs, monkeypatch):
    def as_if_always_so(held, history, *, known_by=None, **_):
        held = held if known_by is None else held.where(F.col("available_at") <= F.lit(known_by))
        return held.withColumns({"available_at": F.col("read_at"), "known_until": F.lit(None).cast("timestamp")})

    monkeypatch.setattr(gold, "known_spans", as_if_always_so)
    line = found(springs)
    assert line["flow_ls__mean_48h"] > 5 and line["flow_ls__as_of"] > 0


def test_a_window_that_sees_what_was_told_later_is_found(springs, monkeypatch):
    def at_once(probes, facts, *, event, known, **about):
        return look_back(probes, facts, event=event, known=(event, known[1]), **about)

    monkeypatch.setattr(gold, "look_back", at_once)
    line = found(springs)
    assert line["flow_ls__mean_48h"] > 5 and line["flow_ls__as_of"] == 0


def test_an_average_of_all_there_is_is_found(springs, monkeypatch):
    add_view = gold.add_view

    def encoded(probes, view, domain, silver):
        made = add_view(probes, view, domain, silver)
        name = "flow_ls__mean_48h"
        overall = silver["flows"].groupBy("spring_id").agg(F.mean("flow_ls").alias("_overall"))
        return made.join(overall, "spring_id").withColumn(name, F.col("_overall")) if name in view.names() else made

    monkeypatch.setattr(gold, "add_view", encoded)
    assert found(springs)["flow_ls__mean_48h"] == 14


def looked_up(springs) -> dict[str, int]:
    silver, history = springs
    known = gold.known(DOMAIN, silver, history)
    cuts = gold.cut_offs(DOMAIN, FLOW, known, AS_OF).where(F.col("cut_at").between(F.lit(SINCE), F.lit(AT))).toArrow()
    series = {"gold.springs_flows_series": gold.series(DOMAIN, FLOWS, known["flows"]).toArrow()}
    return dict(leakcheck.looked_up_differences(cuts, series, frame(DOMAIN, FLOW), AT))


def test_what_is_looked_up_at_target_time_or_as_a_window_is_checked_as_well(springs, monkeypatch):
    assert looked_up(springs) == {"flow_ls__lag_24h": 0, "flow_ls__history_24h": 0}

    def heedless(cuts, series, of):
        told_at_once = {
            name: rows.set_column(rows.schema.get_field_index("known_at"), "known_at", rows["at"])
            for name, rows in series.items()
        }
        return examples(cuts, told_at_once, of)

    monkeypatch.setattr(leakcheck, "examples", heedless)
    assert all(count > 0 for count in looked_up(springs).values())


def test_a_label_that_is_known_only_when_the_next_span_has_begun_is_found():
    label = pd.DataFrame(
        {
            "spring_id": ["a", "a", "b"],
            "at": [START, START, START + DAY],
            # the first is corrected in the next span, which is no leak; the other is first told there
            "known_at": [START + HOUR, START + 5 * DAY, START + 4 * DAY],
            "flow_ls": [1.0, 2.0, 3.0],
        }
    )
    assert list(leakcheck.late_labels(label, pd.DataFrame(), FLOW)) == [("train", 1, 2)]


def test_the_answer_among_the_features_is_found_by_its_values_and_by_its_being_there():
    draw = np.random.default_rng(4)
    label = (draw.random(400) < 0.3).astype(float)
    features = {
        "answer": label * 3 - 1,
        "told_of_frauds_alone": np.where(label > 0, draw.random(400), np.nan),
        "noise": draw.random(400),
        "good": label + draw.normal(0, 0.5, 400),
        "still": np.ones(400),
    }
    judged = suspicions(features, label, class_count=2)
    assert {(one.feature, one.by) for one in judged if one.is_too_good} == {
        ("answer", "its values"),
        ("told_of_frauds_alone", "being there"),
    }
    assert {one.feature for one in judged} == {"answer", "told_of_frauds_alone", "noise", "good"}
    amount = draw.normal(size=400)
    of_amounts = suspicions({"same": amount * 7, "near": amount + draw.normal(size=400)}, amount, class_count=0)
    assert [(one.feature, one.is_too_good) for one in of_amounts] == [("same", True), ("near", False)]


def test_a_split_by_hash_of_rows_that_have_times_is_told():
    shares = [Share(n / 4, (n + 1) / 4) for n in range(4)]
    by_hash = Classify(
        column="flow_ls",
        table="flows",
        spine=Events("flows", entity="spring_id"),
        views=(),
        families=("constant",),
        split=ByHash(*shares),
        promote=Promote("log_loss", must_beat="constant", by=0.0),
        decide="nothing",
    )
    [leak] = _split(SimpleNamespace(table=lambda _: FLOWS), by_hash)
    assert "by hash" in leak.told
    grouped = replace(by_hash, split=ByEntity(*shares, entity="spring_id"))  # says itself that it is no look ahead
    assert _split(SimpleNamespace(table=lambda _: FLOWS), grouped) == []
    timeless = replace(FLOWS, event_time="", available_at="")
    assert _split(SimpleNamespace(table=lambda _: timeless), by_hash) == []


def test_the_summary_names_every_leak():
    judged = suspicions({"x": np.arange(30.0)}, np.arange(30.0) % 7, class_count=0)
    outcome = Outcome((Checked("springs/flow_ls", (AT,), 14, (Leak("x", "other in 3 rows"),), tuple(judged)),), {}, 1.0)
    assert not outcome.is_clean
    assert "springs/flow_ls: x: other in 3 rows" in summary(outcome)
