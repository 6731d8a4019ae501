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
# # What the decisions were worth
#
# Every decision whose outcome is known by now, valued three times: as it was taken on the champion's prediction, as the
# naive policy would have taken it, and as one would have who knew what would come. `make notebooks` makes this page
# anew.

# %%
import os

from pipelines.contracts.policies import Picking, Shortlisting
from pipelines.domains import policy
from pipelines.metrics import value_figures as figures
from pipelines.metrics.value_figures import won_share
from pipelines.serve.pages import say, show, show_table
from pipelines.serve.published import Published

POLICIES = {"champion": "value", "naive": "naive_value", "foresight": "foresight_value"}
published = Published(os.environ.get("HEADRACE_CONF"))


# %%
def days_of(cut_at, by):
    """The day of each cut-off, on the clock by which the policy counts days."""
    return cut_at.dt.tz_convert(getattr(by, "time_zone", "") or "UTC").dt.tz_localize(None).dt.normalize()


def show_value(domain, task, by):
    """Sums, the share of the possible gain that was won, and how it grew."""
    name = domain.delta_table("gold", f"{task.name}_realised")
    pin = published.pin(name)
    if pin is None or not pin.rows:
        say("Of none of these decisions the outcome is known yet.")
        return
    rows = published.read(name, ("cut_at", *POLICIES.values()))
    rows = rows.rename(columns={column: who for who, column in POLICIES.items()})
    sums = rows[[*POLICIES]].sum()
    told = {"unit": by.unit, "higher_is_better": by.higher_is_better, "subject": task.name}
    won = won_share(sums["champion"], sums["naive"], sums["foresight"])
    gained = abs(sums["champion"] - sums["naive"])
    is_ahead = (sums["champion"] > sums["naive"]) == by.higher_is_better and gained > 0
    words = f"{gained:,.0f} {by.unit} {'better' if is_ahead else 'worse'} than the naive policy"
    if won is None:
        words += "; even foresight would not have won anything"
    elif is_ahead:
        words += f": {won:.0%} of what perfect foresight would have won"
    say(f"**{words}.** Values are in {by.unit}; {figures.direction(by.higher_is_better)}.")
    show_table(
        [
            {
                "decisions with known outcome": len(rows),
                **sums.to_dict(),
                "unit": by.unit,
                "share of the possible gain won": "" if won is None else f"{won:.1%}",
                "version": f"v{pin.version}",
            }
        ]
    )
    show(figures.totals(sums.to_dict(), **told))
    days = rows.groupby(days_of(rows["cut_at"], by))[[*POLICIES]].sum()
    if len(days) > 1:
        show(figures.cumulated(days, **told))
    else:
        say("All of them were asked for at once, so there is no course in time.")


def show_actions(domain, task, by):
    """How large the actions are, or how many were picked."""
    rows = published.read(
        domain.delta_table("gold", f"{task.name}_decisions"), ("cut_at", by.action, f"naive_{by.action}")
    )
    rows.columns = ["cut_at", "champion", "naive"]
    if rows.empty:
        return
    if not isinstance(by, Picking | Shortlisting):
        shown = [rows[who].dropna().to_numpy(float) for who in ("champion", "naive")]
        show(figures.actions(*shown, action=by.action, subject=task.name))
        return
    counts = rows[["champion", "naive"]].astype(float).groupby(days_of(rows["cut_at"], by)).sum()
    total = counts.sum()
    say(f"Picked: {total['champion']:,.0f} of {len(rows):,}; by the naive policy {total['naive']:,.0f}.")
    if isinstance(by, Picking) and by.time_zone:  # else they were picked among all at once, or of each query
        show(figures.picks(counts, action=by.action, subject=task.name))


# %%
for domain in published.domains:
    say(f"## {domain.name}")
    for task in domain.tasks:
        say(f"### {domain.name}: {task.name}")
        if published.decisions(domain, task) is None:
            say("No decision stands published yet.")
            continue
        by = policy(domain, task.decide)
        say(by.doc)
        show_value(domain, task, by)
        show_actions(domain, task, by)
