"""The outbox: messages that must reach the outside exactly once, kept in the ledger's database until they have."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import insert, select, update

from pipelines.contracts.deliveries import Message
from pipelines.io import fault
from pipelines.io.landing import write_atomically
from pipelines.io.ledger import Ledger
from pipelines.io.ledger_schema import messages as table


class Outbox:
    """Messages by key. A key is taken once for ever; a message is pending until its sink has it.

    The file sink keeps each message in a file named by its key, whole or not at all: a delivery repeated after a crash
    writes the same bytes to the same place, so the outside sees one.
    """

    def __init__(self, ledger: Ledger, sink: Path) -> None:
        self._ledger, self._sink = ledger, sink

    def put(self, messages: Sequence[Message]) -> int:
        """Take in the messages whose key is new, in one transaction; returns how many those were."""
        with self._ledger.writing() as c:
            taken = set(c.scalars(select(table.c.key)))
            new = [message for message in messages if message.key not in taken]
            for message in new:
                c.execute(insert(table).values(vars(message)))
            return len(new)

    def deliver(self, domain: str, task: str) -> int:
        """Hand all pending messages of a task to the sink, in the order of their keys; returns how many."""
        of_task = (table.c.domain == domain, table.c.task == task)
        with self._ledger.reading() as c:
            pending = c.execute(
                select(table.c.key, table.c.text).where(*of_task, table.c.delivered_at.is_(None)).order_by(table.c.key)
            ).all()
        for key, text in pending:
            fault.point(f"deliver:{key}:before")
            write_atomically(self._sink / f"{key}.jsonl", text.encode())
            fault.point(f"deliver:{key}:after")
            with self._ledger.writing() as c:
                c.execute(update(table).where(table.c.key == key).values(delivered_at=datetime.now(UTC).isoformat()))
        return len(pending)
