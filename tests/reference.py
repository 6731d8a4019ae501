"""Real data that is not part of the project, and the domains that declare it: where it lies, how it is delivered."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pyspark import cloudpickle

import pipelines.domains
from pipelines.settings import PROJECT, Settings

DATA = Path(os.environ.get("HEADRACE_REFERENCE_DATA") or PROJECT.parent / "shared" / "data")
DOMAINS = PROJECT / "tests" / "reference_domains"
TO_SILVER = ("land", "bronze", "silver")


def reference(name: str) -> Path:
    """A file or folder of the reference data; without it the test is skipped, but fails under CI=true."""
    path = DATA / name
    if not path.exists():
        told = f"no reference data in {path}; set HEADRACE_REFERENCE_DATA to its folder"
        if os.environ.get("CI") == "true":
            pytest.fail(told)
        pytest.skip(told)
    return path


@contextmanager
def reference_domains() -> Iterator[None]:
    """The reference domains are found like any other; their parsers go to Spark's workers by value, since those do not
    look into this folder."""
    pipelines.domains.__path__.append(str(DOMAINS))
    pipelines.domains.domains.cache_clear()
    found = [f"pipelines.domains.{path.parent.name}.parse" for path in sorted(DOMAINS.glob("*/parse.py"))]
    parsers = [importlib.import_module(name) for name in found]
    for module in parsers:
        cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        for module in parsers:
            cloudpickle.unregister_pickle_by_value(module)
        pipelines.domains.__path__.remove(str(DOMAINS))
        pipelines.domains.domains.cache_clear()


def deliver(settings: Settings, domain: str, files: dict[str, bytes]) -> None:
    """Put raw files, as they are, where the domain's source systems put theirs; files: content by name."""
    for name, content in files.items():
        path = settings.drops / domain / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
