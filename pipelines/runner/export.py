"""A model out of MLflow in a form that needs no Headrace, once it answers there as it does here."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines.contracts.cards import ModelCard
from pipelines.contracts.model_references import ModelReference
from pipelines.contracts.tasks import GLOBAL
from pipelines.domains import domain as domain_named
from pipelines.io.exports import MANIFEST, must_be_free, publish_folder
from pipelines.io.failures import UnknownNameError
from pipelines.io.registry import Registry
from pipelines.io.tracking import Recorded, Tracking
from pipelines.metrics.parity import TOLERANCE, disparity
from pipelines.models.base import families
from pipelines.models.exportable import Exportable
from pipelines.models.formats import FORMATS, Format
from pipelines.runner.export_manifest import manifest
from pipelines.runner.export_measures import Questions, Weighed, with_skill
from pipelines.runner.recorded import recorded_plan
from pipelines.runner.report import table_text
from pipelines.runner.work import Context, Stopwatch
from pipelines.settings import Settings

_MODEL = "models:/"
_EXAMPLES = 3


class ExportRefused(RuntimeError):
    """The exported model does not answer as the scorer does, and nothing was written; the message says how far."""


@dataclass(frozen=True)
class Exported:
    """What came of it. rows: how many answers of the test span were compared; disparity: the greatest found."""

    model: str
    folder: Path
    rows: int
    disparity: float
    forms: Sequence[Weighed]


def export(settings: Settings, model: str, format: str, to: Path | None) -> Exported:
    """Write the model and what must be known of it into a folder, `to` or one of the data root, and tell its run.

    model: models:/NAME/VERSION, models:/NAME@ALIAS, or a family's run by MLflow's id or ours. Raises UnknownNameError
    where there is no such model, or no such form of it; TrackingError where MLflow does not answer or has no such run;
    WarehouseError where the rows are gone that it is compared on; ExportRefused where the answers differ.
    """
    watch, tracking = Stopwatch(), Tracking(settings)
    context = Context.opened(settings, watch.say)
    name, recorded = _recorded(settings, tracking, model)
    card = ModelCard.read(recorded.card)
    form = _form(card, format)
    folder = to or context.folder("exports") / name.replace("/", "-") / form.name
    must_be_free(folder)
    domain = domain_named(card.domain)
    scorer = families()[card.family].scorer(recorded.model)
    assert isinstance(scorer, Exportable), "its family says that it exports"
    watch.say(card.domain, "export", f"{card.task}: {name} ({card.family}) as {form.name} …")
    questions = Questions(recorded_plan(recorded, model), domain.task(card.task), card, scorer)
    content = form.write(scorer, questions.first(2))
    answer = form.opened(content)
    found = questions.answers(answer)
    apart = disparity(questions.expected, found)
    if not apart <= TOLERANCE:
        raise ExportRefused(
            f"{name} as {form.name} answers other than its scorer: of {len(found):,} rows of the test span the worst "
            f"is {apart:.2g} apart, {TOLERANCE:g} is allowed. Nothing was written"
        )
    forms = [questions.scorer_weighed(recorded.model), questions.weighed(form.name, content, answer, found)]
    exported = Exported(name, folder, len(found), apart, [with_skill(of, recorded.metrics) for of in forms])
    told = manifest(form, scorer, card, domain, model=name, content=content, tensors=questions.first(_EXAMPLES))
    publish_folder(folder, {form.file: content, MANIFEST: told.encode()})
    tracking.add(recorded.mlflow_run_id, _metrics(exported, form), {f"export/{form.name}.csv": _csv(exported)})
    return exported


def summary(of: Exported) -> str:
    """What came of it, for people."""
    names = list(of.forms[0].losses)
    head = ["form", "bytes", "ms a cut-off", *names]
    rows = [
        [one.form, f"{one.bytes:,}", f"{one.milliseconds:.3f}", *(f"{one.losses[name]:.6g}" for name in names)]
        for one in of.forms
    ]
    return "\n".join(
        [
            f"{of.model}: {of.rows:,} answers of the test span are the scorer's, the worst {of.disparity:.1g} apart",
            *table_text(head, rows),
            f"written to {of.folder}",
        ]
    )


def _recorded(settings: Settings, tracking: Tracking, model: str) -> tuple[str, Recorded]:
    """The model's name, and how it was made."""
    if not model.startswith(_MODEL):
        return f"run/{model}", tracking.recorded(model)
    reference = ModelReference.read(model)
    found = Registry(settings).find(reference.name, reference.which)
    if found is None:
        raise UnknownNameError(f"MLflow has no model {model}. `headrace ui` shows those that there are")
    return f"{reference.name}/{found.version}", tracking.recorded(found.mlflow_run_id)


def _form(card: ModelCard, format: str) -> Format:
    """UnknownNameError where the model cannot go out in that form."""
    can_be = families()[card.family].exports if card.scope == GLOBAL else ()
    if format in can_be:
        return FORMATS[format]
    what = f"a model of the family {card.family}" if card.scope == GLOBAL else f"a bundle of {card.family} models"
    others = ", ".join(sorted(name for name, of in families().items() if of.exports))
    told = f"as {' or '.join(can_be)}" if can_be else f"in no format; models of these families can: {others}"
    raise UnknownNameError(f"{what} cannot be exported as {format}, but {told}")


def _metrics(of: Exported, form: Format) -> dict[str, float]:
    found = {f"export/{form.name}/disparity": of.disparity}
    for one in of.forms:
        values = {"bytes": float(one.bytes), "milliseconds": one.milliseconds, **one.losses}
        found |= {f"export/{form.name}/{one.form}/{name}": value for name, value in values.items()}
    return found


def _csv(of: Exported) -> str:
    text = io.StringIO()
    rows = [{"form": one.form, "bytes": one.bytes, "milliseconds": one.milliseconds, **one.losses} for one in of.forms]
    table = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return text.getvalue()
