"""Where each feature comes from and what it means, as data: made of the declarations alone."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from pipelines.contracts.calendar import HOLIDAY_PARTS, Calendar
from pipelines.contracts.domain import Domain
from pipelines.contracts.expectations import Fresh
from pipelines.contracts.features import (
    AsOf,
    Category,
    CategoryCount,
    Change,
    Ewm,
    Expanding,
    Feature,
    FeatureView,
    Hashed,
    History,
    Image,
    Lag,
    Last,
    Moment,
    Own,
    Quantile,
    Rolling,
    TargetMean,
)
from pipelines.contracts.tables import Table

_MOMENTS: dict[Moment, str] = {
    "cut_off": "one value a cut-off",
    "target": "one value a step, looked up at the step's own time",
    "window": "a history up to the cut-off",
}


@dataclass(frozen=True)
class FeatureLineage:
    """One column that models may see.

    moment: when it is looked up, in words. meaning: what it holds, in words. look_back_h: how long before its moment
    the facts it is made of may have happened, infinite for ever; 0 for what the moment or the row says itself.
    table, column, entity: of silver, "" or () where it is made of time alone. field, source: where the column is read
    from; no field where features.py computes it. fresh_within: what the table's own expectations promise of its age,
    None for no promise. tasks: that see it.
    """

    name: str
    domain: str
    owner: str
    view: str
    doc: str
    moment: str
    meaning: str
    unit: str
    look_back_h: float
    entity: tuple[str, ...]
    table: str
    column: str
    field: str
    source: str
    fresh_within: timedelta | None
    tasks: tuple[str, ...]


def lineage(domain: Domain) -> tuple[FeatureLineage, ...]:
    """All features of a domain, view by view as they are declared."""
    return tuple(of for view in domain.views for feature in view.features for of in _of(domain, view, feature))


def _of(domain: Domain, view: FeatureView, feature: Feature) -> Iterator[FeatureLineage]:
    table = domain.table(view.table) if not isinstance(feature, Calendar) else None
    column = "" if isinstance(feature, Calendar) else feature.column
    held = next(c for c in table.of_features if c.name == column) if table else None
    for name, meaning, look_back_h, unit in _parts(feature, held.unit if held else ""):
        yield FeatureLineage(
            name=name,
            domain=domain.name,
            owner=domain.owner,
            view=view.name,
            doc=view.doc,
            moment=_MOMENTS[view.moment],
            meaning=meaning,
            unit=unit,
            look_back_h=look_back_h,
            entity=view.entities if table else (),
            table=table.name if table else "",
            column=column,
            field=held.field if held and table and held in table.columns else "",
            source=table.source if table else "",
            fresh_within=_promised(table) if table else None,
            tasks=tuple(task.name for task in domain.tasks if view.name in task.views),
        )


def _parts(feature: Feature, unit: str) -> Iterator[tuple[str, str, float, str]]:
    """(name, meaning, look-back in hours, unit) of each column that the feature gives."""
    names = feature.names()
    match feature:
        case Lag():
            for name, hours in zip(names, feature.hours, strict=True):
                yield name, f"{feature.column} just {hours:g} h before", hours, unit
        case Rolling():
            of = f"{feature.op} of {feature.column} over the {feature.hours:g} h before"
            yield names[0], of, feature.hours, "" if feature.op == "count" else unit
        case Quantile():
            of = f"the {feature.q:g} quantile of {feature.column} over the {feature.hours:g} h before"
            yield names[0], of, feature.hours, unit
        case Ewm():
            of = f"mean of {feature.column} over the {feature.hours:g} h before, weights halved every"
            yield names[0], f"{of} {feature.half_life_hours:g} h", feature.hours, unit
        case Change():
            of = f"{feature.by} of the newest {feature.column} to that of {feature.hours:g} h earlier"
            yield names[0], of, feature.reach_h, "" if feature.by == "ratio" else unit
        case Last():
            of = f"{feature.op} of the last {feature.rows} {feature.column} within {feature.hours:g} h"
            yield names[0], of, feature.hours, "" if feature.op == "count" else unit
        case Expanding():
            of = f"{feature.op} of all {feature.column} so far"
            yield names[0], of, feature.reach_h, "" if feature.op == "count" else unit
        case AsOf():
            age = "however old" if math.isinf(feature.ttl_hours) else f"null from an age of {feature.ttl_hours:g} h on"
            yield names[0], f"the newest {feature.column}, {age}", feature.ttl_hours, unit
        case CategoryCount():
            for name, value in zip(names, feature.among, strict=True):
                of = f"how many facts of the {feature.hours:g} h before have {feature.column} = {value}"
                yield name, of, feature.hours, ""
        case History():
            yield names[0], f"{feature.column} step by step over the {feature.hours:g} h before", feature.hours, unit
        case Own():
            yield names[0], f"{feature.column} of the row that is asked about", 0.0, unit
        case Image():
            size = f"{feature.width} × {feature.height} pixels" + (" in colour" if feature.channels == 3 else "")
            yield names[0], f"the picture in {feature.column}, {size}; for nets alone", 0.0, ""
        case Category():
            yield names[0], f"{feature.column} as its place among {', '.join(feature.among)}; 0 for any other", 0.0, ""
        case Hashed():
            of = "the words" if feature.by == "words" else "the text"
            for bucket, name in enumerate(names):
                told = f"{of} of {feature.column} whose hash is {bucket} modulo {feature.buckets}: sum of their signs"
                yield name, told, 0.0, ""
        case TargetMean():
            of = f"the label's mean over the training rows of the same {feature.column}, smoothed by"
            yield names[0], f"{of} {feature.smoothing:g} rows of the mean of all; lies in the model", 0.0, ""
        case Calendar():
            for name, part in zip(names, feature.parts, strict=True):
                place = ", ".join(filter(None, (feature.country, feature.subdivision)))
                of = f"{part} in {feature.time_zone}" + (f" ({place})" if part in HOLIDAY_PARTS else "")
                yield name, of, 0.0, "h" if part == "time_of_day" else "days" if part.startswith("days_") else ""


def _promised(table: Table) -> timedelta | None:
    return min((rule.within for rule in table.table_rules if isinstance(rule, Fresh)), default=None)
