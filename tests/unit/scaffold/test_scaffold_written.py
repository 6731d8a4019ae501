"""What `headrace new-domain` writes: a folder that the formatter leaves alone, that is found, and that says what is
uncertain."""

from __future__ import annotations

import math
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipelines.contracts.features import Category, Own
from pipelines.contracts.names import DeclarationError
from pipelines.contracts.policies import Assigning, Picking, Sizing
from pipelines.contracts.tasks import ByHash, ByTime, Classify, Estimate, Forecast
from pipelines.domains import domain, embedded_files, parser, policy
from pipelines.scaffold.layout import text
from pipelines.scaffold.new_domain import new_domain
from pipelines.scaffold.promises import told_range, widened
from pipelines.scaffold.refusal import ScaffoldRefused
from tests.found_domains import found_in

RUFF = Path(sys.prefix) / "bin" / "ruff"
PROJECT = Path(__file__).resolve().parents[3]


def machines() -> str:
    """Things with a key and no time; of a failure, one flag tells a part."""
    lines = ["Serial no,Type,Air temp [K],Wear [min],note,cause,Failed"]
    for row in range(600):
        wear = (row * 7919) % 251
        failed = int(wear + (row * 104_729) % 97 > 260)
        worn = "n/a" if row % 50 == 7 else str(wear)
        lines.append(
            f"{1000 + 3 * row},{'LMH'[row % 3]},{298 + row % 11 / 10},{worn},same,{int(failed and wear > 225)},{failed}"
        )
    return "\n".join(lines) + "\n"


def loads(sep: str = ",") -> str:
    """Eight weeks of hours on a clock without an offset; an hour is missing, one stands twice."""
    lines = [sep.join(("Datetime", "load_MW", "temp"))]
    for row in range(24 * 56):
        day, hour = divmod(row, 24)
        at = f"{datetime(2023, 1, 1) + timedelta(hours=row):%d-%m-%Y %H:%M}"
        load = 900 + 300 * math.sin(2 * math.pi * hour / 24) + 50 * (day % 7 > 4) + (row * 7919) % 31
        if row != 500:
            lines.append(sep.join((at, f"{load:.1f}", f"{10 + hour / 4 + (row % 13) / 10:.1f}")))
    lines.append(lines[-1].replace(f"{sep}1", f"{sep}2", 1))
    return "\n".join(lines) + "\n"


def deals() -> str:
    """Events in time, each with one of three ends, decimal commas, and nothing that names them."""
    lines = ["when;price (EUR);seller;ended as"]
    for row in range(900):
        at = f"2023-{1 + row // 150:02d}-{1 + (row * 11) % 28:02d} {(row * 5) % 24:02d}:{(row * 17) % 60:02d}"
        price = (row * 7919) % 997
        ended = "Sold Out" if price > 600 else "sold" if price > 200 else "kept"
        lines.append(f"{at};{price},5;seller {row % 7};{ended}")
    return "\n".join(lines) + "\n"


LONG = "how much of it was there " * 6 + "then"


def odd() -> str:
    """Names and values that need quotes, escapes and more room than a line has."""
    header = ["it's", '"said ""so"""', LONG, "päck\\age", "from", "kind", "y"]
    lines = [",".join(header)]
    for row in range(300):
        values = [f"{row % 13}.5", f"{(row * 31) % 97}.5", f"{(row * 7) % 89}.5", f"{row % 5}.5", f"{(row * 3) % 71}.5"]
        lines.append(",".join([*values, ("it's", '"q ""x"""', "back\\slash")[row % 3], f"{(row * 7919) % 101}.5"]))
    return "\n".join(lines) + "\n"


@pytest.fixture
def made(tmp_path):
    def make(name: str, content: str, target: str = ""):
        (tmp_path / f"{name}.csv").write_text(content)
        into = tmp_path / "domains"
        into.mkdir(exist_ok=True)
        return new_domain(name, tmp_path / f"{name}.csv", target, into)

    return make


@pytest.mark.parametrize(
    ("content", "target"),
    [(machines(), "Failed"), (loads(), "load_MW"), (loads(";"), "temp"), (deals(), "ended as"), (odd(), "y")],
)
def test_what_is_written_is_clean_and_as_the_formatter_leaves_it(made, content, target):
    folder = made("mine", content, target).folder
    for verb in (("check",), ("format", "--check")):
        told = subprocess.run(
            [RUFF, *verb, "--config", PROJECT / "pyproject.toml", folder], capture_output=True, text=True
        )
        assert told.returncode == 0, told.stdout + told.stderr


def test_things_without_a_time_are_classified_by_what_is_no_leak(made):
    done = made("machines", machines(), "Failed")
    with found_in(done.folder.parent):
        found = domain("machines")
        task = found.task("failed")
        assert isinstance(task, Classify) and isinstance(task.split, ByHash) and not task.classes
        assert task.families == ("constant", "logistic", "xgboost")
        (view,) = found.views_of(task)
        assert view.features == (Category("type", among=("H", "L", "M")), Own("air_temp_k"), Own("wear_min"))
        rows, outcomes = found.tables
        assert rows.key == outcomes.key == ("serial_no",)
        assert {c.name: (c.type, c.field, c.unit, c.null_text) for c in rows.columns} == {
            "serial_no": ("string", "Serial no", "", ""),
            "type": ("string", "Type", "", ""),
            "air_temp_k": ("double", "Air temp [K]", "K", ""),
            "wear_min": ("int", "Wear [min]", "min", "n/a"),
            "note": ("string", "note", "", ""),
        }
        assert [column.name for column in outcomes.columns] == ["serial_no", "failed", "cause"]
        assert {rule.name: rule.holds for rule in rows.row_rules} == {
            "type_is_known": "type in ('H', 'L', 'M')",
            "air_temp_k_is_in_range": "air_temp_k between 297.5 and 299.5",
            "wear_min_is_in_range": "wear_min between 0 and 380",
        }
        assert isinstance(policy(found, task.decide), Picking)
        ((name, content),) = embedded_files(found)
        assert content == machines().encode() and name.startswith("records/20")
    declared = (done.folder / "domain.py").read_text()
    assert "# confirm: cause is left out: where it is 1, failed is 1 in 100% of" in declared
    verdicts = {one.about: one.verdict for one in done.findings}
    assert verdicts == {
        "rows": "look",
        "answers": "ok",
        "records": "ok",
        "missing": "ok",
        "constant": "look",
        "key": "ok",
        "time": "look",
        "leak: cause": "look",
        "skill": "ok",
    }


def test_a_series_is_forecast_beside_its_better_season(made):
    done = made("loads", loads(), "load_MW")
    with found_in(done.folder.parent):
        found = domain("loads")
        task = found.task("load_mw")
        assert isinstance(task, Forecast) and isinstance(task.split, ByTime)
        assert (task.step, task.steps, task.unit) == (timedelta(hours=1), 24, "MW")
        assert task.params == {"seasonal_naive": {"season_steps": 24}}
        (table,) = found.tables
        assert table.key == ("series_id", "measured_at")
        assert table.available_at == "measured_at + interval 1 hour"
        assert [column.pattern for column in table.columns] == ["", "dd-MM-yyyy HH:mm", "", ""]
        assert isinstance(policy(found, task.decide), Sizing)
        assert [name for name, _ in embedded_files(found)] == ["records/2023-02-26.csv"]
    told = {one.about: (one.verdict, one.found) for one in done.findings}
    assert told["key"] == ("look", "1 rows have the measured_at of another one")
    assert told["steps"][0] == "look" and "1 missing" in told["steps"][1]
    assert any("by which clock" in one.told for one in done.confirms)


def test_events_without_a_name_are_numbered_and_their_commas_read(made):
    done = made("deals", deals(), "ended as")
    with found_in(done.folder.parent):
        found = domain("deals")
        task = found.task("ended_as")
        assert isinstance(task, Classify) and isinstance(task.split, ByTime)
        assert task.classes == ("sold_out", "sold", "kept")
        (column,) = [c for c in found.table("outcomes").columns if c.name == "ended_as"]
        assert column.convert == (
            "case value when 'Sold Out' then 'sold_out' when 'sold' then 'sold' when 'kept' then 'kept' end"
        )
        assert isinstance(policy(found, task.decide), Assigning)
        records = [{"when": "x", "price (EUR)": "1,5"}, {"when": "y", "price (EUR)": None}]
        assert list(parser(found, "records")(records)) == [
            [{"when": "x", "price (EUR)": "1.5", "row_number": "000000000"}],
            [{"when": "y", "price (EUR)": "", "row_number": "000000001"}],
        ]


@pytest.mark.parametrize(
    ("step", "form", "steps", "every", "ends"),
    [
        (timedelta(minutes=1), "%Y-%m-%d %H:%M:%S", 60, timedelta(hours=1), "_at"),
        (timedelta(minutes=15), "%m/%d/%Y %H:%M", 96, timedelta(days=1), "_at"),
        (timedelta(hours=1), "%Y-%m-%dT%H:%M:%S+00:00", 24, timedelta(days=1), "_at"),
        (timedelta(days=1), "%d.%m.%Y", 7, timedelta(days=1), "_at"),
        (timedelta(days=7), "%Y-%m-%d", 4, timedelta(days=7), "_at"),
    ],
)
def test_a_series_of_any_step_is_declared_for_each_of_its_things(made, step, form, steps, every, ends):
    lines = ["site,day,sold,rain"]
    for row in range(1200 if step < timedelta(hours=1) else 400):
        at = f"{datetime(2020, 1, 6) + row * step:{form}}"
        lines += [f"{site},{at},{100 * site + (row * 7919) % 53},{(row * 31) % 17}.5" for site in (1, 2)]
    done = made("shops", "\n".join(lines) + "\n", "sold")
    with found_in(done.folder.parent):
        task = domain("shops").task("sold")
        assert (task.spine.entity, task.step, task.steps, task.spine.every) == ("site", step, steps, every)
        (table,) = domain("shops").tables
        assert [(column.name, column.type) for column in table.columns] == [
            *(("site", "string"), (f"measured{ends}", "timestamp"), ("sold", "int"), ("rain", "double")),
        ]
    assert {one.verdict for one in done.findings if one.about in ("key", "steps", "leaks")} == {"ok"}


def test_odd_names_and_values_are_declared_as_they_are(made):
    done = made("odd", odd(), "y")
    with found_in(done.folder.parent):
        rows, _ = domain("odd").tables
        fields = ["it's", 'said "so"', LONG, "päck\\age", "from", "kind"]
        assert [column.field for column in rows.columns[1:]] == fields
        (rule,) = [rule for rule in rows.row_rules if rule.name == "kind_is_known"]
        assert rule.holds == "kind in ('back\\\\slash', 'it\\'s', 'q \"x\"')"
        assert "`from` between 0 and 106" in [rule.holds for rule in rows.row_rules]


def test_what_should_be_mended_first_stops(made):
    lines = ["no,x,y", *(f"{row},{row % 7}.5,{'' if row % 3 else (row * 31) % 97}" for row in range(120))]
    done = made("few", "\n".join(lines) + "\n1,2\n", "y")
    told = {one.about: (one.verdict, one.found) for one in done.findings}
    assert told["rows"] == ("stop", "120")
    assert told["missing"] == ("stop", "y 66.7%")
    assert told["records"] == ("look", "1 cannot be read: 2 fields where the header has 3 (1)")
    assert told["skill"][0] in ("stop", "look")


def test_a_key_that_a_few_rows_share_is_told(made):
    lines = ["order_id,x,y", *(f"o{min(row, 295)},{(row * 31) % 97}.5,{(row * 7919) % 101}.5" for row in range(300))]
    done = made("orders", "\n".join(lines) + "\n", "y")
    (key,) = [one.found for one in done.findings if one.about == "key"]
    assert key == "no column names a row; order_id has 4 rows whose name another one has: parse.py numbers them"


def test_few_whole_numbers_are_classes(made):
    lines = ["no,x,stars", *(f"{row},{(row * 7919) % 997}.5,{1 + row % 3}" for row in range(600))]
    done = made("votes", "\n".join(lines) + "\n", "stars")
    with found_in(done.folder.parent):
        assert domain("votes").task("stars").classes == ("1", "2", "3")
        (rule,) = domain("votes").table("outcomes").row_rules
        assert rule.holds == "stars in ('1', '2', '3')"


def test_a_number_without_a_time_is_estimated(made):
    done = made("plant", "\n".join(["a,b"] + [f"{x}.25,{x * x % 301}.5" for x in range(400)]) + "\n", "b")
    with found_in(done.folder.parent):
        assert isinstance(domain("plant").task("b"), Estimate)


def test_every_place_to_confirm_is_told_with_its_file_and_line(made):
    done = made("loads", loads(), "load_MW")
    written = (done.folder / "READINESS.md").read_text()
    assert len(done.confirms) >= 5
    for one in done.confirms:
        assert (done.folder / one.file).read_text().splitlines()[one.line - 1].lstrip().startswith("# confirm: ")
        assert f"`{one.file}:{one.line}`" in written and f"{one.file}:{one.line}" in done.report
    marks = sum(path.read_text().count("# confirm: ") for path in done.folder.glob("*.py"))
    assert marks == len(done.confirms)


def test_the_sample_shows_the_files_own_rows_and_one_that_is_torn(made):
    done = made("machines", machines(), "Failed")
    (sample,) = (done.folder / "sample" / "records").iterdir()
    lines = sample.read_text().splitlines()
    assert lines[:-1] == machines().splitlines()[:25]
    assert lines[-1] == ",".join(["torn"] * 8)
    set_apart = (done.folder / "sample" / "quarantined.csv").read_text().splitlines()
    assert set_apart[1:] == [
        f"{table},records/{sample.name},26,unreadable: 8 fields where the header has 7"
        for table in ("rows", "outcomes")
    ]


@pytest.mark.parametrize("name", ["Machines", "my-domain", "class", "taken", ""])
def test_a_name_that_cannot_be_used_is_refused_and_nothing_is_written(tmp_path, name):
    (tmp_path / "my.csv").write_text(machines())
    into = tmp_path / "domains"
    (into / "taken").mkdir(parents=True)
    with pytest.raises((ScaffoldRefused, DeclarationError)):
        new_domain(name, tmp_path / "my.csv", "", into)
    assert [path.name for path in into.iterdir()] == ["taken"]


@given(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9))
@example(0.0, 5e-324)
@example(1e9, 1e9 - 2.4e-7)
def test_a_widened_range_holds_all_that_was_seen(one, other):
    least, greatest = sorted((one, other))
    low, high = widened(least, greatest)
    assert low <= least <= greatest <= high
    told = [float(end) for end in told_range(low, high, least, greatest)]
    assert told[0] <= least <= greatest <= told[1]
    assert (least < 0.0) or low >= 0.0


@given(st.text(max_size=30))
def test_a_literal_is_the_text(value):
    assert eval(text(value)) == value
