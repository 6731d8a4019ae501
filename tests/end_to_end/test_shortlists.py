"""The whole way of an order: offers of visits, from raw files to what showing the best first was worth."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import mlflow.pyfunc
import numpy as np
import pytest
from mlflow import MlflowClient
from mlflow.models import get_model_info
from sklearn.metrics import ndcg_score

from pipelines import runner
from pipelines.runner.leakcheck import leakcheck
from pipelines.runner.reasons import Asked, reasons
from pipelines.runner.report import summary
from tests.house import drop, query, settings_on, tables, toys_found

PLACE = {"training": {"workers": 1, "engines": {"xgboost": "single"}}}
START, DAYS, VISITS, SHOWN = datetime(2024, 3, 1, tzinfo=UTC), 41, 6, 5


def raw_files() -> dict[str, str]:
    """Six visits a day, five offers each: what is cheap, and tea, is wanted; at some visits nothing is."""
    draw = np.random.default_rng(4)
    offers, choices = ["offer_id,visit_id,shown_at,kind,price_eur,place"], ["offer_id,told_at,interest"]
    for number in range(DAYS * VISITS):
        at = START + timedelta(days=number // VISITS, hours=8 + number % VISITS)
        names = draw.permutation(10_000)[:SHOWN]  # so that the order of their keys tells nothing
        for place, name in enumerate(names, 1):
            kind, price = draw.choice(["tea", "cup", "jug"]), draw.uniform(2.0, 20.0)
            liked = 1.5 * (kind == "tea") - price / 5.0 + 1.0 + draw.normal(0.0, 0.4)
            interest = 0 if number % 9 == 0 else int(np.clip(np.ceil(liked), 0, 2))
            offer = f"{name:04d}-{number:03d}"
            offers.append(f"{offer},v{number:03d},{at.isoformat()},{kind},{price:.2f},{place}")
            choices.append(f"{offer},{(at + timedelta(minutes=30)).isoformat()},{interest}")
    return {
        "offers/2024-04-11.csv": "\n".join(offers) + "\n",
        "choices/2024-04-11.csv": "\n".join(choices) + "\n",
    }


@pytest.fixture(scope="module")
def way(spark, tmp_path_factory):
    """The settings, and what one run of all stages came to."""
    settings = settings_on(tmp_path_factory.mktemp("shop"), **PLACE)
    drop(settings, "shop", raw_files())
    with toys_found():
        yield settings, runner.run(settings, names=["shop"])


@pytest.fixture(scope="module")
def children(way):
    client = MlflowClient(way[0].mlflow.tracking_uri)
    runs = client.search_runs([client.get_experiment_by_name("/shop/interest").experiment_id])
    return client, {run.data.tags["family"]: run for run in runs if "family" in run.data.tags}


def test_boosting_becomes_champion_by_what_is_better_when_greater(way):
    assert way[1].failures == {}
    task = way[1].status["domains"]["shop"]["tasks"]["interest"]
    assert task["champion"]["family"] == "xgboost"
    assert task["champion"]["why"].startswith("most ndcg on the calibrate span: xgboost 0.")
    assert "(in_order + 10%)" in task["champion"]["why"]
    told = summary(way[1].status, ["shop"])
    assert " NDCG " in told and " naive NDCG " in told and "interest: xgboost" in told


def test_the_metrics_are_those_of_the_published_backtest(way, children):
    client, of = children
    metrics = of["xgboost"].data.metrics
    sql = "SELECT visit_id, actual, score FROM t WHERE family = 'xgboost' AND split = 'test' ORDER BY offer_id"
    visits: dict[str, list[tuple[float, float]]] = {}
    for visit, actual, score in query(way[0], "shop", "gold.shop_interest_backtest", sql):
        visits.setdefault(visit, []).append((actual, score))
    assert {len(rows) for rows in visits.values()} == {SHOWN}
    judged = [np.array(rows).T for rows in visits.values() if any(actual > 0 for actual, _ in rows)]
    # equal scores stand in the order of their keys, so the place stands for the score
    ndcg = [ndcg_score([2.0**a - 1.0], [-np.argsort(np.argsort(-s, kind="stable"))], k=3) for a, s in judged]
    assert metrics["ndcg"] == pytest.approx(np.mean(ndcg))
    assert (metrics["queries"], metrics["queries_without"]) == (len(judged), len(visits) - len(judged))
    assert metrics["interval/ndcg_low"] < metrics["ndcg"] < metrics["interval/ndcg_high"]
    assert metrics["naive_ndcg"] == of["in_order"].data.metrics["ndcg"] < metrics["ndcg"] - 0.1
    assert metrics["skill"] == pytest.approx(metrics["ndcg"] / metrics["naive_ndcg"] - 1.0)
    assert {"map", "mrr", "ndcg_at_1", "interval/ndcg_skill_low"} <= set(metrics)
    figures = {Path(file.path).stem for file in client.list_artifacts(of["xgboost"].info.run_id, "figures")}
    explained = {"permutation_importance", "partial_dependence", "contributions", "importance"}
    assert figures == {"ndcg_by_places", "metrics_by_slice", "learning_curves"} | explained
    points = client.get_metric_history(of["xgboost"].info.run_id, "validate/ndcg")
    assert len(points) > 5 and max(point.value for point in points) > 0.8
    card = Path(client.download_artifacts(of["xgboost"].info.run_id, "model_card.md")).read_text()
    assert "(Rank)" in card and "| ndcg |" in card


def test_a_backtest_says_what_showing_the_best_first_would_have_earned(way, children):
    metrics = children[1]["xgboost"].data.metrics
    sql = "SELECT visit_id, offer_id, value FROM t WHERE family = 'xgboost' AND split = 'test' AND value > 0"
    earned = query(way[0], "shop", "gold.shop_interest_backtest", sql)
    assert metrics["worth/value"] == pytest.approx(sum(value for _, _, value in earned)) and len(earned) > 10
    assert max(Counter(visit for visit, _, _ in earned).values()) <= 2
    # the decisions of the test span's offers by the same model, once it was known what was bought
    sql = "SELECT offer_id, value FROM t WHERE value > 0 AND cut_at < '2024-04-10T00:00:00Z'"
    came = query(way[0], "shop", "gold.shop_interest_realised", sql)
    assert {offer: value for _, offer, value in earned} == pytest.approx(dict(came))
    assert metrics["worth/naive_value"] == children[1]["in_order"].data.metrics["worth/value"]
    assert metrics["worth/value"] > metrics["worth/naive_value"] > 0.0


def test_the_logged_model_scores_rows_and_names_their_query(children):
    run = children[1]["xgboost"]
    signature = get_model_info(run.data.tags["headrace.model_uri"]).signature
    assert signature.outputs.input_names()[-2:] == ["score", "visit_id"]
    logged = mlflow.pyfunc.load_model(run.data.tags["headrace.model_uri"])
    answered = logged.predict(logged.input_example)
    assert answered["score"].notna().all() and len(answered) == len(logged.input_example)


def test_what_was_learned_from_has_no_leak(way):
    found = leakcheck(way[0], ["shop"], [], instants=1)
    assert (found.failures, [(of.task, of.leaks) for of in found.checked]) == ({}, [("shop/interest", ())])
    assert found.checked[0].rows > 100


def test_a_place_on_the_shortlist_has_its_reasons(way):
    sql = "SELECT offer_id, cut_at FROM t WHERE is_shown_first ORDER BY offer_id LIMIT 1"
    ((offer, cut_at),) = query(way[0], "shop", "gold.shop_interest_decisions", sql)
    found = reasons(way[0], Asked("shop", "interest", (offer,), cut_at, rows=1))
    (reason,) = found.reasons
    assert (reason.entity, reason.action, reason.now, found.unit) == (offer, True, None, "score")
    assert {part.feature for part in reason.parts} == {"price_eur__own", "place__own", "kind__place"}


def test_the_first_two_of_each_visit_are_shown_first_and_valued_beside_the_naive_order(way):
    found = tables(way[0], "shop")
    rows = found["gold.shop_interest_decisions"]["rows"]
    assert rows == found["gold.shop_interest_predictions"]["rows"] > 200
    counted = "sum(CAST({} AS INT)) AS {}"
    picks = ", ".join(counted.format(name, name[0]) for name in ("is_shown_first", "naive_is_shown_first"))
    sql = f"SELECT {picks} FROM t GROUP BY visit_id"
    assert set(query(way[0], "shop", "gold.shop_interest_decisions", sql)) == {(2, 2)}
    decided = way[1].status["domains"]["shop"]["tasks"]["interest"]["decisions"]
    assert (decided["unit"], decided["higher_is_better"]) == ("EUR", True)
    assert decided["naive_value"] < decided["value"] <= decided["foresight_value"]
