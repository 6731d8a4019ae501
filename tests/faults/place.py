"""Where the cases of one fault happen: a folder of their own, and in it a data root for those that ask for one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.faults.site import Site


@dataclass(frozen=True)
class Place:
    """folder: empty at first, and of this fault alone."""

    folder: Path

    @cached_property
    def site(self) -> Site:
        """Made at first use, by two undisturbed runs; raises BrokenBench if those are not as they must be."""
        folder = self.folder / "site"
        folder.mkdir()
        return Site(folder)
