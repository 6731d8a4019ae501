"""python -m tests.faults.headrace …: the command headrace, in a house that has the domains of the faults too."""

from __future__ import annotations

import sys

from pipelines.cli import main
from tests.faults.domains import known

if __name__ == "__main__":
    with known():
        code = main()
    sys.exit(code)
