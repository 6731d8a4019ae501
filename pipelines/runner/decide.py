"""The units decide, act and observe: predictions, actions on them, and what those turned out to be worth."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from pipelines.contracts.domain import Domain, Task
from pipelines.contracts.tasks import Span
from pipelines.domains import policy as policy_named
from pipelines.io.outbox import Outbox
from pipelines.io.publication import Champion, Decisions
from pipelines.runner.learn import current_plan, fitted
from pipelines.runner.work import Context, Work, fingerprint
from pipelines.stages.train import gold_tables


class NoChampion(RuntimeError):
    """No model of the task has passed the gate, so nothing can be scored; the message says what to do."""


def decide_unit(context: Context, domain: Domain, wanted: Collection[str]) -> None:
    """Score the cut-offs that have no prediction yet and decide on them."""
    for task in domain.tasks:
        work = Work(context, domain, f"decide {task.name}")
        if "score" in wanted:
            score(work, task)
        if "decide" in wanted:
            decide(work, task)
        work.publish()


def champion_of(work: Work, task: Task) -> Champion:
    champions = work.context.ledger.champions(work.domain.name, task.name)
    if not champions:
        raise NoChampion(
            f"{work.domain.name}/{task.name}: no champion, so nothing is scored. Run the stages train, evaluate and "
            "register; if the gate refused all families, MLflow's tag headrace.why says by how much."
        )
    return champions[-1]


def score(work: Work, task: Task) -> None:
    """Append the champion's predictions from the test span's start on, for cut-offs that have none."""
    domain, context = work.domain, work.context
    made_of = fingerprint(task.split.test.start, {n: work.version(n) for n in gold_tables(domain, task)})
    if work.is_done("score", task.name, made_of):
        work.say("score", f"{task.name}: nothing to do: every cut-off has its prediction")
        return
    from pipelines.engines.predictions import Model, predictions
    from pipelines.io.tracking import Tracking
    from pipelines.stages.score import score as append_predictions

    champion = champion_of(work, task)
    tracking = Tracking(context.settings)
    name = domain.delta_table("gold", f"{task.name}_predictions")
    as_of = context.as_of_for(domain)
    assert as_of is not None, "gold exists, so something was delivered"
    span = Span(task.split.test.start, max(as_of, task.split.test.start) + timedelta(microseconds=1))
    key = [task.spine.entity, "cut_at"]
    held = work.read_if_any(name)
    content, card = tracking.load_model(champion.model, champion.version)
    baseline = current_plan(work, task, task.promote.must_beat)
    models = (
        (Model(champion.family, content, card.calibration), current_plan(work, task, champion.family)),
        (Model(baseline.family, fitted(work, baseline).model), baseline),
    )
    new = [
        rows if held is None else rows.join(held.select(*key).distinct(), key, "left_anti")
        for rows in (predictions(context.spark(), model, plan, span) for model, plan in models)
    ]
    change = append_predictions(
        domain,
        task,
        *new,
        family=champion.family,
        model=champion.model,
        model_version=champion.version,
        run_id=champion.run_id,
        attempt=work.attempt.number,
    )
    before = work.count(name) if work.exists(name) else 0
    work.write(change)
    total = work.count(name)
    work.put("predictions", task.name, total)
    work.mark_done("score", task.name, made_of)
    work.say(
        "score",
        f"{task.name}: {total - before:,} predictions by {champion.model}/{champion.version} ({champion.family})",
    )


def decide(work: Work, task: Task) -> None:
    """Append an action for every prediction that has none."""
    domain = work.domain
    predictions_name = domain.delta_table("gold", f"{task.name}_predictions")
    if not work.exists(predictions_name):
        work.say("decide", f"{task.name}: waits for predictions")
        return
    made_of = fingerprint(task.decide, work.version(predictions_name))
    if work.is_done("decide", task.name, made_of):
        work.say("decide", f"{task.name}: nothing to do: every prediction has its action")
        return
    from pipelines.stages.decide import decide as append_decisions

    policy = policy_named(domain, task.decide)
    name = domain.delta_table("gold", f"{task.name}_decisions")
    undecided = work.read(predictions_name)
    held = work.read_if_any(name)
    if held is not None:
        key = [task.spine.entity, "cut_at", "step"]
        undecided = undecided.join(held.select(*key), key, "left_anti")
    before = work.count(name) if held is not None else 0
    work.write(append_decisions(domain, task, policy, undecided, attempt=work.attempt.number))
    total = work.count(name)
    work.add("decisions", Decisions(task.name, total, policy.unit, policy.higher_is_better))
    work.mark_done("decide", task.name, made_of)
    work.say("decide", f"{task.name}: {total - before:,} decisions by {policy.name}")


def act_unit(context: Context, domain: Domain, wanted: Collection[str]) -> None:
    """Put published decisions into the outbox and deliver what is pending: after publication, never before."""
    for task in domain.tasks:
        work = Work(context, domain, f"act {task.name}")
        outbox = Outbox(context.ledger, context.settings.outbox.path)
        name = domain.delta_table("gold", f"{task.name}_decisions")
        if not work.exists(name):
            work.say("act", f"{task.name}: waits for decisions")
            continue
        made_of = fingerprint(work.version(name))
        if not work.is_done("act", task.name, made_of):
            from pipelines.stages.act import messages

            policy = policy_named(domain, task.decide)
            # through Arrow, whose instants keep their zone; plain rows would be in the host's own
            outbox.put(messages(domain, task, policy, work.read(name).toArrow().to_pylist()))
            work.open()
            work.mark_done("act", task.name, made_of)
        delivered = outbox.deliver(domain.name, task.name)
        work.publish()
        told = (
            f"{delivered} messages delivered to {context.settings.outbox.path}" if delivered else "nothing to deliver"
        )
        work.say("act", f"{task.name}: {told}")


def observe_unit(context: Context, domain: Domain, wanted: Collection[str]) -> None:
    """What decisions turned out to be worth; how fresh and how much the data is."""
    work = Work(context, domain, "observe")
    for task in domain.tasks:
        _realise(work, task)
    silver = {table.name: domain.delta_table("silver", table.name) for table in domain.tables}
    as_of = context.as_of_for(domain)
    if as_of is not None and all(work.exists(name) for name in silver.values()):
        made_of = fingerprint(as_of, {name: work.version(name) for name in silver.values()})
        if not work.is_done("observe", "", made_of):
            from pipelines.stages.observe import freshness

            work.write(freshness(domain, {name: work.read(table) for name, table in silver.items()}, as_of))
            work.mark_done("observe", "", made_of)
            work.say("observe", f"freshness and volume of {len(silver)} tables")
    work.publish()


def _realise(work: Work, task: Task) -> None:
    domain = work.domain
    decisions_name = domain.delta_table("gold", f"{task.name}_decisions")
    series_name = domain.delta_table("gold", f"{task.table}_series")
    if not work.exists(decisions_name):
        work.say("observe", f"{task.name}: waits for decisions")
        return
    made_of = fingerprint(task.decide, work.version(decisions_name), work.version(series_name))
    if work.is_done("observe", task.name, made_of):
        work.say("observe", f"{task.name}: nothing to do: valued before")
        return
    from pipelines.stages.observe import realised, totals

    policy = policy_named(domain, task.decide)
    change = realised(domain, task, policy, work.read(decisions_name), work.read(series_name))
    work.write(change)
    (row,) = totals(work.read(change.table)).collect()
    values: dict[str, float | None] = row.asDict()
    summed = Decisions(task.name, work.count(decisions_name), policy.unit, policy.higher_is_better, **values)
    work.add("decisions", summed)
    work.mark_done("observe", task.name, made_of)
    known = {f"decision/{name}": value for name, value in values.items() if value is not None}
    if not known:
        work.say("observe", f"{task.name}: no label of any decision is known yet")
        return
    told = ", ".join(f"{name.replace('_', ' ')} {value:,.0f}" for name, value in values.items())
    work.say("observe", f"{task.name}: in {policy.unit}: {told}")
    from pipelines.io.tracking import Tracking

    Tracking(work.context.settings).note(work.context.ledger.champions(domain.name, task.name)[-1].run_id, known)
