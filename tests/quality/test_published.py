"""Records of quality become tables: what is renewed, what is shown, and that the README shows what is held."""

from __future__ import annotations

from tests import results
from tests.quality import published
from tests.quality.__main__ import README, RESULTS
from tests.quality.figure import Figure


def record(what: str, ours: float, *, seeds: tuple[int, ...] = (), goal: float | None = 0.8, **others) -> dict:
    figure = Figure(what, ours, 0.7, goal, goal, "five folds", 3, 90, 90.0, True, seeds, **others)
    return dict(figure.record("abc"))


def test_a_record_has_its_seeds_and_minutes():
    found = record("AUC", 0.81)
    assert set(found) == set(results.QUALITY)
    assert (found["seed"], found["seeds"], found["minutes"]) == (3, [3], 1.5)
    assert record("AUC", 0.81, seeds=(3, 4, 5))["seeds"] == [3, 4, 5]


def test_what_is_measured_again_takes_its_place_unless_it_rests_on_fewer_seeds():
    held = [record("a", 0.1), record("b", 0.2, seeds=(0, 1, 2)), record("c", 0.3)]
    measured = [record("d", 0.7), record("b", 0.6), record("a", 0.5)]
    found = [(of["what"], of["ours"]) for of in published.renewed(held, measured)]
    assert found == [("a", 0.5), ("b", 0.2), ("c", 0.3), ("d", 0.7)]


def test_the_summary_has_the_figures_that_were_to_reach_a_goal():
    records = [
        record("AUC", 0.81, seeds=(0, 1, 2), spread=0.004, more_is_better=True),
        record("RMSE", 0.81, note="Too few rows; a deeper tree did no better"),
        record("rows", 90.0, goal=None),
    ]
    assert published.summary(records) == (
        "| what | ours | published | goal | stretch | protocol | seeds | minutes |\n"
        "| --- | --- | --- | --- | --- | --- | --- | --- |\n"
        "| AUC | 0.81 ± 0.002 | 0.7 | ≥ 0.8 | – | 1 | 3 | 1.5 |\n"
        "| RMSE | 0.81 (missed) | 0.7 | ≤ 0.8 | – | 1 | 1 | 1.5 |\n"
        "\nProtocols:\n\n1. five folds.\n"
        "\nNotes:\n\n- Too few rows; a deeper tree did no better.\n"
    )


def test_who_waited_sees_all_that_was_measured():
    records = [record("AUC", 0.79, more_is_better=True), record("rows", 90.0, goal=None)]
    assert published.short(records) == (
        "| what | ours | published | goal | stretch | minutes |\n"
        "| --- | --- | --- | --- | --- | --- |\n"
        "| AUC | 0.79 (missed) | 0.7 | ≥ 0.8 | – | 1.5 |\n"
        "| rows | 90 | 0.7 | – | – | 1.5 |\n"
    )


def test_the_readme_and_the_page_show_what_is_held():
    """After a change by hand, of two branches brought together say: make quality TABLES=1."""
    held = results.read(RESULTS)
    text = README.read_text()
    assert published.in_readme(text, held) == text
    assert published.summary(held) in text
    assert RESULTS.with_name("README.md").read_text() == published.page(held)
