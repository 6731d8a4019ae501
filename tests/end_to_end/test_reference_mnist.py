"""Pictures as bytes in Delta, several classes: from raw records to what assigning each to a class has cost."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

import pipelines.domains
from pipelines import runner
from pipelines.contracts.tasks import Span
from pipelines.io.ledger import Ledger
from tests.house import query, settings_on, tables
from tests.mnist import FILE, delivery, digits
from tests.reference import deliver, reference, reference_domains

pytestmark = pytest.mark.slow

TRAIN, VALIDATE, CALIBRATE, TEST = 2000, 2300, 2600, 3000
"""Where each span ends, in pictures."""


@pytest.fixture(scope="module")
def few() -> Iterator[None]:
    """The digits with shorter spans and a smaller net."""
    with reference_domains():
        declared = pipelines.domains.domains()["mnist"]
        from pipelines.domains.mnist.domain import seen_at

        ends = [0, TRAIN, VALIDATE, CALIBRATE, TEST]
        spans = [Span(seen_at(a), seen_at(b)) for a, b in pairwise(ends)]
        (task,) = declared.tasks
        task = replace(
            task,
            split=replace(task.split, **dict(zip(("train", "validate", "calibrate", "test"), spans, strict=True))),
            families=("constant", "logistic", "image_cnn"),
            params={"image_cnn": {"hidden": 8, "epochs": 4, "batch": 32, "learning_rate": 4e-3, "moves": 0.0}},
        )
        object.__setattr__(declared, "tasks", (task,))
        yield


@pytest.fixture(scope="module")
def settings(spark, few, tmp_path_factory):
    from pipelines.domains.mnist.domain import seen_at

    pictures, labels = digits(reference(FILE))
    pictures, labels = pictures[:TEST], labels[:TEST]
    engines = {"image_cnn": "single", "logistic": "single"}
    found = settings_on(tmp_path_factory.mktemp("mnist"), training={"engines": engines})
    content = delivery(pictures, labels, [seen_at(number) for number in range(TEST)])
    deliver(found, "mnist", {"pictures/2024-01-04.csv.gz": with_broken_ones(content)})
    outcome = runner.run(found, names=["mnist"])
    assert outcome.failures == {}
    return found


def with_broken_ones(packed: bytes) -> bytes:
    broken = b"99998,2024-01-03T00:00:00Z,7,0.0,%%%\n99999,2024-01-03T00:00:00Z,7,0.0,AAAA\n"
    return gzip.compress(gzip.decompress(packed) + broken)


def test_bytes_that_are_no_picture_are_set_apart(settings):
    outcomes = tables(settings, "mnist")["silver.mnist_pictures"]["outcomes"]
    assert (outcomes["new"], outcomes["quarantined"]) == (TEST, 2)
    sql = "SELECT _position, _reasons FROM t ORDER BY _position"
    assert query(settings, "mnist", "quarantine.mnist_pictures", sql) == [
        (TEST + 2, ["unreadable: pixels"]),
        (TEST + 3, ["a_picture_is_28_by_28"]),
    ]


def test_silver_and_gold_hold_the_bytes_as_they_were(settings):
    pictures, _ = digits(reference(FILE))
    for table, column in (("silver.mnist_pictures", "pixels"), ("gold.mnist_digit", "pixels__image")):
        sql = f"SELECT picture_id, {column} AS pixels FROM t WHERE picture_id IN ('00000', '02999') ORDER BY picture_id"
        held = query(settings, "mnist", table, sql)
        assert held == [(f"{number:05d}", pictures[number].tobytes()) for number in (0, 2999)]


def test_the_net_that_looks_at_pictures_becomes_champion(settings):
    champion = Ledger(settings.ledger).champions("mnist", "digit")[-1]
    fits = Ledger(settings.ledger).fits("mnist", "digit")
    assert champion.family == "image_cnn"
    accuracy = {family: fit.metrics["accuracy"] for family, fit in fits.items()}
    assert accuracy["image_cnn"] > 0.85 > 0.4 > accuracy["logistic"] > accuracy["constant"]  # ink alone tells little
    assert fits["image_cnn"].metrics["error_rate"] == pytest.approx(1.0 - accuracy["image_cnn"])


def test_each_letter_goes_to_the_likeliest_digit_and_the_strays_are_counted(settings):
    columns = ", ".join(f"probability_{digit}" for digit in range(10))
    predicted = query(settings, "mnist", "gold.mnist_digit_predictions", f"SELECT picture_id, {columns} FROM t")
    likeliest = {row[0]: str(int(np.argmax(row[1:]))) for row in predicted}
    decisions = query(settings, "mnist", "gold.mnist_digit_decisions", "SELECT picture_id, sorted_as FROM t")
    assert dict(decisions) == likeliest
    _, labels = digits(reference(FILE))
    astray = sum(likeliest[name] != str(labels[int(name)]) for name in likeliest)
    sql = "SELECT sum(value), sum(foresight_value), count(*), min(naive_value), max(naive_value) FROM t"
    assert query(settings, "mnist", "gold.mnist_digit_realised", sql) == [(astray, 0.0, TEST - CALIBRATE, 0.0, 1.0)]
