"""What a scorer must tell so that its model can go out of here: which tensors the model takes, and what is in them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.models.base import Scorer
from pipelines.models.rows import matrix

if TYPE_CHECKING:
    from torch import nn

Tensors = Mapping[str, npt.NDArray[Any]]
"""By input their values, a row of them a question; a missing number is NaN."""


@dataclass(frozen=True)
class Input:
    """One input of an exported model. type: float64 or uint8. shape: of one row. columns: what lies along its last
    place, if that has names. meaning: in words."""

    name: str
    type: str
    shape: tuple[int, ...]
    columns: tuple[str, ...]
    meaning: str


class Exportable(Scorer):
    """A scorer whose model answers from tensors alone."""

    @property
    @abstractmethod
    def inputs(self) -> tuple[Input, ...]:
        """What the model takes."""

    @abstractmethod
    def tensors(self, examples: pa.Table) -> dict[str, npt.NDArray[Any]]:
        """The examples, means in place of encoded codes, as these inputs."""


class NetScorer(Exportable):
    """The scorer of a net."""

    @abstractmethod
    def graph(self) -> nn.Module:
        """The net with all that stands around it, ready to answer: from the tensors, in the order of `inputs`, to the
        scorer's answers, in double precision."""


class RowsExportable(Exportable):
    """A scorer that reads rows: each step of an example is one."""

    @property
    def inputs(self) -> tuple[Input, ...]:
        names = self.signature.features
        return (Input(ROWS, "float64", (len(names),), names, "a row's features; a missing one is NaN"),)

    def tensors(self, examples: pa.Table) -> dict[str, npt.NDArray[np.float64]]:
        return {ROWS: matrix(examples, self.signature.features, self.signature.steps)}


ROWS = "rows"
