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
    installed = {Path(entry).resolve() / "pyspark" for entry in path}
    return [entry for entry in path if not (entry.endswith(".zip") and installed & set(Path(entry).resolve().parents))]


if __name__ == "__main__":
    sys.path[:] = without_archive(sys.path)
    import_module("pyspark.daemon").manager()
