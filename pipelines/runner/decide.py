"""The unit decide: the champion's predictions, and the actions that the policy draws from them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta

from pipelines.contracts.cards import ModelCard
from pipelines.contracts.domain import Domain
from pipelines.contracts.tasks import PER_ENTITY, Span, Task
from pipelines.domains import policy as policy_named
from pipelines.io.publication import Champion, Decisions
from pipelines.runner.failures import NoChampion
from pipelines.runner.fits import current_plan, fitted
from pipelines.runner.work import Context, Work, fingerprint
from pipelines.stages.train import gold_tables, restricted


def run(context: Context, domain: Domain, task: Task, wanted: Collection[str]) -> None:
    """Score the cut-offs that have no prediction yet and decide on them."""
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
            "no champion, so nothing is scored. Run the stages train, evaluate and register; if the gate refused all "
            f"families, their metric gate/{task.promote.metric} in MLflow says by how much"
        )
    return champions[-1]


def model_of(context: Context, champion: Champion) -> tuple[bytes, ModelCard]:
    """The champion's bytes and card: the copy that was kept, if it is what the ledger has the hash of, else the
    registered model itself, so that scoring does not depend on MLflow. TrackingError where neither is to be had."""
    from pipelines.io.model_copies import ModelCopies
    from pipelines.io.registry import Registry

    copies = ModelCopies(context.folder("models"))
    found = copies.load(champion.model, champion.version, champion.card_sha256)
    if found is None:
        found = Registry(context.settings).load(champion.model, champion.version)
        copies.keep(champion.model, champion.version, *found)
    return found


def score(work: Work, task: Task) -> None:
    """Append the champion's predictions from the test span's start on, for cut-offs that have none."""
    domain = work.domain
    work.needs("score", gold_tables(domain, task), "Run the stage gold first")
    test = task.split.spans["test"]
    made_of = fingerprint(test, {n: work.version(n) for n in gold_tables(domain, task)})
    if work.is_done("score", task.name, made_of):
        work.say("score", f"{task.name}: nothing to do: every cut-off has its prediction")
        return
    with work.metered("score", task.name):
        _score(work, task)
    work.mark_done("score", task.name, made_of)


def _score(work: Work, task: Task) -> None:
    from pyspark.sql import functions as F

    from pipelines.engines.predictions import Model, predictions
    from pipelines.models.bundles import Bundle
    from pipelines.runner.entities import told_pooled
    from pipelines.stages.score import score as append_predictions

    domain, context, test = work.domain, work.context, task.split.spans["test"]
    champion = champion_of(work, task)
    name = domain.delta_table("gold", f"{task.name}_predictions")
    as_of = context.as_of_for(domain)
    assert as_of is not None, "gold exists, so something was delivered"
    # what a split by time keeps for the test begins it, and what comes later belongs to it
    span = Span(test.start, max(as_of, test.start) + timedelta(microseconds=1)) if isinstance(test, Span) else test
    key = [task.spine.entity, "cut_at"]
    held = work.read_if_any(name)
    content, card = model_of(context, champion)
    baseline = current_plan(work, task, task.promote.must_beat)
    scored = current_plan(work, task, champion.family)
    if task.select is not None:
        scored = replace(scored, frame=restricted(scored.frame, card.features))  # those that the model was given
    models = (
        (Model(champion.family, content, card.calibration, card.scope), scored),
        (Model(baseline.family, fitted(work, baseline).model), baseline),
    )
    new = [
        rows if held is None else rows.join(held.select(*key).distinct(), key, "left_anti")
        for rows in (predictions(context.spark(), model, plan, {"test": span}) for model, plan in models)
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
    work.say(
        "score",
        f"{task.name}: {total - before:,} predictions by {champion.model}/{champion.version} ({champion.family})",
    )
    if card.scope == PER_ENTITY:
        written = work.read(name).where(F.col("_attempt") == work.attempt.number).select(task.spine.entity).distinct()
        work.say("score", f"{task.name}: {told_pooled(Bundle.read(content), written.toArrow()[0].to_pylist())}")


def decide(work: Work, task: Task) -> None:
    """Append an action for every prediction that has none."""
    domain = work.domain
    predictions_name = domain.delta_table("gold", f"{task.name}_predictions")
    work.needs("decide", [predictions_name], "Run the stage score first")
    made_of = fingerprint(task.decide, work.version(predictions_name))
    if work.is_done("decide", task.name, made_of):
        work.say("decide", f"{task.name}: nothing to do: every prediction has its action")
        return
    with work.metered("decide", task.name):
        _decide(work, task, predictions_name)
    work.mark_done("decide", task.name, made_of)


def _decide(work: Work, task: Task, predictions_name: str) -> None:
    domain = work.domain
    from pipelines.stages.decide import decide as append_decisions

    policy = policy_named(domain, task.decide)
    name = domain.delta_table("gold", f"{task.name}_decisions")
    questions = work.read(domain.delta_table("gold", task.name))
    held = work.read_if_any(name)
    before = work.count(name) if held is not None else 0
    work.write(
        append_decisions(
            domain, task, policy, work.read(predictions_name), questions, held, attempt=work.attempt.number
        )
    )
    total = work.count(name)
    work.add("decisions", Decisions(task.name, total, policy.unit, policy.higher_is_better))
    work.say("decide", f"{task.name}: {total - before:,} decisions by {policy.name}")
