"""The way along a time line: whatever is looked at in one go, the answers are the same."""

from __future__ import annotations

import random

import pyarrow as pa

from pipelines.contracts.features import Ewm, Lag, Last, Quantile, Rolling
from pipelines.transforms.lookback import along
from pipelines.transforms.runs import FOREVER

HOUR = 3_600_000_000
FEATURES = (
    Rolling("level_m", "mean", hours=5.0),
    Rolling("level_m", "count", hours=9.0),
    Quantile("level_m", 0.4, hours=9.0),
    Ewm("level_m", 2.0, hours=9.0),
    Lag("level_m", hours=(9.0,)),
    Last("level_m", "sum", rows=4, hours=9.0),
)
SCHEMA = pa.schema(
    [
        ("who", pa.string()),
        ("_bucket", pa.int32()),
        ("_at", pa.int64()),
        ("_is_probe", pa.bool_()),
        ("_event", pa.int64()),
        ("_known", pa.int64()),
        ("_until", pa.int64()),
        ("_number level_m", pa.float64()),
        ("asked", pa.int32()),
    ]
)


def time_line(draw: random.Random) -> list[dict]:
    """Facts and probes of three, one of which has most; many facts are late, and some are taken back."""
    rows = []
    for who, facts in (("a", 6), ("b", 300), (None, 0)):
        for _ in range(facts):
            event = draw.randrange(400)
            known = event + draw.choice((-3, 0, 0, 0, 2, 30))
            until = draw.choice((None, None, None, known + 1, known + 25))
            level = draw.choice((None, 0.1, 1 / 3, 2.7))
            told = {"who": who, "_at": max(event, known), "_is_probe": False, "_event": event, "_known": known}
            told |= {"_until": until, "_number level_m": level}
            if until is None or told["_at"] < until:
                rows.append(told)
        rows += [{"who": who, "_at": draw.randrange(450), "_is_probe": True} for _ in range(120)]
    for row in rows:
        row["_bucket"] = 0
        for name in ("_at", "_event", "_known", "_until"):
            row[name] = None if row.get(name) is None else row[name] * HOUR
        if not row["_is_probe"]:
            row["_until"] = FOREVER if row["_until"] is None else row["_until"]
    rows.sort(key=lambda row: (row["who"] or "", row["_at"], row["_is_probe"]))
    return [{**row, "asked": n} for n, row in enumerate(rows)]


def test_however_few_rows_are_looked_at_in_one_go_the_answers_are_the_same():
    names = [name for feature in FEATURES for name in feature.names()]
    for seed in range(5):
        rows = time_line(random.Random(seed))
        answers = []
        for at_once, in_a_batch in ((len(rows), len(rows)), (1, 1), (17, 3), (50, 50)):
            parts = [rows[n : n + in_a_batch] for n in range(0, len(rows), in_a_batch)]
            batches = (pa.RecordBatch.from_pylist(part, schema=SCHEMA) for part in parts)
            found = pa.concat_tables(list(along(batches, ["who", "_bucket"], FEATURES, 9 * 3600, at_once)))
            answers.append({row["asked"]: [repr(row[name]) for name in names] for row in found.to_pylist()})
        assert len(answers[0]) == 360 and all(each == answers[0] for each in answers)
        assert sum(row[0] not in ("None", "nan") for row in answers[0].values()) > 50
