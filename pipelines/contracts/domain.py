"""A domain: one folder's declaration, all that the stages know of a business."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.contracts.calendar import Calendar
from pipelines.contracts.expectations import References
from pipelines.contracts.features import Category, FeatureView, Image, OfRow, Own, TargetMean
from pipelines.contracts.names import DeclarationError, checked_name
from pipelines.contracts.sources import Source
from pipelines.contracts.tables import Table
from pipelines.contracts.tasks import HOUR_OF_DAY, STEP, ByHash, ByTime, Events, Task


@dataclass(frozen=True)
class Domain:
    """What one business is about. Checked as a whole when it is made: every name that is used is declared."""

    name: str
    owner: str
    question: str
    sources: tuple[Source, ...]
    tables: tuple[Table, ...]
    views: tuple[FeatureView, ...] = ()
    tasks: tuple[Task, ...] = ()

    def __post_init__(self) -> None:
        checked_name(self.name, "domain")
        for table in self.tables:
            self._known("source", table.source, [s.name for s in self.sources], f"table '{table.name}'")
        tables = [t.name for t in self.tables]
        self._check_references()
        for view in self.views:
            if view.table:
                self._known("table", view.table, tables, f"feature view '{view.name}'")
                held = [column.name for column in self.table(view.table).of_features]
                used = [feature.column for feature in view.features if not isinstance(feature, Calendar)]
                for column in (*view.entities, *used):
                    self._known(f"column of '{view.table}'", column, held, f"feature view '{view.name}'")
        for task in self.tasks:
            self._known("table", task.table, tables, f"task '{task.name}'")
            self._known("table", task.spine.table, tables, f"task '{task.name}'")
            self._known("column", task.column, [c.name for c in self.table(task.table).columns], f"task '{task.name}'")
            entity = next((c for c in self.table(task.spine.table).columns if c.name == task.spine.entity), None)
            if entity is None or entity.type != "string":
                raise DeclarationError(f"task '{task.name}': its entity '{task.spine.entity}' must be a string column")
            for view_name in task.views:
                self._known("feature view", view_name, [v.name for v in self.views], f"task '{task.name}'")
            self._check_spine(task)
            for name in task.slices or ():
                self._known("slice", name, list(self._can_be_slices(task)), f"task '{task.name}'")
            for name in task.told_beside:
                held = [column.name for column in self.table(task.spine.table).of_features]
                self._known(f"column of '{task.spine.table}'", name, held, f"task '{task.name}', judged by it")
            features = [name for view in self.views_of(task) for name in view.names()]
            twice = sorted({name for name in features if features.count(name) > 1})
            if twice:
                raise DeclarationError(
                    f"domain '{self.name}', task '{task.name}': its views give '{twice[0]}' twice; use one of them"
                )

    def _check_references(self) -> None:
        """What is referred to stands before, so that a batch which brings both has refined it first."""
        before: list[str] = []
        for table in self.tables:
            for rule in table.table_rules:
                if isinstance(rule, References):
                    where = f"table '{table.name}', expectation '{rule.name}'"
                    self._known("table before it", rule.table, before, where)
                    key = self.table(rule.table).key
                    if len(key) != len(rule.columns):
                        raise DeclarationError(
                            f"domain '{self.name}', {where}: '{rule.table}' has the key {', '.join(key)}, to which "
                            f"{', '.join(rule.columns)} cannot refer"
                        )
            before.append(table.name)

    def _check_spine(self, task: Task) -> None:
        """Views of a task can be joined to its spine, and say of a row only what the row says."""
        where = f"domain '{self.name}', task '{task.name}'"
        asked = self.table(task.spine.table)
        types = {column.name: column.type for column in asked.of_features}
        columns = list(types)
        nullable = {column.name for column in asked.of_features if column.nullable}
        if isinstance(task.spine, Events):
            if asked.version_key != (task.spine.entity,):
                raise DeclarationError(f"{where}: '{task.spine.entity}' is not the key of '{asked.name}'")
            if self.table(task.table).version_key != asked.key:
                raise DeclarationError(
                    f"{where}: '{task.spine.entity}' is not the key of '{task.table}', so it may have several answers"
                )
            if not asked.event_time and task.spine.lead:
                raise DeclarationError(f"{where}: '{asked.name}' has no event time that a lead could be before")
            if not asked.event_time and not isinstance(task.split, ByHash):
                raise DeclarationError(f"{where}: '{asked.name}' has no event time, so its split must be ByHash")
            if task.hashed_by:
                self._known(f"column of '{asked.name}'", task.hashed_by, columns, f"task '{task.name}'")
            if task.query:
                self._known(f"column of '{asked.name}'", task.query, columns, f"task '{task.name}', query")
                if types[task.query] != "string" or task.query in nullable or task.query == task.spine.entity:
                    raise DeclarationError(
                        f"{where}: its query '{task.query}' must be a string column that is never null, and not the key"
                    )
            if not asked.event_time and any(view.table == task.table for view in self.views_of(task)):
                raise DeclarationError(
                    f"{where}: without times, a feature from '{task.table}' would be the answer itself"
                )
        if task.classes and any(isinstance(f, TargetMean) for view in self.views_of(task) for f in view.features):
            raise DeclarationError(f"{where}: a TargetMean is a mean of numbers, but the label is one of classes")
        for other in self.views if task.classes else ():
            if other.table == task.table and other.moment != "cut_off":
                for feature in other.features:
                    if getattr(feature, "column", "") == task.column:
                        raise DeclarationError(
                            f"{where}: feature view '{other.name}' looks '{task.column}' up as a number, but it is one "
                            "of classes; let another column hold the number"
                        )
        for view in self.views_of(task):
            joined = columns if isinstance(task.spine, Events) else [task.spine.entity]
            for entity in view.entities:
                self._known("column of the spine", entity, joined, f"{where}, feature view '{view.name}'")
            own = [feature.column for feature in view.features if isinstance(feature, OfRow)]
            if own and not (isinstance(task.spine, Events) and view.table == asked.name):
                raise DeclarationError(
                    f"{where}: feature view '{view.name}' asks for a row's own '{own[0]}', which only events of the "
                    "same table have"
                )
            for feature in view.features:
                if isinstance(feature, OfRow):
                    self._known("column", feature.column, columns, f"{where}, feature view '{view.name}'")
                    kind = types[feature.column]
                    if (kind == "binary") != isinstance(feature, Image):
                        raise DeclarationError(
                            f"{where}, feature view '{view.name}': '{feature.column}' is of type {kind}; an Image "
                            "is made of a binary column, and no other feature is"
                        )
                    if isinstance(feature, Image):
                        continue
                    if kind == "string" if isinstance(feature, Own) else kind not in ("string", "int"):
                        raise DeclarationError(
                            f"{where}, feature view '{view.name}': '{feature.column}' is of type {kind}; Own is for "
                            "numbers, the others for strings and ints"
                        )

    def _known(self, what: str, name: str, known: list[str], where: str) -> None:
        if name not in known:
            raise DeclarationError(f"domain '{self.name}', {where}: no {what} '{name}'; there are: {', '.join(known)}")

    def source(self, name: str) -> Source:
        return next(s for s in self.sources if s.name == name)

    def table(self, name: str) -> Table:
        return next(t for t in self.tables if t.name == name)

    def task(self, name: str) -> Task:
        return next(t for t in self.tasks if t.name == name)

    def views_of(self, task: Task) -> tuple[FeatureView, ...]:
        return tuple(view for view in self.views if view.name in task.views)

    def slices(self, task: Task) -> dict[str, Category | None]:
        """By what the task's errors are shown besides, by column of its backtest; with the Category whose values these
        are, if they are one's."""
        can_be = self._can_be_slices(task)
        return can_be if task.slices is None else {name: can_be[name] for name in task.slices}

    def _can_be_slices(self, task: Task) -> dict[str, Category | None]:
        found: dict[str, Category | None] = {STEP: None} if task.steps > 1 else {}
        if not isinstance(task.spine, Events):
            found[task.spine.entity] = None
        if isinstance(task.split, ByTime):
            found[HOUR_OF_DAY] = None
        categories = [f for view in self.views_of(task) for f in view.features if isinstance(f, Category)]
        return found | {category.column: category for category in categories}

    def delta_table(self, layer: str, entity: str) -> str:
        """The full name of a Delta table of this domain: `<layer>.<domain>_<entity>`."""
        return f"{layer}.{self.name}_{entity}"
