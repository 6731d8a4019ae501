"""What the harness says of a race: medians, ratios, intervals, and that sides which differ are void."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests import results
from tests.bench import harness
from tests.bench.harness import OURS, Figure, Race, Side, VoidRace
from tests.bench.processes import CommandFailed, Cost, measured

SAMPLES = {
    OURS: [Cost(seconds, 10.0, 0, seconds, 6.0) for seconds in (2.0, 4.0, 3.0, 2.0, 9.0)],
    "peer": [Cost(seconds, 10.0, 0, seconds, 6.0) for seconds in (1.0, 1.0, 1.0, 2.0, 3.0)],
}


def python(name: str, code: str, folder: Path) -> Side:
    return Side(name, (sys.executable, "-c", code), folder, output=lambda printed: printed.strip())


def race(*sides: Side) -> Race:
    figures = (Figure("seconds of it", "", 1.5, 20.0), Figure("times the peer's", "peer", None, None))
    return Race("small", sides, "peer", figures, "by hand")


def test_a_ratio_is_taken_repetition_by_repetition() -> None:
    seconds, ratio = harness.records(race(), SAMPLES, seed=1, commit="c0ffee", seconds=30.0)
    assert (seconds["ours"], seconds["reference"], seconds["goal"], seconds["first_mark"]) == (3.0, 1.0, 1.5, 20.0)
    assert (ratio["ours"], ratio["reference"], ratio["goal"]) == (3.0, 1.0, None)
    assert ratio["samples"]["interval_95"] == (1.0, 4.0)
    assert seconds["samples"]["sides"]["peer"][4] == {
        "seconds": 3.0,
        "peak_mib": 10.0,
        "bytes_written": 0,
        "work_seconds": 3.0,
        "driver_mib": 6.0,
    }


def test_a_start_is_taken_from_both_sides_and_another_cost_is_compared_as_it_is() -> None:
    samples = {
        OURS: [Cost(9.0, 10.0, 30, 4.0, 6.0)],
        "peer": [Cost(5.0, 10.0, 10, 2.0, 3.0)],
        "start": [Cost(3.0, 1.0, 0, 3.0, 1.0)],
    }

    def value(**figure: str) -> list[float]:
        return harness.values(Figure("", "peer", None, None, **figure), samples)  # type: ignore[arg-type]

    assert value(start="start", start_of_peer="start") == [3.0]
    assert value(start="start") == [6.0 / 5.0]
    assert (value(cost="work_seconds"), value(cost="bytes_written")) == ([2.0], [3.0])
    assert value(cost="driver_mib") == [2.0]


def test_the_power_with_which_a_cost_grows_is_the_slope_of_logarithms() -> None:
    def costs(seconds: float) -> list[Cost]:
        return [Cost(seconds, 100.0, 0, seconds, 1.0), Cost(seconds, 100.0, 0, seconds**2, 1.0)]

    samples = {"10 rows": costs(10.0), "100 rows": costs(100.0), OURS: costs(1000.0)}
    along = ((10, "10 rows"), (100, "100 rows"), (1000, OURS))
    grows = Figure("grows", "", 1.05, None, cost="work_seconds", along=along)
    assert harness.values(grows, samples) == pytest.approx([1.0, 2.0])
    seconds = Figure("seconds", "", None, None, cost="work_seconds")
    small = Race("small", (), "10 rows", (grows, seconds), "by hand")
    power, plain = harness.records(small, samples, seed=1, commit="c0ffee", seconds=30.0)
    assert (power["reference"], plain["reference"]) == (1.0, 55.0)  # of 10 and 10² seconds of work


def test_a_process_may_say_which_of_its_seconds_were_work(tmp_path: Path) -> None:
    cost, _ = measured((sys.executable, "-c", "print('work 0.001 s')"), tmp_path)
    assert cost.work_seconds == 0.001 < cost.seconds


def test_records_are_written_with_their_names_alone(tmp_path: Path) -> None:
    records = harness.records(race(), SAMPLES, seed=1, commit="c0ffee", seconds=30.0)
    results.write(tmp_path / "small.json", records, results.MEASURED)
    assert [list(record) for record in results.read(tmp_path / "small.json")] == [list(results.MEASURED)] * 2
    with pytest.raises(ValueError, match=r"more\.json: a record has .*note; it must have what, ours, reference"):
        results.write(tmp_path / "more.json", [{**records[0], "note": ""}], results.MEASURED)


def test_sides_that_make_something_else_are_void(tmp_path: Path) -> None:
    same = python(OURS, "print(7)", tmp_path), python("peer", "print(3 + 4)", tmp_path)
    assert [len(costs) for costs in harness.run(race(*same)).values()] == [5, 5]
    with pytest.raises(VoidRace, match="small: repetition 1: peer made something else"):
        harness.run(race(same[0], python("peer", "print(8)", tmp_path)))


def test_a_command_is_charged_for_its_children_and_its_files(tmp_path: Path) -> None:
    (tmp_path / "before.bin").write_bytes(bytes(1_000_000))
    child = "held = bytearray(80_000_000); import time; time.sleep(1); open('{}', 'wb').write(bytes(5000))"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child.format(tmp_path / 'new.bin')!r}])"
    cost, _ = measured((sys.executable, "-c", code), tmp_path)
    assert (cost.bytes_written, cost.peak_mib > 76) == (5000, True)
    with pytest.raises(CommandFailed, match="exit code 3: no such luck"):
        measured((sys.executable, "-c", "import sys; print('no such luck'); sys.exit(3)"), tmp_path)


def test_every_recorded_race_has_all_names() -> None:
    for path in (Path(__file__).parent / "results").glob("*.json"):
        assert {name for record in json.loads(path.read_text()) for name in record} == set(results.MEASURED)
