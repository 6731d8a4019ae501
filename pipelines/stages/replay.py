"""replay: records that were set apart, judged once more; what passes now leaves the quarantine, the rest stays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from pipelines.contracts.domain import Domain
from pipelines.contracts.tables import Table
from pipelines.stages.changes import Change
from pipelines.stages.silver import Silver, refine, silver

PLACE = ("_record_id", "_ordinal")
"""What tells the entries of a quarantine apart."""


@dataclass(frozen=True)
class Replay:
    """What judging open entries once more changes. entries: their rows in the quarantine; again: what silver makes of
    them now, with the `_entry` (an ordinal) of each row; entries whose record is not found any more are not in it."""

    entries: DataFrame
    again: Silver

    def outcomes(self) -> DataFrame:
        """`_batch`, `_file`, `outcome`, `records`, `entries`: what each file's entries are now, quarantined ones stay
        open; a record that no parser understood may have become several rows."""
        is_first = F.row_number().over(Window.partitionBy("_record_id", "_entry").orderBy("_ordinal")) == 1
        of_entries = self.again.judged.select("_batch", "_file", "outcome", is_first.alias("_is_first"))
        return of_entries.groupBy("_batch", "_file", "outcome").agg(
            F.count("*").alias("records"), F.count_if("_is_first").alias("entries")
        )

    def quarantine(self) -> Change:
        """The entries that leave, marked with what they became and by which attempt."""
        passed = self.again.judged.where("outcome <> 'quarantined'")
        became = passed.groupBy("_record_id", F.col("_entry").alias("_ordinal")).agg(F.min("outcome").alias("_became"))
        leaving = self.entries.join(became, list(PLACE))
        marks = {"_state": F.lit("replayed"), "_moved_as": F.col("_became"), "_moved_why": F.lit(None).cast("string")}
        return _marked(self.again.domain, self.again.table, leaving.withColumns(marks), self.again.attempt)


def discard(domain: Domain, table: Table, entries: DataFrame, why: str, *, attempt: int) -> Change:
    """The entries, marked as not wanted and with the reason for it."""
    marks = {"_state": F.lit("discarded"), "_moved_as": F.lit(None).cast("string"), "_moved_why": F.lit(why)}
    return _marked(domain, table, entries.withColumns(marks), attempt)


def _marked(domain: Domain, table: Table, leaving: DataFrame, attempt: int) -> Change:
    marked = leaving.withColumns({"_moved_attempt": F.lit(attempt).cast("long"), "_delete": F.lit(False)})
    return Change(domain.delta_table("quarantine", table.name), "merge", marked.drop("_became"), key=PLACE)


def open_entries(quarantine: DataFrame, rule: str, file: str, records: tuple[str, ...]) -> DataFrame:
    """The entries that nothing has moved yet, of a rule, of a file, of these records; empty ones do not restrict.

    A rule is an expectation's name, or a reason up to one of its colons.
    """
    entries = quarantine if "_state" in quarantine.columns else quarantine.withColumn("_state", F.lit(None))
    entries = entries.where("coalesce(_state, 'open') = 'open'")
    if rule:
        entries = entries.where(F.exists("_reasons", lambda reason: (reason == rule) | reason.startswith(f"{rule}:")))
    if file:
        entries = entries.where(F.col("_file") == file)
    return entries.where(F.col("_record_id").isin(*records)) if records else entries


def replay(
    domain: Domain,
    table: Table,
    entries: DataFrame,
    records: DataFrame,
    held: DataFrame | None,
    history: DataFrame | None,
    *,
    has_header: bool,
    attempt: int,
    ingested_at: datetime,
) -> Replay:
    """Judge entries against what is held, as silver judges a batch.

    records: raw records as bronze keeps them, but read and derived by the declaration as it stands; at least those of
    the entries. held, history: the table and what was said besides at the pin.
    A record that could not be parsed at all stands for all its rows, so it leaves only if every row passes.
    """
    of_entries = records.join(entries.select("_record_id").distinct(), "_record_id", "left_semi")
    places = entries.select("_record_id", F.col("_ordinal").alias("_entry"), "_batch", _is_whole(table))
    refined = refine(of_entries, table, has_header=has_header).join(places, "_record_id")
    rows = refined.where("_is_whole or _ordinal = _entry")
    of_entry = Window.partitionBy("_record_id", "_entry")
    bad = rows.withColumns(
        {
            "_is_bad": ~F.col("_is_good"),
            "_bad": F.count_if(~F.col("_is_good")).over(of_entry),
        }
    )
    # of an entry that stays, one row alone stands for it: the first that has a reason
    in_order = Window.partitionBy("_record_id", "_entry", "_is_bad").orderBy("_ordinal")
    standing = bad.withColumn("_nth_bad", F.row_number().over(in_order))
    rows = standing.where("_bad = 0 or (_is_bad and _nth_bad = 1)").drop("_is_whole", "_is_bad", "_bad", "_nth_bad")
    held, history = (_of_keys(said, rows, table) for said in (held, history))
    again = silver(domain, table, rows, held, history, batch=F.col("_batch"), attempt=attempt, ingested_at=ingested_at)
    return Replay(entries, again)


def _of_keys(said: DataFrame | None, rows: DataFrame, table: Table) -> DataFrame | None:
    return None if said is None else said.join(rows.select(*table.key), list(table.key), "left_semi")


def _is_whole(table: Table) -> Column:
    """Whether an entry is a record that could not be parsed, and not a row with a field that could not be read."""
    fields = sorted({f"unreadable: {column.field}" for column in table.columns})
    only = F.get("_reasons", F.lit(0))
    return ((F.size("_reasons") == 1) & only.startswith("unreadable: ") & ~only.isin(*fields)).alias("_is_whole")
