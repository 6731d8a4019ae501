"""The machine while something is worked on: CPU, memory and GPUs by MLflow's names, and the cores that it took."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from types import TracebackType
from typing import Self

import psutil

from pipelines.contracts.usage import Sample, Usage

_EVERY_SECONDS = 1.0
_MOST_SAMPLES = 512
_GPU_FIELDS = "index,utilization.gpu,memory.used,memory.total,power.draw"
_MEGABYTE, _MEBIBYTE = 1e6, 2**20


class Watched:
    """Watches this machine from a thread of its own; `usage` tells afterwards what it saw.

    Of a long piece of work every second sample is dropped, again and again, so that there are never more than 512.
    Work on other machines is not seen.
    """

    def __init__(self) -> None:
        self.usage = Usage(0.0, 0.0)
        self._samples: list[Sample] = []
        self._every = _EVERY_SECONDS
        self._computed: dict[tuple[int, float], float] = {}
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="machine", daemon=True)
        self._gpus = shutil.which("nvidia-smi")

    def __enter__(self) -> Self:
        self._began = time.monotonic()
        self._before = _computed()
        psutil.cpu_percent()  # counts from here on
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()
        self._thread.join()
        self._look()
        core_seconds = sum(seconds - self._before.get(process, 0.0) for process, seconds in self._computed.items())
        self.usage = Usage(time.monotonic() - self._began, core_seconds, samples=tuple(self._samples))

    def _watch(self) -> None:
        while not self._is_over.wait(self._every):
            self._look()
            if len(self._samples) > _MOST_SAMPLES:
                self._samples, self._every = self._samples[::2], self._every * 2

    def _look(self) -> None:
        memory = psutil.virtual_memory()
        values = {
            "system/cpu_utilization_percentage": psutil.cpu_percent(),
            "system/system_memory_usage_megabytes": memory.used / _MEGABYTE,
            "system/system_memory_usage_percentage": memory.used / memory.total * 100,
        }
        if self._gpus:
            values |= _of_gpus(self._gpus)
        self._samples.append(Sample(time.time_ns() // 1_000_000, values))
        self._computed |= _computed()


def _computed() -> dict[tuple[int, float], float]:
    """Seconds of CPU that this process and each one below it has had, by process id and start."""
    found = {}
    own = psutil.Process()
    for process in (own, *own.children(recursive=True)):
        try:
            with process.oneshot():
                times = process.cpu_times()
                found[process.pid, process.create_time()] = times.user + times.system
        except psutil.Error:
            continue  # it ended meanwhile
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
