"""Text to instants by a pattern: what Spark's formatter reads, and sooner where the text is plain."""

from __future__ import annotations

import re
from itertools import chain, product, takewhile

from pipelines.transforms.fields import quoted

_OPTIONAL = re.compile(r"\[(.*?)\]")
_PLAIN = re.compile(r"yyyy-MM-dd(?:( |'T')(HH:mm(?::ss)?)(XXX)?)?")
_TWO_DIGITS = re.compile("HH|mm|ss")
_DIGIT = "[0-9]"  # one by one: Java counts {4} in a loop


def instant(text: str, patterns: tuple[str, ...]) -> str:
    """SQL for the instant that a text names by the first pattern that fits, null where none does.

    text: SQL as well, of a column. Spark reads by a pattern in 2 microseconds, and casts text in a tenth of that; so
    text of a shape for which both give the same is cast.
    """
    # a pattern without a shape may read a text in another way, and those after it are asked only then
    plain = list(chain.from_iterable(takewhile(bool, map(_shapes, patterns))))
    tries = []
    if plain:
        cases = [f"when {text} rlike {quoted(shape)} then try_cast({text} as timestamp)" for shape in plain]
        tries.append(f"case {' '.join(cases)} end")
    tries += [f"try_to_timestamp({text}, {quoted(pattern)})" for pattern in patterns]
    return f"coalesce({', '.join(tries)})"


def _shapes(pattern: str) -> list[str]:
    """Regular expressions of texts that the pattern reads and a cast reads alike."""
    parts = _OPTIONAL.split(pattern)  # every other one is optional
    found = []
    for chosen in product(*[(part, "")[: 1 + i % 2] for i, part in enumerate(parts)]):
        if plain := _PLAIN.fullmatch("".join(chosen)):
            between, time, zone = plain.groups(default="")
            time = between.strip("'") + _TWO_DIGITS.sub(2 * _DIGIT, time)
            found.append(rf"\A{4 * _DIGIT}-{2 * _DIGIT}-{2 * _DIGIT}{time}{'Z' if zone else ''}\z")
    return found
