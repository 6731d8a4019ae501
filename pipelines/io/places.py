"""Where a source's files lie: a folder, a file or a glob, on this machine or in an object store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

_WILD = frozenset("*?[")
_STORES = ("s3://", "s3a://")


@dataclass(frozen=True)
class Place:
    """A folder (or a single file) and which of the files below it; pattern: parts of a path, none for all of them."""

    base: str
    pattern: tuple[str, ...] = ()
    is_remote: bool = False

    @classmethod
    def of(cls, location: str) -> Place:
        """The folder is all that comes before the first wildcard; the base of s3a://b/x is b/x."""
        store = next((scheme for scheme in _STORES if location.startswith(scheme)), "")
        parts = location.removeprefix(store).rstrip("/").split("/")
        wild = next((i for i, part in enumerate(parts) if _WILD & set(part)), len(parts))
        return cls("/".join(parts[:wild]), tuple(parts[wild:]), is_remote=bool(store))

    def has(self, name: str) -> bool:
        """Whether a file of this name below the folder is meant; names that begin with a dot are still being written.

        `*` stands for any part of a folder's or file's name, `**` for any folders.
        """
        parts = name.split("/")
        return not parts[-1].startswith(".") and (not self.pattern or _matches(parts, self.pattern))


def _matches(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return any(_matches(parts[i:], pattern[1:]) for i in range(len(parts) + 1))
    return bool(parts) and fnmatchcase(parts[0], pattern[0]) and _matches(parts[1:], pattern[1:])
