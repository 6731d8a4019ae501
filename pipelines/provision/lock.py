"""Write the locks anew: `make lock`, after a change of pyproject.toml or of locks/*.in, with the network at hand.

The locks hold names, versions and hashes, and no address: where packages come from is the machine's own setting.
"""

import os
import sys
import tempfile
from pathlib import Path

from pipelines.provision.commands import run_logged
from pipelines.provision.failure import SetupFailed
from pipelines.provision.fingerprint import sha256_of
from pipelines.provision.jars import DELTA, S3, Jar, Jars, fetched_path, read_lock, resolve
from pipelines.provision.places import Places, default_places
from pipelines.provision.setup import only_one, provide_java
from pipelines.provision.tools import provide_tools, uv_environment

OLDEST_PYTHON = "3.11"
EXTRAS = ("samples", "export", "test", "bench", "notebooks", "dev")
JARS_HEADER = "# For Spark: Maven coordinate, sha256, file name. Change a coordinate here, then: make lock\n"


def compile_lock(places: Places, tools: Path, source: str, lock: str, *options: str) -> None:
    """Resolve `source` for every supported Python and platform, with hashes, into `lock`.

    What the lock already pins stays as long as it fits, so that adding one package changes few lines; UPGRADE=1 in the
    environment takes the newest of everything.
    """
    upgrade = ["--upgrade"] if os.environ.get("UPGRADE") else []
    run_logged(
        [str(tools / "uv"), "pip", "compile", source, "--output-file", lock, "--universal", "--generate-hashes"]
        + ["--python-version", OLDEST_PYTHON, "--no-emit-index-url", "--no-annotate"]
        + ["--custom-compile-command", "make lock", *upgrade, *options],
        places.logs / "lock.log",
        env=uv_environment(),
        cwd=places.checkout,
    )
    print(f"{lock}: written", flush=True)


def lock_jars(of: Jars, places: Places) -> None:
    """Fetch the coordinates in a lock of jars and write down what came."""
    lock = places.locks / of.lock
    jars = read_lock(lock)
    places.scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="ivy-", dir=places.scratch) as scratch:
        into = Path(scratch)
        resolve([jar.coordinate for jar in jars], of, places, provide_java(places), into)
        written = [pinned(jar.coordinate, into) for jar in jars]
    lock.write_text(JARS_HEADER + "".join(f"{jar.coordinate} {jar.sha256} {jar.file_name}\n" for jar in written))
    print(f"locks/{of.lock}: written", flush=True)


def pinned(coordinate: str, into: Path) -> Jar:
    """The lock's line for a jar that `resolve` has just brought."""
    _, artifact, version = coordinate.split(":")
    jar = Jar(coordinate, "", f"{artifact}-{version}.jar")
    return Jar(coordinate, sha256_of(fetched_path(into, jar)), jar.file_name)


def write_locks(places: Places) -> None:
    """Write all seven: build tools, Horovod's sdist, what .venv holds, CUDA's compiler, what Airflow's own holds,
    Delta's jars, those for an object store."""
    tools = provide_tools(places)
    compile_lock(places, tools, "locks/build.in", "locks/build.txt")
    compile_lock(places, tools, "locks/horovod.in", "locks/horovod.txt", "--no-deps", "--no-binary", "horovod")
    compile_lock(
        places,
        tools,
        "pyproject.toml",
        "locks/requirements.txt",
        *(option for extra in EXTRAS for option in ("--extra", extra)),
        *("--override", "locks/overrides.txt", "--constraints", "locks/constraints.txt"),
    )
    compile_lock(places, tools, "locks/cuda.in", "locks/cuda.txt", "--no-deps")
    compile_lock(places, tools, "locks/airflow.in", "locks/airflow.txt")
    for jars in (DELTA, S3):
        lock_jars(jars, places)


def main() -> int:
    """Write the locks; return the exit status."""
    places = default_places()
    try:
        with only_one(places):
            write_locks(places)
    except SetupFailed as failed:
        print(failed, file=sys.stderr)
        return failed.code
    return 0


if __name__ == "__main__":
    sys.exit(main())
