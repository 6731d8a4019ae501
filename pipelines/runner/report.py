"""The end of a run as tables a person reads: outcomes, models, decisions, where to look next."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipelines.contracts.tables import OUTCOMES
from pipelines.contracts.tasks import Task
from pipelines.io.publication import Outcomes, SchemaChange

BARS = "▁▂▃▄▅▆▇█"
ROWS_SHOWN = 40
"""Of so many files and tables a run tells each by itself."""


def summary(status: Mapping[str, Any], domains: Sequence[str]) -> str:
    """The summary of what stands published for these domains; status: as `Ledger.status` gives it."""
    lines: list[str] = []
    for name in domains:
        domain = status["domains"].get(name)
        if domain is None:
            lines += [f"{name}: nothing is published yet", ""]
            continue
        lines += [f"{name}: {domain['files']} files", *_outcomes(domain["tables"])]
        lines += [*_set_apart(name, domain["tables"]), "", *_checks(domain["checks"])]
        for task_name, task in domain["tasks"].items():
            lines += [*_task(task_name, task), ""]
    return "\n".join(lines).rstrip()


def _outcomes(tables: dict[str, Any]) -> Iterator[str]:
    counted = {name: table["outcomes"] for name, table in tables.items() if "outcomes" in table}
    if counted:
        rows = [[name, f"{o['in']:,}", *[f"{o[kind]:,}" for kind in OUTCOMES]] for name, o in counted.items()]
        yield from table_text(["records of", "in", *OUTCOMES], rows)


def _set_apart(domain: str, tables: dict[str, Any]) -> Iterator[str]:
    for name, table in tables.items():
        if opened := table.get("quarantine", {}).get("open"):
            short = name.removeprefix(f"silver.{domain}_")
            yield f"  {name}: {opened:,} set apart. See: headrace quarantine list --domain {domain} --table {short}"


def _checks(checks: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Expectations that were ever broken, and all those that no single row is set apart by."""
    rows = [
        [
            f"{check['table']}: {check['expectation']}",
            check["severity"],
            f"{check['checked']:,}",
            f"{check['broken']:,}",
            f"{check['share']:.2%}" if check["observed"] is None else _number(check["observed"]),
            sparkline(check["trend"]),
        ]
        for check in checks
        if check["was_broken"] or check["severity"] != "quarantine"
    ]
    if rows:
        yield from table_text(["expectation", "severity", "checked", "broken", "share or value", "trend"], rows)
        yield ""


def sparkline(values: Sequence[float]) -> str:
    """A character for each value: the lowest is 0, the highest the greatest of them."""
    top = max(values, default=0.0)
    return "".join(BARS[round((len(BARS) - 1) * max(value, 0.0) / top)] if top > 0 else BARS[0] for value in values)


def schema_table(changes: Mapping[str, Sequence[SchemaChange]]) -> str:
    """How each table's columns changed, the oldest change first."""
    rows = [
        [of.table, "" if of.batch is None else str(of.batch), f"{what}: {', '.join(_columns(what, columns))}"]
        for of_domain in changes.values()
        for of in of_domain
        for what, columns in of.change.items()
    ]
    return "\n".join(table_text(["table", "batch", "columns"], rows, left=3)) if rows else ""


def _columns(what: str, columns: Mapping[str, str]) -> list[str]:
    return [f"{name} ({kind})" if what == "retyped" else name for name, kind in columns.items()]


def told(metrics: Mapping[str, float], task: Task) -> str:
    """What the test span shows of a family, in one line; metrics: as `evaluate` gives them."""
    from pipelines.metrics.comparison import judged_by

    ends = [metrics.get(f"interval/{judged_by(task)[0]}_skill_{end}") for end in ("low", "high")]
    sure = "" if None in ends else f" ({ends[0]:+.1%} to {ends[1]:+.1%})"
    against = f"{metrics['skill']:+.1%}{sure} against {task.promote.must_beat}"
    if task.is_unlabelled:
        found = f"{metrics['recall_at_5pct']:.0%} of the anomalies among the oddest 5%"
        return f"AUC {metrics['auc']:.3f} (naive {metrics['naive_auc']:.3f}); {found}"
    if task.query:
        others = f"MAP {metrics['map']:.3f}, MRR {metrics['mrr']:.3f} in {metrics['queries']:,.0f} queries"
        return f"NDCG at {task.top} {metrics['ndcg']:.3f} (naive {metrics['naive_ndcg']:.3f}), {against}; {others}"
    if task.classes:
        named = f"accuracy {metrics['accuracy']:.1%} (naive {metrics['naive_accuracy']:.1%})"
        return f"log loss {metrics['log_loss']:.4f}, {against}; {named}"
    if not task.quantiles:
        ranked = f"AUC {metrics['auc']:.3f} (naive {metrics['naive_auc']:.3f})"
        return f"log loss {metrics['log_loss']:.4f}, {against}; {ranked}"
    return (
        f"MAE {metrics['mae']:,.1f} {task.unit}, {against}; "
        f"{metrics['coverage']:.0%} in the {metrics['nominal_coverage']:.0%} band"
    )


def _task(name: str, task: dict[str, Any]) -> Iterator[str]:
    champion = task["champion"]
    if any("ndcg" in metrics for metrics in task["runs"].values()):
        loss, cells = "ndcg", _of_orders
        columns = ["NDCG", "naive NDCG", "MAP", "MRR", "gain"]
    elif any("disorder" in metrics for metrics in task["runs"].values()):
        loss, cells = "disorder", _of_scores
        columns = ["AUC", "avg precision", "found in the oddest 5%", "gain"]
    elif any("accuracy" in metrics for metrics in task["runs"].values()):
        loss, cells = "log_loss", _of_classes
        columns = ["accuracy", "macro F1", "log loss", "naive log loss", "gain"]
    elif any("log_loss" in metrics for metrics in task["runs"].values()):
        loss, cells = "log_loss", _of_probability
        columns = ["AUC", "avg precision", "log loss", "naive log loss", "gain"]
    else:
        loss, cells = "mae", _of_quantiles
        columns = ["MAE", "naive MAE", "gain", "coverage"]
    rows = [
        [f"{name}: {family}", *cells(metrics), "champion" if champion and champion["family"] == family else ""]
        for family, metrics in sorted(task["runs"].items(), key=lambda item: _place(item[1], loss))
    ]
    if rows:
        yield from table_text(["task: family (test span)", *columns, ""], rows)
    chosen = [metrics for metrics in task["runs"].values() if "features_given" in metrics]
    if chosen:
        given, declared = min((metrics["features_given"], metrics["features_declared"]) for metrics in chosen)
        yield f"  models see {given:.0f} of {declared:.0f} features"
    if champion:
        yield f"  champion {champion['model']}/{champion['version']}: {champion['why']}"
    decisions = task["decisions"]
    if decisions and decisions["value"] is not None:
        better = "higher" if decisions["higher_is_better"] else "lower"
        head = [
            f"{decisions['rows']:,} decisions, {decisions['unit']} ({better} is better)",
            "champion",
            "naive",
            "foresight",
        ]
        values = [f"{decisions[kind]:,.0f}" for kind in ("value", "naive_value", "foresight_value")]
        yield from table_text(head, [["realised value", *values]])


def file_tables(files: Mapping[str, Sequence[Outcomes]]) -> str:
    """For each domain one line a file and table that its records feed: how many came in, what became of them."""
    lines: list[str] = []
    for domain, outcomes in files.items():
        if outcomes:
            rows = [
                [of.file, of.table, f"{of.rows:,}", *[f"{of.counts.get(kind, 0):,}" for kind in OUTCOMES]]
                for of in outcomes
            ]
            lines += [
                f"{domain}: records of each file",
                *table_text(["file", "table", "in", *OUTCOMES], rows, left=2),
                "",
            ]
    return "\n".join(lines).rstrip()


def files_of_run(files: Mapping[str, Sequence[Outcomes]]) -> str:
    """What a run says of the files that it took in: each, or only how many where they are too many to read."""
    if sum(len(outcomes) for outcomes in files.values()) <= ROWS_SHOWN:
        return file_tables(files)
    number = sum(len({(of.batch, of.file) for of in outcomes}) for outcomes in files.values())
    return f"{number:,} files taken in; the records of each are the sum of their outcomes. See: headrace status --files"


def _of_quantiles(metrics: Mapping[str, float]) -> list[str]:
    return [
        *[_number(metrics.get(metric)) for metric in ("mae", "naive_mae")],
        _gain(metrics),
        f"{metrics['coverage']:.0%} of {metrics['nominal_coverage']:.0%}" if "coverage" in metrics else "",
    ]


def _of_scores(metrics: Mapping[str, float]) -> list[str]:
    shown = ("auc", "average_precision", "recall_at_5pct")
    return [*[f"{metrics[metric]:.3f}" if metric in metrics else "" for metric in shown], _gain(metrics)]


def _of_orders(metrics: Mapping[str, float]) -> list[str]:
    shown = ("ndcg", "naive_ndcg", "map", "mrr")
    return [*[f"{metrics[metric]:.3f}" if metric in metrics else "" for metric in shown], _gain(metrics)]


def _place(metrics: Mapping[str, float], metric: str) -> float:
    """What a table of families is sorted by, the best first; those without the metric last."""
    value = metrics.get(metric, float("nan"))
    if math.isnan(value):
        return math.inf
    return -value if metric == "ndcg" else value


def _of_classes(metrics: Mapping[str, float]) -> list[str]:
    return _ranked(metrics, "accuracy", "macro_f1")


def _of_probability(metrics: Mapping[str, float]) -> list[str]:
    return _ranked(metrics, "auc", "average_precision")


def _ranked(metrics: Mapping[str, float], *ranks: str) -> list[str]:
    losses = ("log_loss", "naive_log_loss")
    return [
        *[f"{metrics[metric]:.3f}" if metric in metrics else "" for metric in ranks],
        *[f"{metrics[metric]:.4f}" if metric in metrics else "" for metric in losses],
        _gain(metrics),
    ]


def _gain(metrics: Mapping[str, float]) -> str:
    return f"{metrics['skill']:+.1%}" if "skill" in metrics else ""


def table_text(head: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> Iterator[str]:
    """Lines of a plain table: the first columns to the left, the others to the right, two blanks between."""
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    for row in (head, *rows):
        cells = [
            cell.ljust(width) if i < left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield ("  " + "  ".join(cells)).rstrip()
        if row is head:
            yield "  " + "  ".join("-" * width for width in widths)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.4g}"
