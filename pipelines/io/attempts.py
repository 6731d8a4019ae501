"""An attempt at a unit of work, and what it has written that no table knows yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipelines.contracts.shares import Share
from pipelines.io.publication import Pin

if TYPE_CHECKING:  # a run that finds nothing to do shall not wait for Spark's import
    from pyspark.sql import DataFrame

    from pipelines.io.table_files import WrittenShares

STAMPED = "headrace attempt "


@dataclass
class Attempt:
    """One attempt at a unit of a domain, in this process. What it wrote is seen by itself alone until it is published.

    pins: what was published when it was opened; it reads nothing newer. bases: per table begun, the version its writes
    come after. versions: per table written, the version after its last write. steps: (table, step) written. locked: the
    tables' places whose lock it has.
    """

    number: int
    domain: str
    unit: str
    pins: dict[str, Pin]
    bases: dict[str, int] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    steps: set[tuple[str, str]] = field(default_factory=set)
    locked: set[str] = field(default_factory=set)

    @property
    def stamp(self) -> str:
        """What every commit of this attempt carries as its userMetadata."""
        return f"{STAMPED}{self.number}"


@dataclass(frozen=True)
class SharedOut:
    """Rows that lie in files of several tables, of which no commit knows yet. folders: where each share's files lie;
    written: what is in them.
    """

    frame: DataFrame
    folders: Mapping[Share, str]
    written: WrittenShares

    @property
    def counted(self) -> Sequence[Any]:
        """What was counted of all rows, part by part."""
        return self.written.counted

    def drop(self) -> None:
        """Delete the files."""
        from pipelines.io import new_files  # Imported here: see the top.

        for share, files in self.written.files.items():
            new_files.remove(self.folders[share], files)
