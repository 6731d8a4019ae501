"""What a table stage wants written, as a value: the runner writes it, nobody else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pyspark.sql import DataFrame


@dataclass(frozen=True)
class Change:
    """One write to one Delta table.

    how: "append"; "merge" by `key`, where rows whose boolean column `_delete` is true remove their key;
    "overwrite", all of the table, its columns included. step tells several writes to one table in one attempt apart.
    """

    table: str
    how: Literal["append", "merge", "overwrite"]
    frame: DataFrame
    key: tuple[str, ...] = ()
    step: str = "write"
