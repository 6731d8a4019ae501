"""The unit observe: what decisions turned out to be worth; how fresh and how much the data is."""

from __future__ import annotations

from collections.abc import Collection

from pipelines.contracts.domain import Domain
from pipelines.contracts.tasks import Task
from pipelines.domains import policy as policy_named
from pipelines.io.publication import Decisions
from pipelines.runner.tell import spool_of, tell
from pipelines.runner.work import Context, Work, fingerprint


def run(context: Context, domain: Domain, task: Task, wanted: Collection[str]) -> None:
    """Value a task's decisions by the labels that are known, and tell MLflow beside the model that they came from."""
    work = Work(context, domain, f"observe {task.name}")
    decisions_name = domain.delta_table("gold", f"{task.name}_decisions")
    series_name = domain.delta_table("gold", f"{task.table}_series")
    work.needs("observe", [decisions_name], "Run the stage decide first")
    made_of = fingerprint(task.decide, work.version(decisions_name), work.version(series_name))
    if work.is_done("observe", task.name, made_of):
        work.say("observe", f"{task.name}: nothing to do: valued before")
        tell(context, domain, task)
        return
    with work.metered("observe", task.name):
        _value(work, task, decisions_name, series_name)
    work.mark_done("observe", task.name, made_of)
    work.publish()
    tell(context, domain, task)


def _value(work: Work, task: Task, decisions_name: str, series_name: str) -> None:
    from pipelines.stages.observe import realised, totals

    domain, context = work.domain, work.context
    policy = policy_named(domain, task.decide)
    change = realised(domain, task, policy, work.read(decisions_name), work.read(series_name))
    work.write(change)
    (row,) = totals(work.read(change.table)).collect()
    values: dict[str, float | None] = row.asDict()
    summed = Decisions(task.name, work.count(decisions_name), policy.unit, policy.higher_is_better, **values)
    work.add("decisions", summed)
    known = {f"decision/{name}": value for name, value in values.items() if value is not None}
    if known:
        from pipelines.io.run_records import Note
        from pipelines.runner.costs import of_serving
        from pipelines.runner.effects import metrics, of_valued

        known |= metrics(of_valued(work, change.table, task, policy)) | of_serving(work, task)

        champion = context.ledger.champions(domain.name, task.name)[-1]
        spool_of(context, domain, task).add(work.attempt.number, Note.of(champion.run_id, known).write)
        told = ", ".join(f"{name.replace('_', ' ')} {value:,.0f}" for name, value in values.items())
        work.say("observe", f"{task.name}: in {policy.unit}: {told}")
    else:
        work.say("observe", f"{task.name}: no label of any decision is known yet")


def watch_tables(context: Context, domain: Domain) -> None:
    """Measure freshness and volume of the domain's tables, once all are there."""
    work = Work(context, domain, "observe")
    silver = {table.name: domain.delta_table("silver", table.name) for table in domain.tables}
    as_of = context.as_of_for(domain)
    if as_of is None or not all(work.exists(name) for name in silver.values()):
        return
    made_of = fingerprint(as_of, {name: work.version(name) for name in silver.values()})
    if work.is_done("observe", "", made_of):
        return
    from pipelines.stages.observe import freshness

    work.write(freshness(domain, {name: work.read(table) for name, table in silver.items()}, as_of))
    work.mark_done("observe", "", made_of)
    work.publish()
    work.say("observe", f"freshness and volume of {len(silver)} tables")
