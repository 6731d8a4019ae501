"""A study in its file: what ended is kept, what a dead process left is none of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipelines.contracts.trials import Trial
from pipelines.io.failures import WarehouseError
from pipelines.io.studies import Study

SPACE = {"depth": (2, 4), "rate": (0.1, 0.3), "kind": ("a", "b")}
PARAMS = {"depth": 4, "rate": 0.1, "kind": "b"}
JUDGED = Trial(1, PARAMS, "judged", 0.5, {1: 0.9, 2: 0.5}, seconds=3.0, core_seconds=4.5)
PRUNED = Trial(2, PARAMS | {"depth": 2}, "pruned", None, {1: 2.0}, 1.0, 1.5, why="behind")
FAILED = Trial(3, PARAMS | {"kind": "a"}, "failed", None, {}, 0.1, 0.0, why="no such thing")


def test_trials_are_read_as_they_ended(tmp_path):
    study = Study(tmp_path / "s" / "studies.db", "one", SPACE)
    for trial in (JUDGED, PRUNED, FAILED):
        study.end(study.begin(trial.params), trial)
    assert study.note([2.0, 3.0]) == [2.0, 3.0]
    again = Study(tmp_path / "s" / "studies.db", "one", SPACE)
    assert again.trials() == study.trials() == (JUDGED, PRUNED, FAILED)
    assert (again.left_behind, again.noted()) == (0, [2.0, 3.0])
    other = Study(tmp_path / "s" / "studies.db", "two", SPACE)
    assert (other.trials(), other.noted()) == ((), [])


def test_a_trial_left_running_counts_as_never_tried(tmp_path):
    study = Study(tmp_path / "studies.db", "one", SPACE)
    study.end(study.begin(JUDGED.params), JUDGED)
    study.begin(PRUNED.params)
    again = Study(tmp_path / "studies.db", "one", SPACE)
    assert (again.left_behind, again.trials()) == (1, (JUDGED,))
    again.end(again.begin(PRUNED.params), PRUNED)
    once_more = Study(tmp_path / "studies.db", "one", SPACE)
    assert (once_more.left_behind, once_more.trials()) == (0, (JUDGED, PRUNED))
    assert once_more.trials()[1] == replace(PRUNED, number=2)


def test_a_file_that_is_no_database_is_named_in_one_line(tmp_path):
    (tmp_path / "studies.db").write_text("this is no database, and long enough to be looked at as one")
    with pytest.raises(WarehouseError, match=r"studies in .*studies\.db: .*not a database.*begins anew") as told:
        Study(tmp_path / "studies.db", "one", SPACE)
    assert "\n" not in str(told.value)
