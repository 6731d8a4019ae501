"""The unit ingest: dropped files through landing, bronze and silver to gold, batch by batch."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from pipelines.contracts.deliveries import Brought
from pipelines.contracts.domain import Domain
from pipelines.io import landing
from pipelines.io.publication import Batch
from pipelines.runner.checks import keep_checks
from pipelines.runner.gold import gold
from pipelines.runner.intake import bronze, land
from pipelines.runner.refine import silver
from pipelines.runner.schemas import evolve
from pipelines.runner.work import Context, Work
from pipelines.stages.refusal import Refused


def _waiting(context: Context, domain: Domain, stages: Collection[str]) -> tuple[list[Batch], set[int]]:
    """The batches that wait for one of the stages, the oldest first, and which of them bronze has not seen."""
    raw = context.ledger.batches_awaiting(domain.name, "bronze") if "bronze" in stages else []
    kept = context.ledger.batches_awaiting(domain.name, "silver", after="bronze") if "silver" in stages else []
    return sorted([*raw, *kept], key=lambda batch: batch.id), {batch.id for batch in raw}


def run(context: Context, domain: Domain, wanted: Collection[str]) -> None:
    """Publish every batch that is waiting, one by one; then gold, if what it is made of changed in any other way.

    Files that cannot be landed do not hold up the others; they are the failure that is raised at the end.
    """
    stages = [stage for stage in ("bronze", "silver") if stage in wanted]

    def begin(new_bytes: int = 0) -> None:
        """Java starts as soon as it is known that something is to be taken in, while new files are still being kept."""
        batches, _ = _waiting(context, domain, stages)
        if batches or (new_bytes and "bronze" in stages):
            if context.only_takes_in:
                context.spark.expect(new_bytes + sum(file.size for batch in batches for file in batch.files))
            context.spark.begin()

    left_out = land(context, domain, begin) if "land" in wanted else ()
    begin()
    batches, raw = _waiting(context, domain, stages)
    for batch in batches:
        work = Work(context, domain, "ingest")
        brought: Mapping[str, Sequence[Brought]] = {}
        if batch.id in raw:
            with work.metered("bronze"):
                brought = bronze(work, batch)
        if "silver" in stages:
            try:
                with work.metered("silver"):
                    silver(work, batch, brought)
            except Refused as refusal:
                context.ledger.refuse_batch(batch.id, str(refusal), work.added("checks"))
                after = Work(context, domain, "ingest")
                keep_checks(after)
                after.publish()
                raise
            keep_checks(work)
        if "gold" in wanted:
            gold(work)
        work.publish()
    if not batches:
        work = Work(context, domain, "ingest")
        if "silver" in wanted:
            evolve(work)
        if "gold" in wanted:
            gold(work)
        work.publish()
    if left_out:
        raise landing.LandingError("; ".join(left_out))
    if "gold" in wanted:
        silver_tables = [domain.delta_table("silver", table.name) for table in domain.tables]
        Work(context, domain, "ingest").needs(
            "gold", silver_tables, "Deliver to every source, then run the stages land, bronze and silver first"
        )
