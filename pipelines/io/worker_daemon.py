"""Spark's own daemon, from which a machine's Python workers are forked, sooner: `python -m pipelines.io.worker_daemon`.

Spark has the daemon import PySpark out of an archive, without a compiled file in it: 0.8 s of each process's first task
that needs Python went into compiling that anew.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path


def without_archive(path: Sequence[str]) -> list[str]:
    """A search path without the archives of PySpark that lie in an installed PySpark of this path: it is the same."""
    return [entry for entry in path if not _is_in_installed(Path(entry), path)]


def _is_in_installed(archive: Path, path: Sequence[str]) -> bool:
    folders = archive.parts[-4:-1]
    return archive.suffix == ".zip" and folders == ("pyspark", "python", "lib") and str(archive.parents[3]) in path


if __name__ == "__main__":
    sys.path[:] = without_archive(sys.path)
    import_module("pyspark.daemon").manager()
