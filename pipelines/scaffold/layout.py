"""Python source from nested calls, laid out as the project's formatter leaves it: on one line where it fits, else a
part a line."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field

WIDTH = 120
CONFIRM = "# confirm: "
"""How a comment begins about what the file alone could not tell."""


@dataclass(frozen=True)
class Part:
    """An argument of a call, or a member of a tuple. name: its keyword; confirm, notes: comments before it."""

    value: str | Call
    name: str = ""
    confirm: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Call:
    """`name(parts)`; a tuple where there is no name."""

    name: str
    parts: Sequence[Part] = field(default_factory=tuple)


def text(value: str) -> str:
    """A literal of the text, in the quotes that need fewer escapes, double ones if both need as many."""
    body = "".join(_ESCAPES.get(letter) or (letter if letter.isprintable() else _code(letter)) for letter in value)
    quote = "'" if body.count('"') > body.count("'") else '"'
    return quote + body.replace(quote, f"\\{quote}") + quote


_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _code(letter: str) -> str:
    return f"\\u{ord(letter):04x}" if ord(letter) < 0x10000 else f"\\U{ord(letter):08x}"


def texts(values: Sequence[str]) -> Call:
    """A tuple of literals."""
    return Call("", [Part(text(value)) for value in values])


def statement(name: str, value: Call) -> str:
    """`name = value` at the left margin."""
    return "\n".join(_laid_out(value, 0, f"{name} = ", ""))


def comment(told: str, indent: int = 0) -> list[str]:
    """A comment's lines; `told` has its first sign."""
    margin = " " * indent
    return textwrap.wrap(
        told, WIDTH - 4, initial_indent=margin, subsequent_indent=f"{margin}#   ", break_long_words=False
    )


def _laid_out(value: str | Call, indent: int, before: str, after: str) -> list[str]:
    margin = " " * indent
    if isinstance(value, str):
        line = f"{margin}{before}{value}{after}"
        is_one_word = len(line.split()) == 1  # the linter lets it be
        return [line + ("  # noqa: E501" if len(line) > WIDTH and not is_one_word else "")]
    if not _has_comments(value):
        line = f"{margin}{before}{_on_one_line(value)}{after}"
        if len(line) <= WIDTH or not value.parts:
            return [line]
    lines = [f"{margin}{before}{value.name}("]
    for part in value.parts:
        for note in part.notes:
            lines += comment(f"# {note}", indent + 4)
        if part.confirm:
            lines += comment(f"{CONFIRM}{part.confirm}", indent + 4)
        lines += _laid_out(part.value, indent + 4, f"{part.name}=" if part.name else "", ",")
    return [*lines, f"{margin}){after}"]


def _on_one_line(value: str | Call) -> str:
    if isinstance(value, str):
        return value
    inside = ", ".join((f"{part.name}=" if part.name else "") + _on_one_line(part.value) for part in value.parts)
    return f"{value.name}({inside}{',' if not value.name and len(value.parts) == 1 else ''})"


def _has_comments(value: str | Call) -> bool:
    return isinstance(value, Call) and any(
        part.confirm or part.notes or _has_comments(part.value) for part in value.parts
    )
