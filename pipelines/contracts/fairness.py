"""Protected columns: between whose groups a model's decisions must not differ by more than is declared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pipelines.contracts.names import DeclarationError

GAPS = ("selection_rate", "true_positive_rate", "false_positive_rate", "calibration_error")
"""What is compared between groups: how many are picked (demographic parity), how many of the 1 and of the 0 are
(equalized odds: Hardt, Price and Srebro 2016), and how far the mean probability is from the part of 1."""


@dataclass(frozen=True)
class Protected:
    """The groups are the values of `column`, of the table whose rows are asked about; no model need see it.

    most: by name of GAPS, the greatest difference between two groups with which a model may be promoted; {} only tells.
    """

    column: str
    most: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, gap in self.most.items():
            if name not in GAPS:
                raise DeclarationError(f"protected '{self.column}': no gap '{name}'; there are: {', '.join(GAPS)}")
            if not 0.0 <= gap <= 1.0:
                raise DeclarationError(f"protected '{self.column}': a gap of {gap:g}; it must be from 0 to 1")
