"""A virtual environment: exactly what its hash lock names; plus, in `.venv`, this checkout itself, editable."""

import shutil
import sys
from pathlib import Path

from pipelines.provision.commands import run_logged
from pipelines.provision.places import Places
from pipelines.provision.tools import uv_environment


def has_this_python(places: Places) -> bool:
    """Whether the environment exists and was made for the running Python."""
    settings = places.venv / "pyvenv.cfg"
    if not (settings.is_file() and places.python.exists()):
        return False
    version = ".".join(map(str, sys.version_info[:3]))
    return any(
        line.split("=")[-1].strip() == version
        for line in settings.read_text().splitlines()
        if line.startswith("version")
    )


def install_packages(places: Places, tools: Path, lock: str) -> None:
    """Make the environment hold the packages of `lock`, a file name in locks/, and no others.

    uv keeps unpacked wheels in its cache and links them, so that a second clone takes seconds and no disk. They are
    compiled here: where Python is told to write no bytecode, as in many containers, every process and every worker of
    Spark's would compile its imports anew.
    What has to be built (pyspark comes as an sdist) is built by the setuptools of the build lock.
    """
    uv, env = str(tools / "uv"), uv_environment()
    if not has_this_python(places):
        shutil.rmtree(places.venv, ignore_errors=True)
        run_logged([uv, "venv", "--python", sys.executable, str(places.venv)], places.logs / "venv.log", env=env)
    run_logged(
        [uv, "pip", "sync", "--python", str(places.python), "--require-hashes", "--compile-bytecode"]
        + ["--build-constraints", str(places.locks / "build.txt"), str(places.locks / lock)],
        places.logs / "packages.log",
        env=env,
        cwd=places.checkout,
    )


def install_project(places: Places, tools: Path) -> None:
    """Put this checkout into .venv, editable, so that `.venv/bin/headrace` runs what is in the folder."""
    run_logged(
        [str(tools / "uv"), "pip", "install", "--python", str(places.python)]
        + ["--no-deps", "--no-build-isolation", "--offline", "--editable", str(places.checkout)],
        places.logs / "project.log",
        env=uv_environment(),
    )
