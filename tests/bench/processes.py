"""What a process and all it starts cost: seconds, memory, bytes written."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from pipelines.settings import PROJECT

_EVERY_S = 0.1  # a finer look costs the measured processes time on two cores
_EXECUTOR = "CoarseGrainedExecutorBackend"
_WORK = re.compile(r"^work ([0-9.]+) s$", re.MULTILINE)
_THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS"), "2")


@dataclass(frozen=True)
class Cost:
    """seconds: wall clock from start to end. peak_mib: resident memory, summed over the processes (shared pages count
    once for each), as seen every 0.1 s. bytes_written: in files new or changed.
    work_seconds: of these, what the process itself calls its work, by a line `work 1.234 s`; all, if it has none.
    driver_mib: of the memory, what Spark's executors and all that they start do not take; all, where they have no
    processes of their own.
    """

    seconds: float
    peak_mib: float
    bytes_written: int
    work_seconds: float
    driver_mib: float


class CommandFailed(RuntimeError):
    """A measured command ended with another exit code than 0; the message has its last words."""


def measured(command: Sequence[str], place: Path) -> tuple[Cost, str]:
    """Run a command in the project's folder; its cost, and all that it printed. place: where its files are counted."""
    before = _files(place)
    started = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=PROJECT, env=os.environ | _THREADS, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    watch = _Watch(process.pid)
    watch.start()
    assert process.stdout is not None
    with process.stdout as stream:
        printed = stream.read()
    process.wait()
    seconds = time.perf_counter() - started
    watch.join()
    if process.returncode:
        raise CommandFailed(f"{' '.join(command)}: exit code {process.returncode}: {printed.strip()[-2000:]}")
    written = sum(size for path, (size, at) in _files(place).items() if before.get(path) != (size, at))
    told = _WORK.search(printed)
    work = float(told[1]) if told else seconds
    return Cost(seconds, watch.peak / 2**20, written, work, watch.peak_of_driver / 2**20), printed


class _Watch(threading.Thread):
    """Looks at a process and its descendants until it ends; peaks in bytes."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid, self.peak, self.peak_of_driver = pid, 0, 0
        self._are_executors: dict[int, bool] = {}

    def run(self) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            leader = psutil.Process(self._pid)
            while leader.is_running() and leader.status() != psutil.STATUS_ZOMBIE:
                resident = {process: _resident(process) for process in (leader, *leader.children(recursive=True))}
                theirs = {one for process in resident if self._is_executor(process) for one in _with_children(process)}
                self.peak = max(self.peak, sum(resident.values()))
                of_driver = sum(size for process, size in resident.items() if process not in theirs)
                self.peak_of_driver = max(self.peak_of_driver, of_driver)
                time.sleep(_EVERY_S)

    def _is_executor(self, process: psutil.Process) -> bool:
        if process.pid not in self._are_executors:
            with contextlib.suppress(psutil.NoSuchProcess):
                command = process.cmdline()
                if process.name() == "java":  # until then it is a copy of who starts it
                    self._are_executors[process.pid] = any(word.endswith(_EXECUTOR) for word in command)
        return self._are_executors.get(process.pid, False)


def _with_children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return [process]


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def _files(place: Path) -> dict[Path, tuple[int, int]]:
    """Size and time of change of every file below `place`."""
    return {
        path: (stat.st_size, stat.st_mtime_ns) for path in place.rglob("*") if path.is_file() for stat in (path.stat(),)
    }
