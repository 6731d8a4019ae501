"""The views and the first task of a written domain."""

from __future__ import annotations

from datetime import timedelta

from pipelines.scaffold.draft import Draft
from pipelines.scaffold.layout import CONFIRM, Call, Part, text, texts
from pipelines.scaffold.refusal import ScaffoldRefused
from pipelines.scaffold.roles import features
from pipelines.scaffold.spans import DAY, Cut, cut, duration_code, hours, instant_code
from pipelines.scaffold.tables import OUTCOMES, READINGS, ROWS

POLICY = "act"
"""The policy's name in the written decide.py."""
SHARES = {"train": (0.0, 0.6), "validate": (0.6, 0.7), "calibrate": (0.7, 0.8), "test": (0.8, 1.0)}
_BUCKETS = 16
_QUANTILES = "(0.1, 0.5, 0.9)"


def views(draft: Draft) -> list[Call]:
    """What models may see; ScaffoldRefused where nothing is left."""
    if draft.horizon:
        return _views_of_series(draft)
    seen = [_feature(draft, role.column.name, role.use) for role in features(draft.roles)]
    if not seen and not draft.event_time:
        raise ScaffoldRefused(
            f"{draft.reading.path}: no column is left that could tell '{draft.shape.target.field}'. Give more columns"
            + "".join(f"; {role.column.name}: {role.why}" for role in draft.left_out())
        )
    parts = [Part(feature) for feature in seen]
    found = (
        [_view("row", ROWS, draft.entity.name, parts, "what a row says of itself", _left_out(draft))] if seen else []
    )
    return [*found, *([_calendar("moment", "", draft)] if draft.event_time else [])]


def _left_out(draft: Draft) -> tuple[str, ...]:
    """Comments on what models do not see; of what tells the answer by itself, to be confirmed."""
    return tuple(
        f"{CONFIRM.removeprefix('# ')}{role.column.name} is left out: {role.why}; was it known before the answer?"
        if role.column.name in draft.leaks
        else f"{role.column.name} is left out: {role.why}"
        for role in draft.left_out()
    )


def _feature(draft: Draft, name: str, use: str) -> Call:
    if use == "number":
        return Call("Own", [Part(text(name))])
    if use == "text":
        return Call("Hashed", [Part(text(name)), Part(str(_BUCKETS), "buckets"), Part(text("value"), "by")])
    column = next(column for column in draft.columns if column.name == name)
    return Call("Category", [Part(text(name)), Part(texts(sorted(column.among)), "among")])


def _view(
    name: str, table: str, entity: str, parts: list[Part], doc: str, notes: tuple[str, ...] = (), moment: str = ""
) -> Call:
    return Call(
        "FeatureView",
        [
            Part(text(name)),
            Part(text(table), "table"),
            *([Part(text(entity), "entity")] if entity else []),
            *([Part(text(moment), "moment")] if moment else []),
            Part(Call("", parts), "features", notes=notes),
            Part(text(doc), "doc"),
        ],
    )


def _calendar(name: str, moment: str, draft: Draft) -> Call:
    first, last, step = draft.shape.first, draft.shape.last, draft.shape.step
    assert first is not None and last is not None
    parts = [*([] if step >= DAY else ["time_of_day"]), "weekday", *(["year_cos"] if last - first >= 366 * DAY else [])]
    calendar = Call("Calendar", [Part(texts(parts))])
    return _view(name, "", "", [Part(calendar)], "clock and calendar, in UTC", moment=moment)


def _views_of_series(draft: Draft) -> list[Call]:
    horizon, target, entity = draft.horizon, draft.shape.target.name, draft.entity.name
    assert horizon is not None
    window = max(horizon.length, DAY)
    recent = [Part(_rolling(target, op, window)) for op in ("mean", "max", "min")]
    recent.append(Part(_rolling(target, "mean", 7 * window)))
    recent += [Part(_as_of(role.column.name, 2 * window)) for role in features(draft.roles)]
    lags = Call("", [Part(f"{hours(lag):g}") for lag in horizon.lags])
    lag = Call("Lag", [Part(text(target)), Part(lags, "hours")])
    return [
        _view("recent", READINGS, entity, recent, "how it has been of late", _left_out(draft)),
        _view("before", READINGS, entity, [Part(lag)], "the same place in earlier rounds", moment="target"),
        _calendar("moment", "target", draft),
    ]


def _rolling(column: str, op: str, window: timedelta) -> Call:
    return Call("Rolling", [Part(text(column)), Part(text(op)), Part(f"{hours(window):g}", "hours")])


def _as_of(column: str, ttl: timedelta) -> Call:
    return Call("AsOf", [Part(text(column)), Part(f"{hours(ttl):g}", "ttl_hours")])


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
