"""The machine while something is worked on: what that took of it, and its CPU, memory and GPUs by MLflow's names."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from dataclasses import replace
from types import TracebackType
from typing import NamedTuple, Self

import psutil

from pipelines.contracts.usage import Sample, Usage

_EVERY_SECONDS = 1.0
_MOST_SAMPLES = 512
_GPU_FIELDS = "index,utilization.gpu,memory.used,memory.total,power.draw"
_MEGABYTE, _MEBIBYTE = 1e6, 2**20


class Metered:
    """Looks once a second, from a thread of its own, at what this process and those below it have computed and written,
    since one that has ended tells no more; `usage` tells afterwards. Work on other machines is not seen.
    """

    def __init__(self) -> None:
        self.usage = Usage(0.0, 0.0)
        self._every = _EVERY_SECONDS
        self._taken: dict[_Process, _Taken] = {}
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="machine", daemon=True)

    def __enter__(self) -> Self:
        self._began = time.monotonic()
        self._before = _taken()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()
        self._thread.join()
        self._look()
        core_seconds, written = 0.0, 0
        for process, taken in self._taken.items():
            before = self._before.get(process, _Taken(0.0, 0))
            core_seconds += taken.core_seconds - before.core_seconds
            written += taken.bytes_written - before.bytes_written
        self.usage = Usage(time.monotonic() - self._began, core_seconds, bytes_written=written)

    def _watch(self) -> None:
        while not self._is_over.wait(self._every):
            self._look()

    def _look(self) -> None:
        self._taken |= _taken()


class Watched(Metered):
    """Meters, and watches the machine as a whole: `usage` has samples as well.

    Of a long piece of work every second sample is dropped, again and again, so that there are never more than 512.
    """

    def __init__(self) -> None:
        super().__init__()
        self._samples: list[Sample] = []
        self._gpus = shutil.which("nvidia-smi")

    def __enter__(self) -> Self:
        psutil.cpu_percent()  # counts from here on
        return super().__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        self.usage = replace(self.usage, samples=tuple(self._samples))

    def _look(self) -> None:
        super()._look()
        memory = psutil.virtual_memory()
        values = {
            "system/cpu_utilization_percentage": psutil.cpu_percent(),
            "system/system_memory_usage_megabytes": memory.used / _MEGABYTE,
            "system/system_memory_usage_percentage": memory.used / memory.total * 100,
        }
        if self._gpus:
            values |= _of_gpus(self._gpus)
        self._samples.append(Sample(time.time_ns() // 1_000_000, values))
        if len(self._samples) > _MOST_SAMPLES:
            self._samples, self._every = self._samples[::2], self._every * 2


class _Taken(NamedTuple):
    core_seconds: float
    bytes_written: int


_Process = tuple[int, float]
"""By its id and its start."""


def _taken() -> dict[_Process, _Taken]:
    """What this process and each one below it has had so far."""
    found = {}
    own = psutil.Process()
    for process in (own, *own.children(recursive=True)):
        try:
            with process.oneshot():
                times = process.cpu_times()
                # macOS does not count what a process writes
                written = process.io_counters().write_bytes if hasattr(process, "io_counters") else 0
                found[process.pid, process.create_time()] = _Taken(times.user + times.system, written)
        except psutil.Error:
            continue  # it ended meanwhile, or is another user's
    return found


def _of_gpus(command: str) -> dict[str, float]:
    """What the driver tells of each GPU; nothing where it does not answer."""
    try:
        asked = subprocess.run(
            [command, f"--query-gpu={_GPU_FIELDS}", "--format=csv,noheader,nounits"],
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return {}
    found: dict[str, float] = {}
    for line in asked.stdout.splitlines():
        index, *told = [part.strip() for part in line.split(",")]
        try:
            utilization, used, total, power = map(float, told)
        except ValueError:
            continue  # a field that this GPU does not have
        found |= {
            f"system/gpu_{index}_utilization_percentage": utilization,
            f"system/gpu_{index}_memory_usage_megabytes": used * _MEBIBYTE / _MEGABYTE,
            f"system/gpu_{index}_memory_usage_percentage": used / total * 100,
            f"system/gpu_{index}_power_usage_watts": power,
        }
    return found
