"""What is told of an export: to whom asked for it, and to the model's run."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines.runner.export_measures import Weighed
from pipelines.runner.report import table_text


@dataclass(frozen=True)
class Exported:
    """What came of it. rows: how many answers of the test span were compared; disparity: the greatest found. forms: the
    scorer, the file and the light file, if there is one."""

    model: str
    folder: Path
    rows: int
    disparity: float
    forms: Sequence[Weighed]


def summary(of: Exported) -> str:
    """What came of it, for people."""
    names = list(of.forms[0].losses)
    head = ["form", "bytes", "gzipped", "ms a cut-off", *(name.replace("_", " ") for name in names)]
    rows = [
        [
            one.form,
            f"{one.bytes:,}",
            f"{one.packed:,}",
            f"{one.milliseconds:.3f}",
            *(_told(one.losses[name]) for name in names),
        ]
        for one in of.forms
    ]
    return "\n".join(
        [
            f"{of.model}: {of.rows:,} answers of the test span are the scorer's, the worst {of.disparity:.1g} apart",
            *table_text(head, rows),
            f"written to {of.folder}",
        ]
    )


def metrics(of: Exported, format: str) -> dict[str, float]:
    found = {f"export/{format}/disparity": of.disparity}
    for one in of.forms:
        values = _values(one)
        found |= {f"export/{format}/{one.form}/{name}": value for name, value in values.items()}
    return found


def csv_text(of: Exported) -> str:
    text = io.StringIO()
    rows = [{"form": one.form, **_values(one)} for one in of.forms]
    table = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return text.getvalue()


def _values(of: Weighed) -> dict[str, float]:
    return {"bytes": of.bytes, "gzipped_bytes": of.packed, "milliseconds": of.milliseconds, **of.losses}


def _told(value: float) -> str:
    """Five figures, and none of what is rounding alone."""
    return f"{round(value, 6) + 0.0:.5g}"
