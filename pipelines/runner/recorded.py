"""A fit's plan as its run recorded it, on the table versions of then, wherever their files lie by now."""

from __future__ import annotations

from dataclasses import replace

from pipelines.contracts.fits import FitPlan, Shard
from pipelines.contracts.plan_text import PlanError, read_plan
from pipelines.io import delta_log
from pipelines.io.failures import WarehouseError
from pipelines.io.lock import local_path
from pipelines.io.tracking import Recorded


def recorded_plan(recorded: Recorded, run_id: str) -> FitPlan:
    """WarehouseError where another Headrace logged it, or a version is gone."""
    try:
        plan = read_plan(recorded.plan)
    except PlanError as error:
        raise WarehouseError(f"run {run_id}: {error}. It was logged by another Headrace; use that one") from error
    return replace(plan, tables={name: _found(recorded, table) for name, table in plan.tables.items()})


def _found(recorded: Recorded, table: Shard) -> Shard:
    """The table's version, wherever its files lie by now."""
    path = recorded.paths[table.name]
    try:
        files = delta_log.files(path, table.version)
        gone = [file for file in files if (at := local_path(file)) is not None and not at.exists()]
    except WarehouseError as failure:
        raise WarehouseError(f"{table.name} at version {table.version}: {failure}") from failure
    if gone:
        raise WarehouseError(
            f"{table.name}: {len(gone)} of the {len(files)} files of version {table.version} are gone: vacuum deletes "
            "what neither a registered model nor a family's newest fit was made from, once it is older than "
            "maintain.keep_days. Put them back from a copy of the table, or take a registered model"
        )
    return replace(table, files=delta_log.whole_files(table.name, path, table.version))
