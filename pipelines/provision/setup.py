"""The steps of set-up in their order, each with the key of what it depends on; only what is due is done."""

import fcntl
import json
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipelines.provision import system
from pipelines.provision.class_archive import install_archive
from pipelines.provision.environment import has_this_python, install_packages, install_project
from pipelines.provision.failure import SetupFailed
from pipelines.provision.fingerprint import fingerprint
from pipelines.provision.horovod import find_wheel, install_horovod, wheel_folder
from pipelines.provision.jars import DELTA, install_jars
from pipelines.provision.places import Places, default_places
from pipelines.provision.spark_home import FIND_SPARK_HOME, LOGGING, SPARK_DEFAULTS, install_spark_home
from pipelines.provision.tools import provide_tools


@dataclass(frozen=True)
class Step:
    """One line of progress: what is done, why, and the key under which it counts as done."""

    name: str
    why: str
    key: str
    do: Callable[[], None]


@contextmanager
def only_one(places: Places) -> Iterator[None]:
    """Hold the cache's lock: two set-ups at once would write the same files. Clear what a killed one left."""
    places.cache.mkdir(parents=True, exist_ok=True)
    with (places.cache / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another set-up is under way: waiting for it …", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        shutil.rmtree(places.scratch, ignore_errors=True)
        yield


def steps_of(places: Places, java_home: Path) -> list[Step]:
    """What makes a checkout run, in order; each step relies on those before it."""

    def text(name: str) -> str:
        return (places.checkout / name).read_text()

    wheel, java = find_wheel(places), system.java_release(java_home)
    builds = "from the cache" if wheel else "compiled once from source, some minutes"
    return [
        Step(
            "packages",
            "exactly what locks/requirements.txt pins, into .venv, compiled",
            fingerprint(text("locks/requirements.txt"), text("locks/build.txt"), sys.version, "compiled"),
            lambda: install_packages(places, provide_tools(places), "requirements.txt"),
        ),
        Step(
            "headrace",
            "this checkout, editable, as .venv/bin/headrace",
            fingerprint(text("pyproject.toml"), str(places.checkout)),
            lambda: install_project(places, provide_tools(places)),
        ),
        Step(
            "jars",
            "Delta for Spark, pinned by sha256, into .venv/jars",
            fingerprint(text("locks/jars.txt")),
            lambda: install_jars(DELTA, places.jars, places, java_home),
        ),
        Step(
            "spark",
            "Spark's commands find Java, Python and Delta by themselves",
            fingerprint(str(java_home), str(places.checkout), FIND_SPARK_HOME, SPARK_DEFAULTS, text(LOGGING)),
            lambda: install_spark_home(places, java_home),
        ),
        Step(
            "horovod",
            f"nets train on several ranks; {builds}",
            wheel_folder(places).name,
            lambda: install_horovod(places, provide_tools(places)),
        ),
        Step(
            "classes",
            "Spark's classes as an archive, so that it starts in half the time",
            fingerprint(*map(text, ("locks/requirements.txt", "locks/jars.txt")), str(places.checkout), java),
            lambda: install_archive(places),
        ),
    ]


def read_stamp(places: Places) -> dict[str, str]:
    """The keys of the steps that are done; empty where there is no whole environment to speak of."""
    if not has_this_python(places):
        return {}
    try:
        return dict(json.loads(places.stamp.read_text()))
    except (FileNotFoundError, json.JSONDecodeError):
        return {}


def due_steps(steps: list[Step], places: Places) -> list[Step]:
    """The first step whose key is not stamped, and all after it; none where the environment is as it should be."""
    done = read_stamp(places)
    first = next((at for at, step in enumerate(steps) if done.get(step.name) != step.key), len(steps))
    return steps[first:]


def run_due(steps: list[Step], places: Places) -> list[Step]:
    """Do what is due, one line each, stamping each step as it ends; return what was done."""
    due = due_steps(steps, places)
    others = {name: key for name, key in read_stamp(places).items() if name not in {step.name for step in steps}}
    stamped = others | {step.name: step.key for step in steps[: len(steps) - len(due)]}
    for step in due:
        print(f"{step.name:<9} {step.why} …", end=" ", flush=True)
        started = time.monotonic()
        try:
            step.do()
        except BaseException:
            print("stopped", flush=True)
            raise
        stamped[step.name] = step.key
        places.stamp.write_text(json.dumps(stamped, indent=2) + "\n")
        print(f"{time.monotonic() - started:.1f} s", flush=True)
    return due


def provide_java(places: Places) -> Path:
    """Java's home, as the last set-up found it or as it is found now, after installing what the machine lacks."""
    has_horovod = read_stamp(places).get("horovod") == wheel_folder(places).name or find_wheel(places) is not None
    if has_horovod and places.java_home.is_file():
        known = Path(places.java_home.read_text().strip())
        if system.java_version(known) in system.JAVA:
            return known
    system.provide(system.needs(builds_horovod=not has_horovod), places)
    home = system.find_java()
    if home is None:
        raise SetupFailed("Java vanished while it was looked for. Run: make setup")
    return home


def set_up(places: Places | None = None) -> int:
    """Bring the checkout to a working environment; return the exit status."""
    places = places or default_places()
    return carry_out(places, lambda: steps_of(places, provide_java(places)))


def carry_out(places: Places, steps: Callable[[], list[Step]], ready: str = "") -> int:
    """Do those of the steps that are due, and tell what came of it; return the exit status. ready: what to say at last
    where all is there."""
    started = time.monotonic()
    try:
        with only_one(places):
            done = run_due(steps(), places)
    except SetupFailed as failed:
        print(failed, file=sys.stderr)
        return failed.code
    except KeyboardInterrupt:
        print("\nSet-up was interrupted. The same command goes on from here.", file=sys.stderr)
        return 130
    if done:
        print(f"Ready in {time.monotonic() - started:.0f} s.", flush=True)
    if ready:
        print(ready)
    return 0
