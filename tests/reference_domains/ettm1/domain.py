"""The declaration of the same transformer as etth1's, read four times as often."""

from __future__ import annotations

from datetime import timedelta

from ..etth1.domain import transformer

DOMAIN = transformer("ettm1", source="quarters", step=timedelta(minutes=15))
