"""A place names files alike on this machine and in an object store."""

from __future__ import annotations

import pytest

from pipelines.io.places import Place


@pytest.mark.parametrize(
    ("location", "place"),
    [
        ("/data/in", Place("/data/in")),
        ("/data/in/*.csv", Place("/data/in", ("*.csv",))),
        ("s3a://raw/weather/", Place("raw/weather", (), is_remote=True)),
        ("s3://raw/20*/**/x.gz", Place("raw", ("20*", "**", "x.gz"), is_remote=True)),
    ],
)
def test_all_before_the_first_wildcard_is_the_folder(location, place):
    assert Place.of(location) == place


@pytest.mark.parametrize(
    ("pattern", "named", "others"),
    [
        ("", ["a.csv", "x/y/a.csv"], [".a.csv", "x/.a.csv"]),
        ("/*.csv", ["a.csv"], ["a.txt", "x/a.csv", ".a.csv"]),
        ("/**/*.csv", ["a.csv", "x/a.csv", "x/y/a.csv"], ["x/a.txt"]),
        ("/20*/*", ["2014/a.csv"], ["1999/a.csv", "2014/x/a.csv", "2014"]),
        ("/20*/**", ["2014/a.csv", "2014/x/a.csv"], ["x/2014/a.csv"]),
    ],
)
def test_a_glob_names_files_below_it(pattern, named, others):
    place = Place.of(f"/in{pattern}")
    assert [name for name in (*named, *others) if place.has(name)] == named
