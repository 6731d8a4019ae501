"""Domains in a folder of the tests, found like any other."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import ModuleType

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
    try:
        with ExitStack() as sent:
            for module in parsers:
                sent.enter_context(_by_value(module))
            yield
    finally:
        pipelines.domains.__path__.remove(str(folder))
        domains.cache_clear()
        for name in names:
            for module in [m for m in sys.modules if f"{m}.".startswith(f"pipelines.domains.{name}.")]:
                del sys.modules[module]


@contextmanager
def _by_value(module: ModuleType) -> Iterator[None]:
    from pyspark import cloudpickle  # heavy, and most domains have no parser

    cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        cloudpickle.unregister_pickle_by_value(module)
