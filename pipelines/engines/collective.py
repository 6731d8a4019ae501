"""The collective of xgboost.spark: its tracker and workers listen at one address each, not at all of a machine's."""

from __future__ import annotations

import importlib
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xgboost.collective import Config
from xgboost.core import _LIB
from xgboost.spark.utils import CommunicatorContext

from pipelines.contracts.fits import Workspace
from pipelines.engines.listening import interface_of
from pipelines.engines.rebinding import CannotRebind, bound_to

if TYPE_CHECKING:
    from pyspark import BarrierTaskContext

_CORE: Any = importlib.import_module("xgboost.spark.core")
_UNBOUND = "rank-*.unbound"


@contextmanager
def met_at(host: str, workspace: Workspace) -> Iterator[None]:
    """Within it, the tracker of a fit by xgboost.spark listens at `host`, and each worker at the address of its own
    machine by which it reaches the tracker: the one at which the tracker tells the others to find it.

    XGBoost 3.2 has a setting for the tracker alone, so its workers are given another context than XGBoost's to
    begin in. Where one could not be held to an address, it says why in a file of the workspace: see `unbound`.
    """
    usual = _CORE._get_rabit_args, _CORE.CommunicatorContext
    _CORE._get_rabit_args = partial(_tracked_at, host)
    _CORE.CommunicatorContext = partial(_OneAddress, workspace.path)
    try:
        yield
    finally:
        _CORE._get_rabit_args, _CORE.CommunicatorContext = usual


def unbound(workspace: Workspace) -> str | None:
    """Why a worker listened at every address of its machine; None where none did."""
    return next((file.read_text(encoding="utf-8") for file in sorted(workspace.path.glob(_UNBOUND))), None)


def _tracked_at(host: str, config: Config, workers: int) -> dict[str, Any]:
    from xgboost.spark.utils import _get_rabit_args

    return _get_rabit_args(replace(config, tracker_host_ip=host), workers)


class _OneAddress(CommunicatorContext):
    """What a worker is in while it trains. It begins with binding two sockets, and ends with calling one of them, at
    loopback, wherever that listens."""

    def __init__(self, folder: Path, context: BarrierTaskContext, **args: Any) -> None:
        super().__init__(context, **args)
        self._unbound = folder / _UNBOUND.replace("*", str(context.partitionId()))
        self._address, self._ports = "", set[bytes]()

    def __enter__(self) -> Any:
        why = "XGBoost does not bind its sockets as it is known to"
        with ExitStack() as stack:
            try:
                self._address = _towards(str(self.args["dmlc_tracker_uri"]))
                if name := interface_of(self._address):
                    os.environ["NCCL_SOCKET_IFNAME"] = name  # on GPUs NCCL listens besides, by its own choice
                stack.enter_context(bound_to(self._address, _LIB, self._ports))
            except (CannotRebind, OSError) as error:
                why = str(error)
            entered = super().__enter__()
        if not self._ports:
            self._unbound.write_text(why, encoding="utf-8")
        return entered

    def __exit__(self, *args: Any) -> None:
        with bound_to(self._address, _LIB, self._ports) if self._ports else nullcontext():
            super().__exit__(*args)


def _towards(host: str) -> str:
    """The address of this machine from which packets go to the host; none is sent."""
    family, kind, _, _, remote = socket.getaddrinfo(host, 9, type=socket.SOCK_DGRAM)[0]  # whatever the port
    with socket.socket(family, kind) as probe:
        probe.connect(remote)
        return str(probe.getsockname()[0])
