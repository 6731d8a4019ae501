"""`make help` lists every target, and a machine without a suitable Python is told so in one line."""

import os
import re
import shutil
import subprocess

from pipelines.provision.places import CHECKOUT

TARGETS = {
    "help",
    "setup",
    "run",
    "test",
    "ui",
    "notebooks",
    "check",
    "bench",
    "faults",
    "quality",
    "airflow",
    "s3",
    "lock",
    "clean",
}


def make(*arguments, **variables):
    """Run make in the checkout, as a person would, with no jobserver of an outer make."""
    env = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    return subprocess.run(
        [shutil.which("make"), *arguments],
        cwd=CHECKOUT,
        env=env | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def test_help_lists_every_target():
    asked = make("help")
    assert asked.returncode == 0
    assert set(re.findall(r"^  make (\w+)", asked.stdout, re.MULTILINE)) == TARGETS


def test_a_machine_without_a_suitable_python_is_told_so():
    asked = make("setup", "PYTHON=")
    assert asked.returncode == 2
    assert asked.stderr.startswith("No Python 3.11 to 3.13 was found on the PATH.")
    assert "Traceback" not in asked.stderr
