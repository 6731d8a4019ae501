"""A frame with fewer features has none of what the others were made by."""

from __future__ import annotations

from dataclasses import replace

from tiny_events import FRAME

from pipelines.stages.train import restricted


def test_a_feature_that_is_dropped_is_neither_a_category_nor_encoded():
    both = replace(FRAME, encoded=(("distance_km__own", 20.0), ("calendar__time_of_day", 5.0)))
    kept = restricted(both, {"distance_km__own"})
    assert kept.cut_off_features == ("distance_km__own",)
    assert (kept.categories, kept.encoded) == ((), (("distance_km__own", 20.0),))
    assert restricted(both, FRAME.features).encoded == both.encoded
