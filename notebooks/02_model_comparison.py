# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Which model is how good
#
# For each task every family beside the naive baseline, judged on the test span, which chose nothing. The champion was
# picked on the calibrate span, which lies before it. `make notebooks` makes this page anew.

# %%
import os
from datetime import timedelta

import numpy as np

from pipelines.metrics import comparison_figures as figures
from pipelines.metrics.losses import direction
from pipelines.serve.pages import say, show, show_table
from pipelines.serve.published import Published

MEANINGS = {
    "mae": "mean absolute error: how far off on average",
    "mase": "mae in units of the naive forecast's on the train span",
    "rmse": "like it, but large errors count more",
    "bias": "predicted minus actual, on average",
    "pinball": "loss of all quantiles",
    "coverage": "share of actual values inside the interval, and what it should be",
    "width": "mean width of the interval",
    "skill": "gain over the naive baseline, with its 95 % interval",
    "auc": "of a yes and a no, how often the yes gets the greater probability; chance: 0.5",
    "average_precision": "share of right alarms, averaged over all there is to find; chance: the base rate",
    "log_loss": "surprise at what came; less is better",
    "ndcg": "how well the first places of each query are filled, with 1 at best",
    "map": "share of relevant rows down to each relevant one, averaged over queries",
    "mrr": "1 divided by the place of the first relevant row, averaged over queries",
    "brier": "squared distance of probability and outcome; less is better",
    "calibration_error": "how far what is told is from how often it comes",
    "base_rate": "how many turn out yes",
}
published = Published(os.environ.get("HEADRACE_CONF"))


# %%
def show_verdict(task, champion):
    """Who serves the task, and why."""
    if champion is None:
        say("**No champion yet**: no family has beaten the naive baseline by as much as the task asks.")
    else:
        say(
            f"**Champion: {champion.family}** (`{champion.model}` version {champion.version}, since "
            f"{champion.since:%Y-%m-%d})  \nwhy: {champion.why}"
        )


def show_metrics(task, fits, champion):
    """Every family's metrics, and the versions of the tables that they were made from."""
    wanted = [name for name in MEANINGS if any(name in fit.metrics for fit in fits.values())]
    roles = {task.promote.must_beat: "naive", **({champion.family: "champion"} if champion else {})}
    show_table(
        (
            {"family": family, "role": roles.get(family), **{name: told(fit.metrics, name) for name in wanted}}
            for family, fit in fits.items()
        ),
        marked=lambda line: line["role"] == "champion",
    )
    unit = f" Errors are in {task.unit}." if task.unit and task.quantiles else ""
    say("; ".join(f"*{name}*: {MEANINGS[name]}" for name in wanted) + "." + unit)
    made_of = {}
    for family, fit in fits.items():
        tables = ", ".join(f"{name} version {version}" for name, version in sorted(fit.versions.items()))
        made_of.setdefault(f"{tables}, as of {fit.as_of:%Y-%m-%d %H:%M}", []).append(family)
    for data, families in made_of.items():
        who = "All" if len(made_of) == 1 else ", ".join(families)
        say(f"{who} made from: {data}.")


def told(metrics, name):
    """A metric as it stands in the table: shares in percent."""
    if name not in metrics or name not in ("skill", "coverage"):
        return metrics.get(name)
    share = f"{metrics[name]:+.1%}" if name == "skill" else f"{metrics[name]:.0%}"
    for loss in ("mae", "log_loss", "disorder", "ndcg"):
        low, high = (metrics.get(f"interval/{loss}_skill_{end}") for end in ("low", "high"))
        if name == "skill" and low is not None and high is not None:
            share += f" ({low:+.1%} to {high:+.1%})"
    return f"{share} of {metrics['nominal_coverage']:.0%}" if name == "coverage" else share


def show_gains(task, fits, drawn):
    """How much better the deciding metric is than the naive baseline's."""
    metric, baseline = task.promote.metric, fits.get(task.promote.must_beat)
    values = {family: fit.metrics[metric] for family, fit in fits.items() if metric in fit.metrics}
    if baseline is None or not values.get(baseline.family):
        return
    naive = values.pop(baseline.family)
    of = {family: direction(metric) * (1 - value / naive) for family, value in values.items()}
    if of:
        show(figures.gains(of, drawn, metric=metric, bar=task.promote.by, subject=task.name))


def show_curves(task, fits):
    """How families that learn by rounds or epochs came to what they are."""
    learnt = {family: published.curves(fit) for family, fit in fits.items()}
    learnt = {family: points for family, points in learnt.items() if points}
    if learnt:
        show(figures.curves(learnt, subject=task.name))


def show_errors(domain, task, drawn):
    """From the backtest: error by step of forecasts, order and honesty of probabilities."""
    name = domain.delta_table("gold", f"{task.name}_backtest")
    if published.pin(name) is None:
        return
    rows = published.read(name, ("family", "split", "step", "actual", task.point))
    rows = rows[(rows["split"] == "test") & rows["actual"].notna() & rows["family"].isin(drawn)]
    by_family = {family: rows[rows["family"] == family] for family in drawn if (rows["family"] == family).any()}
    if task.quantiles and task.steps > 1:
        errors = {f: (r[task.point] - r["actual"]).abs().groupby(r["step"]).mean() for f, r in by_family.items()}
        steps = {family: error.to_numpy() for family, error in errors.items()}
        hours = task.step / timedelta(hours=1)
        show(figures.errors_by_step(steps, drawn, hours_a_step=hours, subject=task.name, unit=task.unit))
    if not task.quantiles and not task.query:
        both = {f: (r["actual"].to_numpy(float), r[task.point].to_numpy(float)) for f, r in by_family.items()}
        both = {f: pair for f, pair in both.items() if len(np.unique(pair[0])) == 2}
        if both:
            show(figures.probabilities(both, drawn, subject=task.name))


# %%
for domain in published.domains:
    say(f"## {domain.name}")
    for task in domain.tasks:
        say(f"### {domain.name}: {task.name}\n\n{task.doc}")
        fits, champion = published.fits(domain, task), published.champion(domain, task)
        if not fits:
            say("No model stands published yet.")
            continue
        drawn = figures.styles([*fits], baseline=task.promote.must_beat, champion=champion.family if champion else "")
        show_verdict(task, champion)
        show_metrics(task, fits, champion)
        show_gains(task, fits, drawn)
        show_curves(task, fits)
        show_errors(domain, task, drawn)
