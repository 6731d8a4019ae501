"""Real data that is not part of the project, and the domains that declare it: where it lies, how it is delivered."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from pipelines.settings import PROJECT, Settings
from tests.found_domains import found_in

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


def reference_domains() -> AbstractContextManager[None]:
    """The reference domains are found like any other."""
    return found_in(DOMAINS)


def deliver(settings: Settings, domain: str, files: dict[str, bytes]) -> None:
    """Put raw files, as they are, where the domain's source systems put theirs; files: content by name."""
    for name, content in files.items():
        path = settings.drops / domain / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
