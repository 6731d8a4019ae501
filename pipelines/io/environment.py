"""What code and which libraries a fit was made with."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from pipelines import __version__
from pipelines.settings import PROJECT

_LIBRARIES = (
    *("pyspark", "delta-spark", "deltalake", "mlflow", "xgboost", "torch", "horovod"),
    *("numpy", "pandas", "pyarrow", "scikit-learn", "safetensors", "holidays"),
)
_LOCK = PROJECT / "locks" / "requirements.txt"


@cache
def environment() -> dict[str, Any]:
    """`code`: the commit, or the version where there is no repository; `lock_sha256`; `python`; `platform`; `cores`;
    `libraries` with their versions."""
    return {
        "code": _commit() or f"headrace {__version__}",
        "lock_sha256": hashlib.sha256(_LOCK.read_bytes()).hexdigest() if _LOCK.is_file() else "",
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "cores": os.cpu_count() or 1,
        "libraries": {name: found for name in _LIBRARIES if (found := _version(name))},
    }


def _commit() -> str:
    """`<hash>`, with `+changed` where files differ from it; "" outside a repository, or without git."""
    try:
        head = _git("rev-parse", "HEAD")
        return f"{head}+changed" if _git("status", "--porcelain", "--untracked-files=no") else head
    except (OSError, subprocess.SubprocessError):
        return ""


def _git(*words: str) -> str:
    command = ["git", "-C", str(PROJECT), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout.strip()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
