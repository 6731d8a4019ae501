"""Named places where a test may kill the process, so that what a crash leaves behind can be tried out."""

from __future__ import annotations

import os
import signal

VARIABLE = "HEADRACE_FAULT"


def point(name: str) -> None:
    """Die here as by `kill -9`, if the environment variable HEADRACE_FAULT is `name`."""
    if os.environ.get(VARIABLE) == name:
        os.kill(os.getpid(), signal.SIGKILL)
