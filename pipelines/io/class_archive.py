"""The classes of Spark's JVM as one file that it maps into memory, which spares a short job half of its CPU seconds.

`make setup` lets a run write it (Java's class data sharing, JEP 350). Java does without, and says so in its log, where
the file does not fit: another Java, other jars. It wants a class path of jars and empty folders alone.
"""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

WRITE = "HEADRACE_WRITE_CLASS_ARCHIVE"
"""The environment variable by which `make setup` asks a run to write the archive when it ends."""
_CLASS_PATH, _OPTIONS, _CONF_DIR = "spark.driver.extraClassPath", "spark.driver.extraJavaOptions", "SPARK_CONF_DIR"


def archive() -> Path:
    """Where the archive of this environment lies, if there is one."""
    return Path(sys.prefix) / "classes.jsa"


def shared(wanted: Mapping[str, str]) -> dict[str, str]:
    """Spark's properties with the archive, where there is one or one shall be written, and nothing stands against it.

    wanted: those of a local master, with `spark.jars`. A class path or conf folder of the user's own comes first.
    """
    is_written = WRITE in os.environ
    if not (is_written or archive().is_file()) or _CLASS_PATH in wanted or _CONF_DIR in os.environ:
        return dict(wanted)
    others = {key: value for key, value in wanted.items() if key != "spark.jars"}
    # the run that writes it is short, and compiling for good takes a quarter of its CPU seconds
    way = "TieredStopAtLevel=1 -XX:ArchiveClassesAtExit" if is_written else "SharedArchiveFile"
    return others | {
        _CLASS_PATH: wanted["spark.jars"].replace(",", os.pathsep),
        _OPTIONS: f'{wanted.get(_OPTIONS, "")} -XX:{way}="{archive()}"'.strip(),
    }


@contextmanager
def launching(wanted: Mapping[str, str]) -> Iterator[None]:
    """While the JVM of these properties is launched, Spark's conf folder is an empty one if they have the archive; all
    that the other one says is in the properties themselves."""
    if _CLASS_PATH not in wanted or f'"{archive()}"' not in wanted.get(_OPTIONS, ""):
        yield
        return
    empty = Path(sys.prefix) / "no_spark_conf"
    empty.mkdir(exist_ok=True)
    os.environ[_CONF_DIR] = str(empty)
    try:
        yield
    finally:
        del os.environ[_CONF_DIR]
    if WRITE in os.environ:
        atexit.register(_end_jvm)


def _end_jvm() -> None:
    """End the JVM and wait until it has written the archive."""
    from pyspark import SparkContext

    gateway = SparkContext._gateway
    if gateway is not None:
        gateway.shutdown()
        gateway.proc.stdin.close()
        gateway.proc.wait()
