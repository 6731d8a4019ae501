"""Shards of events: every leg once, with the label that its outcome gave it whenever that came."""

from __future__ import annotations

import pyarrow as pa

from pipelines.engines.shards import examples_of
from tests.tiny_events import TRAIN, examples, plan_for, within, write_gold


def test_shards_of_events_are_the_examples_with_their_labels_each_once(tmp_path):
    plan = plan_for("mlp", tables=write_gold(tmp_path))
    made = pa.concat_tables([examples_of(plan, plan.train, shard, 2) for shard in (0, 1)])
    wanted = within(examples(), TRAIN).sort_by([("leg_id", "ascending"), ("cut_at", "ascending")])
    assert len(made) == len(wanted) > 100
    for column in made.column_names:
        assert made[column].to_pylist() == wanted[column].to_pylist(), column
