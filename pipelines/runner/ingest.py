"""The unit ingest: dropped files through landing, bronze and silver to gold, batch by batch."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from pipelines.contracts.deliveries import Brought
from pipelines.contracts.domain import Domain
from pipelines.io import landing
from pipelines.runner.checks import keep_checks
from pipelines.runner.gold import gold
from pipelines.runner.intake import bronze, land
from pipelines.runner.refine import silver
from pipelines.runner.schemas import evolve
from pipelines.runner.work import Context, Work
from pipelines.stages.refusal import Refused


def run(context: Context, domain: Domain, wanted: Collection[str]) -> None:
    """Publish every batch that is waiting, one by one; then gold, if what it is made of changed in any other way.

    Files that cannot be landed do not hold up the others; they are the failure that is raised at the end.
    """
    left_out = land(context, domain) if "land" in wanted else ()
    stages = [stage for stage in ("bronze", "silver") if stage in wanted]
    raw = {batch.id: batch for batch in context.ledger.batches_awaiting(domain.name, "bronze") if "bronze" in stages}
    kept = context.ledger.batches_awaiting(domain.name, "silver", after="bronze") if "silver" in stages else []
    batches = sorted([*raw.values(), *kept], key=lambda batch: batch.id)
    if context.only_takes_in:
        context.spark.expect(sum(file.size for batch in batches for file in batch.files))
    if batches:
        context.spark.begin()
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
