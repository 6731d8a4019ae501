"""The first few of each query, on literal rows: as offers come to a visit, and what showing them was worth."""

from __future__ import annotations

import pytest

from pipelines.stages.act import messages
from pipelines.stages.decide import decide
from pipelines.stages.observe import realised, totals
from tests.frames import frame, rows
from tests.toy_domains.shop.decide import SHOW_FIRST
from tests.toy_domains.shop.domain import DOMAIN, INTEREST

AT = "2024-04-03 10:00"
# visit, score, the baseline's
OFFERS = {
    "a": ("v1", -0.5, -3.0),
    "b": ("v1", -1.5, -2.0),
    "c": ("v1", -0.5, -1.0),
    "d": ("v1", -2.0, -4.0),
    "e": ("v2", 0.1, 0.0),
    "f": ("v2", None, 0.0),
    "g": ("v2", 0.3, 0.0),
    "h": ("v2", 0.2, 0.0),
}
KEYS = "offer_id string, cut_at timestamp, "


def predicted(spark, offers: dict[str, tuple]):
    return frame(
        spark,
        f"{KEYS}step int, target_at timestamp, visit_id string, score double, baseline double, model string, "
        "model_version int, run_id string",
        [(name, AT, 1, AT, *of, "model", 1, "run") for name, of in offers.items()],
    )


def asked(spark, names):
    return frame(spark, f"{KEYS}price_eur__own double", [(name, AT, 4.0 * (1 + n)) for n, name in enumerate(names)])


@pytest.fixture(scope="module")
def shown(spark):
    of = predicted(spark, OFFERS), asked(spark, OFFERS)
    return decide(DOMAIN, INTEREST, SHOW_FIRST, *of, None, attempt=3).frame.localCheckpoint()


def test_the_two_best_of_each_visit_are_shown_first_whatever_their_scores(shown):
    found = shown.select("offer_id", "visit_id", "is_shown_first", "naive_is_shown_first", "price_eur__own", "policy")
    assert [row[:4] for row in rows(found, "offer_id")] == [
        ("a", "v1", True, False),
        ("b", "v1", False, True),
        ("c", "v1", True, True),
        ("d", "v1", False, False),
        ("e", "v2", False, True),  # alike to the baseline: the first by their keys
        ("g", "v2", True, True),
        ("h", "v2", True, False),
    ]
    assert {row[5] for row in rows(found)} == {"show_first"}


def test_a_place_is_worth_what_was_bought_there_and_foresight_has_as_many(spark, shown):
    known = {"a": 2.0, "b": 2.0, "c": 0.0, "d": 2.0, "e": 1.0, "g": 1.0}  # of h nothing is known yet
    labels = frame(
        spark,
        "offer_id string, at timestamp, known_at timestamp, known_until timestamp, interest double",
        [(name, AT, AT, None, value) for name, value in known.items()],
    )
    change = realised(DOMAIN, INTEREST, SHOW_FIRST, shown, labels)
    found = change.frame.select("offer_id", "visit_id", "actual", "value", "naive_value", "foresight_value")
    assert rows(found, "offer_id") == [
        ("a", "v1", 2.0, 1.0, 0.0, 0.0),
        ("b", "v1", 2.0, 0.0, 2.0, 2.0),
        ("c", "v1", 0.0, 0.0, 0.0, 0.0),
        ("d", "v1", 2.0, 0.0, 0.0, 4.0),
        ("e", "v2", 1.0, 0.0, 0.0, 0.0),
        ("g", "v2", 1.0, 0.0, 0.0, 0.0),
    ]
    assert rows(totals(change.frame)) == [(1.0, 2.0, 6.0)]


def test_only_what_is_shown_first_leaves(shown):
    (made,) = messages(DOMAIN, INTEREST, SHOW_FIRST, shown.toArrow().to_pylist())
    assert (made.key, made.text.count("\n")) == ("shop/interest/2024-04-03/00000003", 4)


def test_what_comes_later_finds_its_places_taken(spark, shown):
    more = OFFERS | {"f": ("v2", 9.0, 9.0), "z": ("v3", -7.0, None)}
    of = predicted(spark, more), asked(spark, more)
    found = decide(DOMAIN, INTEREST, SHOW_FIRST, *of, shown, attempt=4).frame
    assert rows(found.select("offer_id", "is_shown_first", "_attempt"), "offer_id") == [("f", False, 4), ("z", True, 4)]
