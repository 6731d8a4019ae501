"""Spark's JVM takes its classes from the archive that set-up left, wherever nothing stands against it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from pipelines.io import class_archive

WANTED = {
    "spark.master": "local[2]",
    "spark.jars": "/jars/delta.jar,/jars/storage.jar",
    "spark.driver.extraJavaOptions": "-Da=b",
}
BY_CLASS_PATH = {"spark.master": "local[2]", "spark.driver.extraClassPath": "/jars/delta.jar:/jars/storage.jar"}


@pytest.fixture
def prefix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    for name in ("SPARK_CONF_DIR", class_archive.WRITE):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_the_session_of_these_tests_has_its_classes_from_the_archive(spark: SparkSession) -> None:
    if not class_archive.archive().is_file():
        pytest.skip("this Java writes no archive, as set-up said")
    jvm = spark.sparkContext._jvm
    assert jvm is not None
    told = jvm.java.lang.management.ManagementFactory.getRuntimeMXBean().getInputArguments()
    assert f"-XX:SharedArchiveFile={class_archive.archive()}" in list(told)
    mapped = Path(f"/proc/{jvm.java.lang.ProcessHandle.current().pid()}/maps")
    if mapped.exists():  # Linux
        assert str(class_archive.archive()) in mapped.read_text(), "Java left the archive alone: see Spark's log"


def test_the_archive_is_read_and_the_jars_are_on_the_class_path(prefix: Path) -> None:
    (prefix / "classes.jsa").touch()
    options = f'-Da=b -XX:SharedArchiveFile="{prefix}/classes.jsa"'
    assert class_archive.shared(WANTED) == BY_CLASS_PATH | {"spark.driver.extraJavaOptions": options}


def test_the_archive_is_written_where_set_up_asks_for_it(prefix: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(class_archive.WRITE, "1")
    options = f'-Da=b -XX:TieredStopAtLevel=1 -XX:ArchiveClassesAtExit="{prefix}/classes.jsa"'
    assert class_archive.shared(WANTED) == BY_CLASS_PATH | {"spark.driver.extraJavaOptions": options}


def test_nothing_changes_without_an_archive_or_where_a_user_has_a_class_path_or_conf_folder_of_his_own(
    prefix: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert class_archive.shared(WANTED) == WANTED
    (prefix / "classes.jsa").touch()
    own = WANTED | {"spark.driver.extraClassPath": "/mine.jar"}
    assert class_archive.shared(own) == own
    monkeypatch.setenv("SPARK_CONF_DIR", "/mine")
    assert class_archive.shared(WANTED) == WANTED


def test_sparks_conf_folder_is_an_empty_one_for_the_launch_alone(prefix: Path) -> None:
    (prefix / "classes.jsa").touch()
    with class_archive.launching(class_archive.shared(WANTED)):
        assert list(Path(os.environ["SPARK_CONF_DIR"]).iterdir()) == []
    assert "SPARK_CONF_DIR" not in os.environ
    with class_archive.launching(WANTED):
        assert "SPARK_CONF_DIR" not in os.environ
