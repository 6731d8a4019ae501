"""The tools that build the environment (uv, cmake, setuptools): a small hash-locked venv of their own in the cache."""

import os
import shutil
import sys
from pathlib import Path

from pipelines.provision.commands import run_logged
from pipelines.provision.fingerprint import fingerprint
from pipelines.provision.places import Places


def tools_folder(places: Places) -> Path:
    """Keyed by the build lock and the Python, so that checkouts with equal locks share it."""
    return places.cache / "tools" / fingerprint((places.locks / "build.txt").read_text(), sys.version, sys.executable)


def provide_tools(places: Places) -> Path:
    """Make the tools' venv if it is not complete; return its bin folder."""
    folder = tools_folder(places)
    complete = folder / "complete"
    if not (complete.exists() and (folder / "bin" / "python").exists()):
        shutil.rmtree(folder, ignore_errors=True)
        run_logged([sys.executable, "-m", "venv", str(folder)], places.logs / "tools-venv.log")
        run_logged(
            [str(folder / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check", "--no-deps"]
            + ["--require-hashes", "--only-binary", ":all:", "-r", str(places.locks / "build.txt")],
            places.logs / "tools.log",
        )
        complete.touch()
    return folder / "bin"


def uv_environment() -> dict[str, str]:
    """This process's environment, with what pip has been told about its index and certificates passed on to uv.

    uv reads no pip settings; a machine whose pip reaches an index should not need a second set of settings for uv.
    """
    env = dict(os.environ)
    for ours, theirs in (
        ("PIP_CERT", "SSL_CERT_FILE"),
        ("PIP_INDEX_URL", "UV_DEFAULT_INDEX"),
        ("PIP_EXTRA_INDEX_URL", "UV_INDEX"),
    ):
        if env.get(ours):
            env.setdefault(theirs, env[ours])
    env.setdefault("UV_HTTP_TIMEOUT", "180")
    env["UV_PYTHON_DOWNLOADS"] = "never"
    env.pop("VIRTUAL_ENV", None)
    return env
