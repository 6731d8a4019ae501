"""The first task of a written domain."""

from __future__ import annotations

from datetime import timedelta

from pipelines.scaffold.draft import Draft
from pipelines.scaffold.layout import Call, Part, text, texts
from pipelines.scaffold.refusal import ScaffoldRefused
from pipelines.scaffold.spans import Cut, cut, duration_code, instant_code
from pipelines.scaffold.tables import OUTCOMES, READINGS, ROWS
from pipelines.scaffold.views import views

POLICY = "act"
"""The policy's name in the written decide.py."""
SHARES = {"train": (0.0, 0.6), "validate": (0.6, 0.7), "calibrate": (0.7, 0.8), "test": (0.8, 1.0)}
_QUANTILES = "(0.1, 0.5, 0.9)"


def task(draft: Draft) -> Call:
    """The first question: the target by the naive baseline, a linear model and boosted trees."""
    target, horizon = draft.shape.target, draft.horizon
    baseline, linear, metric = _judged(draft)
    parts = [Part(text(target.name), "column"), Part(text(READINGS if horizon else OUTCOMES), "table")]
    parts += [Part(text(target.unit), "unit")] if target.unit and draft.shape.asked != "classify" else []
    parts.append(Part(_spine(draft), "spine"))
    if horizon:
        parts += [Part(duration_code(horizon.step), "step"), Part(str(horizon.steps), "steps")]
        parts.append(Part(duration_code(horizon.step), "label_known_after"))
    if draft.shape.asked != "classify":
        parts.append(Part(_QUANTILES, "quantiles"))
    elif not draft.is_binary:
        parts.append(Part(texts(list(draft.classes.values())), "classes"))
    parts.append(Part(texts([_name(view) for view in views(draft)]), "views"))
    parts.append(Part(texts([baseline, linear, "xgboost"]), "families"))
    if horizon:
        params = f'{{"{baseline}": {{"season_steps": {horizon.season_steps}}}}}'
        parts.append(Part(params, "params"))
    parts.append(Part(_split(draft), "split"))
    promote = [Part(text(metric), "metric"), Part(text(baseline), "must_beat"), Part("0.02", "by")]
    parts.append(Part(Call("Promote", promote), "promote"))
    doc = f"{target.name} of each row." + ("" if draft.event_time else " Rows have no time, so no future is claimed.")
    doc = f"The next {horizon.steps} values of {target.name}." if horizon else doc
    return Call(_kind(draft), [*parts, Part(text(POLICY), "decide"), Part(text(doc), "doc")])


def _kind(draft: Draft) -> str:
    return {"forecast": "Forecast", "estimate": "Estimate", "classify": "Classify"}[draft.shape.asked]


def _judged(draft: Draft) -> tuple[str, str, str]:
    """The baseline, the linear family and the metric of the gate."""
    if draft.shape.asked == "classify":
        return "constant", "logistic", "log_loss"
    return ("seasonal_naive" if draft.horizon else "constant"), "linear", "mae"


def _name(view: Call) -> str:
    return str(view.parts[0].value).strip('"')


def _spine(draft: Draft) -> Call:
    entity = Part(text(draft.entity.name), "entity")
    horizon = draft.horizon
    if not horizon:
        return Call("Events", [Part(text(ROWS)), entity])
    parts = [Part(text(READINGS)), entity, Part(duration_code(horizon.every), "every")]
    return Call("Spine", [*parts, *([Part(duration_code(horizon.offset), "offset")] if horizon.offset else [])])


def cut_of(draft: Draft) -> Cut | None:
    """The split by time; None where rows have no time, or too little of it."""
    shape, horizon = draft.shape, draft.horizon
    if shape.first is None or shape.last is None:
        return None
    warm_up = horizon.lags[-1] if horizon else timedelta(0)
    gap = horizon.length + horizon.step if horizon else timedelta(0)
    return cut(shape.first + warm_up, shape.last + (shape.step or timedelta(seconds=1)), gap)


def _split(draft: Draft) -> Call:
    found = cut_of(draft)
    if found is None and draft.event_time:
        raise ScaffoldRefused(f"{draft.reading.path}: its times span too little to be split into four. Give more rows")
    if found is None:
        shares = [
            Part(Call("Share", [Part(f"{start:g}" if start else "0.0"), Part(f"{end:.1f}")]), name)
            for name, (start, end) in SHARES.items()
        ]
        return Call("ByHash", shares)
    spans = [
        Part(Call("Span", [Part(instant_code(start)), Part(instant_code(end))]), name)
        for name, (start, end) in found.spans.items()
    ]
    return Call("ByTime", [*spans, *([Part(duration_code(found.gap), "gap")] if found.gap else [])])
