"""A house of its own for one test: settings on a folder, raw files dropped by hand, what stands published."""

from __future__ import annotations

import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml
from deltalake import DeltaTable, QueryBuilder

from pipelines.io.ledger import Ledger
from pipelines.settings import PROJECT, Settings, load
from tests.found_domains import found_in

HEAVY = (
    *("deltalake", "horovod", "matplotlib", "mlflow", "numpy", "pandas"),
    *("pyarrow", "pyspark", "sklearn", "torch", "xgboost"),
)
TOY_DOMAINS = PROJECT / "tests" / "toy_domains"
_LOADED = f"""
import sys
import pipelines.domains
from pipelines.cli import main
pipelines.domains.__path__.append({str(TOY_DOMAINS)!r})
code = main(sys.argv[1:])
print(code, *sorted(set({HEAVY!r}) & set(sys.modules)), file=sys.stderr)
"""


def toys_found() -> AbstractContextManager[None]:
    """The toy domains are found by looking like any other: their folders are all there is."""
    return found_in(TOY_DOMAINS)


def settings_on(folder: Path, **others: Any) -> Settings:
    """Settings whose every place lies in `folder`, without the embedded records."""
    return load(overlay_on(folder, **others))


def overlay_on(folder: Path, **others: Any) -> Path:
    """The conf file of `settings_on`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "small.yaml"
    path.write_text(yaml.safe_dump({"root": str(folder / "root"), "samples": False, **others}))
    return path


def drop(settings: Settings, domain: str, files: dict[str, str]) -> None:
    """Put raw files where the domain's source systems put theirs; files: text by name."""
    for name, text in files.items():
        path = settings.drops / domain / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def tables(settings: Settings, domain: str) -> dict[str, dict[str, Any]]:
    """The published tables of a domain, as `headrace status --json` gives them."""
    found: dict[str, dict[str, Any]] = Ledger(settings.ledger).status()["domains"][domain]["tables"]
    return found


def versions(settings: Settings, domain: str) -> dict[str, int]:
    """The HEAD version of every Delta table there is, published or not."""
    pins = Ledger(settings.ledger).pins(domain)
    return {name: DeltaTable(pin.path).version() for name, pin in pins.items()}


def query(settings: Settings, domain: str, table: str, sql: str) -> list[tuple[Any, ...]]:
    """Rows of a published table at its published version, by another engine than Spark; the table's name is `t`."""
    pin = Ledger(settings.ledger).pins(domain)[table]
    found = QueryBuilder().register("t", DeltaTable(pin.path, version=pin.version)).execute(sql)
    return [tuple(row.values()) for row in pa.table(found).to_pylist()]


def loaded_by(*words: object) -> tuple[str, str]:
    """What a command prints in a process of its own, and on stderr its exit code and the HEAVY libraries it loaded.

    The toy domains are found like any other."""
    command = [sys.executable, "-c", _LOADED, *[str(word) for word in words]]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=PROJECT, timeout=300)
    return ran.stdout, ran.stderr
