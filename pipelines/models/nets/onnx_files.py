"""Nets as ONNX files: written by torch's exporter, read by onnxruntime."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Callable, Iterator
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import onnxscript.optimizer
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import nn

from pipelines.models.exportable import Tensors
from pipelines.models.nets.graphs import ANSWER, traced_as

_ERRORS_ALONE = 3
_ANY_SIZE = 2**31
"""Constants are computed beforehand up to this size; else large weights of an LSTM would be put together at every call,
and be nothing that the quantiser sees."""


def written(graph: nn.Module, tensors: Tensors) -> bytes:
    """The graph for any number of rows; what the exporter notes of where the code lies is left out."""
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    rows = torch.export.Dim("rows")
    with traced_as(tensors) as given, warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")  # the exporter's, of its own parts
        program = torch.onnx.export(
            graph,
            given,
            dynamo=True,
            verbose=False,
            input_names=list(tensors),
            output_names=[ANSWER],
            dynamic_shapes=tuple({0: rows} for _ in given),
        )
    assert program is not None, "a program is what the exporter without TorchScript gives"
    folded = onnxscript.optimizer.optimize(
        program.model_proto, input_size_limit=_ANY_SIZE, output_size_limit=_ANY_SIZE, onnx_shape_inference=False
    )
    return _tidied(folded).SerializeToString()


def written_int8(graph: nn.Module, tensors: Tensors) -> bytes:
    """The same with weights of 8 bits, by onnxruntime's own operators where ONNX has none (LSTM).

    Without a sign: with one, products overflow on processors that lack VNNI (measured: answers off by their own size).
    """
    with TemporaryDirectory(prefix="headrace-") as folder, _silent_root():
        quantize_dynamic(
            onnx.load_model_from_string(written(graph, tensors)),
            f"{folder}/light.onnx",
            op_types_to_quantize=["Conv", "Gemm", "LSTM", "MatMul"],
            weight_type=QuantType.QUInt8,
        )
        model = onnx.load(f"{folder}/light.onnx")
    return _tidied(model).SerializeToString()


def opened(content: bytes) -> Callable[[Tensors], npt.NDArray[np.floating[Any]]]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ALONE
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return lambda tensors: session.run([ANSWER], dict(tensors))[0]


@contextlib.contextmanager
def _silent_root() -> Iterator[None]:
    """The quantiser warns, by the root logger, of a step that is for pictures."""
    root = logging.getLogger()
    was = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(was)


def _tidied(model: onnx.ModelProto) -> onnx.ModelProto:
    parts = [model, model.graph, *model.graph.node, *model.graph.initializer, *model.graph.value_info]
    for part in [*parts, *model.graph.input, *model.graph.output, *model.functions]:
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    del model.graph.value_info[:]
    return model
