"""What the pictures of the notebooks say, where it is more than drawing."""

from __future__ import annotations

import pandas as pd
import pytest

from pipelines.metrics.comparison_figures import styles
from pipelines.metrics.data_figures import over_time
from pipelines.metrics.value_figures import won_share


@pytest.mark.parametrize(
    ("value", "naive", "foresight", "share"),
    [(24.0, 32.0, 0.0, 0.25), (15.0, 10.0, 30.0, 0.25), (9.0, 10.0, 30.0, -0.05), (5.0, 5.0, 5.0, None)],
)
def test_what_was_won_is_a_share_of_what_could_be_won_whichever_way_is_better(value, naive, foresight, share):
    assert won_share(value, naive, foresight) == share


def test_the_baseline_is_dashed_the_champion_blue_and_no_two_families_look_alike():
    drawn = styles(["naive", "linear", "boost", "net"], baseline="naive", champion="boost")
    assert (drawn["naive"]["label"], drawn["boost"]["label"]) == ("naive (naive)", "boost (champion)")
    assert "linestyle" in drawn["naive"] and "linestyle" not in drawn["boost"]
    assert len({style["color"] for style in drawn.values()}) == 4


def test_a_course_is_drawn_by_the_finest_bucket_that_fits_and_not_from_one_instant():
    hours = pd.Series(pd.date_range("2014-01-01", periods=24 * 60, freq="h", tz="UTC"))
    figure = over_time(hours, pd.Series(range(len(hours))), named="x", subject="x")
    assert figure.axes[0].get_title(loc="left") == "x: how it runs, by day (1,440 values)"
    assert over_time(hours[:1], pd.Series([1.0]), named="x", subject="x") is None
