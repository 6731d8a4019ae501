"""Reference data by the product's own way into gold."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from pipelines import runner
from pipelines.io.ledger import Ledger
from pipelines.io.publication import Pin
from pipelines.io.session import stop
from tests.house import settings_on
from tests.reference import deliver, reference_domains


def through_gold(
    domain: str, files: Mapping[str, bytes], folder: Path, as_of: datetime | None = None
) -> Mapping[str, Pin]:
    """The published tables of a reference domain after these files, by name; content by file, all in `folder`."""
    settings = settings_on(folder)
    with reference_domains():
        deliver(settings, domain, dict(files))
        outcome = runner.run(settings, names=[domain], stages=["land", "bronze", "silver", "gold"], as_of=as_of)
        stop()
    if outcome.failures:
        raise RuntimeError(str(outcome.failures))
    return Ledger(settings.ledger).pins(domain)
