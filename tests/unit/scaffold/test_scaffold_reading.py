"""A user's file is read with the dialect that it is written in, and what cannot be used is refused in one line."""

from __future__ import annotations

import gzip

import pytest

from pipelines.scaffold.reading import read
from pipelines.scaffold.refusal import ScaffoldRefused


def written(tmp_path, content: bytes, name: str = "my.csv"):
    path = tmp_path / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("content", "delimiter", "encoding"),
    [
        (b"a,b\n1,x\n2,y\n", ",", "utf-8"),
        (b"\xef\xbb\xbfa;b\r\n1;x\r\n2;y\r\n", ";", "utf-8"),
        ("a\tb\n1\tx\n2\ty\n".encode("utf-16"), "\t", "utf-16"),
        (b'a|b\n1|"x"\n2|"y"\n', "|", "utf-8"),
        (b'a,b\n"1",x\n2," y "\n', ",", "utf-8"),
    ],
)
def test_the_dialect_is_found(tmp_path, content, delimiter, encoding):
    reading = read(written(tmp_path, content))
    assert (reading.source.delimiter, reading.source.encoding) == (delimiter, encoding)
    assert (reading.columns, reading.rows) == ({"a": ["1", "2"], "b": ["x", "y"]}, 2)


def test_windows_letters_are_read_as_such(tmp_path):
    reading = read(written(tmp_path, "a,b\nZürich,1\n".encode("cp1252")))
    assert (reading.source.encoding, reading.columns["a"]) == ("cp1252", ["Zürich"])


def test_a_packed_file_is_unpacked(tmp_path):
    assert read(written(tmp_path, gzip.compress(b"a,b\n1,2\n"), "my.csv.gz")).columns == {"a": ["1"], "b": ["2"]}


def test_records_that_cannot_be_read_are_counted_with_their_reason(tmp_path):
    reading = read(written(tmp_path, b"a,b\n1,2\n3\n4,5,6\n7,8\n"))
    assert reading.columns == {"a": ["1", "7"], "b": ["2", "8"]}
    assert dict(reading.broken) == {"1 fields where the header has 2": 1, "3 fields where the header has 2": 1}
    assert reading.shown == ("1,2", "7,8")


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"", "my.csv", "the file is empty"),
        (b" \n\n", "my.csv", "the file is empty"),
        (b"a,b\n", "my.csv", "no row below it"),
        (b"a,a\n1,2\n", "my.csv", "the header names a field twice"),
        (b"1,2\n3,4\n", "my.csv", "its first line holds values, no names"),
        (b"PK\x03\x04\x00\x00\x00", "my.xlsx", "bytes that are no text"),
        (b"PK", "my.zip", "Unpack it"),
        (b"no gzip", "my.csv.gz", "cannot be unpacked"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(tmp_path, content, name, said):
    with pytest.raises(ScaffoldRefused, match=said) as refusal:
        read(written(tmp_path, content, name))
    assert str(tmp_path / name) in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ScaffoldRefused, match=r"none\.csv: cannot be read \(No such file or directory\)"):
        read(tmp_path / "none.csv")
