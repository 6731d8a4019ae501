"""The sides of races that are programs: each is run as `python -m tests.bench.sides.<name>` in a process of its own."""

from __future__ import annotations

import json
import sys
from pathlib import Path


def conf_of(folder: Path, root: Path, drops: Path | None = None) -> Path:
    """A conf file in `folder` that changes nothing but the place: data in `root`, raw files in `drops`, no embedded
    records."""
    folder.mkdir(exist_ok=True)
    path = folder / "conf.yaml"
    path.write_text(json.dumps({"root": str(root), "drops": str(drops or root / "drops"), "samples": False}))
    return path


def ours(domain: str, conf: Path) -> tuple[str, ...]:
    """The command `headrace run` for a made-up domain, from raw files to silver."""
    stages = [word for stage in ("land", "bronze", "silver") for word in ("--stage", stage)]
    return (sys.executable, "-m", "tests.bench.sides.ours", "run", "--domain", domain, *stages, "--conf", str(conf))
