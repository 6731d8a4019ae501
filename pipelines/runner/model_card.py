"""A model's card for people: what it is for, what it was made of, what it is worth beside the baseline, its limits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from pipelines.contracts.domain import Domain
from pipelines.contracts.fits import FitPlan
from pipelines.contracts.tasks import Task
from pipelines.io.run_records import TableRead
from pipelines.metrics.measures import metric_of_skill
from pipelines.models.bundles import Bundle
from pipelines.runner.entities import by_which_model
from pipelines.stages.evaluate import Evidence

_PURPOSES = {
    "train": "fitted on",
    "validate": "stopped early by",
    "calibrate": "calibrated and picked on",
    "test": "judged on",
}


def model_card(
    domain: Domain,
    task: Task,
    plan: FitPlan,
    seen: Evidence,
    naive: Evidence,
    tables: Sequence[TableRead],
    as_of: datetime,
    code: str,
    bundle: Bundle | None = None,
) -> str:
    """The card as markdown, from the declaration and the evidence alone; the same fit gives the same card. bundle: the
    models of a fit of each entity."""
    return "\n".join(
        [
            f"# {domain.name}-{task.name}: {plan.family}",
            "",
            *_purpose(domain, task),
            "",
            "## Data",
            "",
            *_table(("table", "version", "rows"), [(f"`{of.name}`", str(of.version), f"{of.rows:,}") for of in tables]),
            "",
            *_table(("span", "is"), [(_PURPOSES[name], str(span)) for name, span in task.split.spans.items()]),
            "",
            f"Split {task.split}. As of {as_of.astimezone(UTC):%Y-%m-%dT%H:%MZ}. {len(plan.frame.features)} features: "
            + ", ".join(f"`{name}`" for name in plan.frame.features),
            "",
            "## Worth on the test span",
            "",
            *_table(("metric (95 % interval)", plan.family, naive.family), _metrics(task, seen, naive)),
            "",
            "## Limits",
            "",
            *[f"- {limit}" for limit in _limits(task, plan, seen, bundle)],
            "",
            "## Made with",
            "",
            f"Engine {plan.engine}, {plan.workers} workers, {plan.device}, seed {plan.seed}; code {code}. "
            + "Parameters: "
            + (", ".join(f"{name} {value}" for name, value in sorted(plan.params.items())) or "none"),
            *([f"It began from the registered model `{plan.warm_start}`."] if plan.warm_start else []),
            "",
        ]
    )


def _purpose(domain: Domain, task: Task) -> Iterator[str]:
    yield task.doc or domain.question
    yield ""
    unit = f", in {task.unit}" if task.unit else ""
    yield f"It answers: `{task.column}`{unit} for each `{task.spine.entity}` of {domain.name} ({type(task).__name__})."
    yield f"The policy `{task.decide}` decides by it. Owner: {domain.owner}."


def _metrics(task: Task, seen: Evidence, naive: Evidence) -> list[tuple[str, str, str]]:
    """The family's metrics, each with its interval if it has one, the baseline's own beside them."""
    names = [name for name in seen.metrics if not name.startswith(("naive_", "interval/"))]
    return [(name, _with_ends(task, seen, name), _with_ends(task, naive, name)) for name in names]


def _with_ends(task: Task, of: Evidence, name: str) -> str:
    if name not in of.metrics:
        return ""
    figure = f"interval/{metric_of_skill(task)}_skill" if name == "skill" else f"interval/{name}"
    ends = [of.metrics[end] for end in (f"{figure}_low", f"{figure}_high") if end in of.metrics]
    return f"{of.metrics[name]:.5g}" + (f" ({ends[0]:.5g} to {ends[1]:.5g})" if len(ends) == 2 else "")


def _limits(task: Task, plan: FitPlan, seen: Evidence, bundle: Bundle | None) -> Iterator[str]:
    skill = seen.metrics.get("skill")
    if skill is not None and seen.family != task.promote.must_beat and skill <= 0:
        yield f"It is no better than {task.promote.must_beat}."
    if "coverage" in seen.metrics:
        coverage, nominal = seen.metrics["coverage"], seen.metrics["nominal_coverage"]
        yield f"{coverage:.0%} of what came lay in its {nominal:.0%} band on the test span."
        yield f"Its intervals hold where errors are as on the calibrate span ({seen.calibration.learnt_on})."
    for gap in seen.gaps("test"):
        yield f"On the test span {gap.of} differs by {gap.size:.3g} between {gap.column} {gap.low} and {gap.high}."
    if task.hashed_by:
        yield f"Split by hash of {task.hashed_by}: these figures say nothing about a later time."
    if task.label_known_after:
        yield f"A label is known {task.label_known_after} later; until then an error is not seen."
    if bundle is not None:
        yield f"Scope {plan.scope}: {by_which_model(bundle)}, one {plan.family} of all entities together."
    for name, length in plan.frame.categories:
        yield f"It knows {length} values of `{name}`; all others are one to it."
    yield "It was judged on the entities and the time above; others were never looked at."


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [" | ".join(cells) for cells in (head, ["---"] * len(head), *rows)]
    return [f"| {line} |" for line in lines]
