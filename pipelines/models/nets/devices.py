"""Where a net is trained, and how a CUDA device is held to one answer."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from pipelines.contracts.fits import FitError, FitPlan

CPU = torch.device("cpu")


def device_of(plan: FitPlan) -> torch.device:
    """The device that the plan names; FitError where none is visible to this process."""
    if plan.device == "cuda" and not torch.cuda.is_available():
        raise FitError(
            f"{plan.family}: conf says training.device: cuda, but no CUDA device is visible here; "
            "say device: cpu, or run on a machine that has one"
        )
    return torch.device(plan.device)


@contextmanager
def in_fixed_order() -> Iterator[None]:
    """CUDA kernels that sum in the same order every time, in full float32; a kernel that cannot is an error.

    Float32 because the LSTM's products would else be rounded to TF32's ten bits, and at the size of these nets that
    saves nothing. The caller's choices are as before afterwards, but for cuBLAS's workspace.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read once, when cuBLAS starts
    before = torch.are_deterministic_algorithms_enabled()
    with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
        torch.use_deterministic_algorithms(True)
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(before)
