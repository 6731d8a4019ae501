"""Statements about keys, in any order of arrival: which counts, what became of each, and from when to when it held."""

from __future__ import annotations

from datetime import datetime
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F


def reconcile(
    rows: DataFrame,
    held: DataFrame | None,
    withdrawn: DataFrame | None,
    *,
    key: list[str],
    order: list[str],
    content: list[str],
) -> DataFrame:
    """Give every row its `outcome`, and `_applied` where it changes what is held.

    rows: `key`, `order`, `content` columns, `_delete` (the row withdraws its key), `_reasons` (why the row is set
    apart; none if it is good), `_file`, `_position`, `_ordinal`.
    held: the rows in force (key, order, content). withdrawn: keys taken back (key, order). Each may be None.

    Of all statements about a key the greatest (order, withdrawal, content) is in force, so any order of arrival ends in
    the same table. quarantined: set apart, which takes no part in anything else. duplicate: said word for word twice in
    this batch. unchanged: what is held already, or a withdrawal of a key that is not held. superseded: an older
    statement than the one held, or than another of this batch.
    """
    declared_order = [name for name in order if name in content]
    said = F.when(F.col("_delete"), _digest(declared_order)).otherwise(F.col("_digest"))
    # the digest once, though two columns need it; and spread by key once, which serves both windows
    digested = rows.withColumn("_digest", _digest(content))
    ranked = digested.withColumns(
        {"_rank": _ranked(order, F.col("_digest")), "_said": said, "_is_good": F.size("_reasons") == 0}
    )
    ranked = ranked.drop("_digest").repartition(*[F.col(name) for name in key])
    about = [*key, "_is_good"]
    same = Window.partitionBy(*about, "_delete", "_said").orderBy(F.desc("_rank"), "_file", "_position", "_ordinal")
    ranked = ranked.withColumn("_nth", F.row_number().over(same))
    ranked = ranked.withColumn("_newest", F.max("_rank").over(Window.partitionBy(*about)))
    judged = _with_held(ranked, held, withdrawn, key, order, content)
    is_held = F.col("_held").isNotNull() & ~F.col("_held.delete")
    wins = F.col("_held").isNull() | (F.col("_rank") > F.col("_held"))
    outcome = (
        F.when(~F.col("_is_good"), "quarantined")
        .when(F.col("_nth") > 1, "duplicate")
        .when(F.col("_rank") == F.col("_held"), "unchanged")
        .when((F.col("_rank") < F.col("_newest")) | ~wins, "superseded")
        .when(F.col("_delete"), F.when(is_held, "deleted").otherwise("unchanged"))
        .when(F.col("_held").isNull() | F.col("_held.delete"), "new")
        # a newer statement of the same content only moves the order along
        .when(F.col("_rank.content") == F.col("_held.content"), "unchanged")
        .otherwise("updated")
    )
    applied = F.col("_is_good") & (F.col("_nth") == 1) & (F.col("_rank") == F.col("_newest")) & wins
    return judged.withColumns({"outcome": outcome, "_applied": applied}).drop(
        "_rank", "_said", "_is_good", "_nth", "_newest", "_held"
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
    ranked = said.withColumn("_rank", _rank(order, content))
    spans = ranked.withColumn("known_until", F.min("available_at").over(greater))
    was_in_force = F.col("known_until").isNull() | (F.col("known_until") > F.col("available_at"))
    return spans.where(was_in_force & ~F.col("_delete")).drop("_rank", "_delete")


def _rank(order: list[str], content: list[str]) -> Column:
    """What decides between two statements about one key: order first, then a withdrawal, then the content's digest."""
    return _ranked(order, _digest(content) if content else F.lit(None).cast("string"))


def _ranked(order: list[str], digest: Column) -> Column:
    return F.struct(
        F.struct(*[F.col(name).alias(f"by_{i}") for i, name in enumerate(order)]).alias("order"),
        F.col("_delete").alias("delete"),
        F.when(~F.col("_delete"), digest).alias("content"),
    )


def _digest(columns: list[str]) -> Column:
    return F.sha2(F.to_json(F.struct(*columns), {"ignoreNullFields": "false"}), 256) if columns else F.lit("")


def _with_held(
    ranked: DataFrame,
    held: DataFrame | None,
    withdrawn: DataFrame | None,
    key: list[str],
    order: list[str],
    content: list[str],
) -> DataFrame:
    """Add `_held`, the rank of the statement in force for the row's key; only the keys of this batch are looked up."""
    keys = ranked.select(*key).distinct()
    in_force = [
        statements.withColumn("_delete", F.lit(is_delete))
        .join(keys, key, "left_semi")
        .select(*key, _rank(order, said).alias("_rank"))
        for statements, is_delete, said in ((held, False, content), (withdrawn, True, []))
        if statements is not None
    ]
    if not in_force:
        return ranked.withColumn("_held", F.lit(None).cast(ranked.schema["_rank"].dataType))
    return ranked.join(
        reduce(DataFrame.unionByName, in_force).groupBy(*key).agg(F.max("_rank").alias("_held")), key, "left"
    )
