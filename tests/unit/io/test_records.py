"""A file's records come out one by one, whatever state they are in."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.contracts.sources import Source
from pipelines.io.csv_blocks import csv_columns
from pipelines.io.csv_records import CsvReader
from pipelines.io.json_records import json_records
from pipelines.io.raw_record import RawRecord, in_columns
from pipelines.io.records import RawFile, _shared_out, file_columns, records
from tests.raw_files import out_of, records_of

CSV = Source("s", format="csv")


def lines(text: str) -> io.StringIO:
    return io.StringIO(text, newline="")


def csv_records(*blocks: str) -> list[RawRecord]:
    return out_of(csv_columns(blocks, ",", '"', "not UTF-8"))


def read(text: str) -> list[tuple[int, str, dict, str]]:
    return [(r.position, r.raw, r.fields, r.problem) for r in csv_records(text)]


def test_a_quoted_line_break_stays_inside_its_record():
    assert read('a,b\n1,"x\ny"\n2,z\n') == [
        (2, '1,"x\ny"', {"a": "1", "b": "x\ny"}, ""),
        (4, "2,z", {"a": "2", "b": "z"}, ""),
    ]


def test_too_few_and_too_many_fields_are_named_and_kept_raw():
    assert read("a,b\n1\n1,2,3\n4,5\n") == [
        (2, "1", {}, "1 fields where the header has 2"),
        (3, "1,2,3", {}, "3 fields where the header has 2"),
        (4, "4,5", {"a": "4", "b": "5"}, ""),
    ]


def test_a_stray_quote_costs_its_own_line_only():
    assert read('a,b\n1,"x\n2,y\n3,z\n') == [
        (2, '1,"x', {}, "a quote that is never closed"),
        (3, "2,y", {"a": "2", "b": "y"}, ""),
        (4, "3,z", {"a": "3", "b": "z"}, ""),
    ]


def test_a_header_that_repeats_a_field_spoils_every_record_but_loses_none():
    assert [r.problem for r in csv_records("a,a\n1,2\n3,4\n")] == ["the header names a field twice"] * 2


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_end_is_understood_and_blank_lines_are_no_records(end):
    text = end.join(["a,b", "1,2", "", "3,4"])
    assert [(r.position, r.fields["a"]) for r in csv_records(text)] == [(2, "1"), (4, "3")]


def test_json_keeps_digits_and_names_what_is_no_object():
    text = '{"a": 1.50, "b": true, "c": null, "d": {"e": 1}}\n[1]\n{"a": 1, "a": 2}\n{"a": "\\ud800"}\n{\n'
    found = [(r.fields, r.problem.split(":")[0]) for r in json_records(lines(text))]
    assert found == [({"a": "1.50", "b": "true", "c": None, "d": '{"e": "1"}'}, "")] + [({}, "not a JSON object")] * 4


def test_bytes_that_are_no_text_spoil_their_record_only(tmp_path: Path):
    content = b"\xef\xbb\xbfa,b\n1,\xff\n2,\xc3\xa9\n"
    found = [(r.problem, r.fields) for r in records_of(tmp_path, content, CSV)]
    assert found == [("not UTF-8", {}), ("", {"a": "2", "b": "é"})]


CELL = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\r\n\ufeff"), max_size=6)


@given(st.lists(st.tuples(CELL, CELL), max_size=8))
def test_what_csv_writes_is_read_back(rows):
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows([("a", "b"), *rows])
    assert [(r.fields["a"], r.fields["b"], r.problem) for r in csv_records(text.getvalue())] == [
        (a, b, "") for a, b in rows
    ]


def one_by_one(text: str, quote: str = '"') -> list[RawRecord]:
    """The records of a CSV as the strict reader gives them, without any block or column."""
    every, reader = list(lines(text)), CsvReader(",", quote, "not UTF-8")
    reader.take(every, 1, is_end=True)
    header = reader.header() if every else None
    found = []
    while header and reader.at < len(every):
        if record := reader.record(header):
            found.append(record)
    return out_of([in_columns(found)])


END = st.sampled_from(["\n", "\r\n", "\r"])
PLAIN = st.tuples(CELL, CELL).map(",".join)
QUOTED = st.tuples(CELL, CELL).map(lambda cells: ",".join('"' + cell.replace('"', '""') + '"' for cell in cells))
ODD = st.sampled_from(
    [
        *('a,"b', 'a"b,c', '"a"b,c', "a,b,c", "a", "", " ", '"x\ny",z', '"x\r\ny",z', "\udcff,a", '"\udcff",a'),
        *('"a\x1f",b', '"a","b\x1fc\x1fd"', "\x1f,a", '"",""'),
    ]
)
CSV_TEXT = st.lists(st.tuples(st.one_of(PLAIN, PLAIN, QUOTED, ODD), END), max_size=12)
PIECES = st.integers(1, 40)


@given(
    st.sampled_from(["a,b", "a", "a,a", '"a', '"a\nb",c', "", "\udcff,b", "a\x1fz,b", '"a,",b']),
    END,
    END,
    CSV_TEXT,
    st.booleans(),
    PIECES,
)
def test_whole_columns_and_one_record_at_a_time_give_the_same(header, header_end, end, rows, is_even, size):
    text = header + header_end + "".join(row + (end if is_even else other) for row, other in rows)
    blocks = [text[begin : begin + size] for begin in range(0, len(text), size)]
    assert csv_records(*blocks) == one_by_one(text)


@given(st.text(st.sampled_from('ab,"\n\r '), max_size=40), st.sampled_from(['"', "'", ""]), PIECES)
def test_so_do_they_over_junk(junk, quote, size):
    text = "a,b\n" + junk
    blocks = [text[begin : begin + size] for begin in range(0, len(text), size)]
    assert out_of(csv_columns(blocks, ",", quote, "not UTF-8")) == one_by_one(text, quote)


def test_a_field_without_end_is_found_out_before_it_swallows_all():
    text = "a,b\n1," + "x" * 1_000_001 + '\n2,"y\n' + "3,z\n" * 300_000
    found = csv_records(*[text[begin : begin + 700_000] for begin in range(0, len(text), 700_000)])
    assert [(r.position, r.problem) for r in found if r.problem] == [
        (2, "not CSV: field larger than field limit (1000000)"),
        (3, "a quote that is never closed"),
    ]
    assert len(found) == 300_002


JUNK = st.text(st.sampled_from('ab,"\n\r '), max_size=40)


@given(JUNK)
def test_no_character_of_any_input_is_lost_or_read_twice(junk):
    text = "a,b\n" + junk
    raws = [r.raw for r in csv_records(text)]
    assert "".join("".join(raws).split()) == "".join(junk.split())


@pytest.mark.parametrize(
    ("header", "packed", "map_of"),
    [("a,b", ",a,b", ("a", "b")), ('"a,",b', None, ("a,", "b")), ('"a\x1fz",b', ",a\x1fz,b", ("a\x1fz", "b"))],
)
def test_fields_are_in_a_text_alone_unless_one_has_the_delimiter_in_it(tmp_path: Path, header, packed, map_of):
    path = tmp_path / "f.csv"
    path.write_text(f'{header}\n1,\n"2",x\n"3\x1f",y\n4,"5\n6"\n')
    (batch,) = file_columns(RawFile("s/f.csv", str(path), "ab" * 32, CSV, 0))

    def in_map(first: str, second: str) -> list[tuple[str, str]]:
        return list(zip(map_of, (first, second), strict=True))

    first, quoted, *odd = [(r["_raw"], r["_fields"], r["_plain"], r["_header"]) for r in batch.to_pylist()]
    assert first == (("1,", None, None, packed) if packed else ("1,", in_map("1", ""), None, None))
    is_in_text = "\x1f" not in header
    by_unit = f"\x1f{map_of[0]}\x1fb"
    assert quoted == (('"2",x', None, "2\x1fx", by_unit) if is_in_text else ('"2",x', in_map("2", "x"), None, packed))
    assert odd == [('"3\x1f",y', in_map("3\x1f", "y"), None, packed), ('4,"5\n6"', in_map("4", "5\n6"), None, packed)]


def test_spark_gives_each_record_its_place_and_text(spark, tmp_path: Path):
    path = tmp_path / "f.csv"
    path.write_bytes(b"a,b\n1,\xff\n2,x\n")
    files = [RawFile("s/f.csv", str(path), "ab" * 32, CSV, 1_400_000_000_000_000)]
    found = [
        (r["_file"], r["_position"], r["_record_id"], r["_raw"], r["_problem"], r["_fields"], r["_header"])
        for r in records(spark, files).orderBy("_position").collect()
    ]
    assert found == [
        ("s/f.csv", 2, "ab" * 10 + "-2", "1,\\xff", "not UTF-8", {}, None),
        ("s/f.csv", 3, "ab" * 10 + "-3", "2,x", None, {"a": "2", "b": "x"}, ",a,b"),
    ]


def test_files_are_shared_out_by_size_the_largest_first(tmp_path):
    def files(*sizes: int) -> list[RawFile]:
        for number, size in enumerate(sizes):
            (tmp_path / f"{number}").write_bytes(b"x" * size)
        return [RawFile(str(number), str(tmp_path / f"{number}"), "", CSV, 0) for number in range(len(sizes))]

    def shared(tasks: int, *sizes: int) -> list[list[int]]:
        return [[sizes[int(file.name)] for file in share] for share in _shared_out(files(*sizes), tasks)]

    assert shared(6, *[10] * 8) == [[10, 10], [10, 10], [10], [10], [10], [10]]
    assert shared(2, 1, 9, 2, 8) == [[9, 1], [8, 2]]
    assert shared(6, 3, 0) == [[3], [0]]


@given(sizes=st.lists(st.integers(0, 50), min_size=1, max_size=12), tasks=st.integers(1, 6))
def test_every_file_is_in_one_share_and_none_is_far_above_the_mean(tmp_path_factory, sizes, tasks):
    folder = tmp_path_factory.mktemp("shares")
    for number, size in enumerate(sizes):
        (folder / f"{number}").write_bytes(b"x" * size)
    files = [RawFile(str(number), str(folder / f"{number}"), "", CSV, 0) for number in range(len(sizes))]
    shares = _shared_out(files, tasks)
    assert sorted(file.name for share in shares for file in share) == sorted(file.name for file in files)
    sums = [sum(sizes[int(file.name)] for file in share) for share in shares]
    assert max(sums) <= sum(sizes) / len(shares) + max(sizes)
