"""Text in any encoding is read as it was written; bytes that are no text cost their own record alone."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.contracts.names import DeclarationError
from pipelines.contracts.sources import Source
from pipelines.io.raw_record import RawRecord
from tests.raw_files import records_of

ENCODINGS = ("utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-be", "utf-32", "latin-1", "shift_jis", "cp1252")


def fields(found: list[RawRecord]) -> list[tuple[str, dict[str, str | None]]]:
    return [(record.problem, record.fields) for record in found]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_text_is_read_as_it_was_written(tmp_path, encoding, end):
    word = {"gb18030": "中文🚂", "shift_jis": "日本", "latin-1": "é", "cp1252": "€"}.get(encoding, "é中🚂")
    text = end.join(["name,note", f'{word},"a{end}b"', "x,y", ""])
    found = records_of(tmp_path, text.encode(encoding), Source("s", format="csv", encoding=encoding))
    assert fields(found) == [("", {"name": word, "note": f"a{end}b"}), ("", {"name": "x", "note": "y"})]


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16-le", "utf-16-be"])
def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path, encoding):
    found = records_of(tmp_path, "\ufeffa\n1\n".encode(encoding), Source("s", format="csv", encoding=encoding))
    assert fields(found) == [("", {"a": "1"})]
    found = records_of(tmp_path, '\ufeff{"a": 1}\n'.encode(encoding), Source("s", format="jsonl", encoding=encoding))
    assert fields(found) == [("", {"a": "1"})]


@pytest.mark.parametrize(
    ("encoding", "content", "shown", "problem"),
    [
        ("gb18030", b"a,b\n\xff,1\n2,\xd6\xd0\n", "\\xff,1", "not GB18030"),
        ("gb18030", b"a,b\n1,\x81\n2,\xd6\xd0\n", "1,\\x81", "not GB18030"),
        ("cp1252", b"a,b\n\x81,1\n2,x\n", "\\x81,1", "not CP1252"),
        ("utf-16-le", "a,b\n".encode("utf-16-le") + b"\x00\xd81\x00,\x00\n\x00" + "2,x\n".encode("utf-16-le"),
         "\\x00\\xd81,", "not UTF-16-LE"),
    ],
)  # fmt: skip
def test_bytes_that_are_no_text_cost_their_record_alone(tmp_path, encoding, content, shown, problem):
    bad, good = records_of(tmp_path, content, Source("s", format="csv", encoding=encoding))
    assert (bad.raw, bad.problem, bad.fields) == (shown, problem, {})
    assert (good.problem, good.fields["a"]) == ("", "2")


def test_a_header_that_is_no_text_spoils_every_record_but_loses_none(tmp_path):
    found = records_of(tmp_path, b"a,\xff\n1,2\n3,4\n", Source("s", format="csv"))
    assert [(record.raw, record.problem) for record in found] == [
        ("1,2", "the header is not UTF-8"),
        ("3,4", "the header is not UTF-8"),
    ]


def test_an_encoding_that_lacks_its_mark_makes_the_file_one_problem(tmp_path):
    found = records_of(tmp_path, "a\n1\n".encode("utf-16-be"), Source("s", format="csv", encoding="utf-16"))
    assert [(record.position, record.problem) for record in found] == [
        (0, "not UTF-16: UTF-16 stream does not start with BOM")
    ]


@given(st.binary(max_size=60), st.sampled_from(ENCODINGS), st.sampled_from(["csv", "jsonl"]))
def test_no_bytes_stop_the_reading(tmp_path_factory, content, encoding, form):
    folder = tmp_path_factory.getbasetemp()
    for record in records_of(folder, content, Source("s", format=form, encoding=encoding)):
        assert bool(record.fields) != bool(record.problem) or record.raw in ("{}",)


def test_the_quote_is_the_declared_one_or_none(tmp_path):
    content = b"a,b\n'1,5',\"x\n"
    assert fields(records_of(tmp_path, content, Source("s", format="csv", quote="'"))) == [
        ("", {"a": "1,5", "b": '"x'})
    ]
    assert fields(records_of(tmp_path, b'a,b\n"1,2"\n', Source("s", format="csv", quote=""))) == [
        ("", {"a": '"1', "b": '2"'})
    ]


def test_a_packed_file_is_read_like_the_plain_one(tmp_path):
    assert fields(records_of(tmp_path, gzip.compress(b"a\r1\r2\r"), Source("s", format="csv"), "f.csv.gz")) == [
        ("", {"a": "1"}),
        ("", {"a": "2"}),
    ]


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        ({"encoding": "klingon"}, "source 's': unknown encoding: klingon"),
        ({"encoding": "hex"}, "source 's': 'hex' is not a text encoding"),
        ({"quote": ","}, "source 's': delimiter, quote and line ends must be different"),
        ({"quote": "''"}, "source 's': delimiter and quote must be one character"),
        ({"sheet": "one"}, "source 's': only excel has sheets"),
    ],
)
def test_what_cannot_be_read_is_refused_as_it_is_declared(declared, told):
    with pytest.raises(DeclarationError, match=told):
        Source("s", format="csv", **declared)
