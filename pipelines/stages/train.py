"""train: what exactly is to be fitted, as a plan that an engine carries out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import cast

from pipelines.contracts.calendar import Calendar
from pipelines.contracts.domain import Domain
from pipelines.contracts.features import Category, FeatureView, Image, Lag, TargetMean
from pipelines.contracts.fits import FitPlan, Frame, LookedUp, Shard, TargetFeatures
from pipelines.contracts.tasks import PER_ENTITY, ParamValue, Task

SEED = 20140101


def frame(domain: Domain, task: Task) -> Frame:
    """How the task's gold becomes examples."""
    views = domain.views_of(task)
    return Frame(
        entity=task.spine.entity,
        cut_offs=domain.delta_table("gold", task.name),
        cut_off_features=tuple(
            name
            for view in views
            if view.moment == "cut_off"
            for feature in view.features
            if not isinstance(feature, Image)
            for name in feature.names()
        ),
        targets=tuple(_looked_up(domain, view) for view in views if view.moment == "target"),
        windows=tuple(_looked_up(domain, view) for view in views if view.moment == "window"),
        label=task.column,
        label_series=domain.delta_table("gold", f"{task.table}_series"),
        step=task.step,
        steps=task.steps,
        label_known_after=task.label_known_after,
        categories=tuple(
            (feature.names()[0], len(feature.among))
            for view in views
            for feature in view.features
            if isinstance(feature, Category)
        ),
        encoded=tuple(
            (feature.names()[0], feature.smoothing)
            for view in views
            for feature in view.features
            if isinstance(feature, TargetMean)
        ),
        images=tuple(feature for view in views for feature in view.features if isinstance(feature, Image)),
        query=task.query,
    )


def restricted(of: Frame, kept: Collection[str]) -> Frame:
    """The frame with no other features than these; steps and windows stay."""
    parts = {group: [_part(feature, kept) for feature in group.features] for group in of.targets}
    targets = [replace(group, features=tuple(filter(None, features))) for group, features in parts.items()]
    return replace(
        of,
        cut_off_features=tuple(name for name in of.cut_off_features if name in kept),
        targets=tuple(group for group in targets if group.features),
        categories=tuple((name, length) for name, length in of.categories if name in kept),
        encoded=tuple((name, smoothing) for name, smoothing in of.encoded if name in kept),
    )


def _part(feature: LookedUp, kept: Collection[str]) -> LookedUp | None:
    """What is left of a feature that may give several columns."""
    places = [place for place, name in enumerate(feature.names()) if name in kept]
    if not places:
        return None
    match feature:
        case Lag():
            return replace(feature, hours=tuple(feature.hours[place] for place in places))
        case Calendar():
            return replace(feature, parts=tuple(feature.parts[place] for place in places))
        case _:
            return feature


def _looked_up(domain: Domain, view: FeatureView) -> TargetFeatures:
    series = domain.delta_table("gold", f"{view.table}_series") if view.table else ""
    features = cast(tuple[LookedUp, ...], view.features)  # FeatureView refuses others here
    (entity,) = view.entities or ("",)
    return TargetFeatures(series, entity, features)


def gold_tables(domain: Domain, task: Task) -> list[str]:
    """The gold tables that the task's examples are made of."""
    of = frame(domain, task)
    return sorted(
        {of.cut_offs, of.label_series, *(group.series for group in (*of.targets, *of.windows) if group.series)}
    )


def plan(
    domain: Domain,
    task: Task,
    family: str,
    *,
    engine: str,
    params: Mapping[str, ParamValue],
    tables: Mapping[str, Shard],
    workers: int,
    device: str,
    precision: str,
    compression: str,
) -> FitPlan:
    """The plan of one family's fit. params: all of the family's, the task's own choices among them."""
    scope = task.scope_of(family)
    return FitPlan(
        domain=domain.name,
        task=task.name,
        family=family,
        engine=engine,
        params=dict(params),
        seed=SEED,
        frame=frame(domain, task),
        quantiles=task.quantiles,
        classes=task.classes,
        is_unlabelled=task.is_unlabelled,
        train=task.split.spans["train"],
        validate=task.split.spans["validate"],
        tables=dict(tables),
        workers=workers,
        device=device,
        purge=task.split.purge,
        precision=precision,
        compression=compression,
        scope=scope,
        least_rows=task.least_rows if scope == PER_ENTITY else 0,
    )
