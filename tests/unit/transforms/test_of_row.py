"""What a row says itself: texts hashed as plain Python hashes them, and what no declaration may ask for."""

from __future__ import annotations

import random
import re

import pytest

from pipelines.contracts.features import Category, CategoryCount, Hashed, Own, TargetMean
from pipelines.contracts.names import DeclarationError
from pipelines.transforms.of_row import of_row
from tests.frames import frame, rows

MASK = 2**64 - 1
P1, P2, P3, P4, P5 = (
    *(0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9),
    *(0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5),
)


def rotated(value: int, by: int) -> int:
    return (value << by | value >> (64 - by)) & MASK


def mixed(lane: int, word: int) -> int:
    return rotated((lane + word * P2) & MASK, 31) * P1 & MASK


def xxhash64(content: bytes, seed: int) -> int:
    """XXH64, from its specification."""
    found, at = (seed + P5) & MASK, 0
    if len(content) >= 32:
        lanes = [(seed + more) & MASK for more in (P1 + P2, P2, 0, -P1)]
        while at + 32 <= len(content):
            words = [int.from_bytes(content[at + 8 * n : at + 8 * n + 8], "little") for n in range(4)]
            lanes, at = [mixed(lane, word) for lane, word in zip(lanes, words, strict=True)], at + 32
        found = sum(rotated(lane, by) for lane, by in zip(lanes, (1, 7, 12, 18), strict=True)) & MASK
        for lane in lanes:
            found = ((found ^ mixed(0, lane)) * P1 + P4) & MASK
    found = (found + len(content)) & MASK
    while at + 8 <= len(content):
        found ^= mixed(0, int.from_bytes(content[at : at + 8], "little"))
        found, at = (rotated(found, 27) * P1 + P4) & MASK, at + 8
    if at + 4 <= len(content):
        found ^= int.from_bytes(content[at : at + 4], "little") * P1 & MASK
        found, at = (rotated(found, 23) * P2 + P3) & MASK, at + 4
    for byte in content[at:]:
        found = rotated(found ^ byte * P5 & MASK, 11) * P1 & MASK
    for by, prime in ((33, P2), (29, P3)):
        found = (found ^ found >> by) * prime & MASK
    return found ^ found >> 32


def plainly(text: str | None, feature: Hashed) -> list[float | None]:
    """What the docstring of Hashed says, for a single row."""
    if text is None:
        return [None] * feature.buckets
    found = [0.0] * feature.buckets
    for word in filter(None, re.split(r"[ \t\r\n]", text) if feature.by == "words" else [text]):
        h = xxhash64(word.encode(), 42)
        h -= 2**64 if h >= 2**63 else 0
        found[h % feature.buckets] += 1.0 if h >= 0 else -1.0
    return found


def test_the_plain_hash_is_the_published_one():
    assert [xxhash64(of, 0) for of in (b"", b"a", b"abc")] == [
        0xEF46DB3751D8E999,
        0xD24EC4F1A98C6E5B,
        0x44BC2CF5AD770999,
    ]


@pytest.mark.parametrize("feature", [Hashed("said", 8), Hashed("said", 64), Hashed("said", 5, by="value")])
def test_a_text_is_hashed_as_plain_python_hashes_it(spark, feature):
    draw = random.Random(5)
    signs = "abcXYZ019-.,é木😀"
    words = ["".join(draw.choices(signs, k=draw.randrange(1, 45))) for _ in range(60)]
    texts = [draw.choice((" ", "  ", "\t", "\r\n")).join(draw.choices(words, k=draw.randrange(6))) for _ in range(150)]
    said = [*texts, None, "", " ", "\n", "again again again", " led by a space", "\u00a0is a sign"]
    made = of_row(spark.createDataFrame(list(enumerate(said)), "n int, said string"), ["n"], [feature])
    assert made.columns == ["n", *feature.names()]
    assert {n: found for n, *found in rows(made, "n")} == {n: plainly(text, feature) for n, text in enumerate(said)}


def test_the_columns_of_a_text_stay_what_models_learnt_them_as(spark):
    """Pinned. Words add up, by their signs; the whole text is a word of its own."""
    said = frame(spark, "id string, said string", [("a", "boat late"), ("b", "boat boat"), ("c", ""), ("d", None)])
    words, whole = (of_row(said, ["id"], [Hashed("said", 4, by=by)]) for by in ("words", "value"))
    assert rows(words, "id") == [
        ("a", -1.0, 0.0, 0.0, 1.0),
        ("b", 0.0, 0.0, 0.0, 2.0),
        ("c", 0.0, 0.0, 0.0, 0.0),
        ("d", None, None, None, None),
    ]
    assert rows(whole, "id")[0] == ("a", 0.0, 0.0, 1.0, 0.0)


def test_numbers_places_and_hashes_stand_side_by_side(spark):
    said = frame(
        spark, "id string, cars int, shore string, code int", [("a", 3, "south", 7), ("b", None, "east", None)]
    )
    features = [Own("cars"), Hashed("code", 2), Category("shore", among=("north", "south"))]
    made = of_row(said, ["id"], features)
    assert sorted(made.columns) == ["cars__own", "code__hash_0", "code__hash_1", "id", "shore__place"]
    (a, b) = rows(made.select("id", "cars__own", "shore__place", "code__hash_0", "code__hash_1"), "id")
    assert a == ("a", 3.0, 2.0, *plainly("7", Hashed("code", 2))) and b == ("b", None, 0.0, None, None)


@pytest.mark.parametrize(
    ("declare", "told"),
    [
        (lambda: Hashed("said", 1), "hash of 'said': 1 buckets; from 2 to 1024 can be"),
        (lambda: Hashed("said", 2000), "hash of 'said': 2000 buckets"),
        (lambda: TargetMean("shore", smoothing=-1), "target mean of 'shore': smoothing is -1; it is 0 or more"),
        (lambda: CategoryCount("shore", ("north",), hours=-1), "category count of 'shore': -1 h given"),
        (lambda: CategoryCount("shore", (), hours=1), "category count of 'shore': it is among nothing"),
        (lambda: CategoryCount("shore", ("n-e", "n e"), hours=1), "two values would be named 'shore__is_n_e'"),
    ],
)
def test_what_has_no_columns_is_refused(declare, told):
    with pytest.raises(DeclarationError) as refused:
        declare()
    assert told in str(refused.value)
