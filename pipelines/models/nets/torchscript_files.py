"""Nets as TorchScript files: traced, and read by torch alone."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from pipelines.models.exportable import Tensors
from pipelines.models.nets.graphs import traced_as
from pipelines.models.nets.training import reproducible


def written(graph: nn.Module, tensors: Tensors) -> bytes:
    """The graph for any number of rows."""
    with traced_as(tensors) as given, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch would rather have its own newer format written
        traced = torch.jit.trace(graph, given, check_trace=False)
        file = io.BytesIO()
        torch.jit.save(traced, file)
    return file.getvalue()


def written_int8(graph: nn.Module, tensors: Tensors) -> bytes:
    """The same with weights of 8 bits in linear and recurrent layers; convolutions and attention stay as they are."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch has its quantisation moved to a package of its own
        return written(torch.ao.quantization.quantize_dynamic(graph, {nn.Linear, nn.LSTM}, dtype=torch.qint8), tensors)


def opened(content: bytes) -> Callable[[Tensors], npt.NDArray[np.floating[Any]]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network = torch.jit.load(io.BytesIO(content))

    def answer(tensors: Tensors) -> npt.NDArray[np.floating[Any]]:
        with reproducible(0), torch.no_grad():
            return network(*[torch.from_numpy(of) for of in tensors.values()]).numpy()

    return answer
