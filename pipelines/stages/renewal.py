"""Which cut-offs a batch can change, and what becomes of them: gold as if made anew, from a part of the work."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from pipelines.contracts.domain import Domain
from pipelines.contracts.features import AsOf, CategoryCount, Expanding, FeatureView, Windowed
from pipelines.contracts.records import Compute
from pipelines.contracts.tables import Table
from pipelines.contracts.tasks import Events, Task
from pipelines.stages import gold
from pipelines.transforms.computed import with_computed

_END_OF_TIME = "timestamp '9999-12-31 00:00:00Z'"


def all_said(
    domain: Domain,
    silver: Mapping[str, DataFrame],
    history: Mapping[str, DataFrame],
    computed: Mapping[str, Compute] = MappingProxyType({}),
) -> dict[str, DataFrame]:
    """By table, all that was ever said: the rows in force and what was said besides, withdrawals (`_delete`) too.

    computed: as for `gold.known`.
    """
    found = {}
    for name, held in silver.items():
        said = held.withColumn("_delete", F.lit(False))
        if name in history:
            said = said.unionByName(history[name], allowMissingColumns=True)
        table = domain.table(name)
        found[name] = with_computed(said, table, computed[name]) if table.computed else said
    return found


def stale(
    domain: Domain, task: Task, questions: DataFrame, held: DataFrame, said: Mapping[str, DataFrame], since: int
) -> DataFrame:
    """Those of the task's questions whose answers in gold are missing, or may be others by now.

    questions: as `gold.questions` gives them; better cached. held: the gold table. said: as `all_said` gives it.
    since: the attempt whose gold is held; what later ones stamped is news.

    News of a key can matter from when it was known on, to the cut-offs whose windows reach back to one of the events
    that were ever told of that key.
    """
    key = [task.spine.entity, "cut_at"]
    parts = [questions.join(held.select(*key), key, "left_anti")]
    spine = domain.table(task.spine.table)
    if isinstance(task.spine, Events):
        news = said[spine.name].where(F.col("_attempt") > since)
        parts.append(questions.join(news.select(task.spine.entity).distinct(), task.spine.entity, "left_semi"))
    for view in gold.views_at_cut_offs(domain, task):
        if reach_h(view) is not None:
            spans = _spans(_touched(said[view.table], domain.table(view.table), since), domain.table(view.table), view)
            asked, during = questions.alias("asked"), F.col("cut_at").between(F.col("_from"), F.col("_to"))
            same = [F.col(f"asked.{name}") == F.col(f"news.{name}") for name in view.entities]
            condition = F.lit(True)
            for each in (*same, during):
                condition &= each
            parts.append(asked.join(spans.alias("news"), condition, "left_semi"))
    found = parts[0]
    for part in parts[1:]:
        found = found.unionByName(part)
    return found.dropDuplicates(key)


def reach_h(view: FeatureView) -> float | None:
    """How long before a cut-off an event can matter to the view; None where none does."""
    looked_up = (
        feature for feature in view.features if isinstance(feature, Windowed | CategoryCount | Expanding | AsOf)
    )
    return max((feature.reach_h for feature in looked_up), default=None)


def _touched(said: DataFrame, table: Table, since: int) -> DataFrame:
    """All statements about keys of which something new was said, and `_since`: from when any of the news was known."""
    key = list(table.version_key)
    news = said.where(F.col("_attempt") > since).groupBy(*key).agg(F.min("available_at").alias("_since"))
    return said.where("not _delete").join(news, key)


def _spans(touched: DataFrame, table: Table, view: FeatureView) -> DataFrame:
    """(entities of the view, `_from`, `_to`): when cut-offs may see another world, without overlaps."""
    event, reach = F.col(gold.happened(table)), reach_h(view)
    assert reach is not None, "only asked of views that look back"
    to = F.expr(_END_OF_TIME) if math.isinf(reach) else event + F.expr(f"interval {math.ceil(reach * 3600)} second")
    spans = touched.select(*view.entities, F.greatest(event, "_since").alias("_from"), to.alias("_to"))
    by_start = Window.partitionBy(*view.entities).orderBy("_from")
    so_far = by_start.rowsBetween(Window.unboundedPreceding, -1)
    begins = F.coalesce(F.col("_from") > F.max("_to").over(so_far), F.lit(True)).cast("int")
    numbered = spans.where("_from <= _to").withColumn("_begins", begins)
    numbered = numbered.withColumn("_island", F.sum("_begins").over(by_start))
    islands = numbered.groupBy(*view.entities, "_island")
    return islands.agg(F.min("_from").alias("_from"), F.max("_to").alias("_to")).drop("_island")


def renewed(
    domain: Domain,
    task: Task,
    questions: DataFrame,
    asked_anew: DataFrame,
    held: DataFrame,
    silver: Mapping[str, DataFrame],
    within: tuple[datetime, datetime] | None,
) -> DataFrame:
    """The rows to be put in place of those held, by (entity, `cut_at`); `_delete` where a question is asked no more.

    asked_anew: what `stale` gives; within: its first and its last cut-off, None if it is empty.
    silver: as `gold.known` gives it.
    """
    key = [task.spine.entity, "cut_at"]
    gone = held.select(*key).join(questions.select(*key), key, "left_anti").withColumn("_delete", F.lit(True))
    if within is None:
        return gone
    answers = asked_anew
    for view in gold.views_at_cut_offs(domain, task):
        facts = dict(silver)
        if reach_h(view) is not None:
            facts[view.table] = _near(silver[view.table], domain.table(view.table), view, asked_anew, within)
        answers = gold.add_view(answers, view, domain, facts)
    answers = answers.select(*gold.columns(domain, task)).withColumn("_delete", F.lit(False))
    return answers.unionByName(gone, allowMissingColumns=True)


def _near(
    facts: DataFrame, table: Table, view: FeatureView, asked: DataFrame, within: tuple[datetime, datetime]
) -> DataFrame:
    """The facts that matter to what is asked, and some others: of its entities, in the time that it looks back to."""
    reach = reach_h(view)
    assert reach is not None, "only asked of views that look back"
    event, (first, last) = F.col(gold.happened(table)), within
    if not math.isinf(reach):
        facts = facts.where(event >= F.lit(first) - F.expr(f"interval {math.ceil(reach * 3600)} second"))
    facts = facts.where(event <= F.lit(last))
    entities = list(view.entities)
    return facts.join(asked.select(*entities).distinct(), entities, "left_semi") if entities else facts
