"""Domains that `headrace new-domain` wrote into a folder of a test's own, found like any other."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pyspark import cloudpickle

import pipelines.domains
from pipelines.domains import domains


@contextmanager
def found_in(folder: Path) -> Iterator[None]:
    """The domains in `folder` are found too; their parsers go to Spark's workers by value, which do not look there."""
    names = [path.parent.name for path in sorted(folder.glob("*/domain.py"))]
    pipelines.domains.__path__.append(str(folder))
    importlib.invalidate_caches()
    domains.cache_clear()
    parsers = [
        importlib.import_module(f"pipelines.domains.{name}.parse")
        for name in names
        if (folder / name / "parse.py").exists()
    ]
    for module in parsers:
        cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        for module in parsers:
            cloudpickle.unregister_pickle_by_value(module)
        pipelines.domains.__path__.remove(str(folder))
        domains.cache_clear()
        for name in names:
            for module in [m for m in sys.modules if f"{m}.".startswith(f"pipelines.domains.{name}.")]:
                del sys.modules[module]
