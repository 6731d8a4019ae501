"""A published root of a declared domain with made-up rows: Delta tables, ledger and runs as the pipeline leaves them,
without Spark."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import numpy as np
import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

from pipelines.contracts.domain import Domain
from pipelines.contracts.tasks import Events, Task
from pipelines.domains import policy
from pipelines.io.ledger import Ledger
from pipelines.io.publication import Champion, Decisions, Fit, LandedFile, Outcomes, Publication, Written
from pipelines.io.run_records import Point, RunRecord
from pipelines.io.tracking import Tracking
from pipelines.settings import Settings

INSTANT = pa.timestamp("us", tz="UTC")
AS_OF = datetime(2024, 2, 1, tzinfo=UTC)
START = datetime(2024, 1, 1, tzinfo=UTC)
ROWS, DAYS = 240, 10
QUARANTINED = {
    "_file": ["a.csv", "a.csv", "b.csv"],
    "_position": [3, 9, 4],
    "_raw": ["x0,?,1", "x0,,", "<b>x1</b>"],
    "_reasons": [["unreadable"], ["value_is_there", "time_is_there"], ["unreadable"]],
}
CURVE = {1: 0.9, 2: 0.6, 3: 0.5}


def publish(settings: Settings, domain: Domain) -> None:
    """Everything of the domain that the notebooks read, by one attempt."""
    ledger, tracking, chance = Ledger(settings.ledger), Tracking(settings), np.random.default_rng(5)
    tables = {domain.delta_table("silver", table.name): silver(domain, table.name, chance) for table in domain.tables}
    first = domain.tables[0].name
    tables[domain.delta_table("quarantine", first)] = pa.table(QUARANTINED)
    fits, champions, decisions = [], [], []
    for task in domain.tasks:
        tables |= gold(domain, task, chance)
        versions = {domain.delta_table("gold", task.name): 1}
        for place, family in enumerate(task.families):
            run = run_of(tracking, domain, task)
            metrics = {task.promote.metric: 1.0 - place / 10, "skill": place / 10}
            fits.append(Fit(task.name, family, run, "key", metrics, versions, AS_OF))
        model = f"{domain.name}-{task.name}"
        champions.append(Champion(task.name, model, 1, task.families[-1], "least of all", run, AS_OF))
        by = policy(domain, task.decide)
        decisions.append(Decisions(task.name, ROWS, by.unit, by.higher_is_better))
    file = LandedFile("source", "a.csv", "/a.csv", 1, "0" * 64, AS_OF)
    batch, attempt = ledger.open_batch(domain.name, [file]), ledger.open_attempt(domain.name, "all")
    for name, rows in tables.items():
        path = str(Path(settings.root, *name.split(".", 1)))
        write_deltalake(path, rows.slice(0, 0))
        write_deltalake(path, rows, mode="append")
        write_deltalake(path, rows, mode="append")  # what was never published must not be seen
        ledger.claim(attempt, name)
        ledger.create(attempt, name, path)
        assert DeltaTable(path).version() == 2
    outcomes = Outcomes(batch, "a.csv", domain.delta_table("silver", first), 5, {"new": 2, "quarantined": 3})
    ledger.publish(
        attempt,
        Publication(
            tables={name: Written(1, len(rows)) for name, rows in tables.items()},
            outcomes=(outcomes,),
            fits=tuple(fits),
            champions=tuple(champions),
            decisions=tuple(decisions),
        ),
    )


def silver(domain: Domain, name: str, chance: np.random.Generator) -> pa.Table:
    """Values by the type of each declared column; the last row lacks what may be missing."""
    table, made = domain.table(name), {}
    kinds = {
        "double": lambda _: chance.normal(10.0, 3.0, ROWS),
        "int": lambda _: chance.integers(0, 20, ROWS),
        "boolean": lambda _: chance.random(ROWS) < 0.3,
        "timestamp": lambda _: pa.array([START + timedelta(hours=hour) for hour in range(ROWS)], INSTANT),
        "string": lambda column: [f"{column}-{row if table.key == (column,) else row % 3}" for row in range(ROWS)],
    }
    for column in table.columns:
        values = pa.array(kinds[column.type](column.name))
        gone = pa.array([column.nullable and row == ROWS - 1 for row in range(ROWS)])
        made[column.name] = pa.compute.if_else(gone, pa.scalar(None, values.type), values)
    return pa.table({**made, "available_at": pa.array([AS_OF] * ROWS, INSTANT)})


def gold(domain: Domain, task: Task, chance: np.random.Generator) -> dict[str, pa.Table]:
    """Series, cut-offs, backtest, decisions and what they were worth; the label follows the first feature."""
    entity, by = task.spine.entity, policy(domain, task.decide)
    if isinstance(task.spine, Events):
        cuts = [START + timedelta(hours=hour) for hour in range(ROWS)]
        names = [f"{entity}-{row}" for row in range(ROWS)]
        at, of = cuts, names
    else:
        cuts = [START + timedelta(days=day) for day in range(DAYS)]
        names = ["x0"] * DAYS
        at = [cut + step * task.step for cut in cuts for step in range(task.steps)]
        of = ["x0"] * len(at)
    hidden = chance.normal(0.0, 1.0, len(at))
    label = hidden * 5 + 20 if task.quantiles else (hidden > 0.8).astype(float)
    series = {entity: of, "at": instants(at), "known_until": pa.nulls(len(at), INSTANT), task.column: label}
    first_steps = hidden[:: len(at) // len(cuts)]
    features = [name for view in domain.views_of(task) if view.moment == "cut_off" for name in view.names()]
    noisy = {name: first_steps + chance.normal(0, 1 + i, len(cuts)) for i, name in enumerate(features)}
    parts = []
    for place, family in enumerate(task.families):
        for split in ("calibrate", "test"):
            said = {"family": [family] * len(at), "split": [split] * len(at)}
            noise = chance.normal(0, 2, len(at))
            guess = label + noise if task.quantiles else 1 / (1 + np.exp(1.5 - place * (2 * hidden + noise)))
            outputs = dict.fromkeys(task.outputs, guess)
            steps = [row % task.steps + 1 for row in range(len(at))]
            parts.append(pa.table({**said, "step": steps, "actual": label, **outputs}))
    chosen = label + 1 if task.quantiles else hidden > 0.5
    naive = label + 2 if task.quantiles else hidden > 1.5
    cut_of = [cut for cut in cuts for _ in range(len(at) // len(cuts))]
    acts = {"cut_at": instants(cut_of), by.action: chosen, f"naive_{by.action}": naive}
    times = (2.0, 1.0, 3.0) if by.higher_is_better else (2.0, 3.0, 0.0)
    names_of_worth = ("value", "naive_value", "foresight_value")
    worth = {name: factor * abs(hidden) for name, factor in zip(names_of_worth, times, strict=True)}
    return {
        domain.delta_table("gold", f"{task.table}_series"): pa.table(series),
        domain.delta_table("gold", task.name): pa.table({entity: names, "cut_at": instants(cuts), **noisy}),
        domain.delta_table("gold", f"{task.name}_backtest"): pa.concat_tables(parts),
        domain.delta_table("gold", f"{task.name}_decisions"): pa.table(acts),
        domain.delta_table("gold", f"{task.name}_realised"): pa.table({"cut_at": instants(cut_of), **worth}),
    }


def run_of(tracking: Tracking, domain: Domain, task: Task) -> str:
    """A run with a learning curve."""
    id = uuid4().hex
    points = tuple(Point("train/loss", step, value, 0) for step, value in CURVE.items())
    with TemporaryDirectory() as folder:
        RunRecord(id, domain.name, task.name, "made up", points=points).write(Path(folder))
        tracking.log(Path(folder))
    return id


def instants(of: list[datetime]) -> pa.Array:
    return pa.array(of, INSTANT)
