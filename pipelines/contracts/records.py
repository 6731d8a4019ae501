"""What a domain's parse.py and features.py take and give, where a declaration cannot say it: how raw fields become a
table's, and a table's columns what features are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

Fields = Mapping[str, str | None]
"""Text by raw field."""


BETWEEN_FIELDS = "\x1f"
"""The delimiter of a record's plain text: the unit separator, made for this, which hardly any field has in it."""


def packed_header(names: Sequence[str], delimiter: str) -> str | None:
    """Field names as one text: the delimiter, then the names with it between them; None where a name has it itself.

    With it a record whose raw text is nothing but its fields and delimiters needs no other copy of them.
    """
    return None if any(delimiter in name for name in names) else delimiter + delimiter.join(names)


def header_names(header: str) -> list[str]:
    """The names in a packed header."""
    return header[1:].split(header[0])


def fields_of(text: str, header: str) -> dict[str, str | None]:
    """The fields of a record by its packed header. text: its plain text, or its raw text where that is plain."""
    return dict(zip(header_names(header), text.split(header[0]), strict=True))


@dataclass(frozen=True)
class Unparsed:
    """A record that cannot be understood; why is the reason for which it is set apart."""

    why: str


Parser = Callable[[Iterable[Fields]], Iterator[Sequence[Fields] | Unparsed]]
"""A function of parse.py, named as the source whose files it understands.

It gets the records of one file in their order, without those that could not be read, and gives for each in the same
order the rows derived from it, or why there are none. It may look ahead. A record always has an outcome: one of which
no row is made is set apart.
"""


Compute = Callable[["DataFrame"], "DataFrame"]
"""A function of features.py, named as the table whose rows it gets, as they were said at any time.

It gives the same rows with the table's computed columns besides, each made of its own row alone.
"""


class ParserError(RuntimeError):
    """A parser is not in step with the records: a defect of the domain's parse.py, which the message names."""
