"""How things are named, checked where they are declared, so that a bad name never reaches a table."""

from __future__ import annotations

import re

_NOUN = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


class DeclarationError(ValueError):
    """A declaration contradicts itself; the message says what, where and what to do."""


def checked_name(name: str, what: str) -> str:
    """Return `name` if it is snake_case; `what` says in the message whose name it is."""
    if not _NOUN.fullmatch(name):
        raise DeclarationError(f"{what} '{name}': use lower-case words joined by single underscores")
    return name
