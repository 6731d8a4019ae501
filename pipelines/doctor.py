"""Does what is installed fit together? Told from package metadata and file names, before any JVM or library starts."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import psutil

GIB = 2**30


@dataclass(frozen=True)
class Stack:
    """Versions that were run together. Pairs break at patch level, so they are exact; of Java, any of these."""

    spark: str
    java: tuple[str, ...]
    scala: str
    delta: str
    deltalake: str
    xgboost: str
    mlflow: str
    torch: str
    horovod: str
    pandas_below: str
    python: tuple[str, str]


KNOWN = Stack(
    spark="4.2.0",
    java=("17", "21", "25"),
    scala="2.13",
    delta="4.4.0",  # 4.4.1 is on PyPI, but its jars were never published
    deltalake="1.6.6",
    xgboost="3.2.0",
    mlflow="3.17.2",  # 3.18.0 lacks its skinny part
    torch="2.11.0",
    horovod="0.28.1",
    pandas_below="3",
    python=("3.11", "3.13"),
)
MEMORY_GIB = 6.0
"""Driver heap of 3 GiB, two Python ranks with torch, the driver's own Python."""
DISK_GIB = 2.0


@dataclass(frozen=True)
class Machine:
    """What is looked at; a test plants another one. version: of a distribution, None if it is not installed."""

    version: Callable[[str], str | None]
    python: str
    prefix: Path
    spark_jars: Path
    environment: Mapping[str, str]
    free_memory: int
    free_disk: int


@dataclass(frozen=True)
class Check:
    """One line of `headrace doctor`. fix: what does not fit, what would, what to do; "" where all is well."""

    name: str
    found: str
    wanted: str
    fix: str = ""

    @property
    def ok(self) -> bool:
        return not self.fix


def this_machine(folder: Path) -> Machine:
    """The running Python's environment, and the disk that `folder` is or will be on."""
    folder = folder.absolute()
    while not folder.exists():
        folder = folder.parent
    return Machine(
        version=_installed,
        python=".".join(map(str, sys.version_info[:3])),
        prefix=Path(sys.prefix),
        spark_jars=_spark_jars(),
        environment=os.environ,
        free_memory=_free_memory(),
        free_disk=shutil.disk_usage(folder).free,
    )


def checks(machine: Machine | None = None) -> list[Check]:
    """Every check, in the order a person would look; takes milliseconds and imports none of what it checks.

    machine: by default this one, with the disk of the current folder.
    """
    machine = machine or this_machine(Path())
    return [
        _python(machine),
        _java(machine),
        _spark(machine),
        _delta(machine),
        _delta_jars(machine),
        *_store_jars(machine),
        _exact(machine, "deltalake", "deltalake", KNOWN.deltalake, "reads the tables without a JVM"),
        _pandas(machine),
        _exact(machine, "xgboost", "xgboost", KNOWN.xgboost, f"was run with Spark {KNOWN.spark}"),
        _exact(machine, "MLflow", "mlflow", KNOWN.mlflow, "its store and its skinny part belong to one version"),
        _skinny(machine),
        _exact(machine, "torch", "torch", KNOWN.torch, f"Horovod {KNOWN.horovod} is built against it"),
        _horovod(machine),
        _space("free memory", machine.free_memory, MEMORY_GIB, "Close something, or lower spark.driver_memory in conf"),
        _space("free disk", machine.free_disk, DISK_GIB, "Make room, or set root in conf to another disk"),
    ]


def table(found: list[Check]) -> str:
    """The checks as text: a line each, then what to do about those that failed."""
    rows = [("", "found", "wanted")] + [(check.name, check.found, check.wanted) for check in found]
    marks = [" "] + ["✓" if check.ok else "✗" for check in found]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    lines = [
        f"{mark} {name:<{widths[0]}}  {value:<{widths[1]}}  {wanted}".rstrip()
        for mark, (name, value, wanted) in zip(marks, rows, strict=True)
    ]
    fixes = [check.fix for check in found if not check.ok]
    return "\n".join([*lines, *([""] if fixes else []), *fixes])


def _python(machine: Machine) -> Check:
    oldest, newest = KNOWN.python
    wanted = f"{oldest} to {newest}"
    fits = _numbers(oldest) <= _numbers(machine.python)[:2] <= _numbers(newest)
    fix = f"Headrace needs Python {wanted}, found {machine.python}. Run: make setup PYTHON=/path/to/python{oldest}"
    return Check("Python", machine.python, wanted, "" if fits else fix)


def _java(machine: Machine) -> Check:
    home, where = _java_home(machine)
    version, place = "none", ""
    if home is not None:
        version, place = _java_version(home), f" in {home} ({where})"
    todo = "unset JAVA_HOME; make setup" if where == "JAVA_HOME" else "make setup"
    spark = machine.version("pyspark") or KNOWN.spark
    wanted = f"{', '.join(KNOWN.java[:-1])} or {KNOWN.java[-1]}"
    fix = f"Spark {spark} needs Java {wanted}, found {version}{place}. Run: {todo}"
    return Check("Java", version, wanted, "" if version.split(".")[0] in KNOWN.java else fix)


def _java_version(home: Path) -> str:
    release = home / "release"
    if not (home / "bin" / "java").is_file():
        return "none"
    text = release.read_text(errors="replace") if release.is_file() else ""
    stated = re.search(r'JAVA_VERSION="(?:1\.)?([^"]+)"', text)
    return stated.group(1) if stated else "one that does not tell its version"


def _java_home(machine: Machine) -> tuple[Path | None, str]:
    """Where Spark will take Java from, and who says so."""
    if home := machine.environment.get("JAVA_HOME"):
        return Path(home), "JAVA_HOME"
    recorded = machine.prefix / "java_home"
    if recorded.is_file():
        return Path(recorded.read_text().strip()), "make setup"
    on_path = shutil.which("java", path=machine.environment.get("PATH", ""))
    return (Path(on_path).resolve().parents[1] if on_path else None), "PATH"


def _spark(machine: Machine) -> Check:
    return _exact(machine, "Spark", "pyspark", KNOWN.spark, f"Delta {KNOWN.delta} is made for it")


def _delta(machine: Machine) -> Check:
    found = machine.version("delta-spark")
    spark = machine.version("pyspark") or KNOWN.spark
    fix = f"Spark {spark} needs delta-spark {KNOWN.delta}, found {found or 'none'}. Run: make setup"
    return Check("delta-spark", found or "none", KNOWN.delta, "" if found == KNOWN.delta else fix)


def _delta_jars(machine: Machine) -> Check:
    """The jars' names tell Spark's line, Scala and Delta; the storage jar must be of the same Delta."""
    line = KNOWN.spark.rpartition(".")[0]
    wanted = [f"delta-spark_{line}_{KNOWN.scala}-{KNOWN.delta}.jar", f"delta-storage-{KNOWN.delta}.jar"]
    found = sorted(path.name for path in (machine.prefix / "jars").glob("delta-*.jar"))
    scala = next((path.stem.rpartition("-")[2] for path in machine.spark_jars.glob("scala-library-*.jar")), "none")
    fix = ""
    if scala.rpartition(".")[0] != KNOWN.scala:
        fix = f"{wanted[0]} needs Spark on Scala {KNOWN.scala}, found Scala {scala}. Run: make setup"
    elif found != wanted:
        fix = f"Spark {KNOWN.spark} needs {' and '.join(wanted)}, found {', '.join(found) or 'none'}. Run: make setup"
    shown = ", ".join(sorted({name.removesuffix(".jar").rpartition("-")[2] for name in found})) or "none"
    return Check("Delta jars", f"{shown}, Scala {scala}", f"{KNOWN.delta}, Scala {KNOWN.scala}", fix)


def _store_jars(machine: Machine) -> list[Check]:
    """Hadoop's client for an object store, where `make s3` was run: it fits no other Hadoop than its own."""
    found, hadoop = (
        next((path.stem.removeprefix(f"{name}-") for path in folder.glob(f"{name}-*.jar")), "")
        for folder, name in ((machine.prefix / "s3", "hadoop-aws"), (machine.spark_jars, "hadoop-client-api"))
    )
    if not found:
        return []
    fix = f"Spark brings Hadoop {hadoop or 'none'}, found hadoop-aws {found}. Run: make s3"
    return [Check("hadoop-aws", found, hadoop, "" if found == hadoop else fix)]


def _pandas(machine: Machine) -> Check:
    found, below = machine.version("pandas"), KNOWN.pandas_below
    fits = found is not None and _numbers(found) < _numbers(below)
    spark = machine.version("pyspark") or KNOWN.spark
    fix = f"Spark {spark} needs pandas below {below}, found {found or 'none'}. Run: make setup"
    return Check("pandas", found or "none", f"below {below}", "" if fits else fix)


def _skinny(machine: Machine) -> Check:
    found, mlflow = machine.version("mlflow-skinny"), machine.version("mlflow") or KNOWN.mlflow
    fix = f"MLflow {mlflow} needs mlflow-skinny {mlflow}, found {found or 'none'}. Run: make setup"
    return Check("mlflow-skinny", found or "none", mlflow, "" if found == mlflow else fix)


def _horovod(machine: Machine) -> Check:
    """Set-up writes the torch that the wheel was built against into its version: 0.28.1+torch2.11.0."""
    torch = (machine.version("torch") or KNOWN.torch).partition("+")[0]
    wanted = f"{KNOWN.horovod}, built against torch {torch}"
    found = machine.version("horovod")
    version, _, built = (found or "none").partition("+torch")
    shown = f"{version}, built against torch {built}" if built else version
    if version != KNOWN.horovod:
        return Check(
            "Horovod", shown, wanted, f"torch {torch} needs Horovod {KNOWN.horovod}, found {version}. Run: make setup"
        )
    if not built:
        fix = f"Horovod {version} does not tell the torch it was built against, found torch {torch}. Run: make setup"
        return Check("Horovod", shown, wanted, fix)
    fix = f"Horovod {version} was built against torch {built}, found torch {torch}. Run: make setup"
    return Check("Horovod", shown, wanted, "" if built == torch else fix)


def _exact(machine: Machine, name: str, distribution: str, wanted: str, why: str) -> Check:
    found = machine.version(distribution)
    fits = found is not None and found.partition("+")[0] == wanted
    fix = f"{name} {wanted} is needed ({why}), found {found or 'none'}. Run: make setup"
    return Check(name, found or "none", wanted, "" if fits else fix)


def _space(name: str, found: int, wanted_gib: float, advice: str) -> Check:
    gib = found / GIB
    fix = f"{gib:.1f} GiB of {name}, but a run needs about {wanted_gib:.0f} GiB. {advice}"
    return Check(name, f"{gib:.1f} GiB", f"{wanted_gib:.0f} GiB", "" if gib >= wanted_gib else fix)


def _installed(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _spark_jars() -> Path:
    try:
        return Path(str(metadata.distribution("pyspark").locate_file("pyspark/jars")))
    except metadata.PackageNotFoundError:
        return Path("pyspark/jars")


def _free_memory() -> int:
    """What this process may still take: the machine's, or less in a container with a limit."""
    free = int(psutil.virtual_memory().available)
    limit, used = (Path("/sys/fs/cgroup") / name for name in ("memory.max", "memory.current"))
    if limit.is_file() and used.is_file() and (text := limit.read_text().strip()) != "max":
        free = min(free, int(text) - int(used.read_text()))
    return free


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version.partition("+")[0]))
