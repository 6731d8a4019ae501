"""What judged rows come to, in one piece or in many."""

from __future__ import annotations

import json

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from pipelines.transforms.tally import summed, tally

SCHEMA = pa.schema(
    [
        ("_file", pa.string()),
        ("outcome", pa.string()),
        ("_applied", pa.bool_()),
        ("_passed", pa.bool_()),
        ("_newest", pa.int64()),
        ("_reasons", pa.list_(pa.string())),
    ]
)
ROW = st.tuples(
    st.sampled_from("fg"),
    st.sampled_from(["new", "quarantined"]),
    st.booleans(),
    st.sampled_from([True, False, None]),
    st.one_of(st.none(), st.integers(-5, 5)),
    st.one_of(st.none(), st.lists(st.sampled_from("ab"), max_size=2)),
)


def batch(rows: list[tuple]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([dict(zip(SCHEMA.names, row, strict=True)) for row in rows], SCHEMA)


def test_records_are_counted_by_file_and_outcome_and_held_rows_are_not():
    told = tally(
        batch(
            [
                ("f", "new", True, True, 7, []),
                ("f", "new", True, None, None, []),
                ("g", "quarantined", False, False, None, ["empty: k: a word", "dear"]),
                ("g", "quarantined", False, None, None, ["dear"]),
                (None, None, False, True, 99, None),
            ]
        ),
        ["_applied", "_passed"],
    )
    assert told == {
        "lines": [
            {"_file": "f", "outcome": "new", "records": 2, "_applied": 2, "_passed": 1, "_newest": 7},
            {"_file": "g", "outcome": "quarantined", "records": 2, "_applied": 0, "_passed": 0, "_newest": None},
        ],
        "causes": {"dear": 2, "empty: k": 1},
    }


@given(st.lists(st.lists(ROW, max_size=6), min_size=1, max_size=4))
def test_the_parts_add_up_to_the_whole(parts):
    def came_to(of):
        found = summed(json.loads(json.dumps(tally(batch(rows), ["_applied", "_passed"]))) for rows in of)
        return sorted(found.lines, key=lambda line: (line["_file"], line["outcome"])), found.causes

    assert came_to(parts) == came_to([[row for rows in parts for row in rows]])
