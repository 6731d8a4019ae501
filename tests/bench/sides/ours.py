"""The command `headrace` with the made-up domains of the races beside its own; nothing else differs."""

from __future__ import annotations

import sys
from pathlib import Path

import pipelines.domains
from pipelines.cli import main

pipelines.domains.__path__.append(str(Path(__file__).parents[1] / "domains"))

if __name__ == "__main__":
    sys.exit(main())
