"""Run another program with its output in a log, and tell how it ended."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from pipelines.provision.failure import SetupFailed

LINES_SHOWN = 12


def run_logged(
    command: Sequence[str], log: Path, *, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> None:
    """Run `command`, its output into `log`; raise SetupFailed with the last lines if it fails."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as sink:
        ended = subprocess.run(
            command, stdout=sink, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=env, cwd=cwd, check=False
        )
    if ended.returncode != 0:
        last = log.read_text(errors="replace").splitlines()[-LINES_SHOWN:]
        shown = "\n".join(f"    {line}" for line in last)
        raise SetupFailed(
            f"{Path(command[0]).name} failed (exit {ended.returncode}); its last lines, all in {log}:\n{shown}"
        )
