"""Where raw records come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pipelines.contracts.names import DeclarationError, checked_name


@dataclass(frozen=True)
class Source:
    """A feed of raw records: the files that a source system drops into the folder `<drops>/<domain>/<name>`.

    format: "csv" (first record is the header) or "jsonl" (one JSON object a line).
    table: the full name of another domain's published table, which is dropped there as JSON lines whenever it changed.
    The first ISO date in a file's name is the delivery's logical date; without one, the run's as-of instant is.
    """

    name: str
    format: Literal["csv", "jsonl"]
    delimiter: str = ","
    table: str = ""
    doc: str = ""

    def __post_init__(self) -> None:
        checked_name(self.name, "source")
        if self.format not in ("csv", "jsonl"):
            raise DeclarationError(f"source '{self.name}': format '{self.format}' is not one of csv, jsonl")
        if self.table and self.format != "jsonl":
            raise DeclarationError(f"source '{self.name}': a published table comes as jsonl")
        if len(self.delimiter) != 1:
            raise DeclarationError(f"source '{self.name}': the delimiter must be one character")
