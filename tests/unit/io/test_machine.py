"""What work takes of the machine, and what is seen of its GPUs, by a stand-in for the driver's program."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.io import machine
from pipelines.io.machine import Metered, Watched

BUSY_SECONDS = 2.0
BUSY = f"""
import time
until = time.process_time() + {BUSY_SECONDS}
while time.process_time() < until:
    pass
"""

TELLS = """#!/bin/sh
case "$1" in --query-gpu=index,utilization.gpu,memory.used,memory.total,power.draw) ;; *) exit 3 ;; esac
echo "0, 37, 20000, 80000, 310.5"
echo "1, [N/A], 1, 80000, 60.0"
echo "2, 0, 0, 80000, 61.25"
"""


def seen(folder: Path, monkeypatch: pytest.MonkeyPatch, program: str) -> dict[str, float]:
    command = folder / "nvidia-smi"
    command.write_text(program)
    command.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    with Watched() as watched:
        pass
    (sample,) = watched.usage.samples
    return sample.values


def test_each_gpu_that_tells_all_is_recorded_by_mlflows_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = seen(tmp_path, monkeypatch, TELLS)
    assert values["system/cpu_utilization_percentage"] >= 0.0
    assert {name: value for name, value in values.items() if "gpu" in name} == {
        "system/gpu_0_utilization_percentage": 37.0,
        "system/gpu_0_memory_usage_megabytes": 20971.52,
        "system/gpu_0_memory_usage_percentage": 25.0,
        "system/gpu_0_power_usage_watts": 310.5,
        "system/gpu_2_utilization_percentage": 0.0,
        "system/gpu_2_memory_usage_megabytes": 0.0,
        "system/gpu_2_memory_usage_percentage": 0.0,
        "system/gpu_2_power_usage_watts": 61.25,
    }


def test_a_driver_that_does_not_answer_costs_nothing_but_its_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = seen(tmp_path, monkeypatch, "#!/bin/sh\necho 'has failed' >&2\nexit 9\n")
    assert {name.partition("/")[2] for name in values} == {
        "cpu_utilization_percentage",
        "system_memory_usage_megabytes",
        "system_memory_usage_percentage",
    }


def test_a_child_that_ended_meanwhile_is_counted_and_what_was_before_is_not() -> None:
    with Metered() as meter:
        for _ in range(2):
            subprocess.run([sys.executable, "-c", BUSY], check=True)
    assert meter.usage.core_seconds > BUSY_SECONDS, "of two children that computed as long; looks come once a second"


def test_bytes_are_those_that_came_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """By stand-ins, as not every disk has its bytes counted."""
    here, ended = (1, 0.5), (2, 0.7)
    looks = [
        {here: machine._Taken(5.0, 100)},
        {here: machine._Taken(6.0, 130), ended: machine._Taken(0.5, 1000)},
        {here: machine._Taken(7.0, 150)},
    ]
    monkeypatch.setattr(machine, "_taken", lambda: looks.pop(0) if len(looks) > 1 else looks[0])
    with Metered() as meter:
        meter._look()
    assert (meter.usage.core_seconds, meter.usage.bytes_written) == (2.5, 1050)
