"""Make Spark's own commands in .venv/bin work as they stand, with no activated environment and no variable set.

pip's `spark-submit` asks the PATH's python3 where Spark is, and finds nothing unless .venv is activated. Every command
of Spark sources `find-spark-home` first, so that one file is replaced; `spark-defaults.conf` names the Delta jars.
"""

from pathlib import Path

from pipelines.provision.places import Places

FIND_SPARK_HOME = """\
#!/usr/bin/env bash
# Written by `make setup` in place of pyspark's own, which searches with whatever python3 is on the PATH.
export SPARK_HOME="${{SPARK_HOME:-{spark_home}}}"
export PYSPARK_PYTHON="${{PYSPARK_PYTHON:-{python}}}"
export PYSPARK_DRIVER_PYTHON="${{PYSPARK_DRIVER_PYTHON:-{python}}}"
export JAVA_HOME="${{JAVA_HOME:-{java_home}}}"
"""

LOGGING = "conf/spark/log4j2.properties"

SPARK_DEFAULTS = """\
# Written by `make setup`.
spark.jars                        {jars}
spark.sql.extensions              io.delta.sql.DeltaSparkSessionExtension
spark.sql.catalog.spark_catalog   org.apache.spark.sql.delta.catalog.DeltaCatalog
"""


def spark_home(places: Places) -> Path:
    """The pyspark package inside .venv, which is a Spark home."""
    return next(places.venv.glob("lib/python3*/site-packages/pyspark"))


def write_anew(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a file as a new inode: the old one may be linked to uv's cache, which must not change."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_text(text)
    path.chmod(mode)


def install_spark_home(places: Places, java_home: Path) -> None:
    """Write the Java home, the finder, the defaults, and how loud Spark is: a job's own lines must not drown."""
    home = spark_home(places)
    jars = ",".join(str(jar) for jar in sorted(places.jars.glob("*.jar")))
    write_anew(places.java_home, f"{java_home}\n")
    write_anew(home / "conf" / "spark-defaults.conf", SPARK_DEFAULTS.format(jars=jars))
    write_anew(home / "conf" / "log4j2.properties", (places.checkout / LOGGING).read_text())
    finder = FIND_SPARK_HOME.format(spark_home=home, python=places.python, java_home=java_home)
    write_anew(places.venv / "bin" / "find-spark-home", finder, 0o755)
