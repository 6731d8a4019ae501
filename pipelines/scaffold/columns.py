"""What type a column is of, by its text: the narrowest that reads every value, as silver will read it."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from pipelines.scaffold.names import instant_named, named
from pipelines.scaffold.patterns import Pattern, is_ambiguous, pattern_of

Values = npt.NDArray[np.float64]

NUMBERS = ("int", "bigint", "double")
FEW = 30
"""So many different texts are still categories."""
_NO_VALUE = frozenset(("na", "n/a", "nan", "null", "none", "nil", "-", "--", "?", ".", "#n/a", "missing"))
_FLAGS = ({"true", "false"}, {"yes", "no"}, {"t", "f"}, {"y", "n"})
_TRUE = ("true", "yes", "t", "y")
_WHOLE = re.compile(r"[+-]?[0-9]{1,19}")
_CODE = re.compile(r"[+-]?0[0-9]+")  # leading zeros are there for a reason
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_WITH_COMMA = re.compile(r"[+-]?[0-9]{1,15}(,[0-9]+)?")
_EXACT_DIGITS = 15  # of a whole number in a double


@dataclass(frozen=True)
class Inferred:
    """A column as it will be declared. field: its raw name; type: int, bigint, double, boolean, string, timestamp or
    date. nulls: texts that stand for no value. comma: its numbers have a decimal comma. distinct: different values;
    missing: the share of rows without one. among: all its values, the most frequent first, where they are few."""

    name: str
    field: str
    type: str
    unit: str = ""
    pattern: str = ""
    is_ambiguous: bool = False
    nulls: tuple[str, ...] = ()
    comma: bool = False
    distinct: int = 0
    missing: float = 0.0
    among: tuple[str, ...] = ()

    @property
    def nullable(self) -> bool:
        return self.missing > 0.0

    @property
    def is_number(self) -> bool:
        return self.type in NUMBERS

    @property
    def is_time(self) -> bool:
        return self.type in ("timestamp", "date")

    @property
    def is_whole(self) -> bool:
        return self.type in ("int", "bigint")


def infer_all(columns: Mapping[str, Sequence[str]]) -> tuple[Inferred, ...]:
    """Each field as a column with a name of its own; a field without a name cannot be declared and is left out."""
    found: list[Inferred] = []
    for field, texts in columns.items():
        if field:
            found.append(infer(field, texts, [column.name for column in found]))
    return tuple(found)


def infer(field: str, texts: Sequence[str], taken: Collection[str] = ()) -> Inferred:
    """The column of these texts, "" where there is none."""
    counts = Counter(texts)
    missing = counts.pop("", 0)
    kept = [text for text in counts if text.lower() not in _NO_VALUE]
    type_, pattern, comma = _type(kept)
    nulls: tuple[str, ...] = ()
    if type_ == "string":  # there such a text may be somebody's name
        kept = list(counts)
    else:
        nulls = tuple(sorted(set(counts) - set(kept)))
        missing += sum(counts[text] for text in nulls)
    name, unit = named(field, taken)
    if type_ in ("timestamp", "date"):
        name, unit = instant_named(name, "at" if type_ == "timestamp" else "on", taken), ""
    return Inferred(
        name,
        field,
        type_,
        unit if type_ in NUMBERS else "",
        pattern.text if pattern else "",
        bool(pattern and is_ambiguous(pattern, kept)),
        nulls,
        comma,
        len(kept),
        missing / len(texts) if texts else 0.0,
        tuple(sorted(kept, key=lambda text: (-counts[text], text))) if len(kept) <= FEW else (),
    )


def _type(texts: Sequence[str]) -> tuple[str, Pattern | None, bool]:
    if not texts:
        return "string", None, False
    if {text.lower() for text in texts} in _FLAGS:
        return "boolean", None, False
    if all(_WHOLE.fullmatch(text) for text in texts):
        return _whole(texts), None, False
    if all(_is_exact(text) for text in texts):
        return "double", None, False
    if all(_WITH_COMMA.fullmatch(text) and not _CODE.fullmatch(text) for text in texts):
        return "double", None, True
    if pattern := pattern_of(texts):
        return "timestamp" if pattern.has_time else "date", pattern, False
    return "string", None, False


def _whole(texts: Sequence[str]) -> str:
    if any(_CODE.fullmatch(text) for text in texts):
        return "string"
    largest = max(abs(int(text)) for text in texts)
    return "int" if largest < 2**31 else "bigint" if largest < 2**63 else "string"


def _is_exact(text: str) -> bool:
    """Whether silver reads the text as a double without calling it inexact or not finite."""
    if not _NUMBER.fullmatch(text) or _CODE.fullmatch(text) or not math.isfinite(float(text)):
        return False
    digits = text.lstrip("+-").partition(".")[0]
    is_whole = not text.lstrip("+-").partition(".")[2].strip("0") and "e" not in text.lower()
    is_lost = float(text) == 0.0 and re.match("[^eE]*[1-9]", text) is not None
    return not is_lost and not (is_whole and len(digits) > _EXACT_DIGITS)


def number(column: Inferred, text: str) -> float:
    """The number that a text of the column says; NaN for none."""
    if not text or text in column.nulls:
        return math.nan
    if column.type == "boolean":
        return float(text.lower() in _TRUE)
    return float(text.replace(",", ".") if column.comma else text)


def numbers(column: Inferred, texts: Sequence[str]) -> Values:
    """The column of numbers or flags as an array, NaN where there is none."""
    known = {text: number(column, text) for text in dict.fromkeys(texts)}
    return np.array([known[text] for text in texts], np.float64)


def instants(column: Inferred, texts: Sequence[str]) -> list[datetime | None]:
    """The instants of a column of times or days; None where there is none."""
    pattern = Pattern(column.pattern)
    known = {text: pattern.read(text) for text in dict.fromkeys(texts)}
    return [known[text] for text in texts]
