"""act: decisions as messages to the outside, each with a key under which it is delivered once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from pipelines.contracts.deliveries import Message
from pipelines.contracts.domain import Domain
from pipelines.contracts.policies import Policy, Sizing
from pipelines.contracts.tasks import Events, Task


def messages(domain: Domain, task: Task, policy: Policy, decisions: Iterable[Mapping[str, Any]]) -> list[Message]:
    """JSON lines, one decision each; of a picking, those that were picked alone. decisions: rows of their table.

    One message a cut-off of a Spine, so a cut-off that was sent is never sent again, whatever is computed later. Events
    have a cut-off each, which would be a message each; theirs go by the day and the attempt that decided them.
    """
    acted = (row for row in decisions if row[policy.action] is not False)
    in_order = sorted(acted, key=lambda row: (_key(task, row), row["cut_at"], row[task.spine.entity], row["step"]))
    made = []
    for key, rows in groupby(in_order, key=lambda row: _key(task, row)):
        lines = [
            {
                "decision_id": row["decision_id"],
                task.spine.entity: row[task.spine.entity],
                "cut_at": _iso(row["cut_at"]),
                "target_at": _iso(row["target_at"]),
                policy.action: round(row[policy.action], 3) if isinstance(policy, Sizing) else row[policy.action],
                "model": f"{row['model']}/{row['model_version']}",
            }
            for row in rows
        ]
        text = "".join(json.dumps(line) + "\n" for line in lines)
        made.append(Message(f"{domain.name}/{task.name}/{key}", domain.name, task.name, text))
    return made


def _key(task: Task, row: Mapping[str, Any]) -> str:
    at = row["cut_at"].astimezone(UTC)
    if isinstance(task.spine, Events):
        return f"{at:%Y-%m-%d}/{row['_attempt']:08d}"
    return f"{at:%Y-%m-%dT%H%M%S}Z" if at.second else f"{at:%Y-%m-%dT%H%M}Z"


def _iso(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
