"""The one Spark session of a run: Delta on it, bound to this machine where the master is local, quiet."""

from __future__ import annotations

import os
import shutil
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from pipelines.io import class_archive, s3, warm_up
from pipelines.settings import PROJECT, Settings

if TYPE_CHECKING:
    from py4j.java_gateway import JavaGateway
    from pyspark import SparkConf, SparkContext
    from pyspark.sql import SparkSession

LOOPBACK = "127.0.0.1"
_DELTA = "io.delta.sql.DeltaSparkSessionExtension"
_LOG4J = PROJECT / "conf" / "spark" / "log4j2.properties"
_LAST_ON_CLASS_PATH = "SPARK_DIST_CLASSPATH"
_S3A = "org.apache.hadoop.fs.s3a.S3AFileSystem"
_FIRST_COMPILER_ALONE = "-XX:TieredStopAtLevel=1"
_LOCAL_ONLY = ("spark.driver.host", "spark.driver.bindAddress")
_DAEMON = "spark.python.daemon.module"


class SessionError(RuntimeError):
    """Spark cannot start; the message says what is missing and what to do."""


@dataclass(frozen=True)
class _Launch:
    """A JVM that starts for these settings; what is open and in the environment for it until it has."""

    settings: Settings
    conf: SparkConf
    gateway: Future[JavaGateway]
    held: ExitStack


_begun: list[_Launch] = []


def begin(settings: Settings, *, is_brief: bool = False) -> None:
    """Have Java start for the `session` of these settings, if that will want a JVM of its own, and do not wait for it;
    what goes wrong is told there."""
    spark = sys.modules.get("pyspark")
    if "PYSPARK_GATEWAY_PORT" in os.environ or (spark and spark.SparkContext._active_spark_context):
        return
    if not any(launch.settings == settings for launch in _begun):
        while _begun:  # a run that failed before it asked for its session
            _begun.pop().held.close()
        with suppress(SessionError):
            _begun.append(_launching(settings, is_brief=is_brief))


def session(settings: Settings, *, is_brief: bool = False) -> SparkSession:
    """The Spark session of this process, made at the first call (5 to 8 s).

    is_brief: it is for so little work that Java's second compiler would cost more than it gains.

    One that exists already is taken as it is, but for its time zone, which is always UTC, and for how it writes
    instants. Under spark-submit, its command line and spark-defaults.conf win over conf, the master above all.
    Otherwise what the JVM itself prints goes to `spark.log_file`, so that the terminal shows Headrace's lines only.
    Raises SessionError if Java, the Delta jars or Spark's properties are missing.
    """
    from pyspark import SparkContext
    from pyspark.logger import PySparkLogger
    from pyspark.sql import SparkSession

    # it prints every AnalysisException as a page of JSON, before the exception reaches whoever handles it
    PySparkLogger.getLogger("SQLQueryContextLogger").disabled = True
    is_new = SparkContext._active_spark_context is None
    if is_new:
        if "PYSPARK_GATEWAY_PORT" in os.environ:
            _submitted_context(settings)
        else:
            _own_context(settings, is_brief=is_brief)
    spark = SparkSession.builder.getOrCreate()
    _must_have_a_store(spark, settings.root)
    if _DELTA not in str(spark.conf.get("spark.sql.extensions", "")).split(","):
        raise SessionError(f"The Spark session at hand has no Delta. Start it with spark.sql.extensions={_DELTA}")
    # its default, INT96, is nanoseconds to other readers: the year 9999 was 1816 to them, without a word
    spark.conf.set("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")
    _must_not_lose_commits(dict(spark.sparkContext.getConf().getAll()), "Spark's properties")
    # a time without a zone means UTC here; that is no matter of place, so neither conf nor a machine's zone decides it
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    if is_new and is_brief and spark.sparkContext.getConf().get("spark.master", "").startswith("local"):
        warm_up.begin(spark)
    return spark


def stop() -> None:
    """Stop the session of this process, if there is one; the JVM ends with the process."""
    from pyspark.sql import SparkSession

    if (spark := SparkSession.getActiveSession()) is not None:
        warm_up.finish()
        spark.stop()


def properties(settings: Settings) -> dict[str, str]:
    """Spark's properties: those of `spark.conf_file`, and over them what conf says itself."""
    path = settings.spark.conf_file
    if not path.is_file():
        raise SessionError(
            f"{path}: no such file, but conf names it as spark.conf_file. Correct that key or add the file"
        )
    found = {"spark.app.name": "headrace"}
    for number, text in enumerate(path.read_text().splitlines(), start=1):
        line = text.strip()
        if line and not line.startswith("#"):
            key, _, value = line.partition(" ")
            if not key.startswith("spark.") or not value.strip():
                raise SessionError(f"{path}: line {number}: expected 'spark.<key> <value>', got {line!r}")
            found[key] = value.strip()
    _must_not_lose_commits(found, str(path))
    found |= {
        "spark.master": settings.spark.master,
        "spark.driver.memory": settings.spark.driver_memory,
        "spark.sql.shuffle.partitions": str(settings.spark.shuffle_partitions),
    }
    # without it Spark makes a folder spark-warehouse wherever it was started
    found.setdefault("spark.sql.warehouse.dir", f"{settings.root}/warehouse")
    if settings.spark.master.startswith("local"):
        found.setdefault(_DAEMON, "pipelines.io.worker_daemon")
    return s3.spark_properties(settings.root) | found


def _must_not_lose_commits(found: dict[str, str], where: str) -> None:
    """SessionError if Delta is told to use its LocalLogStore: of 600 commits by two processes 235 were lost by it."""
    for key, value in found.items():
        if key.startswith("spark.delta.logStore.") and "LocalLogStore" in value:
            raise SessionError(f"{where}: {key} is {value}, which loses commits between processes. Remove that key")


def _must_have_a_store(spark: SparkSession, root: str) -> None:
    """SessionError if the data root lies in an object store and Spark has no file system for one."""
    jvm = spark.sparkContext._jvm
    assert jvm is not None
    if s3.is_in_store(root) and not jvm.org.apache.spark.util.Utils.classIsLoadable(_S3A):
        raise SessionError(
            f"conf has {root} as root, but Spark has no file system for it. Run: make s3. A cluster has its own, or is "
            "given it by its conf file: hadoop-aws of the version of Spark's Hadoop, and the AWS SDK that it names"
        )


def _own_context(settings: Settings, *, is_brief: bool) -> SparkContext:
    """A context on a JVM of this process."""
    from pyspark import SparkContext
    from pyspark.errors import PySparkRuntimeError

    begin(settings, is_brief=is_brief)
    launch = _begun.pop() if _begun else _launching(settings, is_brief=is_brief)  # which says why it could not begin
    with launch.held:
        try:
            gateway = launch.gateway.result()
        except PySparkRuntimeError as error:
            log = settings.spark.log_file
            raise SessionError(f"Spark's JVM ended before it was up. Its own words are at the end of {log}") from error
    return SparkContext(conf=launch.conf, gateway=gateway)


def _launching(settings: Settings, *, is_brief: bool) -> _Launch:
    """Have a JVM start, or take the one that is there. Both its streams are Spark's log from the first line on: its
    warning about the vector module comes before any logging is configured.

    The environment is changed here and not in the thread: setenv frees what other threads' getenv may just read.
    """
    from pyspark import SparkConf, SparkContext
    from pyspark.java_gateway import launch_gateway

    wanted = properties(settings)
    _provide_java()
    wanted.setdefault("spark.jars", _jars())
    is_local = wanted["spark.master"].startswith("local")
    if s3.is_in_store(settings.root):
        _provide_store(wanted, is_local=is_local)
    if is_local:
        os.environ["SPARK_LOCAL_IP"] = LOOPBACK
        wanted |= dict.fromkeys(_LOCAL_ONLY, LOOPBACK)
        os.environ["PYSPARK_PYTHON"] = sys.executable  # else workers take the PATH's python, which lacks our packages
    else:
        os.environ.setdefault("PYSPARK_PYTHON", wanted.get("spark.pyspark.python", sys.executable))
    # a heap that grows as it is needed is collected as a whole before it does: .5 s of a batch of two million rows
    options = f"-Xms{wanted['spark.driver.memory']} {wanted.get('spark.driver.extraJavaOptions', '')}".strip()
    if is_brief and is_local:
        options = f"{options} {_FIRST_COMPILER_ALONE}"
    wanted["spark.driver.extraJavaOptions"] = f'{options} -Dlog4j2.configurationFile="{_LOG4J.as_uri()}"'
    if is_local:
        wanted = class_archive.shared(wanted)
    conf = SparkConf(loadDefaults=False).setAll(list(wanted.items()))
    held = ExitStack()
    if SparkContext._gateway is not None:  # a session was stopped before; its JVM is still there
        there: Future[JavaGateway] = Future()
        there.set_result(SparkContext._gateway)
        return _Launch(settings, conf, there, held)
    settings.spark.log_file.parent.mkdir(parents=True, exist_ok=True)
    log = held.enter_context(settings.spark.log_file.open("a"))
    held.enter_context(class_archive.launching(wanted))
    one = held.enter_context(ThreadPoolExecutor(1))
    starting = one.submit(launch_gateway, conf, {"stdout": log, "stderr": log})
    # PySpark imports it, and pandas with it, as soon as it is given a value; meanwhile the JVM starts
    Thread(target=import_module, args=("pyspark.testing.utils",)).start()
    return _Launch(settings, conf, starting, held)


def _submitted_context(settings: Settings) -> SparkContext:
    """A context on spark-submit's JVM, whose properties win."""
    from pyspark import SparkConf, SparkContext

    SparkContext._ensure_initialized()  # only after it does SparkConf see what spark-submit was given
    conf = SparkConf()
    wanted = properties(settings)
    if not conf.get("spark.master", "local").startswith("local"):
        for key in (*_LOCAL_ONLY, _DAEMON):
            wanted.pop(key, None)
    for key, value in wanted.items():
        conf.setIfMissing(key, value)
    if not conf.contains("spark.jars"):
        conf.set("spark.jars", _jars())
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    return SparkContext(conf=conf)


def _provide_java() -> None:
    """JAVA_HOME as it is set, else as `make setup` found it; else the PATH must have a java."""
    recorded = Path(sys.prefix) / "java_home"
    if not os.environ.get("JAVA_HOME") and recorded.is_file():
        os.environ["JAVA_HOME"] = recorded.read_text().strip()
    home = os.environ.get("JAVA_HOME")
    if home and not (Path(home) / "bin" / "java").is_file():
        raise SessionError(f"JAVA_HOME is {home}, where there is no bin/java. Unset it or correct it, then: make setup")
    if not home and shutil.which("java") is None:
        raise SessionError("Spark needs Java 17, 21 or 25: none in JAVA_HOME or on the PATH. Run: make setup")


def _provide_store(wanted: dict[str, str], *, is_local: bool) -> None:
    """Give Spark the jars for an object store that `make s3` put beside this Python, if it did. On a local master they
    are not copied for the tasks, for which they are too large."""
    jars = [str(jar) for jar in sorted((Path(sys.prefix) / "s3").glob("*.jar"))]
    if jars and is_local:
        # at the end of the class path, so that the archive of classes fits still
        before = filter(None, os.environ.get(_LAST_ON_CLASS_PATH, "").split(os.pathsep))
        os.environ[_LAST_ON_CLASS_PATH] = os.pathsep.join(dict.fromkeys([*before, *jars]))
    elif jars:
        wanted["spark.jars"] = ",".join([wanted["spark.jars"], *jars])


def _jars() -> str:
    """The Delta jars that `make setup` put beside this Python."""
    folder = Path(sys.prefix) / "jars"
    jars = sorted(folder.glob("*.jar"))
    if not jars:
        raise SessionError(f"{folder}: holds no Delta jars. Run: make setup")
    return ",".join(str(jar) for jar in jars)
