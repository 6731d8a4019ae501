"""The unit learn: a plan for each family of a task, its fit, its backtest beside the baseline's, and the champion."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING
from uuid import uuid4

from pipelines.contracts.domain import Domain
from pipelines.contracts.fits import FitPlan
from pipelines.contracts.tasks import ByHash, Task
from pipelines.contracts.usage import summed
from pipelines.io.failures import TrackingError
from pipelines.io.publication import Champion, Fit
from pipelines.runner.backtest import Backtest, as_table, backtested
from pipelines.runner.costs import of_tables
from pipelines.runner.failures import Untold, Waiting
from pipelines.runner.fits import current_plan, fitted, told_where, usage_of
from pipelines.runner.folds import Rolled, rolled
from pipelines.runner.report import told
from pipelines.runner.selection import line, of_kept, selected
from pipelines.runner.tell import realign, spool_of, tell
from pipelines.runner.warm_starts import warm_started
from pipelines.runner.work import Context, Work, fingerprint
from pipelines.stages import train as train_stage

if TYPE_CHECKING:
    from pipelines.io.run_records import FitReport, LearnReport
    from pipelines.metrics.selection import Judgement
    from pipelines.stages.evaluate import Evidence


def run(context: Context, domain: Domain, task: Task, wanted: Collection[str]) -> None:
    """Fit, judge and register a task, if its gold, declaration or place to fit changed since last time.

    What was learnt is published before MLflow is told of it, so that nothing is lost and nothing is told twice; only a
    champion's version is MLflow's to give.
    """
    work = Work(context, domain, f"learn {task.name}")
    work.needs(next(iter(wanted)), train_stage.gold_tables(domain, task), "Run the stage gold first")
    lesson = Lesson(work, task)
    if "train" in wanted:
        lesson.train()
    if "evaluate" in wanted:
        lesson.evaluate()
    work.publish()
    if told := tell(context, domain, task):
        work.say("evaluate", f"{task.name}: {told} records logged to MLflow")
    if "register" in wanted:
        lesson.register()
    work.publish()


class Lesson:
    """One task's learning in one attempt. What a later stage needs of an earlier one is looked up where it left it."""

    def __init__(self, work: Work, task: Task) -> None:
        self._work, self._task = work, task

    @cached_property
    def _declared(self) -> dict[str, FitPlan]:
        """Plans on all features that are declared: enough to know whether anything changed."""
        return {family: current_plan(self._work, self._task, family) for family in self._task.families}

    @cached_property
    def _begun(self) -> dict[str, FitPlan]:
        """The same with the models that they begin from."""
        return {family: warm_started(self._work.context, self._task, p) for family, p in self._declared.items()}

    @cached_property
    def selection(self) -> tuple[Judgement, ...]:
        return selected(self._work, self._task, self._declared[self._task.promote.must_beat])

    @cached_property
    def plans(self) -> dict[str, FitPlan]:
        """The plans that are carried out; the baseline's as declared, since what defines it may tell little."""
        baseline = self._task.promote.must_beat
        return {f: p if f == baseline else of_kept(p, self.selection) for f, p in self._begun.items()}

    @cached_property
    def made_of(self) -> str:
        task = self._task
        keys = {family: plan.key for family, plan in self._declared.items()}
        judged_by = [of for of in (task.protected, task.monitor) if of]
        return fingerprint(keys, task.split, task.promote, task.select, task.folds, *judged_by)

    @property
    def as_of(self) -> datetime:
        as_of = self._work.context.as_of_for(self._work.domain)
        assert as_of is not None, "gold exists, so something was delivered"
        return as_of

    def _is_done(self, stage: str) -> bool:
        return self._work.is_done(stage, self._task.name, self.made_of)

    def train(self) -> None:
        """Fit every family; a fit that is kept in its workspace is not repeated."""
        work, task = self._work, self._task
        if self._is_done("train"):
            work.say("train", f"{task.name}: nothing to do: every family is fitted on just this")
            return
        work.open()
        with work.metered("train", task.name):
            self._train()
        work.mark_done("train", task.name, self.made_of)

    def _train(self) -> None:
        work, task = self._work, self._task
        if isinstance(task.split, ByHash):
            work.say("train", f"{task.name}: split {task.split}")
        if task.select is not None:
            work.say("train", f"{task.name}: {line(self.selection)}")
        from pipelines.runner.entities import bundle_of, by_which_model

        engines = work.context.settings.training.engines
        for family, plan in self.plans.items():
            begun = f", begun from {plan.warm_start}" if plan.warm_start else ""
            work.say("train", f"{task.name}: {family} {told_where(plan, engines.get(family))}{begun} …")
            result = fitted(work, plan)
            rounds = f", best at {result.best_step}" if result.best_step is not None else ""
            work.say("train", f"{task.name}: {family} fitted in {result.seconds:.1f} s{rounds}")
            if (bundle := bundle_of(plan, result)) is not None:
                work.say("train", f"{task.name}: {family}: {by_which_model(bundle)}")
        for family, folds in self.folds.items():
            work.say("train", f"{task.name}: {family}: {folds.told(task.promote.metric)}")

    @cached_property
    def folds(self) -> dict[str, Rolled]:
        """What each family is worth over the folds; nothing where none are declared."""
        return rolled(self._work, self._task, self._begun) if self._task.folds else {}

    @cached_property
    def backtest(self) -> Backtest:
        return backtested(self._work, self._task, self.plans)

    @property
    def evidence(self) -> Mapping[str, Evidence]:
        return self.backtest.evidence

    def evaluate(self) -> None:
        """Write the backtest, and leave all there is to tell of every fit in the spool."""
        work, task = self._work, self._task
        if self._is_done("evaluate"):
            work.say("evaluate", f"{task.name}: nothing to do: judged before")
            return
        with work.metered("evaluate", task.name):
            self._evaluate()
        work.mark_done("evaluate", task.name, self.made_of)

    def _evaluate(self) -> None:
        work, task = self._work, self._task
        import pyarrow as pa

        from pipelines.stages.changes import Change

        evidence, spool = self.evidence, spool_of(work.context, work.domain, task)
        parent, ids = self._report(), {family: uuid4().hex for family in evidence}
        spool.add(work.attempt.number, parent.write)
        parts = []
        for family, seen in evidence.items():
            metrics = {**seen.metrics, **self._features(family)}
            spool.add(work.attempt.number, self._report_of(family, ids[family], parent.id).write)
            versions = {name: shard.version for name, shard in self.plans[family].tables.items()}
            work.add("fits", Fit(task.name, family, ids[family], self.plans[family].key, metrics, versions, self.as_of))
            folds = self.folds.get(family)
            parts.append(as_table(seen, work.domain, task, ids[family], folds.backtest if folds else None))
            work.say("evaluate", f"{task.name}: {family}: {told(metrics, task)}")
        # of several parts Spark reads none after an empty one, without a word
        frame = work.context.spark().createDataFrame(pa.concat_tables(parts).combine_chunks())
        work.write(Change(work.domain.delta_table("gold", f"{task.name}_backtest"), "overwrite", frame))

    def register(self) -> None:
        """Carry out the verdict: register the best family's model and make it champion, or say why none may be."""
        work, task, domain = self._work, self._task, self._work.domain
        if self._is_done("register"):
            work.say("register", f"{task.name}: nothing to do: the champion was picked from just this")
            return
        if not self._is_done("evaluate"):
            raise Waiting("register waits for runs of these fits. Run the stage evaluate first")
        from pipelines.io.model_copies import ModelCopies
        from pipelines.io.registry import Registry
        from pipelines.io.tracking import Tracking
        from pipelines.stages.register import verdict

        found = verdict(self.evidence, task)
        if not found.family:
            work.open()
            work.mark_done("register", task.name, self.made_of)
            work.say("register", f"{task.name}: no champion: {found.why}")
            return
        name, run_id = (
            f"{domain.name}-{task.name}",
            work.context.ledger.fits(domain.name, task.name)[found.family].run_id,
        )
        registry = Registry(work.context.settings)
        try:
            logged = Tracking(work.context.settings).logged(run_id)
            version = registry.register(logged, name, {"headrace.why": found.why, "family": found.family})
            model, card = registry.load(name, version)
        except TrackingError as failure:
            raise Untold(
                f"{failure}. The champion stays what it was; run again, and this one is registered"
            ) from failure
        ModelCopies(work.context.folder("models")).keep(name, version, model, card)
        work.open()
        work.mark_done("register", task.name, self.made_of)
        champion = Champion(
            task.name,
            name,
            version,
            found.family,
            found.why,
            run_id,
            since=self.as_of,
            card_sha256=logged.card_sha256,
        )
        work.add("champions", champion)
        work.publish()
        realign(work.context, domain, task)
        work.say("register", f"{task.name}: champion is {name}/{version} ({found.family}): {found.why}")

    def _features(self, family: str) -> dict[str, float]:
        """How many features a family was given, and of how many; nothing where all are."""
        if not self.selection:
            return {}
        given = len(self.plans[family].frame.features)
        return {"features_given": given, "features_declared": len(self._declared[family].frame.features)}

    def _report(self) -> LearnReport:
        """What the run as a whole came to."""
        from pipelines.io.run_records import LearnReport

        task, metric, tables = self._task, self._task.promote.metric, {}
        metrics = {f"{metric}/{family}": seen.metrics[metric] for family, seen in self.evidence.items()}
        metrics |= of_tables(self._work, task) | summed([self._costs(family) for family in self.evidence])
        if self.selection:
            from pipelines.metrics.selection_figure import selection as drawn

            rows = [asdict(one) for one in self.selection]
            tables["selection"] = (rows, drawn(self.selection, subject=task.name))
        tags = {"headrace.attempt": str(self._work.attempt.number), "headrace.split": str(task.split)}
        return LearnReport(uuid4().hex, self._work.domain.name, task.name, self.as_of, metrics, tags, tables)

    def _report_of(self, family: str, id: str, parent: str) -> FitReport:
        from pipelines.runner.reports import fit_report

        naive, folds = self.evidence[self._task.promote.must_beat], self.folds.get(family)
        more = {**self._features(family), **(folds.summary if folds else {}), **self._costs(family)}
        return fit_report(
            self._work,
            self._task,
            self.plans[family],
            self.evidence[family],
            naive,
            id=id,
            parent=parent,
            as_of=self.as_of,
            metrics=more,
            points=folds.points if folds else (),
        )

    def _costs(self, family: str) -> dict[str, float]:
        """What a family's stages took; of a fit that was kept from before, what it took then."""
        price = self._work.context.settings.training.price_per_core_hour
        fit = usage_of(self._work, self.plans[family])
        return (fit.metrics("train", price) if fit else {}) | self.backtest.usages[family].metrics("evaluate", price)
