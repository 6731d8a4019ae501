"""The files of a source lie where conf says: in another folder, by a glob, or in an object store."""

from __future__ import annotations

import gzip
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyarrow import fs

from pipelines import cli, runner
from pipelines.io.ledger import Ledger
from pipelines.settings import Settings
from tests.house import overlay_on, settings_on
from tests.stores import SECRET, serving


@pytest.fixture
def store(monkeypatch) -> Iterator[fs.S3FileSystem]:
    """An object store with a bucket `raw`."""
    with serving(monkeypatch, "raw") as found:
        yield found


def put(store: fs.S3FileSystem, name: str, content: bytes) -> None:
    with store.open_output_stream(f"raw/{name}") as stream:
        stream.write(content)


def landed(settings: Settings) -> list[list[tuple[str, int]]]:
    """Name and size of each file of each batch."""
    batches = Ledger(settings.ledger).batches_awaiting("energy", "bronze")
    return [[(file.name, file.size) for file in batch.files] for batch in batches]


def land(settings: Settings) -> dict[str, str]:
    return dict(runner.run(settings, names=["energy"], stages=["land"]).failures)


def test_a_glob_of_an_object_store_lands_each_content_once(store, tmp_path, capsys, caplog):
    settings = settings_on(tmp_path, sources={"energy.weather": "s3a://raw/weather/**/*.jsonl*"})
    put(store, "weather/2014-02-01.jsonl", b"{}\n")
    put(store, "weather/more/2014-02-02.jsonl.gz", gzip.compress(b"{} \n"))
    put(store, "weather/readme.txt", b"no delivery")
    first = [("weather/2014-02-01.jsonl", 3), ("weather/more/2014-02-02.jsonl.gz", 4)]
    assert land(settings) == {}
    assert landed(settings) == [first]
    caplog.clear()
    with caplog.at_level(logging.INFO, "werkzeug"):
        assert land(settings) == {}
    assert [line for line in caplog.messages if "GET /raw/weather/" in line] == [], "nothing is fetched again"
    assert [line for line in caplog.messages if "HEAD /raw/weather/" in line], "but it was looked for"
    put(store, "weather/2014-02-01.jsonl", b"{}\n{}\n")  # it grew
    put(store, "weather/2014-02-03.jsonl", b"{} \n")  # known by another name
    assert land(settings) == {}
    assert landed(settings) == [first, [("weather/2014-02-01.jsonl", 6)]]
    shown = capsys.readouterr()
    assert "weather/2014-02-03.jsonl: the same content was landed as weather/more/2014-02-02.jsonl.gz" in shown.out
    assert SECRET not in shown.out + shown.err + (tmp_path / "small.yaml").read_text()


def test_a_store_that_refuses_is_told_in_one_line_and_holds_up_no_other_source(store, tmp_path, capsys):
    settings = settings_on(tmp_path, sources={"energy.weather": "s3a://gone/weather"})
    calendar = settings.drops / "energy" / "calendar" / "2014-01-01.csv"
    calendar.parent.mkdir(parents=True)
    calendar.write_text("a\n")
    command = ["run", "--conf", str(tmp_path / "small.yaml"), "--domain", "energy", "--stage", "land"]
    assert cli.main(command) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("headrace: energy: weather: s3a://gone/weather cannot be read (")
    assert SECRET not in line
    assert landed(settings) == [[("calendar/2014-01-01.csv", 2)]]


def test_a_folder_or_a_glob_of_this_machine(tmp_path):
    folder = tmp_path / "in [1]"
    for name in ("2014-02-01.jsonl", "x/2014-02-02.jsonl", "notes.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f'{{"name": "{name}"}}\n')
    by_glob = settings_on(tmp_path / "glob", sources={"energy.weather": str(tmp_path / "in*" / "**" / "*.jsonl")})
    assert land(by_glob) == {}
    assert [[name for name, _ in batch] for batch in landed(by_glob)] == [
        ["weather/in [1]/2014-02-01.jsonl", "weather/in [1]/x/2014-02-02.jsonl"]
    ]
    one = settings_on(tmp_path / "one", sources={"energy.weather": str(Path(folder.rename(tmp_path / "in")) / "x")})
    assert land(one) == {}
    assert [[name for name, _ in batch] for batch in landed(one)] == [["weather/2014-02-02.jsonl"]]


@pytest.mark.parametrize(
    ("sources", "code", "told"),
    [
        ({"enrgy.weather": "in"}, 2, "headrace: conf: sources: 'enrgy.weather' is of no domain. There are: energy,"),
        ({"energy.wether": "in"}, 1, "headrace: energy: conf: sources: 'energy.wether' has no files. Those that do: "),
        (
            {"energy.weather": "/not there"},
            1,
            "headrace: energy: conf: sources: energy.weather: there is no /not there",
        ),
    ],
)
def test_a_place_that_is_wrong_is_told_in_one_line(tmp_path, capsys, sources, code, told):
    overlay = overlay_on(tmp_path, sources=sources)
    assert cli.main(["run", "--conf", str(overlay), "--domain", "energy", "--stage", "land"]) == code
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(told)
