"""Spark's classes as an archive: made by a run of a small domain, up to gold, which loads what runs load."""

import os
import tempfile
from pathlib import Path

from pipelines.provision.commands import run_logged
from pipelines.provision.places import Places

DOMAIN, STAGES = "energy", ("land", "bronze", "silver", "gold")
WRITE = "HEADRACE_WRITE_CLASS_ARCHIVE"  # pipelines.io.class_archive reads it, which needs packages to be imported


def install_archive(places: Places) -> None:
    """Write `.venv/classes.jsa`; where this Java cannot, say so: everything runs without it, only slower."""
    places.classes.unlink(missing_ok=True)
    places.scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="classes-", dir=places.scratch) as folder:
        conf = Path(folder) / "conf.yaml"
        conf.write_text(f"root: {folder}/root\n")
        stages = [word for stage in STAGES for word in ("--stage", stage)]
        command = [str(places.venv / "bin" / "headrace"), "run", "--domain", DOMAIN, *stages, "--conf", str(conf)]
        run_logged(command, places.logs / "classes.log", env={**os.environ, WRITE: "1"}, cwd=places.checkout)
    if not places.classes.is_file():
        print("this Java writes no archive, so Spark starts slower;", end=" ", flush=True)
