"""Models in the ledger: fits, champions, and what was predicted and decided with them."""

from __future__ import annotations

import math

from sqlalchemy import Connection, insert, select

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
        values = columns_of(champion)
        card = {"sha256": values.pop("card_sha256")}
        c.execute(insert(schema.champions).values(domain=domain, attempt=attempt, **values))
        put(c, schema.cards, {"model": champion.model, "version": champion.version}, card)
    for task, rows in publication.predictions.items():
        put(c, schema.predictions, {"domain": domain, "task": task}, {"rows": rows, "attempt": attempt})
    for decisions in publication.decisions:
        values = columns_of(decisions)
        put(c, schema.decisions, {"domain": domain, "task": values.pop("task")}, values | {"attempt": attempt})


def versions_of_models(c: Connection) -> dict[str, set[int]]:
    """By table the versions from which the models were made that count: all that ever were champion, since each is a
    registered model, and the newest fit of every family."""
    registered = set(c.scalars(select(schema.champions.c.run_id)))
    newest, counting = {}, []
    for row in c.execute(select(schema.fits).order_by(schema.fits.c.id)):
        newest[row.domain, row.task, row.family] = row.versions
        if row.run_id in registered:
            counting.append(row.versions)
    found: dict[str, set[int]] = {}
    for versions in (*counting, *newest.values()):
        for table, version in versions.items():
            found.setdefault(table, set()).add(version)
    return found
