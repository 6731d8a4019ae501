"""`headrace new-domain`: what a user sees."""

from __future__ import annotations

import pytest

import pipelines.domains
from pipelines import cli

VALUES = [(row, (row * 31) % 97, (row * 7919) % 101) for row in range(300)]
ROWS = "\n".join(["id,x,y", *(f"{row},{x}.5,{x + luck}.5" for row, x, luck in VALUES)])


@pytest.fixture
def into(tmp_path, monkeypatch):
    folder = tmp_path / "domains"
    folder.mkdir()
    monkeypatch.setattr(pipelines.domains, "__path__", [str(folder)])
    (tmp_path / "my.csv").write_text(f"{ROWS}\n")
    return folder


def told(capsys, *words: object) -> tuple[int, str, str]:
    """Exit code, stdout, stderr."""
    try:
        code = cli.main([str(word) for word in words])
    except SystemExit as end:
        code = int(end.code or 0)
    seen = capsys.readouterr()
    return code, seen.out, seen.err


def test_the_folder_is_written_and_the_report_ends_with_what_to_run_next(capsys, into, tmp_path):
    code, out, err = told(capsys, "new-domain", "mine", "--from", tmp_path / "my.csv", "--target", "y")
    assert (code, err) == (0, "")
    written = {path.relative_to(into / "mine").as_posix() for path in (into / "mine").rglob("*") if path.is_file()}
    assert {"__init__.py", "domain.py", "decide.py", "samples.py", "READINESS.md", "sample/quarantined.csv"} < written
    assert out.startswith("mine: 300 rows and 3 columns of my.csv (utf-8, commas); rows without a time")
    assert f"Written: {into}/mine. Next:" in out and "domain.py:" in out
    assert "headrace run --domain mine" in out.splitlines()[-1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("mine", "--from", "none.csv"), "none.csv: cannot be read (No such file or directory)"),
        (("mine", "--from", "my.csv", "--target", "z"), "--target: no column 'z'. There are: 'id', 'x', 'y'"),
        (("Mine", "--from", "my.csv"), "domain 'Mine': use lower-case words joined by single underscores"),
        (("taken", "--from", "my.csv"), "taken: is there already. Choose another name, or remove it first"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_written(capsys, into, tmp_path, monkeypatch, words, said):
    (into / "taken").mkdir()
    monkeypatch.chdir(tmp_path)
    code, out, err = told(capsys, "new-domain", *words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("headrace: ") and said in err
    assert [path.name for path in into.iterdir()] == ["taken"]


def test_a_file_must_be_given(capsys):
    code, _, err = told(capsys, "new-domain", "mine")
    assert (code, err.splitlines()[-1]) == (
        2,
        "headrace new-domain: error: the following arguments are required: --from",
    )
