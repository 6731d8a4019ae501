"""Where raw records come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pipelines.contracts.names import DeclarationError, checked_name


@dataclass(frozen=True)
class Source:
    """A feed of raw records: the files that a source system drops into the folder `<drops>/<domain>/<name>`.

    format: "csv" (first record is the header), "jsonl" (one JSON object a line), "parquet" or "excel" (first row is the
    header). A csv or jsonl file may be packed (gz, zip); a zip's members are files of their own.
    delimiter, quote, encoding: of csv, quote may be "" for none; encoding of jsonl too, any that Python knows. A byte
    order mark may stand before it or not.
    files: a glob over names below the source's folder, zip members included (`<zip>!/<member>`); others are left alone.
    sheet: of excel, the first by default.
    table: the full name of another domain's published table, which is dropped there as JSON lines whenever it changed.
    The first ISO date in a file's name is the delivery's logical date; without one, the run's as-of instant is.
    """

    name: str
    format: Literal["csv", "jsonl", "parquet", "excel"]
    delimiter: str = ","
    quote: str = '"'
    encoding: str = "utf-8"
    files: str = "*"
    sheet: str = ""
    table: str = ""
    doc: str = ""

    def __post_init__(self) -> None:
        checked_name(self.name, "source")
        formats = ("csv", "jsonl", "parquet", "excel")
        if self.format not in formats:
            raise DeclarationError(f"source '{self.name}': format '{self.format}' is not one of {', '.join(formats)}")
        if self.table and self.format != "jsonl":
            raise DeclarationError(f"source '{self.name}': a published table comes as jsonl")
        if len(self.delimiter) != 1 or len(self.quote) > 1:
            raise DeclarationError(
                f"source '{self.name}': delimiter and quote must be one character, a quote may be none"
            )
        if self.delimiter == self.quote or {self.delimiter, self.quote} & {"\n", "\r"}:
            raise DeclarationError(f"source '{self.name}': delimiter, quote and line ends must be different characters")
        if self.sheet and self.format != "excel":
            raise DeclarationError(f"source '{self.name}': only excel has sheets")
        try:
            "".encode(self.encoding)
        except LookupError as error:
            raise DeclarationError(
                f"source '{self.name}': {error}. Name one that Python knows, such as utf-8"
            ) from error

    @property
    def has_header(self) -> bool:
        """Whether a delivery names all its fields, also those without a value."""
        return self.format != "jsonl"
