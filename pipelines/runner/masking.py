"""What may be shown of a raw record: values of columns declared `pii` are hidden, wherever a person looks at one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pipelines.contracts.domain import Domain
from pipelines.contracts.sources import Source

HIDDEN = "***"


@dataclass(frozen=True)
class Shown:
    """A raw record as it may be shown. why: why the whole raw text is masked, keeping only its shape; "" if it is not.
    hidden: the values that are masked, for whoever shows other words about the record."""

    raw: str
    fields: Mapping[str, str | None]
    why: str = ""
    hidden: tuple[str, ...] = ()

    def masked(self, words: str) -> str:
        """Other words about the record, without the values that are hidden in it."""
        for value in self.hidden:
            words = words.replace(value, HIDDEN)
        return words


def shown(domain: Domain, source: Source, raw: str, fields: Mapping[str, str | None]) -> Shown:
    """A record of the source, masked by the declarations of all tables that it feeds; fields: empty if unparsed.

    The raw text is masked as a whole where it is not certain in which place a personal value stands.
    """
    columns = [column for table in domain.tables if table.source == source.name for column in table.columns]
    personal = [column for column in columns if column.pii]
    if not personal:
        return Shown(raw, fields)
    if not fields:
        return Shown(shape(raw), {}, "it could not be parsed, and its source brings personal fields")
    names = {name for column in personal for name in column.fields}
    lacking = [column.field for column in personal if not set(column.fields) & set(fields)]
    if lacking:  # it may have come under another name
        names |= set(fields) - {name for column in columns for name in column.fields}
    values = {value for name in names if (value := fields.get(name)) and value.strip()}
    hidden = tuple(sorted(values, key=lambda value: (-len(value), value)))
    masked = {name: HIDDEN if name in names and value and value.strip() else value for name, value in fields.items()}
    if lacking:
        why = f"it has no field '{lacking[0]}', which is personal and may have come under another name"
        return Shown(shape(raw), masked, why, hidden)
    text = _without(raw, hidden, source)
    if text is None:
        return Shown(shape(raw), masked, "a personal field is written in it in another way than it is read", hidden)
    return Shown(text, masked, hidden=hidden)


def shape(text: str) -> str:
    """Every letter as x, every digit as 0, all else as it is: enough to see quotes, delimiters and lengths."""
    return "".join("x" if character.isalpha() else "0" if character.isnumeric() else character for character in text)


def _without(raw: str, values: tuple[str, ...], source: Source) -> str | None:
    """The raw text with the values hidden; None where one may stand in it escaped, so that it would not be found."""
    for value in values:
        if source.format == "csv":
            is_escaped = source.quote in value
        else:
            is_escaped = "\\" in raw or value[0] in "[{"
        # a field begins and ends at a delimiter, a quote or an end, so never inside a word
        raw, found = re.subn(rf"(?<!\w){re.escape(value)}(?!\w)", HIDDEN, raw)
        if is_escaped or not found:
            return None
    return raw
