"""The views of a written domain: what its models may see, and why the rest is left out."""

from __future__ import annotations

from datetime import timedelta

from pipelines.scaffold.draft import Draft
from pipelines.scaffold.layout import CONFIRM, Call, Part, text, texts
from pipelines.scaffold.refusal import ScaffoldRefused
from pipelines.scaffold.roles import features
from pipelines.scaffold.spans import DAY, hours
from pipelines.scaffold.tables import READINGS, ROWS

_BUCKETS = 16


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
