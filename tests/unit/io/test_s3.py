"""Tables in an object store, a real one on this machine: reached by AWS's environment alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from pyarrow import fs

from pipelines.contracts.fits import Shard
from pipelines.io import delta_commits, delta_log, s3
from pipelines.io.delta_commits import schema_of
from pipelines.io.failures import WarehouseError
from pipelines.io.new_files import NewFile, write
from pipelines.io.parquet_files import dataset
from pipelines.io.vacuum import vacuum
from tests.stores import serving_apart

TABLE, SCHEMA = "s3a://lake/house/silver/t", pa.schema([("x", pa.int64())])


@pytest.fixture(autouse=True)
def nowhere(monkeypatch):
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def store(monkeypatch, nowhere):
    with serving_apart(monkeypatch, "lake") as found:
        yield found


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("http://127.0.0.1:9000", {"endpoint_url": "http://127.0.0.1:9000", "allow_http": "true"}),
        ("https://store.example", {"endpoint_url": "https://store.example", "allow_http": "false"}),
        ("", None),
    ],
)
def test_plain_http_is_spoken_where_the_address_says_so(monkeypatch, address, told):
    monkeypatch.setenv("AWS_ENDPOINT_URL", address)
    assert s3.deltalake_options(TABLE) == told
    assert s3.deltalake_options("/a/folder") is None


def test_spark_is_told_what_awss_own_tools_are_told(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://all.example")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://s3.example")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert s3.spark_properties("s3a://lake/house") == {
        "spark.hadoop.fs.s3a.aws.credentials.provider": (
            "software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider"
        ),
        "spark.hadoop.fs.s3a.endpoint": "http://s3.example",
        "spark.hadoop.fs.s3a.path.style.access": "true",
        "spark.hadoop.fs.s3a.endpoint.region": "eu-west-1",
    }
    assert s3.spark_properties("/a/folder") == {}


def test_of_two_writers_at_once_none_loses_a_commit(store):
    """On a local file system Delta's lock is not enough for that; a store settles it by itself."""
    delta_commits.create(TABLE, schema_of(SCHEMA), {}, "made")

    def written(writer: int) -> None:
        for number in range(1, 9):
            [file] = write(TABLE, SCHEMA, [pa.record_batch([[writer * 100 + number]], SCHEMA)])
            delta_commits.put(TABLE, [file], (f"writer {writer}", number), f"{writer} {number}")

    with ThreadPoolExecutor(2) as both:
        list(both.map(written, (1, 2)))
    assert delta_log.head(TABLE) == 16
    assert delta_log.count(TABLE, 16) == 16
    assert {commit.stamp for commit in delta_log.commits_since(TABLE, 0)} == {
        f"{writer} {number}" for writer in (1, 2) for number in range(1, 9)
    }


def test_a_commit_made_again_is_skipped(store):
    delta_commits.create(TABLE, schema_of(SCHEMA), {}, "made")
    file = NewFile("part-0.parquet", 1, 1, '{"numRecords": 1}')
    for _ in range(2):
        delta_commits.put(TABLE, [file], ("a", 1), "once")
    assert delta_log.head(TABLE) == 1


def test_vacuum_leaves_what_kept_versions_need_and_no_other_file(store):
    delta_commits.create(TABLE, schema_of(SCHEMA), {}, "made")
    names = []
    for number in range(1, 4):
        [file] = write(TABLE, SCHEMA, [pa.record_batch([[number]], SCHEMA)])
        delta_commits.put_alone(TABLE, [file], schema_of(SCHEMA), ("writer", number), str(number))
        names.append(file.path)
    [left] = write(TABLE, SCHEMA, [pa.record_batch([[4]], SCHEMA)])  # by a writer that was killed
    month, later = timedelta(days=30), datetime(2100, 1, 1, tzinfo=UTC)
    young = vacuum("silver.t", TABLE, {1}, month, None)
    assert (young.files, young.kept) == ((), (0, 1, 2, 3))
    found = vacuum("silver.t", TABLE, {1}, month, later)
    assert (set(found.files), found.kept) == ({names[1], left.path}, (1, 3))
    assert sorted(info.base_name for info in parquet_files(store)) == sorted([names[0], names[2]])
    assert dataset(Shard("silver.t", 1, delta_log.files(TABLE, 1))).to_table().to_pylist() == [{"x": 1}]


def parquet_files(store):
    return [info for info in store.get_file_info(fs.FileSelector("lake/house/silver/t")) if info.extension == "parquet"]


def test_a_store_that_refuses_is_told_in_one_line(store):
    with pytest.raises(WarehouseError) as told:
        delta_log.head("s3a://nowhere/t")
    [line] = str(told.value).splitlines()
    assert line.startswith("s3a://nowhere/t: the store cannot be asked (")
    assert "NoSuchBucket" in line
    assert line.endswith("are taken from AWS's environment and ~/.aws; correct them there, then run again")
    assert "\x1b" not in line
