"""What is inferred of a file, silver reads: every instant, number and flag, to the value that Python reads."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from pipelines.contracts.sources import Source
from pipelines.contracts.tables import Column, Table
from pipelines.io.records import RawFile, records
from pipelines.scaffold.columns import infer_all, instants, numbers
from pipelines.scaffold.patterns import PATTERNS
from pipelines.scaffold.tables import null_text
from pipelines.stages.silver import refine

ROWS = 40
DAYS_AND_TIMES = [of for of in PATTERNS if not of.has_time or of.text.startswith("yyyy-MM-dd")]
FORMS = {
    "yyyy": "{0.year:04d}",
    "MM": "{0.month:02d}",
    "M": "{0.month}",
    "dd": "{0.day:02d}",
    "d": "{0.day}",
    "HH": "{0.hour:02d}",
    "H": "{0.hour}",
    "h": "{1}",
    "mm": "{0.minute:02d}",
    "ss": "{0.second:02d}",
    "a": "{2}",
    "SSS": "{3:03d}",
    "SSSSSS": "{0.microsecond:06d}",
    "XXX": "+00:00",
    "'T'": "T",
}


def text_of(pattern: str, at: datetime) -> str:
    """The instant as the pattern writes it."""
    tokens, form = sorted(FORMS, key=len, reverse=True), ""
    while pattern:
        token = next((token for token in tokens if pattern.startswith(token)), pattern[0])
        form, pattern = form + FORMS.get(token, token), pattern[len(token) :]
    return form.format(at, at.hour % 12 or 12, "PM" if at.hour > 11 else "AM", at.microsecond // 1000)


def test_every_value_is_read_as_it_was_inferred(spark, tmp_path):
    step = timedelta(days=9, hours=7, microseconds=1_003_000)
    moments = [datetime(2023, 1, 1, tzinfo=UTC) + row * step for row in range(ROWS)]
    texts = {f"p{place}": [text_of(of.text, at) for at in moments] for place, of in enumerate(DAYS_AND_TIMES)} | {
        "whole": [str(row - 30) for row in range(ROWS)],
        "large": [str(2**40 + row % 7) for row in range(ROWS)],
        "real": [("1e-3", ".5", "-2.", "n/a", "+7.25", "?")[row % 6] for row in range(ROWS)],
        "flag": [("Yes", "no", "-")[row % 3] for row in range(ROWS)],
        "code": [f"{row % 9:03d}" for row in range(ROWS)],
    }
    inferred = infer_all(texts)
    columns = tuple(
        Column(of.name, of.type, of.field, pattern=of.pattern, nullable=True, null_text=null_text(of))
        for of in inferred
    )
    table = Table("kinds", source="records", key=("whole",), columns=columns)
    path = tmp_path / "my.csv"
    path.write_text("\n".join([",".join(texts), *(",".join(row) for row in zip(*texts.values(), strict=True))]) + "\n")
    raw = records(spark, [RawFile("my.csv", str(path), "0" * 64, Source("records", format="csv"), 0)])
    read = [row.asDict() for row in refine(raw, table, has_header=True).sort("_position").collect()]
    assert [row["_reasons"] for row in read] == [[]] * ROWS
    for of in inferred:
        found = [row[of.name] for row in read]
        if of.is_time:
            at = instants(of, texts[of.field])
            expected = [each.date() for each in at] if of.type == "date" else [each.replace(tzinfo=None) for each in at]
        elif of.type == "string":
            expected = texts[of.field]
        else:
            expected = [None if math.isnan(value) else value for value in numbers(of, texts[of.field])]
        assert found == expected, (of.field, of.pattern)
