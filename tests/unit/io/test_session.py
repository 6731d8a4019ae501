"""The Spark session: what it is made of, what the terminal sees, what a user is told when something is missing."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from pipelines.io.class_archive import archive
from pipelines.io.session import SessionError, properties, session
from pipelines.settings import PROJECT, Settings, load

SCRIPT = """
import os, sys, threading
from pathlib import Path
import psutil
import pyarrow as pa
import pyspark
from deltalake import DeltaTable, QueryBuilder
from pyspark.errors import AnalysisException
from pipelines.io.session import begin, session, stop
from pipelines.settings import load

folder = Path(sys.argv[1])
settings = load(folder / "mine.yaml")
changed_by = set()  # setenv beside other threads' getenv may end the process
def audited(event, _):
    if event in ("os.putenv", "os.unsetenv"):
        changed_by.add(threading.current_thread() is threading.main_thread())
sys.addaudithook(audited)
begin(settings, is_brief="brief" in sys.argv)
begin(settings, is_brief="brief" in sys.argv)
spark = session(settings, is_brief="brief" in sys.argv)
assert session(settings) is spark
begin(settings)
print("environment changed by the main thread alone", changed_by == {True})
print("JVMs", sum(child.name() == "java" for child in psutil.Process().children(recursive=True)))
spark.range(5).repartition(1).write.format("delta").save(f"{settings.root}/five")
last = "9999-12-31 23:59:59.999999"
spark.sql(f"select timestamp'{last}' as at").write.format("delta").save(f"{settings.root}/last")
held = QueryBuilder().register("held", DeltaTable(f"{settings.root}/last")).execute("select at from held")
print("last instant", pa.table(held)["at"][0].cast(pa.string()))
print("rows", spark.read.format("delta").load(f"{settings.root}/five").count())
print("master", spark.sparkContext.master, "partitions", spark.conf.get("spark.sql.shuffle.partitions"))
print("worker is this python", spark.sparkContext.range(1).map(lambda _: sys.executable).collect() == [sys.executable])
home = spark.sparkContext.range(1).map(lambda _: pyspark.__file__).collect()
print("workers' pyspark is this one", home == [pyspark.__file__])
def parents(batches):
    return (pa.RecordBatch.from_pydict({"id": [os.getppid()] * len(batch)}) for batch in batches)
of_arrow = [row.id for row in spark.range(1).mapInArrow(parents, "id long").collect()]
print("one kind of worker", of_arrow == spark.sparkContext.range(1).map(lambda _: os.getppid()).collect())
try:
    spark.sql("select nonsense")
except AnalysisException:
    print("refused nonsense")
maps, listening = [], []
for process in (psutil.Process(), *psutil.Process().children(recursive=True)):
    try:
        maps += [m.path for m in process.memory_maps()]
        listening += [c.laddr.ip for c in process.net_connections("inet") if c.status == psutil.CONN_LISTEN]
    except psutil.NoSuchProcess:
        continue  # a worker of Python that had nothing more to do
heap = spark._jvm.java.lang.management.ManagementFactory.getMemoryMXBean().getHeapMemoryUsage()
arguments = spark._jvm.java.lang.management.ManagementFactory.getRuntimeMXBean().getInputArguments()
print("first compiler alone", "-XX:TieredStopAtLevel=1" in arguments)
print("heap from the start", heap.getInit() >> 20, "MiB")
print("archive mapped", f"{sys.prefix}/classes.jsa" in maps, "conf folder", os.environ.get("SPARK_CONF_DIR"))
print("beyond loopback", [ip for ip in listening if ip not in ("127.0.0.1", "::1", "::ffff:127.0.0.1")])
stop()
"""


@pytest.fixture
def settings() -> Settings:
    return load(None)


def conf_in(folder: Path) -> Path:
    (folder / "mine.yaml").write_text(f"root: {folder}/data\nspark:\n  driver_memory: 1g\n")
    (folder / "script.py").write_text(SCRIPT)
    return folder


def test_a_terminal_sees_only_our_lines_and_nothing_listens_beyond_loopback(tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if key not in ("JAVA_HOME", "PYSPARK_PYTHON")}
    done = subprocess.run(
        [sys.executable, "script.py", str(conf_in(tmp_path)), "brief"],
        cwd=tmp_path,
        env=environment | {"PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout.splitlines() == [
        "environment changed by the main thread alone True",
        "JVMs 1",
        "last instant 9999-12-31 23:59:59.999999Z",
        "rows 5",
        "master local[2] partitions 2",
        "worker is this python True",
        "workers' pyspark is this one True",
        "one kind of worker True",
        "refused nonsense",
        "first compiler alone True",
        "heap from the start 1024 MiB",
        f"archive mapped {archive().is_file()} conf folder None",
        "beyond loopback []",
    ]
    assert done.stderr == ""
    assert done.returncode == 0
    assert "incubator" in (tmp_path / "data/logs/spark.log").read_text()
    assert {path.name for path in tmp_path.iterdir()} == {"mine.yaml", "script.py", "data"}


@pytest.mark.slow
def test_what_spark_submit_says_wins(tmp_path: Path) -> None:
    submit = Path(sys.prefix) / "bin" / "spark-submit"
    done = subprocess.run(
        [
            str(submit),
            "--master",
            "local[1]",
            "--conf",
            "spark.sql.shuffle.partitions=7",
            "script.py",
            str(conf_in(tmp_path)),
        ],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(PROJECT), "PYSPARK_PYTHON": sys.executable},
        capture_output=True,
        text=True,
        timeout=120,
    )
    wanted = {"rows 5", "master local[1] partitions 7", "worker is this python True"}
    assert wanted <= set(done.stdout.splitlines()), done.stderr
    assert done.returncode == 0


def test_a_session_that_exists_is_taken(spark: SparkSession, settings: Settings) -> None:
    assert session(settings) is spark


def test_the_time_zone_is_utc_whatever_conf_says(spark: SparkSession, settings: Settings) -> None:
    spark.conf.set("spark.sql.session.timeZone", "America/New_York")
    read = session(settings).sql("SELECT unix_timestamp(TIMESTAMP '2016-11-06 01:30:00')")
    assert read.collect() == [(1478395800,)]


def test_conf_wins_over_the_properties_file(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "spark.conf"
    path.write_text("# mine\nspark.master   local[9]\n\nspark.driver.extraJavaOptions  -Da=b -Dc=d\n")
    found = properties(replace(settings, spark=replace(settings.spark, conf_file=path, driver_memory="5g")))
    assert (found["spark.master"], found["spark.driver.memory"]) == ("local[2]", "5g")
    assert found["spark.driver.extraJavaOptions"] == "-Da=b -Dc=d"


@pytest.mark.parametrize(("master", "has_ours"), [("local[2]", True), ("spark://elsewhere:7077", False)])
def test_a_cluster_keeps_its_own_daemon_for_its_python_workers(settings: Settings, master: str, has_ours: bool) -> None:
    """Its nodes may get this project with the job alone, later than the daemon starts."""
    found = properties(replace(settings, spark=replace(settings.spark, master=master)))
    assert ("spark.python.daemon.module" in found) == has_ours


def test_a_broken_properties_file_is_named_with_its_line(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "spark.conf"
    path.write_text("spark.ui.enabled  false\nsprak.master  local\n")
    with pytest.raises(SessionError, match=r"spark.conf: line 2: expected 'spark.<key> <value>', got 'sprak.master"):
        properties(replace(settings, spark=replace(settings.spark, conf_file=path)))
    with pytest.raises(SessionError, match=r"absent.conf: no such file, but conf names it as spark.conf_file"):
        properties(replace(settings, spark=replace(settings.spark, conf_file=tmp_path / "absent.conf")))


@pytest.mark.parametrize("first", ["", "begin(load(None)); "])
@pytest.mark.parametrize(
    ("environment", "has_jars", "message"),
    [
        ({"PATH": ""}, True, "Spark needs Java 17, 21 or 25: none in JAVA_HOME or on the PATH. Run: make setup"),
        ({"JAVA_HOME": "/nowhere"}, True, "JAVA_HOME is /nowhere, where there is no bin/java."),
        ({}, False, "jars: holds no Delta jars. Run: make setup"),
    ],
)
def test_what_is_missing_is_said_in_one_line(
    environment: dict[str, str], has_jars: bool, message: str, tmp_path: Path, first: str
) -> None:
    """In a process of its own, because this one has a session; it ends before a JVM starts."""
    (tmp_path / "jars").mkdir()
    if has_jars:
        (tmp_path / "jars" / "delta.jar").touch()
    program = (
        "import sys; sys.prefix = sys.argv[1]\n"
        "from pipelines.io.session import SessionError, begin, session\n"
        "from pipelines.settings import load\n"
        f"try:\n    {first}session(load(None))\nexcept SessionError as error:\n    print(error)\n"
    )
    inherited = {key: value for key, value in os.environ.items() if key != "JAVA_HOME"}
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        env=inherited | {"PYTHONPATH": str(PROJECT)} | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert message in done.stdout, done.stderr
    assert done.stdout.count("\n") == 1


def test_a_root_in_a_store_without_a_file_system_for_it_is_told(spark: SparkSession, settings: Settings) -> None:
    told = "conf has s3a://lake/house as root, but Spark has no file system for it. Run: make s3. A cluster has its own"
    with pytest.raises(SessionError, match=told):
        session(replace(settings, root="s3a://lake/house"))


def test_what_conf_says_of_a_store_wins_over_the_environment(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://one.example")
    path, key = tmp_path / "spark.conf", "spark.hadoop.fs.s3a.endpoint"
    path.write_text(f"{key}  http://other.example\n")
    in_store = replace(settings, root="s3a://lake/house", spark=replace(settings.spark, conf_file=path))
    assert properties(in_store)[key] == "http://other.example"
    path.write_text("")
    assert properties(in_store)[key] == "http://one.example"


def test_a_log_store_that_loses_commits_between_processes_is_refused(settings: Settings, tmp_path: Path) -> None:
    conf = tmp_path / "fast.conf"
    conf.write_text("spark.delta.logStore.file.impl  io.delta.storage.LocalLogStore\n")
    told = rf"{conf}: spark.delta.logStore.file.impl is io.delta.storage.LocalLogStore, which loses commits .* Remove"
    with pytest.raises(SessionError, match=told):
        properties(replace(settings, spark=replace(settings.spark, conf_file=conf)))


def test_a_session_at_hand_with_such_a_log_store_is_refused(spark: SparkSession, settings: Settings) -> None:
    key = "spark.delta.logStore.class"
    spark.sparkContext._conf.set(key, "org.apache.spark.sql.delta.storage.LocalLogStore")
    try:
        with pytest.raises(SessionError, match=f"Spark's properties: {key} is org"):
            session(settings)
    finally:
        spark.sparkContext._conf._jconf.remove(key)
