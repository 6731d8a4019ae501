"""What every test may ask for: one Spark session with Delta for the whole run."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import hung
import pytest
from hypothesis import settings as hypothesis_settings
from pyspark.sql import SparkSession

from pipelines.io import class_archive

# no test is a matter of time: how long one case takes says how busy the machine is
hypothesis_settings.register_profile("untimed", deadline=None)
hypothesis_settings.load_profile("untimed")

JARS = Path(sys.prefix) / "jars"
_STDERR = pytest.StashKey[int]()


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """A local session with Delta, two cores, UTC, nothing listening beyond loopback."""
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    scratch = tmp_path_factory.mktemp("spark")
    conf = {
        "spark.jars": ",".join(str(jar) for jar in sorted(JARS.glob("*.jar"))),
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.databricks.delta.snapshotPartitions": "1",
        "spark.sql.shuffle.partitions": "2",
        "spark.default.parallelism": "2",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.memory": "2g",
        # the second compiler costs a third of a short session's CPU and never pays: 105 s, without it 70 s (measured)
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        # tests run many small plans once each: compiling them costs more than it gains (measured: half the CPU time)
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.python.daemon.module": "pipelines.io.worker_daemon",
        # a worker that hangs says in its stderr where, long before pytest ends the process (see pyproject.toml)
        "spark.python.worker.tracebackDumpIntervalSeconds": "300",
        "spark.ui.enabled": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.warehouse.dir": str(scratch / "warehouse"),
        "spark.scheduler.barrier.maxConcurrentTasksCheck.interval": "1s",
        "spark.scheduler.barrier.maxConcurrentTasksCheck.maxFailures": "3",
    }
    conf = class_archive.shared(conf)
    builder = SparkSession.builder.master("local[2]").appName("headrace-tests")
    for key, value in conf.items():
        builder = builder.config(key, value)
    with class_archive.launching(conf):
        session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_STDERR] = os.dup(2)  # before what a test prints is kept from it


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    with hung.told(item, item.config.stash[_STDERR]):
        return (yield)
