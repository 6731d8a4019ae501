"""Ledgers for tests: an empty one in each of the two databases, whose promises are the same."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE

import pytest
from sqlalchemy import create_engine, text

from pipelines.io.ledger import Ledger

_DEBIAN = Path("/usr/lib/postgresql")  # Debian keeps the server's programs off the PATH
_schemas = itertools.count()


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_uri(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a ledger may be made; every promise is kept by both databases."""
    if request.param == "sqlite":
        return str(tmp_path / "ledger.db")
    server = request.getfixturevalue("postgresql")
    schema = f"test_{next(_schemas)}"
    with create_engine(server).begin() as c:
        c.execute(text(f"CREATE SCHEMA {schema}"))
    return f"{server}&options=-csearch_path%3D{schema}"


@pytest.fixture
def ledger(ledger_uri: str) -> Ledger:
    """An empty ledger."""
    return Ledger(ledger_uri)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URI of a PostgreSQL server of our own, on a socket in a temporary folder."""
    initdb, pg_ctl = _program("initdb"), _program("pg_ctl")
    if initdb is None or pg_ctl is None:
        pytest.skip("PostgreSQL's initdb and pg_ctl are not installed")
    owner = "postgres" if os.geteuid() == 0 else None  # the server refuses to run as root
    with tempfile.TemporaryDirectory() as folder:
        if owner:
            shutil.chown(folder, owner)
        data = f"{folder}/data"
        subprocess.run([initdb, "-D", data, "-A", "trust", "-U", "headrace"], check=True, user=owner, stdout=PIPE)
        control = [pg_ctl, "-D", data, "-w", "-l", f"{folder}/log"]
        subprocess.run([*control, "-o", f"-k {folder} -h ''", "start"], check=True, user=owner, stdout=PIPE)
        try:
            yield f"postgresql+psycopg://headrace@/postgres?host={folder}"
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], check=True, user=owner, stdout=PIPE)


def _program(name: str) -> str | None:
    found = shutil.which(name)
    newest = sorted(_DEBIAN.glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    return found or (str(newest[-1]) if newest else None)
