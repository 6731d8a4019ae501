"""A model's card: written, read back, and a guard of the model's bytes."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from tiny_gold import plan_for

from pipelines.contracts.cards import CardError, ModelCard
from pipelines.contracts.fits import Calibration, FitResult

PLAN = plan_for("xgboost", {})
CARD = ModelCard.of(PLAN, FitResult(b"trees", "ubj"), Calibration({0.1: -1.5, 0.5: 0.0, 0.9: 2.0}, "days 29 to 32"))


def test_a_card_is_read_back_as_it_was_written() -> None:
    assert ModelCard.read(CARD.text()) == CARD
    assert CARD.file == "model.ubj"


def test_a_card_keeps_the_shifts_of_each_step_and_older_ones_have_none() -> None:
    of_steps = replace(CARD, calibration=replace(CARD.calibration, by_step={0.1: (-1.0, -2.0), 0.9: (2.0, 3.5)}))
    assert ModelCard.read(of_steps.text()) == of_steps
    older = json.loads(CARD.text())
    del older["calibration"]["by_step"]
    assert ModelCard.read(json.dumps(older)) == CARD


def test_a_card_tells_what_the_examples_are_made_of() -> None:
    frame = json.loads(CARD.text())["frame"]
    assert (frame["entity"], frame["step"], frame["steps"]) == ("region_id", 3600.0, 12)
    assert frame["targets"][0]["features"] == [{"kind": "Lag", "column": "load_mw", "hours": [24, 48, 168]}]
    assert CARD.features[:2] == ("step", "load_mw__mean_24h")


def test_other_bytes_are_refused() -> None:
    CARD.check(b"trees")
    with pytest.raises(CardError, match=r"^model.ubj has sha256 .*, but its card says .*: it was changed$"):
        CARD.check(b"treez")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"calibration": 1}', CARD.text().replace('"family"', '"kin"')])
def test_what_is_no_card_is_said_to_be_none(text: str) -> None:
    with pytest.raises(CardError, match=r"^headrace.json is not a model's card: "):
        ModelCard.read(text)
