"""Reference data by the product's own way into gold."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import pyarrow as pa
from deltalake import DeltaTable

from pipelines import runner
from pipelines.contracts.domain import Domain
from pipelines.contracts.fits import FitPlan
from pipelines.contracts.tasks import ParamValue, Task
from pipelines.io.ledger import Ledger
from pipelines.io.publication import Pin
from pipelines.io.session import stop
from pipelines.stages.train import gold_tables, plan
from tests.house import settings_on
from tests.reference import deliver, reference_domains


def through_gold(
    domain: str, files: Mapping[str, bytes], folder: Path, as_of: datetime | None = None
) -> Mapping[str, Pin]:
    """The published tables of a reference domain after these files, by name; content by file, all in `folder`."""
    settings = settings_on(folder)
    with reference_domains():
        deliver(settings, domain, dict(files))
        outcome = runner.run(settings, names=[domain], stages=["land", "bronze", "silver", "gold"], as_of=as_of)
        stop()
    if outcome.failures:
        raise RuntimeError(str(outcome.failures))
    return Ledger(settings.ledger).pins(domain)


def asked_of_gold(
    domain: Domain, task: Task, family: str, params: Mapping[str, ParamValue], files: Mapping[str, bytes]
) -> tuple[FitPlan, Mapping[str, pa.Table]]:
    """What the task asks of a family, as a plan without tables; and the task's gold tables after these files."""
    asked = plan(
        domain,
        task,
        family,
        engine="single",
        params=params,
        tables={},
        workers=1,
        device="cpu",
        precision="float32",
        compression="none",
    )
    with tempfile.TemporaryDirectory() as folder:
        pins = through_gold(domain.name, files, Path(folder))
        return asked, {
            name: DeltaTable(pins[name].path, version=pins[name].version).to_pyarrow_table()
            for name in gold_tables(domain, task)
        }
