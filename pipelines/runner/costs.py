"""What the stages around a fit took of the machine, by the ledger: for its run in MLflow, and as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipelines.contracts.tasks import Task
from pipelines.contracts.usage import Usage
from pipelines.io.ledger_costs import StageCost, costs_after, newest_champion, newest_fit
from pipelines.runner.report import table_text
from pipelines.runner.work import Work

_TABLES = ""
_SERVING = ("score", "decide")


def of_tables(work: Work, task: Task) -> dict[str, float]:
    """`cost/bronze_seconds` and so on: what the domain's tables took since the task was judged last."""
    domain = work.domain.name
    with work.context.ledger.reading() as c:
        found = costs_after(c, domain, newest_fit(c, domain, task.name))
    return _metrics(work, [one for one in found if one.subject == _TABLES])


def of_serving(work: Work, task: Task) -> dict[str, float]:
    """`cost/score_seconds` and so on: what the task's champion took since it became that."""
    domain = work.domain.name
    with work.context.ledger.reading() as c:
        found = costs_after(c, domain, newest_champion(c, domain, task.name))
    return _metrics(work, [one for one in found if one.subject == task.name and one.stage in _SERVING])


def cost_table(costs: Mapping[str, Sequence[StageCost]], price_per_core_hour: float) -> str:
    """What each stage took in all, by domain, with the domain's sum below; "" where nothing is on record. It has a
    column of prices where a core's hour has one."""
    head = [
        "domain",
        "stage",
        "task",
        "times",
        "s",
        "core s",
        "MB written",
        *(["price"] if price_per_core_hour else []),
    ]
    rows = []
    for domain, found in costs.items():
        rows += [
            [domain, one.stage, one.subject, f"{one.attempts:,}", *_told(one.usage, price_per_core_hour)]
            for one in found
        ]
        if found:
            usages = [one.usage for one in found]
            whole = Usage(
                sum(of.seconds for of in usages),
                sum(of.core_seconds for of in usages),
                bytes_written=sum(of.bytes_written for of in usages),
            )
            rows.append([domain, "in all", "", "", *_told(whole, price_per_core_hour)])
    return "\n".join(table_text(head, rows, left=3)) if rows else ""


def _metrics(work: Work, costs: Sequence[StageCost]) -> dict[str, float]:
    price = work.context.settings.training.price_per_core_hour
    return {name: value for one in costs for name, value in one.usage.metrics(one.stage, price).items()}


def _told(usage: Usage, price_per_core_hour: float) -> list[str]:
    told = [f"{usage.seconds:,.1f}", f"{usage.core_seconds:,.1f}", f"{usage.bytes_written / 1e6:,.1f}"]
    return [*told, f"{usage.price(price_per_core_hour):,.4f}"] if price_per_core_hour else told
