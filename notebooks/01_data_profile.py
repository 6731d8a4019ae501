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
# # What the data holds
#
# Every table that stands published, column by column: how much is missing, how the numbers are spread, which go
# together; what became of the raw records and why some were set apart; and what each task's label depends on.
# Times are UTC. `make notebooks` makes this page anew.

# %%
import os
from collections import Counter
from datetime import datetime

from pipelines.contracts.tasks import Events
from pipelines.metrics import data_figures as figures
from pipelines.metrics.profile import numeric, profile, strongest
from pipelines.serve.labels import LABEL, label_series, labelled
from pipelines.serve.pages import say, show, show_table
from pipelines.serve.published import Published

STRONGEST, RAW_TEXTS = 6, 3
published = Published(os.environ.get("HEADRACE_CONF"))


# %%
def show_outcomes(domain):
    """What became of the raw records; the counts of a line add up to `in`."""
    counted = published.outcomes(domain)
    if counted:
        say("**What became of the raw records**: each has one outcome, and the outcomes of a line add up to *in*.")
        show_table({"table": name, **counts} for name, counts in counted.items())


def show_set_apart(domain, table):
    """Why records of the table were set apart, with some of their raw texts."""
    name = domain.delta_table("quarantine", table.name)
    pin = published.pin(name)
    if pin is None or not pin.rows:
        say("No record was set apart.")
        return
    rows = published.read(name, ("_file", "_position", "_raw", "_reasons"))
    counts = Counter(reason for reasons in rows["_reasons"] for reason in reasons)
    show(figures.reasons(counts, subject=name))
    shown = []
    for reason in sorted(counts):
        for row in rows[[reason in reasons for reasons in rows["_reasons"]]].head(RAW_TEXTS).itertuples(index=False):
            file, position, raw, _ = row
            shown.append({"reason": reason, "file": file, "line": str(position), "raw text": raw})
    show_table(shown)


def short(value):
    """Of an instant its day."""
    return value.date() if isinstance(value, datetime) else value


def show_table_profile(domain, table):
    """A table's columns as a table, the spread of its numbers, and which of them go together."""
    name = domain.delta_table("silver", table.name)
    say(f"### {name}\n\n{table.doc}")
    if published.pin(name) is None:
        say("Not published yet.")
        return
    sample = published.sample(name)
    declared = {column.name: column for column in table.columns if column.name in sample.frame}
    rows = sample.frame[[*declared]]
    key = ", ".join(table.key)
    say(f"{sample.pin.rows:,} rows of {len(declared)} columns, one for each {key}; version {sample.pin.version}.")
    lines = profile(rows)
    show_table(
        {
            "column": column.name,
            "type": column.type,
            "unit": column.unit,
            "missing": f"{lines.loc[column.name, 'missing']:.1%}" if len(rows) else "",
            "distinct": lines.loc[column.name, "distinct"],
            "least": short(lines.loc[column.name, "least"]),
            "5 %": short(lines.loc[column.name, "low"]),
            "median": short(lines.loc[column.name, "median"]),
            "95 %": short(lines.loc[column.name, "high"]),
            "greatest": short(lines.loc[column.name, "greatest"]),
            "examples": lines.loc[column.name, "examples"],
            "meaning": column.doc,
        }
        for column in declared.values()
    )
    numbers = numeric(rows)
    if len(numbers.columns):
        units = {column.name: column.unit for column in declared.values()}
        show(figures.histograms(numbers, units, subject=name, told=sample.told))
    if len(numbers.columns) > 1:
        show(figures.correlations(numbers, subject=name, told=sample.told))
    show_set_apart(domain, table)


def show_label(domain, task):
    """How a task's label runs, and which features it goes with most."""
    say(f"### {domain.name}: {task.name}\n\n{task.doc}")
    if published.pin(domain.delta_table("gold", task.name)) is None:
        say("Not published yet.")
        return
    named = f"{task.name} ({task.unit})" if task.unit else task.name
    series = label_series(published, domain, task)
    if series.empty:
        say("No label is known yet.")
        return
    course = figures.over_time(series["at"], series[LABEL], named=named, subject=task.name)
    if course is None:
        say("Its values have no course in time worth a picture.")
    else:
        show(course)
    sample = labelled(published, domain, task)
    features = sample.frame.drop(columns=[task.spine.entity, "cut_at"])
    most = strongest(features, LABEL, STRONGEST)
    if not most:
        say("None of its features at the cut-off is a number that varies with it.")
        return
    about = "" if isinstance(task.spine, Events) or task.steps == 1 else f", mean of the next {task.steps} steps"
    label = features[LABEL].to_numpy(float)
    shown = {feature: (features[feature].to_numpy(float), r) for feature, r in most}
    show(figures.against(label, shown, named=named + about, subject=task.name, told=sample.told))
    names = [LABEL, *[feature for feature, _ in most]]
    show(figures.correlations(features[names], subject=f"{task.name}: label and features", told=sample.told))


# %%
for domain in published.domains:
    say(f"## {domain.name}\n\n*{domain.question}* ({domain.owner})")
    show_outcomes(domain)
    for table in domain.tables:
        show_table_profile(domain, table)
    for task in domain.tasks:
        show_label(domain, task)
