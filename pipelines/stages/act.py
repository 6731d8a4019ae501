"""act: decisions as messages to the outside, each with a key under which it is delivered once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from pipelines.contracts.deliveries import Message
from pipelines.contracts.domain import Domain
from pipelines.contracts.policies import Picking, Policy
from pipelines.contracts.tasks import Task


def messages(domain: Domain, task: Task, policy: Policy, decisions: Iterable[Mapping[str, Any]]) -> list[Message]:
    """One message a cut-off: JSON lines, one decision each; of a picking, those that were picked alone. decisions: rows
    of the decisions table.

    The key is the cut-off's, so a decision that was sent is never sent again, whatever is computed later.
    """
    acted = (row for row in decisions if row[policy.action] is not False)
    in_order = sorted(acted, key=lambda row: (row["cut_at"], row[task.spine.entity], row["step"]))
    made = []
    for cut_at, rows in groupby(in_order, key=lambda row: row["cut_at"]):
        at = cut_at.astimezone(UTC)
        lines = [
            {
                "decision_id": row["decision_id"],
                task.spine.entity: row[task.spine.entity],
                "cut_at": _iso(row["cut_at"]),
                "target_at": _iso(row["target_at"]),
                policy.action: row[policy.action] if isinstance(policy, Picking) else round(row[policy.action], 3),
                "model": f"{row['model']}/{row['model_version']}",
            }
            for row in rows
        ]
        text = "".join(json.dumps(line) + "\n" for line in lines)
        made.append(
            Message(f"{domain.name}/{task.name}/{at:%Y-%m-%dT%H%M}{_beyond_minutes(at)}Z", domain.name, task.name, text)
        )
    return made


def _beyond_minutes(at: datetime) -> str:
    """Events come at any instant, and two of one minute are not one cut-off."""
    return f"{at:%S.%f}" if at.microsecond else f"{at:%S}" if at.second else ""


def _iso(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
