"""Shards of events: every leg once, with the label that its outcome gave it whenever that came."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.contracts.fits import Workspace
from pipelines.engines import fit
from pipelines.engines.recorder import FileRecorder
from pipelines.engines.shards import examples_of
from pipelines.models.base import families
from tests.tiny_events import LEAD, TRAIN, VALIDATE, examples, hour, plan_for, within, write_gold


def test_shards_of_events_are_the_examples_with_their_labels_each_once(tmp_path):
    plan = plan_for("mlp", tables=write_gold(tmp_path))
    made = pa.concat_tables([examples_of(plan, plan.train, shard, 2) for shard in (0, 1)])
    wanted = within(examples(), TRAIN).sort_by([("leg_id", "ascending"), ("cut_at", "ascending")])
    assert len(made) == len(wanted) > 100
    for column in made.column_names:
        assert made[column].to_pylist() == wanted[column].to_pylist(), column


def test_labels_that_came_when_the_next_span_had_begun_are_left_out_of_a_fit(tmp_path):
    """An outcome is known a day and two hours after its cut-off, and no gap was left for that."""
    plan = plan_for("constant", tables=write_gold(tmp_path))
    purged = replace(plan, purge=((TRAIN, VALIDATE.start), (VALIDATE, hour(0))))
    held, left = examples_of(plan, TRAIN), examples_of(purged, TRAIN)
    came_late = [at + LEAD >= hour(1500 - 24) for at in held["cut_at"].to_pylist()]
    assert 20 < sum(came_late) < 30
    for before, after, is_late in zip(held["label"].to_pylist(), left["label"].to_pylist(), came_late, strict=True):
        assert after == ([None] if is_late else before)
    assert examples_of(purged, VALIDATE)["label"].combine_chunks().flatten().null_count == len(
        within(examples(), VALIDATE)
    )
    workspace = Workspace(tmp_path / "work")
    model = fit(purged, workspace, None, FileRecorder(workspace)).model
    told = families()["constant"].scorer(model).predict(left)["probability"][0].as_py()
    assert told == pc.mean(left["label"].combine_chunks().flatten()).as_py()
