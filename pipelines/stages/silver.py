"""silver: raw records become typed rows that keep every promise, or are set apart; one outcome for each record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pyspark.sql import Column as Expression
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.contracts.domain import Domain
from pipelines.contracts.tables import Table
from pipelines.stages.changes import Change
from pipelines.transforms.checks import AVAILABLE, is_broken
from pipelines.transforms.reconcile import reconcile
from pipelines.transforms.typed import RECORD, typed
from pipelines.transforms.versions import versions

PROVENANCE = ("_batch", "_attempt", "ingested_at")
_KEPT = ("available_at", "_record_id", "_ordinal", "_delivered_at", *PROVENANCE)


@dataclass(frozen=True)
class Silver:
    """What one batch changes in one table. judged: every record with its `_file` and `outcome`; better cached.
    held: the table at the pin, None before the first batch. batch: its id, or the column of `judged` that holds it.

    ingested_at is provenance: in no feature, hash or comparison.
    """

    domain: Domain
    table: Table
    judged: DataFrame
    held: DataFrame | None
    batch: int | Expression
    attempt: int
    ingested_at: datetime

    def outcomes(self, besides: Sequence[Expression] = ()) -> DataFrame:
        """`_file`, `outcome`, `records`, `applied`, `past`: records sum to those read, file by file; applied are those
        that change what is held, past those that belong to the history or send a held row there.

        besides: other aggregates that the same pass shall make."""
        return self.judged.groupBy("_file", "outcome").agg(
            *besides,
            F.count("*").alias("records"),
            F.count_if("_applied").alias("applied"),
            F.count_if(F.expr("outcome = 'superseded' or (_applied and outcome <> 'new')")).alias("past"),
        )

    def reasons(self) -> DataFrame:
        """`reason`, `records`: why rows were set apart, without the words that a parser adds."""
        reason = F.explode("_reasons").alias("reason")
        named = self.judged.where("outcome = 'quarantined'").select(reason)
        return named.groupBy(F.substring_index("reason", ": ", 2).alias("reason")).agg(F.count("*").alias("records"))

    def rows(self) -> Change:
        """The rows in force, by key; a key that was withdrawn goes. Versions end where the next of their key begins."""
        columns = [column.name for column in self.table.columns]
        name = self.domain.delta_table("silver", self.table.name)
        applied = self._stamped("_applied").select(*columns, *_KEPT, "_delete")
        if self.table.valid_from:
            applied = versions(self.held, applied, key=list(self.table.key), valid_from=self.table.valid_from)
        if self.held is None:
            return Change(name, "append", applied.where("not _delete").drop("_delete"))
        return Change(name, "merge", applied, key=self.table.version_key)

    def history(self) -> Change:
        """What was said besides the rows in force: rows that are replaced, older statements, withdrawals.

        Features at a cut-off need what was in force then; and without the withdrawals an older statement that comes
        late would bring its key back.
        """
        columns = [*[column.name for column in self.table.columns], *_KEPT, "_delete"]
        said = self._stamped("outcome = 'superseded' or (_applied and _delete)").select(*columns)
        if self.held is not None:
            keys = self.judged.where("_applied").select(*self.table.version_key)
            replaced = self.held.join(keys, list(self.table.version_key), "left_semi")
            said = said.unionByName(replaced.withColumn("_delete", F.lit(False)).select(*columns))
        return Change(self.domain.delta_table("silver", f"{self.table.name}_history"), "append", said)

    def quarantine(self) -> Change:
        """What was set apart: place, raw text, reasons; open until a replay moves it or somebody discards it."""
        state = F.lit("open").alias("_state")
        set_apart = self._stamped("outcome = 'quarantined'").select(*RECORD, "_reasons", *PROVENANCE, state)
        return Change(self.domain.delta_table("quarantine", self.table.name), "append", set_apart)

    def _stamped(self, condition: str) -> DataFrame:
        return self.judged.where(condition).withColumns(
            {
                "_batch": (self.batch if isinstance(self.batch, Expression) else F.lit(self.batch)).cast("long"),
                "_attempt": F.lit(self.attempt).cast("long"),
                "ingested_at": F.lit(self.ingested_at),
            }
        )


def silver(
    domain: Domain,
    table: Table,
    rows: DataFrame,
    held: DataFrame | None,
    history: DataFrame | None,
    *,
    batch: int | Expression,
    attempt: int,
    ingested_at: datetime,
) -> Silver:
    """Judge a batch of refined rows against what is held.

    rows: as `refine` gives them.
    held, history: the table and what was said besides at the pin, None before there is any.
    """
    withdrawn = history.where("_delete") if history is not None else None
    judged = reconcile(rows, held, withdrawn, **statement_parts(table), withdraws=bool(table.tombstone))
    return Silver(domain, table, judged, held, batch, attempt, ingested_at)


def statement_parts(table: Table) -> dict[str, list[str]]:
    """Which columns of a table say what a statement is about, which of two is the greater, and what it says."""
    return {
        "key": list(table.version_key),
        "order": list(table.order) or ["_delivered_at"],
        "content": [column.name for column in table.columns],
    }


def refine(records: DataFrame, table: Table, *, has_header: bool, headers: Sequence[str] = ()) -> DataFrame:
    """Bronze records as typed rows, with the `_reasons` for which a row is to be set apart; none if it `_is_good`.

    has_header: whether the source's deliveries name all their fields (`Source.has_header`). headers: as `typed` has it.
    A predicate that is null counts as broken, unless it reads a column that is declared nullable.
    """
    promises = [promise for promise in table.row_rules if promise.severity == "quarantine"]
    broken = [F.when(is_broken(promise, table), F.lit(promise.name)) for promise in promises]
    broken.append(F.when(F.col("available_at").isNull(), F.lit(AVAILABLE)))
    return typed(records, table, has_header=has_header, headers=headers, broken=broken)
