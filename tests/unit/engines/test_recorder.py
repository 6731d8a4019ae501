from pipelines.contracts.fits import CurvePoint, Workspace
from pipelines.engines.recorder import CURVES, FileRecorder


def test_points_can_be_read_while_they_are_written(tmp_path):
    writer, reader = FileRecorder(Workspace(tmp_path / "new")), FileRecorder(Workspace(tmp_path / "new"))
    assert reader.points() == ()
    writer.record("train/pinball", 0, 2.5)
    writer.record("validate/pinball", 0, 3.0)
    with (tmp_path / "new" / CURVES).open("a") as lines:
        lines.write('{"name": "train/pinball", "st')
    assert reader.points() == (CurvePoint("train/pinball", 0, 2.5), CurvePoint("validate/pinball", 0, 3.0))
