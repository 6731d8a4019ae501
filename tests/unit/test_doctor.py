"""The doctor: every pair that does not fit is named, with the one that would."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.doctor import GIB, KNOWN, Machine, checks, table, this_machine
from pipelines.provision import system
from pipelines.settings import PROJECT

FITTING = {
    "pyspark": "4.2.0",
    "delta-spark": "4.4.0",
    "deltalake": "1.6.6",
    "pandas": "2.3.3",
    "xgboost": "3.2.0",
    "mlflow": "3.17.2",
    "mlflow-skinny": "3.17.2",
    "torch": "2.11.0",
    "horovod": "0.28.1+torch2.11.0",
}


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine where everything fits."""
    for name in (
        "jars/delta-spark_4.2_2.13-4.4.0.jar",
        "jars/delta-storage-4.4.0.jar",
        "spark/scala-library-2.13.18.jar",
        "spark/hadoop-client-api-3.5.0.jar",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    plant_java(tmp_path / "jdk", "17.0.15")
    (tmp_path / "java_home").write_text(f"{tmp_path}/jdk\n")
    return Machine(FITTING.get, "3.11.9", tmp_path, tmp_path / "spark", {}, 8 * GIB, 9 * GIB)


def plant_java(home: Path, version: str) -> None:
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "java").touch(mode=0o755)
    (home / "release").write_text(f'IMPLEMENTOR="Debian"\nJAVA_VERSION="{version}"\n')


def planted(machine: Machine, versions: Mapping[str, str | None]) -> Machine:
    return replace(machine, version=(FITTING | dict(versions)).get)


def fixes(machine: Machine) -> list[str]:
    return [check.fix for check in checks(machine) if not check.ok]


def test_a_store_client_is_wanted_by_nobody_but_must_be_of_sparks_hadoop(machine: Machine) -> None:
    assert "hadoop-aws" not in table(checks(machine))
    (machine.prefix / "s3").mkdir()
    (machine.prefix / "s3" / "hadoop-aws-3.5.0.jar").touch()
    assert fixes(machine) == []
    assert "✓ hadoop-aws     3.5.0" in table(checks(machine))
    (machine.prefix / "s3" / "hadoop-aws-3.5.0.jar").rename(machine.prefix / "s3" / "hadoop-aws-3.4.2.jar")
    assert fixes(machine) == ["Spark brings Hadoop 3.5.0, found hadoop-aws 3.4.2. Run: make s3"]


def test_versions_that_fit_leave_nothing_to_do(machine: Machine) -> None:
    assert fixes(machine) == []
    assert "✗" not in table(checks(machine))


@pytest.mark.parametrize(
    ("versions", "fix"),
    [
        ({"delta-spark": "4.3.1"}, "Spark 4.2.0 needs delta-spark 4.4.0, found 4.3.1. Run: make setup"),
        ({"delta-spark": None}, "Spark 4.2.0 needs delta-spark 4.4.0, found none. Run: make setup"),
        ({"pyspark": "4.3.0"}, "Spark 4.2.0 is needed (Delta 4.4.0 is made for it), found 4.3.0. Run: make setup"),
        ({"pyspark": None}, "Spark 4.2.0 is needed (Delta 4.4.0 is made for it), found none. Run: make setup"),
        ({"pandas": "3.0.1"}, "Spark 4.2.0 needs pandas below 3, found 3.0.1. Run: make setup"),
        (
            {"deltalake": "1.7.0"},
            "deltalake 1.6.6 is needed (reads the tables without a JVM), found 1.7.0. Run: make setup",
        ),
        ({"xgboost": "3.1.0"}, "xgboost 3.2.0 is needed (was run with Spark 4.2.0), found 3.1.0. Run: make setup"),
        ({"mlflow-skinny": "3.18.0"}, "MLflow 3.17.2 needs mlflow-skinny 3.17.2, found 3.18.0. Run: make setup"),
        (
            {"horovod": "0.28.1+torch2.10.0"},
            "Horovod 0.28.1 was built against torch 2.10.0, found torch 2.11.0. Run: make setup",
        ),
        (
            {"horovod": "0.28.1"},
            "Horovod 0.28.1 does not tell the torch it was built against, found torch 2.11.0. Run: make setup",
        ),
        ({"horovod": "0.27.0"}, "torch 2.11.0 needs Horovod 0.28.1, found 0.27.0. Run: make setup"),
        ({"horovod": None}, "torch 2.11.0 needs Horovod 0.28.1, found none. Run: make setup"),
    ],
)
def test_a_planted_version_is_caught_with_the_one_that_fits(
    machine: Machine, versions: dict[str, str | None], fix: str
) -> None:
    assert fixes(planted(machine, versions)) == [fix]


def test_another_torch_breaks_the_wheel_that_was_built_against_the_old_one(machine: Machine) -> None:
    assert fixes(planted(machine, {"torch": "2.12.0"})) == [
        "torch 2.11.0 is needed (Horovod 0.28.1 is built against it), found 2.12.0. Run: make setup",
        "Horovod 0.28.1 was built against torch 2.11.0, found torch 2.12.0. Run: make setup",
    ]
    assert fixes(planted(machine, {"torch": "2.11.0+cpu"})) == []


def test_an_older_mlflow_is_caught(machine: Machine) -> None:
    assert fixes(planted(machine, {"mlflow": "3.10.0", "mlflow-skinny": "3.10.0"})) == [
        "MLflow 3.17.2 is needed (its store and its skinny part belong to one version), found 3.10.0. Run: make setup"
    ]


@pytest.mark.parametrize(
    ("old", "new", "fix"),
    [
        (
            "jars/delta-spark_4.2_2.13-4.4.0.jar",
            "jars/delta-spark_4.1_2.13-4.4.0.jar",
            "Spark 4.2.0 needs delta-spark_4.2_2.13-4.4.0.jar and delta-storage-4.4.0.jar, "
            "found delta-spark_4.1_2.13-4.4.0.jar, delta-storage-4.4.0.jar. Run: make setup",
        ),
        (
            "jars/delta-storage-4.4.0.jar",
            "jars/delta-storage-4.3.1.jar",
            "Spark 4.2.0 needs delta-spark_4.2_2.13-4.4.0.jar and delta-storage-4.4.0.jar, "
            "found delta-spark_4.2_2.13-4.4.0.jar, delta-storage-4.3.1.jar. Run: make setup",
        ),
        (
            "spark/scala-library-2.13.18.jar",
            "spark/scala-library-2.12.20.jar",
            "delta-spark_4.2_2.13-4.4.0.jar needs Spark on Scala 2.13, found Scala 2.12.20. Run: make setup",
        ),
    ],
)
def test_jars_of_another_spark_scala_or_delta_are_caught(machine: Machine, old: str, new: str, fix: str) -> None:
    (machine.prefix / old).rename(machine.prefix / new)
    assert fixes(machine) == [fix]


def test_missing_jars_are_caught(machine: Machine) -> None:
    for jar in (machine.prefix / "jars").iterdir():
        jar.unlink()
    assert fixes(machine) == [
        "Spark 4.2.0 needs delta-spark_4.2_2.13-4.4.0.jar and delta-storage-4.4.0.jar, found none. Run: make setup"
    ]


def test_setup_takes_the_javas_that_fit() -> None:
    assert KNOWN.java == system.JAVA


def test_a_missing_java_is_caught(machine: Machine) -> None:
    (machine.prefix / "java_home").unlink()
    assert fixes(machine) == ["Spark 4.2.0 needs Java 17, 21 or 25, found none. Run: make setup"]


def test_java_is_the_one_that_spark_would_take(machine: Machine) -> None:
    """JAVA_HOME before what set-up found, and that before the PATH."""
    plant_java(machine.prefix / "jdk24", "24.0.2")
    home = str(machine.prefix / "jdk24")
    assert fixes(replace(machine, environment={"PATH": f"{home}/bin"})) == []
    assert fixes(replace(machine, environment={"JAVA_HOME": home})) == [
        f"Spark 4.2.0 needs Java 17, 21 or 25, found 24.0.2 in {home} (JAVA_HOME). Run: unset JAVA_HOME; make setup"
    ]
    (machine.prefix / "java_home").unlink()
    assert fixes(replace(machine, environment={"PATH": f"{home}/bin"})) == [
        f"Spark 4.2.0 needs Java 17, 21 or 25, found 24.0.2 in {home} (PATH). Run: make setup"
    ]


def test_java_8_is_told_by_its_old_numbering(machine: Machine) -> None:
    (machine.prefix / "jdk" / "release").write_text('JAVA_VERSION="1.8.0_402"\n')
    assert fixes(machine)[0].startswith("Spark 4.2.0 needs Java 17, 21 or 25, found 8.0_402 in ")


def test_a_java_home_that_is_gone_is_caught(machine: Machine) -> None:
    assert fixes(replace(machine, environment={"JAVA_HOME": "/nowhere"})) == [
        "Spark 4.2.0 needs Java 17, 21 or 25, found none in /nowhere (JAVA_HOME). Run: unset JAVA_HOME; make setup"
    ]


def test_a_java_that_does_not_tell_its_version_is_caught(machine: Machine) -> None:
    (machine.prefix / "jdk" / "release").unlink()
    assert fixes(machine) == [
        "Spark 4.2.0 needs Java 17, 21 or 25, found one that does not tell its version in "
        f"{machine.prefix}/jdk (make setup). Run: make setup"
    ]


def test_an_unknown_python_is_caught(machine: Machine) -> None:
    for version in ("3.10.14", "3.14.0"):
        assert fixes(replace(machine, python=version)) == [
            f"Headrace needs Python 3.11 to 3.13, found {version}. Run: make setup PYTHON=/path/to/python3.11"
        ]


def test_little_room_is_told(machine: Machine) -> None:
    assert fixes(replace(machine, free_memory=2 * GIB, free_disk=GIB // 2)) == [
        "2.0 GiB of free memory, but a run needs about 6 GiB. Close something, or lower spark.driver_memory in conf",
        "0.5 GiB of free disk, but a run needs about 2 GiB. Make room, or set root in conf to another disk",
    ]


def test_the_table_shows_what_was_found_beside_what_is_wanted(machine: Machine) -> None:
    text = table(checks(planted(machine, {"delta-spark": "4.3.1"})))
    assert "✗ delta-spark    4.3.1" in text
    assert text.splitlines()[-1] == "Spark 4.2.0 needs delta-spark 4.4.0, found 4.3.1. Run: make setup"


def test_this_environment_fits_apart_from_room() -> None:
    found = [check for check in checks(this_machine(PROJECT / "not" / "there")) if not check.name.startswith("free")]
    assert [check.fix for check in found if not check.ok] == []


def test_nothing_that_is_checked_is_imported() -> None:
    program = (
        "import sys; from pipelines.doctor import checks\n"
        "checks()\n"
        "print(sorted({'pyspark', 'delta', 'deltalake', 'xgboost', 'mlflow', 'torch', 'horovod', 'pandas', 'numpy'}"
        " & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
