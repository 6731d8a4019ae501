"""The outbox: messages that must reach the outside exactly once, kept in the ledger's database until they have."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipelines.contracts.deliveries import Message
from pipelines.io import fault
from pipelines.io.landing import write_atomically
from pipelines.io.ledger import Ledger


class Outbox:
    """Messages by key. A key is taken once for ever; a message is pending until its sink has it.

    The file sink keeps each message in a file named by its key, whole or not at all: a delivery repeated after a crash
    writes the same bytes to the same place, so the outside sees one.
    """

    def __init__(self, ledger: Ledger, sink: Path) -> None:
        self._ledger, self._sink = ledger, sink

    def put(self, messages: Sequence[Message]) -> int:
        """Take in the messages whose key is new, in one transaction; returns how many those were."""
        return self._ledger.enqueue(messages)

    def deliver(self, domain: str, task: str) -> int:
        """Hand all pending messages of a task to the sink; returns how many."""
        delivered = 0
        for message in self._ledger.pending_messages(domain, task):
            fault.point("deliver:before")
            write_atomically(self._sink / f"{message.key}.jsonl", message.text.encode())
            fault.point("deliver:after")
            self._ledger.mark_delivered(message.key)
            delivered += 1
        return delivered
