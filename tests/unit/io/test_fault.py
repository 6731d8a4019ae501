"""A process dies in the place that it was told to, and nowhere else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from pipelines.io import fault


def test_the_process_dies_in_the_named_place() -> None:
    code = (
        "from pipelines.io import fault; fault.point('a'); print('passed a', flush=True); fault.point('b'); print('b')"
    )
    environment = os.environ | {fault.VARIABLE: "b"}
    died = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert (died.returncode, died.stdout) == (-signal.SIGKILL, "passed a\n")


def test_the_process_dies_the_second_time_that_it_passes() -> None:
    code = "from pipelines.io import fault; [(fault.point('a'), print(n, flush=True)) for n in range(9)]"
    environment = os.environ | {fault.VARIABLE: "a#2"}
    died = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert (died.returncode, died.stdout) == (-signal.SIGKILL, "0\n")
