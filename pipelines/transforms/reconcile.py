"""Statements about keys, in any order of arrival: which counts, what became of each, and from when to when it held."""

from __future__ import annotations

from datetime import datetime
from functools import reduce
from operator import and_

from pyspark.sql import Column, DataFrame, Window, WindowSpec
from pyspark.sql import functions as F

_PLACE = ("_file", "_position", "_ordinal")
_ALL = (Window.unboundedPreceding, Window.unboundedFollowing)


def reconcile(
    rows: DataFrame,
    held: DataFrame | None,
    withdrawn: DataFrame | None,
    *,
    key: list[str],
    order: list[str],
    content: list[str],
    withdraws: bool,
) -> DataFrame:
    """Give every row its `outcome`, and `_applied` where it changes what is held; and with them the rows of `held`,
    each with whether it `_is_replaced` by a row that is applied, and without an `outcome`.

    rows: `key`, `order`, `content` columns, `_delete` (the row withdraws its key), `_is_good` (it is not set apart),
    `_file`, `_position`, `_ordinal`.
    held: the rows in force that have one of the keys (key, order, content, other columns besides). withdrawn: keys
    taken back (key, order). Each may be None, and may hold other keys too, which takes longer.
    withdraws: whether any row may.

    Of all statements about a key the greatest (order, withdrawal, content) is in force, so any order of arrival ends in
    the same table. quarantined: set apart, which takes no part in anything else. duplicate: said word for word twice in
    this batch. unchanged: what is held already, or a withdrawal of a key that is not held. superseded: an older
    statement than the one held, or than another of this batch.
    """
    about, besides = [*key, "_is_good"], [name for name in content if name not in (*key, *order)]
    before = _before(held, withdrawn, [*key, *order])
    together = rows  # each step is analysed with all those before it, so there are as few as can be
    for statements in before:
        together = together.unionByName(statements, allowMissingColumns=True)
    kept = [name for name in together.columns if name not in ("_is_good", "_is_held")]
    # rows are spread once, and sorted once where the order is content
    together = together.repartition(*[F.col(name) for name in key])
    said = besides
    if withdraws:  # a withdrawal says its key and when, whatever else is in its row
        said = [f"_said {i}" for i in range(len(besides))]
        together = together.withColumns(
            {of: F.when(~F.col("_delete"), F.col(name)) for of, name in zip(said, besides, strict=True)}
        )
    greater = [name for name in order if name not in content]
    ranks, along = _ranks(about, ["_is_held"] if before else [], order, ["_delete", *said], greater)
    is_held, wins, is_said = F.lit(False), F.lit(True), F.lit(False)
    was_there, is_same, is_replaced = F.lit(False), F.lit(False), F.lit(False)
    if before:
        rank, is_held, there = _rank(order, _content(besides)), F.col("_is_held").isNotNull(), F.col("_held")
        along = along.rowsBetween(*_ALL)
        ranks["_held"] = F.max(F.when(is_held, rank)).over(along)
        ranks["_greatest"] = F.first(F.when(~is_held, rank)).over(along)
        is_replaced = is_held & ~F.col("_delete") & F.coalesce(F.col("_greatest") > there, F.lit(False))
        wins, is_said = there.isNull() | (rank > there), rank == there
        was_there = there.isNotNull() & ~there["delete"]
        is_same = rank["content"] == there["content"]
        for i in [i for i, name in enumerate(order) if name in content]:
            is_same &= F.col(order[i]).eqNullSafe(there["order"][f"by_{i}"])
    applied = ~is_held & F.col("_is_good") & ~F.col("_is_repeated") & F.col("_is_newest") & wins
    outcome = (
        F.when(is_held, F.lit(None))
        .when(~F.col("_is_good"), "quarantined")
        .when(F.col("_is_repeated"), "duplicate")
        .when(is_said, "unchanged")
        .when(~F.col("_is_newest") | ~wins, "superseded")
        .when(F.col("_delete"), F.when(was_there, "deleted").otherwise("unchanged"))
        .when(~was_there, "new")
        # a newer statement of the same content only moves the order along
        .when(is_same, "unchanged")
        .otherwise("updated")
    )
    return together.withColumns(ranks).select(
        *[F.col(f"`{name}`") for name in kept],
        outcome.alias("outcome"),
        applied.alias("_applied"),
        is_replaced.alias("_is_replaced"),
    )


def known_spans(
    held: DataFrame,
    history: DataFrame | None,
    *,
    key: list[str],
    order: list[str],
    content: list[str],
    known_by: datetime | None = None,
) -> DataFrame:
    """Every statement that was in force at some time, with `known_until`: when a greater one about its key became
    known, null if none has. So what was known at t is what has `available_at` ≤ t < `known_until`.

    held: the rows in force. history: all other statements, withdrawals (`_delete`) among them; None if there are none.
    known_by: leaves out what became known later.
    """
    if known_by is not None:
        is_known = F.col("available_at") <= F.lit(known_by)
        held, history = held.where(is_known), history.where(is_known) if history is not None else None
    if history is None:
        return held.withColumn("known_until", F.lit(None).cast("timestamp"))
    said = held.withColumn("_delete", F.lit(False)).unionByName(history)
    greater = Window.partitionBy(*key).orderBy(F.desc("_rank")).rowsBetween(Window.unboundedPreceding, -1)
    ranked = said.withColumn("_rank", _rank(order, _content(content)))
    spans = ranked.withColumn("known_until", F.min("available_at").over(greater))
    was_in_force = F.col("known_until").isNull() | (F.col("known_until") > F.col("available_at"))
    return spans.where(was_in_force & ~F.col("_delete")).drop("_rank", "_delete")


def _ranks(
    about: list[str], last: list[str], order: list[str], said: list[str], untold: list[str]
) -> tuple[dict[str, Column], WindowSpec]:
    """`_is_repeated`, for what is said once more, and `_is_newest`, for the greatest statement about a key; and the
    order along which the latter is seen.

    last: flags, null but for statements that come after all others, and of which neither is asked. untold: what is of
    the order, but not said. Of statements alike the one counts that has the greatest of these, then the first.
    """
    at_last = [F.asc_nulls_first(name) for name in last]
    greatest = [*at_last, *[F.desc(name) for name in (*order, *said)]]
    if untold:
        alike = Window.partitionBy(*about, *[name for name in order if name not in untold], *said)
        nth = F.row_number().over(alike.orderBy(*at_last, *[F.desc(name) for name in untold], *_PLACE))
        along = Window.partitionBy(*about).orderBy(*greatest)
        return {"_is_repeated": nth > 1, "_is_newest": F.rank().over(along) == 1}, along
    # in this order statements alike follow one another, so one look along it tells both
    along = Window.partitionBy(*about).orderBy(*greatest, *_PLACE)
    is_newest = F.row_number().over(along) == 1
    is_as_before = [F.lag(name).over(along).eqNullSafe(F.col(name)) for name in (*order, *said)]
    return {"_is_repeated": reduce(and_, is_as_before, ~is_newest), "_is_newest": is_newest}, along


def _rank(order: list[str], content: Column) -> Column:
    """What decides between two statements about one key: order first, then a withdrawal, then the content."""
    return F.struct(
        F.struct(*[F.col(name).alias(f"by_{i}") for i, name in enumerate(order)]).alias("order"),
        F.col("_delete").alias("delete"),
        F.when(~F.col("_delete"), content).alias("content"),
    )


def _content(columns: list[str]) -> Column:
    return F.struct(*columns) if columns else F.lit("")


def _before(held: DataFrame | None, withdrawn: DataFrame | None, needed: list[str]) -> list[DataFrame]:
    """What was said before as statements like those of the batch, of which each is good."""
    of = [F.lit(True).alias("_is_held"), F.lit(True).alias("_is_good")]
    found = [held.select("*", *of, F.lit(False).alias("_delete"))] if held is not None else []
    if withdrawn is not None:
        found.append(withdrawn.select(*needed, *of, F.lit(True).alias("_delete")))
    return found
