"""Models in the ledger: fits, champions, and what was predicted and decided with them."""

from __future__ import annotations

import math

from sqlalchemy import Connection, insert

from pipelines.io import ledger_schema as schema
from pipelines.io.failures import LedgerError
from pipelines.io.ledger_rows import columns_of, put
from pipelines.io.publication import Publication


def record_models(c: Connection, attempt: int, domain: str, publication: Publication) -> None:
    """Keep fits, champions, predictions and decisions; LedgerError for a metric that is no number."""
    for fit in publication.fits:
        for name, metric in fit.metrics.items():
            if not math.isfinite(metric):
                raise LedgerError(f"{domain}/{fit.task}: metric '{name}' of {fit.family} is {metric}; leave it out")
        values = columns_of(fit)
        key = {"domain": domain, **{name: values.pop(name) for name in ("task", "family", "run_id")}}
        put(c, schema.fits, key, values | {"attempt": attempt})
    for champion in publication.champions:
        c.execute(insert(schema.champions).values(domain=domain, attempt=attempt, **columns_of(champion)))
    for task, rows in publication.predictions.items():
        put(c, schema.predictions, {"domain": domain, "task": task}, {"rows": rows, "attempt": attempt})
    for decisions in publication.decisions:
        values = columns_of(decisions)
        put(c, schema.decisions, {"domain": domain, "task": values.pop("task")}, values | {"attempt": attempt})
