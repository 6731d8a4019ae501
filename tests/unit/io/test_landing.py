"""What is found in the drop folders: packed files too, each by the hash of what is in it."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.contracts.sources import Source
from pipelines.io.drop_folders import lying_in
from pipelines.io.drops import Drop, found_in
from pipelines.io.landing import LandingError, archive
from pipelines.io.places import Place

CSV = Source("s", format="csv")


def zipped(files: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with ZipFile(content, "w", ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return content.getvalue()


def found(folder: Path, files: dict[str, bytes], source: Source = CSV) -> Drop:
    for name, content in files.items():
        path = folder / "s" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return lying_in(source, Place(str(folder / "s")), folder / "zone")


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_a_packed_file_is_known_by_the_hash_of_its_content(tmp_path):
    drop = found(tmp_path, {"2014-01-01.csv.gz": gzip.compress(b"a\n1\n", 9), "plain.csv": b"a\n1\n"})
    assert [(f.name, f.size, f.sha256) for f in drop.files] == [
        ("s/2014-01-01.csv.gz", 4, sha256(b"a\n1\n")),
        ("s/plain.csv", 4, sha256(b"a\n1\n")),
    ]


def test_what_a_zip_holds_are_files_of_their_own(tmp_path):
    inner = zipped({"deep/c.csv.gz": gzip.compress(b"c"), "b.csv": b"b"})
    drop = found(
        tmp_path, {"x.zip": zipped({"folder/": b"", "folder/a.csv": b"a", ".DS_Store": b"?", "in.zip": inner})}
    )
    assert [(f.name, f.sha256) for f in drop.files] == [
        ("s/x.zip!/folder/a.csv", sha256(b"a")),
        ("s/x.zip!/in.zip!/deep/c.csv.gz", sha256(b"c")),
        ("s/x.zip!/in.zip!/b.csv", sha256(b"b")),
    ]
    kept = [archive(file, tmp_path / "zone") for file in drop.files]
    assert [path.name[12:] for path in kept] == ["-a.csv", "-c.csv.gz", "-b.csv"]
    assert [path.read_bytes()[:1] for path in kept] == [b"a", b"\x1f", b"b"]
    assert gzip.decompress(kept[1].read_bytes()) == b"c"


def test_only_the_files_that_a_source_declares_are_its_own(tmp_path):
    files = {"x.zip": zipped({"L1-train.csv": b"a", "L1-test.csv": b"b", "readme.txt": b"c"}), "L2-train.csv": b"d"}
    drop = found(tmp_path, files, Source("s", format="csv", files="*-train.csv"))
    assert [f.name for f in drop.files] == ["s/L2-train.csv", "s/x.zip!/L1-train.csv"]
    assert drop.left_alone == {"s": 2}


TWO = zipped({"a.csv": b"a" * 1000, "b.csv": b"b"})


@pytest.mark.parametrize(
    ("name", "content", "told", "others"),
    [
        ("x.csv.gz", gzip.compress(b"a" * 1000, mtime=0)[:-12], "s/x.csv.gz: cannot be unpacked (", []),
        ("x.csv.gz", b"a,b\n", "s/x.csv.gz: cannot be unpacked (Not a gzipped file", []),
        ("x.zip", b"PK\x03\x04", "s/x.zip: cannot be unpacked (File is not a zip file", []),
        ("x.zip", zipped({}), "s/x.zip: cannot be unpacked (it holds no file", []),
        ("x.zip", TWO[:41] + b"\x00\x00\x00" + TWO[44:], "s/x.zip!/a.csv: cannot be unpacked (", ["s/x.zip!/b.csv"]),
        ("x.zip", zipped({"in.zip": b"no", "b.csv": b"b"}), "s/x.zip!/in.zip: cannot be unpack", ["s/x.zip!/b.csv"]),
    ],
)  # fmt: skip
def test_a_damaged_file_is_told_in_one_line_and_holds_up_no_other(tmp_path, name, content, told, others):
    drop = found(tmp_path, {name: content})
    [line] = drop.unreadable
    assert line.startswith(told) and line.endswith("). Deliver it again whole, or remove it") and "\n" not in line
    assert [f.name for f in drop.files] == others


def test_a_file_that_changes_while_it_is_landed_is_not_kept(tmp_path):
    drop = found(tmp_path, {"x.csv.gz": gzip.compress(b"a")})
    (tmp_path / "s" / "x.csv.gz").write_bytes(gzip.compress(b"ab"))
    with pytest.raises(LandingError, match=r"x\.csv\.gz: changed while it was being landed"):
        archive(drop.files[0], tmp_path / "zone")
    assert [path for path in (tmp_path / "zone").rglob("*") if path.is_file()] == []


def test_a_name_that_is_long_or_no_text_stops_nothing(tmp_path):
    long = "é" * 120 + ".csv.gz"
    found(tmp_path, {long: gzip.compress(b"a"), "x.csv": b"b"})
    (tmp_path / "s").joinpath(os.fsdecode(b"\xff.csv")).write_bytes(b"c")
    drop = lying_in(CSV, Place(str(tmp_path / "s")), tmp_path / "zone")
    assert drop.unreadable == ("s/\\xff.csv: the name is not UTF-8. Rename the file",)
    assert [file.name for file in drop.files] == ["s/x.csv", f"s/{long}"]
    assert archive(drop.files[1], tmp_path / "zone").name.endswith("é.csv.gz")


WHOLE = {
    "x.csv.gz": gzip.compress(b"hello" * 100),
    "x.zip": zipped(
        {"a.csv": b"abc" * 50, "é.csv.gz": gzip.compress(b"q" * 99), "in.zip": zipped({"c.csv": b"x" * 100})}
    ),
}


@given(st.sampled_from(sorted(WHOLE)), st.data())
@settings(max_examples=300, deadline=None)
def test_no_damage_stops_the_landing_and_none_goes_untold(tmp_path_factory, name, data):
    content = bytearray(WHOLE[name])
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=3)):
        content[place] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(content[: data.draw(st.integers(0, 2 * len(content)))])
    drop = found_in(CSV, name, path)
    assert drop.files or drop.unreadable
