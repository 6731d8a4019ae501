"""A plain text is read sooner, and as Spark's formatter reads it."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from pyspark.sql import functions as F

from pipelines.transforms.fields import quoted
from pipelines.transforms.instants import _shapes, instant
from pipelines.transforms.typed import ISO_WITH_OFFSET

PATTERNS = (
    ISO_WITH_OFFSET,
    "yyyy-MM-dd",
    "yyyy-MM-dd HH:mm",
    "yyyy-MM-dd HH:mm:ss",
    "yyyy-MM-dd'T'HH:mm:ss[.SSSSSS]",
    "yyyy-MM-dd'T'HH:mm:ssXXX",
)
TEXTS, SEED = 4_000, 1


def near_misses(draw: random.Random, of: str) -> list[str]:
    """Instants as a pattern writes them, half of them with a character changed, left out or put in."""
    found = []
    for _ in range(TEXTS):
        at = datetime(1, 1, 1, tzinfo=UTC) + timedelta(seconds=draw.randrange(315_537_897_600))
        text = f"{at.year:04}{at.strftime('-%m-%d' + of)}"
        if draw.random() < 0.5:
            place, character = draw.randrange(len(text) + 1), draw.choice("0123456789-+:. TZz\t\u0661é")
            text = text[:place] + draw.choice(["", character]) + text[place + draw.randrange(2) :]
        found.append(text)
    return found


@pytest.mark.parametrize("pattern", PATTERNS)
def test_what_is_cast_is_what_the_formatter_reads(spark, pattern):
    draw = random.Random(SEED)
    texts = [text for of in ("", " %H:%M", " %H:%M:%S", "T%H:%M:%S", "T%H:%M:%SZ") for text in near_misses(draw, of)]
    texts += ["2023-02-29 00:00:00", "2024-02-29 00:00:00", "2024-01-01 24:00:00", "2024-01-01 00:00:60", "0000-01-01"]
    rows = spark.createDataFrame([(text,) for text in texts], "text string")
    formatted, plain = F.expr(f"try_to_timestamp(text, {quoted(pattern)})"), F.expr(instant("text", (pattern,)))
    is_plain = F.expr(" or ".join(f"text rlike {quoted(shape)}" for shape in _shapes(pattern)))
    read = rows.select("text", formatted.alias("formatted"), plain.alias("plain"), is_plain.alias("is_plain"))
    in_range = read.where("coalesce(year(plain), 1) between 1 and 9999")
    assert in_range.where("not plain <=> formatted").collect() == []
    assert in_range.where("is_plain and plain is not null").count() > TEXTS / 3


def test_of_several_patterns_the_first_that_fits_counts(spark):
    rows = spark.createDataFrame([("2024-03-01",), ("2024-01-13",), ("2024",)], "text string")

    def read(*patterns: str) -> list[str | None]:
        found = rows.select(F.expr(instant("text", patterns)).alias("at")).collect()
        return [row["at"] and f"{row['at']:%d.%m.%Y}" for row in found]

    assert read("yyyy-dd-MM", "yyyy-MM-dd") == ["03.01.2024", "13.01.2024", None]
    assert read("yyyy-MM-dd", "yyyy-dd-MM") == ["01.03.2024", "13.01.2024", None]
