"""The forms in which a model goes out of here: written from its scorer, and read back as a foreign program reads it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from pipelines.models.exportable import ROWS, Exportable, NetScorer, Tensors

if TYPE_CHECKING:
    from torch import nn

Answer = Callable[[Tensors], npt.NDArray[np.floating[Any]]]
"""From tensors to answers, whose last place has the outputs of the scorer's signature."""


@dataclass(frozen=True)
class Light:
    """How a net is made light. int8: whether its weights have 8 bits; pruned: what part of them is 0, the smallest."""

    int8: bool
    pruned: float

    @property
    def name(self) -> str:
        return "_".join(filter(None, ("pruned" if self.pruned else "", "int8" if self.int8 else "")))


class Format(ABC):
    """file: what a model is called in it. runtime: what reads it. is_unsorted: whether quantiles may cross in it."""

    name: ClassVar[str]
    file: ClassVar[str]
    runtime: ClassVar[str]
    is_unsorted: ClassVar[bool] = False

    @abstractmethod
    def write(self, scorer: Exportable, tensors: Tensors) -> bytes:
        """tensors: two rows or more, which a graph is traced by; the model takes any number."""

    @abstractmethod
    def opened(self, content: bytes) -> Answer:
        """The model as a foreign program has it: by the runtime, on one thread."""


class NetFormat(Format):
    """A form of nets. light_file: what a light one is called beside the whole one."""

    light_file: ClassVar[str]

    def write(self, scorer: Exportable, tensors: Tensors) -> bytes:
        assert isinstance(scorer, NetScorer), "its family says that it exports in this form"
        return self.traced(scorer.graph(), tensors)

    def write_light(self, scorer: NetScorer, tensors: Tensors, light: Light) -> bytes:
        """As `write`, but made light, without training anew."""
        from pipelines.models.nets.pruning import prune

        graph = scorer.graph()
        if light.pruned:
            prune(graph, light.pruned)
        return self.traced_int8(graph, tensors) if light.int8 else self.traced(graph, tensors)

    @abstractmethod
    def traced(self, graph: nn.Module, tensors: Tensors) -> bytes:
        """The graph as `write` gives it."""

    @abstractmethod
    def traced_int8(self, graph: nn.Module, tensors: Tensors) -> bytes:
        """The same with weights of 8 bits; what meets them is rounded to 8 bits as it comes."""


class Onnx(NetFormat):
    """Open Neural Network Exchange."""

    name, file, runtime = "onnx", "model.onnx", "onnxruntime"
    light_file = "light.onnx"

    def traced(self, graph: nn.Module, tensors: Tensors) -> bytes:
        from pipelines.models.nets.onnx_files import written

        return written(graph, tensors)

    def traced_int8(self, graph: nn.Module, tensors: Tensors) -> bytes:
        from pipelines.models.nets.onnx_files import written_int8

        return written_int8(graph, tensors)

    def opened(self, content: bytes) -> Answer:
        from pipelines.models.nets.onnx_files import opened

        return opened(content)


class TorchScript(NetFormat):
    """A traced graph, for libtorch."""

    name, file, runtime = "torchscript", "model.pt", "torch"
    light_file = "light.pt"

    def traced(self, graph: nn.Module, tensors: Tensors) -> bytes:
        from pipelines.models.nets.torchscript_files import written

        return written(graph, tensors)

    def traced_int8(self, graph: nn.Module, tensors: Tensors) -> bytes:
        from pipelines.models.nets.torchscript_files import written_int8

        return written_int8(graph, tensors)

    def opened(self, content: bytes) -> Answer:
        from pipelines.models.nets.torchscript_files import opened

        return opened(content)


class Ubj(Format):
    """XGBoost's own, universal binary JSON: every binding of XGBoost reads it."""

    name, file, runtime = "ubj", "model.ubj", "xgboost"
    is_unsorted = True

    def write(self, scorer: Exportable, tensors: Tensors) -> bytes:
        from pipelines.models.xgboost import BoosterScorer

        assert isinstance(scorer, BoosterScorer), "its family says that it exports in this form"
        return bytes(scorer.booster.save_raw("ubj"))

    def opened(self, content: bytes) -> Answer:
        import xgboost

        booster = xgboost.Booster({"nthread": 1, "device": "cpu"})
        booster.load_model(bytearray(content))

        def answer(tensors: Tensors) -> npt.NDArray[np.floating[Any]]:
            rows = xgboost.DMatrix(tensors[ROWS], feature_names=booster.feature_names, nthread=1)
            found = np.asarray(booster.predict(rows))
            return found.reshape(len(tensors[ROWS]), -1)

        return answer


FORMATS: dict[str, Format] = {of.name: of for of in (Onnx(), TorchScript(), Ubj())}
