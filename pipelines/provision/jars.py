"""Jars for Spark, Delta's and those for an object store: fetched once by Spark's own resolver, checked against their
pinned sha256, then local for good."""

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from pipelines.provision.commands import run_logged
from pipelines.provision.failure import SetupFailed
from pipelines.provision.fingerprint import sha256_of
from pipelines.provision.places import Places


@dataclass(frozen=True)
class Jars:
    """Jars that belong together. lock: a file name in locks/, which names all that are fetched; not_fetched: patterns
    of what they depend on; command: what installs them.
    """

    lock: str
    not_fetched: str
    command: str


# Delta's jar names Spark's own libraries and Unity Catalog's client as dependencies: Spark has the former, and nothing
# here uses the latter.
DELTA = Jars(
    "jars.txt",
    "com.*:*,org.*:*,javax.*:*,commons-*:*,io.airlift:*,io.unitycatalog:*,io.delta:delta-kernel*",
    "make setup",
)
# Hadoop's client for S3, and what it is built against: the AWS SDK as a whole and a reader of Amazon's, of whose own
# libraries nothing is asked for. TLS is Java's own, not OpenSSL's.
S3 = Jars("s3.txt", "org.wildfly.*:*,org.slf4j:*,com.*:*,dev.*:*,org.jspecify:*", "make s3")


@dataclass(frozen=True)
class Jar:
    """One line of a lock of jars: `group:artifact:version sha256 file name`."""

    coordinate: str
    sha256: str
    file_name: str


def read_lock(lock: Path) -> list[Jar]:
    """The pinned jars, in the order of the file; lines starting with # are comments."""
    lines = [line.split() for line in lock.read_text().splitlines() if line.strip() and not line.startswith("#")]
    for number, fields in enumerate(lines, start=1):
        if len(fields) != 3 or fields[0].count(":") != 2:
            raise SetupFailed(
                f"{lock}: entry {number}: expected 'group:artifact:version sha256 file-name', got {' '.join(fields)!r}"
            )
    return [Jar(*fields) for fields in lines]


def check(path: Path, jar: Jar, of: Jars) -> None:
    """Refuse a jar that is not the pinned one."""
    found = sha256_of(path)
    if found != jar.sha256:
        raise SetupFailed(
            f"{jar.file_name}: sha256 is {found}, but locks/{of.lock} pins {jar.sha256} for {jar.coordinate}. "
            f"The jar was not installed. Remove {path} and run: {of.command}. "
            "If that repeats, the repository gives out another file than the one that was locked."
        )


def resolve(coordinates: list[str], of: Jars, places: Places, java_home: Path, into: Path) -> None:
    """Let Spark's Ivy fetch `coordinates` (and nothing they depend on) into `into/jars`.

    The repository is Spark's default, or the one DEFAULT_ARTIFACT_REPOSITORY names.
    """
    nothing = into / "nothing.py"
    nothing.write_text("")
    env = {**os.environ, "JAVA_HOME": str(java_home), "PYSPARK_PYTHON": str(places.python)}
    env["PYSPARK_DRIVER_PYTHON"] = str(places.python)
    env.pop("SPARK_HOME", None)
    run_logged(
        [str(places.venv / "bin" / "spark-submit"), "--master", "local[1]", "--conf", f"spark.jars.ivy={into}"]
        + ["--packages", ",".join(coordinates), "--exclude-packages", of.not_fetched, str(nothing)],
        places.logs / "jars.log",
        env=env,
        cwd=into,
    )


def fetched_path(into: Path, jar: Jar) -> Path:
    """Where `resolve` leaves a jar: Spark puts the group in front of the file's name."""
    return into / "jars" / f"{jar.coordinate.split(':')[0]}_{jar.file_name}"


def fetch(missing: list[Jar], of: Jars, places: Places, java_home: Path) -> None:
    """Fetch and check the jars that the cache lacks; they enter it whole or not at all."""
    store = places.cache / "jars"
    store.mkdir(parents=True, exist_ok=True)
    places.scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="ivy-", dir=places.scratch) as scratch:
        resolve([jar.coordinate for jar in missing], of, places, java_home, Path(scratch))
        for jar in missing:
            fetched = fetched_path(Path(scratch), jar)
            if not fetched.is_file():
                raise SetupFailed(
                    f"{jar.coordinate}: Spark's resolver brought no such jar. See {places.logs / 'jars.log'}"
                )
            check(fetched, jar, of)
            fetched.replace(store / jar.file_name)


def install_jars(of: Jars, into: Path, places: Places, java_home: Path) -> None:
    """Fill a folder with exactly the pinned jars, each checked once more as it comes out of the cache."""
    jars = read_lock(places.locks / of.lock)
    store = places.cache / "jars"
    missing = [jar for jar in jars if not (store / jar.file_name).is_file()]
    if missing:
        fetch(missing, of, places, java_home)
    for jar in jars:
        check(store / jar.file_name, jar, of)
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(parents=True)
    for jar in jars:
        try:
            os.link(store / jar.file_name, into / jar.file_name)
        except OSError:  # the cache lies on another file system
            shutil.copy2(store / jar.file_name, into / jar.file_name)
