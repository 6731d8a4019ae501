from __future__ import annotations

import pytest

from pipelines.contracts.deliveries import DroppedFile
from pipelines.contracts.tasks import utc
from pipelines.stages.land import delivered_at, plan


def dropped(name: str, sha256: str) -> DroppedFile:
    return DroppedFile("weather", name, f"drops/{name}", 1, sha256)


def test_content_that_was_landed_before_is_left_out_whatever_its_name():
    files = [dropped("2014-02-01.jsonl", "a"), dropped("2014-02-02.jsonl", "b"), dropped("copy-2014-02-01.jsonl", "a")]
    landing = plan(files, {"a": "2014-02-01.jsonl"}, None)
    assert [(file.name, at) for file, at in landing.new] == [("2014-02-02.jsonl", utc("2014-02-02"))]
    assert landing.repeats == (("copy-2014-02-01.jsonl", "2014-02-01.jsonl"),)


def test_of_two_new_files_with_one_content_the_first_is_landed():
    landing = plan([dropped("2014-02-01.jsonl", "a"), dropped("2014-02-02.jsonl", "a")], {}, None)
    assert [file.name for file, _ in landing.new] == ["2014-02-01.jsonl"]
    assert landing.repeats == (("2014-02-02.jsonl", "2014-02-01.jsonl"),)


@pytest.mark.parametrize(
    ("name", "date"),
    [
        ("2014-02-01.csv", "2014-02-01"),
        ("2014-02-01/part-7.csv", "2014-02-01"),
        ("from-2014-02-01-to-2014-02-28.csv", "2014-02-01"),
        ("v2014-13-45-2014-02-03.csv", "2014-02-03"),
        ("112014-02-01.csv", "2030-01-01"),
        ("latest.csv", "2030-01-01"),
    ],
)
def test_the_first_date_in_a_name_is_the_deliverys_else_the_as_of_instant(name, date):
    assert delivered_at(name, utc("2030-01-01")) == utc(date)


def test_a_file_without_a_date_is_told_of_and_does_not_hold_up_the_others():
    landing = plan([dropped("latest.jsonl", "a"), dropped("2014-02-02.jsonl", "b")], {}, None)
    assert [file.name for file, _ in landing.new] == ["2014-02-02.jsonl"]
    assert landing.undated == ("latest.jsonl",)


def test_a_file_of_after_the_as_of_instant_is_left_for_later():
    landing = plan([dropped("2014-02-01.jsonl", "a"), dropped("2014-02-02.jsonl", "b")], {}, utc("2014-02-01"))
    assert [file.name for file, _ in landing.new] == ["2014-02-01.jsonl"]
    assert landing.later == ("2014-02-02.jsonl",)
