"""Python workers take PySpark from where it is installed and compiled."""

from __future__ import annotations

from pathlib import Path

import pyspark

from pipelines.io.worker_daemon import without_archive

PACKAGES = Path(pyspark.__file__).parents[1]
ARCHIVES = [str(archive) for archive in (PACKAGES / "pyspark/python/lib").glob("*.zip")]


def test_archives_of_the_installed_pyspark_are_left_out():
    assert len(ARCHIVES) == 2
    assert without_archive([*ARCHIVES, "", str(PACKAGES), "/elsewhere"]) == ["", str(PACKAGES), "/elsewhere"]


def test_those_of_another_spark_stay():
    other = "/opt/spark/python/lib/pyspark.zip"
    assert without_archive([other, *ARCHIVES, "/elsewhere"]) == [other, *ARCHIVES, "/elsewhere"]


def test_an_environment_behind_a_link_is_the_same(tmp_path):
    (tmp_path / "link").symlink_to(PACKAGES)
    assert without_archive([*ARCHIVES, str(tmp_path / "link")]) == [str(tmp_path / "link")]
