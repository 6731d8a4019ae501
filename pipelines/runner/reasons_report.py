"""Reasons of decisions in plain words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from pipelines.runner.reasons import Part, Reason, Reasons

_NAMED = 4
"""So many features are named on each side; what the others add up to is said in one number."""


def text(found: Reasons) -> str:
    """For people: a paragraph a decision."""
    shown = len(found.reasons)
    when = f" at {found.reasons[0].cut_at:%Y-%m-%dT%H:%MZ}" if found.has_times else ""
    rest = "" if shown == found.among else f", of which {shown:,} here; --rows shows more"
    counted = "1 decision" if found.among == 1 else f"{found.among:,} decisions"
    head = f"{found.task}: {counted} of {found.policy}{when} by {found.model}{rest}"
    return "\n\n".join([head, *["\n".join(_lines(found, reason)) for reason in found.reasons]])


def _lines(found: Reasons, reason: Reason) -> list[str]:
    step = f", step {reason.step}" if found.has_steps else ""
    lines = [
        f"{found.entity} {reason.entity}{step}: {found.action} {_told(reason.action)}, the naive policy's "
        f"{_told(reason.naive_action)}; predicted {reason.prediction:.6g}"
    ]
    sides = {
        "raised by": [part for part in reason.parts if part.part > 0][:_NAMED],
        "lowered by": [part for part in reason.parts if part.part < 0][:_NAMED],
    }
    lines += [f"  {word} {_side(parts, found)}" for word, parts in sides.items() if parts]
    named = [part for parts in sides.values() for part in parts]
    others = math.fsum(part.part for part in reason.parts) - math.fsum(part.part for part in named)
    if len(named) < len(reason.parts):
        lines.append(f"  the other {len(reason.parts) - len(named)} features together {others:+.3g} {found.unit}")
    if reason.now is not None:
        lines.append(
            "  records were corrected or came late since: the parts are those of what the model would predict now, "
            f"{reason.now:.6g}"
        )
    return lines


def _side(parts: Sequence[Part], found: Reasons) -> str:
    first, *rest = [f"{part.feature} {_value(part, found)} ({part.part:+.3g}" for part in parts]
    return ", ".join([f"{first} {found.unit})", *[f"{told})" for told in rest]])


def _value(part: Part, found: Reasons) -> str:
    if math.isnan(part.value):
        return "unknown"
    if part.feature in found.categories:
        names = ("none of those named", *found.categories[part.feature])
        return f"= {names[int(part.value)]}"
    return f"= {part.value:.6g}"


def _told(action: Any) -> str:
    if isinstance(action, bool):
        return "yes" if action else "no"
    return f"{action:,.6g}" if isinstance(action, float) else str(action)
