"""A model out of MLflow in a form that needs no Headrace, once it answers there as it does here."""

from __future__ import annotations

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
from pipelines.models.exportable import Exportable, NetScorer
from pipelines.models.formats import FORMATS, Format, Light, NetFormat
from pipelines.runner.export_manifest import json_text, light_told, manifest
from pipelines.runner.export_measures import Questions, with_skills
from pipelines.runner.export_report import Exported, csv_text, metrics
from pipelines.runner.recorded import recorded_plan
from pipelines.runner.work import Context, Stopwatch
from pipelines.settings import Settings

_MODEL = "models:/"
_EXAMPLES = 3


class ExportRefused(RuntimeError):
    """The exported model does not answer as the scorer does, and nothing was written; the message says how far."""


def export(settings: Settings, model: str, format: str, to: Path | None, light: Light | None = None) -> Exported:
    """Write the model and what must be known of it into a folder, `to` or one of the data root, and tell its run.

    model: models:/NAME/VERSION, models:/NAME@ALIAS, or a family's run by MLflow's id or ours. light: write a light one
    beside it, whose answers may differ: by how much is told as the skill that it lost. Raises UnknownNameError where
    there is no such model, or no such form of it; TrackingError where MLflow does not answer or has no such run;
    WarehouseError where the rows are gone that it is compared on; ExportRefused where the answers differ.
    """
    watch, tracking = Stopwatch(), Tracking(settings)
    context = Context.opened(settings, watch.say)
    name, recorded = _recorded(settings, tracking, model)
    card = ModelCard.read(recorded.card)
    form = _form(card, format, light)
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
    files, examples = {form.file: content}, questions.first(_EXAMPLES)
    told = manifest(form, scorer, card, domain, model=name, content=content, tensors=examples)
    if light is not None:
        assert isinstance(form, NetFormat) and isinstance(scorer, NetScorer), "only a net can be made light"
        less = form.write_light(scorer, questions.first(2), light)
        answer = form.opened(less)
        forms.append(questions.weighed(light.name, less, answer, questions.answers(answer)))
        files[form.light_file] = less
        told |= light_told(form, light, less, examples)
    exported = Exported(name, folder, len(found), apart, with_skills(forms, recorded.metrics))
    publish_folder(folder, {**files, MANIFEST: json_text(told)})
    tracking.add(recorded.mlflow_run_id, metrics(exported, form.name), {f"export/{form.name}.csv": csv_text(exported)})
    return exported


def _recorded(settings: Settings, tracking: Tracking, model: str) -> tuple[str, Recorded]:
    """The model's name, and how it was made."""
    if not model.startswith(_MODEL):
        return f"run/{model}", tracking.recorded(model)
    reference = ModelReference.read(model)
    found = Registry(settings).find(reference.name, reference.which)
    if found is None:
        raise UnknownNameError(f"MLflow has no model {model}. `headrace ui` shows those that there are")
    return f"{reference.name}/{found.version}", tracking.recorded(found.mlflow_run_id)


def _form(card: ModelCard, format: str, light: Light | None) -> Format:
    """UnknownNameError where the model cannot go out in that form, or not be made light in it."""
    can_be = families()[card.family].exports if card.scope == GLOBAL else ()
    if format in can_be:
        form = FORMATS[format]
        if light is not None and not isinstance(form, NetFormat):
            raise UnknownNameError(f"--int8 and --prune make nets light; a model of the family {card.family} is none")
        return form
    what = f"a model of the family {card.family}" if card.scope == GLOBAL else f"a bundle of {card.family} models"
    others = ", ".join(sorted(name for name, of in families().items() if of.exports))
    told = f"as {' or '.join(can_be)}" if can_be else f"in no format; models of these families can: {others}"
    raise UnknownNameError(f"{what} cannot be exported as {format}, but {told}")
