"""What a question about an order must say, and what no split may do to it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from pipelines.contracts.names import DeclarationError
from pipelines.contracts.tasks import ByEntity, ByHash, Classify, Events, Promote, Protected, Share
from pipelines.runner.catalog import catalog
from pipelines.stages.train import frame
from tests.toy_domains.shop.domain import DOMAIN, INTEREST

SHARES = [Share(n / 4, (n + 1) / 4) for n in range(4)]


def refused(words: str):
    return pytest.raises(DeclarationError, match=re.escape(words))


def test_a_split_by_hash_goes_by_the_query_whatever_the_key():
    assert INTEREST.hashed_by == ""
    assert replace(INTEREST, split=ByHash(*SHARES)).hashed_by == "visit_id"
    assert replace(INTEREST, split=ByEntity(*SHARES, entity="visit_id")).hashed_by == "visit_id"


def test_a_split_that_could_cut_a_query_is_refused():
    with refused("task 'interest': a split by 'kind' could cut a 'visit_id' in two; let it be ByHash"):
        replace(INTEREST, split=ByEntity(*SHARES, entity="kind"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"query": ""}, "task 'interest': a rank needs a query"),
        ({"quantiles": (0.5,)}, "task 'interest': an order has no quantiles"),
        ({"classes": ("a", "b")}, "task 'interest': classes are asked for by a Classify alone"),
        ({"top": 0}, "task 'interest': top is 0; an order is judged by a place or more"),
        ({"protected": (Protected("kind"),)}, "only a Classify of 0 and 1 picks"),
    ],
)
def test_what_is_no_order_is_refused(change, words):
    with refused(words):
        replace(INTEREST, **change)


def test_no_other_kind_has_a_query():
    with refused("task 'is_bought': a query is what a Rank puts in order; no other kind has one"):
        Classify(
            column="is_bought",
            table="choices",
            spine=Events("offers", entity="offer_id"),
            query="visit_id",
            views=(),
            families=("constant",),
            split=ByHash(*SHARES),
            promote=Promote("log_loss", "constant", by=0.0),
            decide="show_first",
        )


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (
            "basket_id",
            "domain 'shop', task 'interest', query: no column of 'offers' 'basket_id'; there are: offer_id, ",
        ),
        ("place", "its query 'place' must be a string column that is never null, and not the key"),
        ("offer_id", "its query 'offer_id' must be a string column that is never null, and not the key"),
    ],
)
def test_a_query_is_a_column_of_the_asked_rows(query, words):
    with refused(words):
        replace(DOMAIN, tasks=(replace(INTEREST, query=query),))


def test_a_query_that_may_be_null_is_refused():
    offers, choices = DOMAIN.tables
    columns = tuple(replace(of, nullable=of.name == "visit_id") for of in offers.columns)
    with refused("its query 'visit_id' must be a string column that is never null"):
        replace(DOMAIN, tables=(replace(offers, columns=columns), choices))


def test_examples_have_the_query_beside_their_features():
    of = frame(DOMAIN, INTEREST)
    assert (of.query, of.beside, of.order) == ("visit_id", ("visit_id",), ("visit_id", "offer_id", "cut_at"))
    assert of.features == ("price_eur__own", "place__own", "kind__place")
    assert INTEREST.outputs == (INTEREST.point,) == ("score",)


def test_the_catalogue_names_the_kind():
    assert "rank for each `offer_id`, tested on 2024-04-02T02:00Z" in catalog([DOMAIN])
