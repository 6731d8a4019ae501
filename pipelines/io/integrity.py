"""Whether the files of a table are as they were written: damage is named, and never fewer or other rows.

Spark's local file system writes a checksum file beside each file (`.<name>.crc`: "crc" and a zero byte, the size of a
chunk as int32, a CRC32 for each chunk, all big-endian). Spark compares it with the data that it reads; nobody else
does, and Spark itself takes an emptied commit for one that changed nothing. Object stores keep checksums of their own.
"""

from __future__ import annotations

import re
import sys
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pipelines.io.failures import WarehouseError
from pipelines.io.landing import write_atomically
from pipelines.io.lock import local_path

_MAGIC = b"crc\0"
_CHUNK_BYTES = 512
_BLOCK_BYTES = 1024**2
_COMMIT = re.compile(r"(\d{20})\.json")
_CHECKPOINT = re.compile(r"(\d{20})\.checkpoint\.(?:.+\.)?(?:parquet|json)")
_MEND = "put it back from a copy of the table, then run again"

_UNREAD = re.compile(r"\[FAILED_READ_FILE\.\w+\] Encountered error while reading file (\S+?)\.\s")
_DIFFERS = re.compile(r"ChecksumException: Checksum error: (.+?) at \d+ exp: ")
_MISSING = re.compile(r"FileNotFoundException: File (.+?) does not exist")
_NO_PATH = re.compile(r"\[PATH_NOT_FOUND\] Path does not exist: (.+?)\. SQLSTATE")
_CAUSE = re.compile(r"^Caused by: [\w.$]*?(\w+): (.+)$", re.MULTILINE)
_LOG = re.compile(
    r"\[DELTA_(?:FILE_NOT_FOUND|LOG_FILE_NOT_FOUND|MISSING_PART_FILES|MISSING_TRANSACTION_LOG|STATE_RECOVER_ERROR"
    r"|TRUNCATED_TRANSACTION_LOG|VERSION_NOT_FOUND|VERSIONS_NOT_CONTIGUOUS)\w*\] .+"
)


def must_be_whole(table: str, files: Iterable[str]) -> None:
    """WarehouseError unless each of the files that lies on this machine is there and matches its checksum file.

    files: paths or URIs. One without a checksum file (of another writer, or a copy) is left to parquet's own checksums.
    For readers other than Spark, which never look at checksum files. 0.15 s for 100 MB.
    """
    for uri in files:
        file = local_path(uri)
        if file is not None and (wrong := _wrong(file)):
            raise WarehouseError(f"{table}: {file} {wrong}; {_MEND}")


def must_be_as_long(sizes: Mapping[str, int]) -> None:
    """WarehouseError unless each of the files, all on this machine, is there and has so many bytes.

    Spark compares what it reads with checksums, but passes over a file that it finds empty.
    """
    for name, size in sizes.items():
        file = Path(name)
        if not file.is_file():
            raise WarehouseError(f"{file} is missing; {_MEND}")
        if (held := file.stat().st_size) != size:
            raise WarehouseError(f"{file} has {held:,} bytes, but {size:,} were written; {_MEND}")


def log_must_be_whole(path: str, version: int | None) -> None:
    """WarehouseError unless what the log tells of a version (None: the newest) is complete and as it was written.

    That is the newest checkpoint up to it and every commit since. Where there is no log at all, nothing is said.
    """
    folder = local_path(path)
    log = folder / "_delta_log" if folder else None
    if log is None or not log.is_dir():
        return
    names = [file.name for file in log.iterdir()]
    commits = _numbered(_COMMIT, names, version)
    checkpoints = _numbered(_CHECKPOINT, names, version)
    newest = max((number for number, _ in checkpoints), default=-1)
    since = {number: name for number, name in commits if number > newest}
    last = max(since, default=newest) if version is None else version
    if missing := [number for number in range(newest + 1, last + 1) if number not in since]:
        raise WarehouseError(f"{path}: commit {missing[0]} is missing in {log}; {_MEND}")
    for name in (*(name for number, name in checkpoints if number == newest), *since.values()):
        if wrong := _wrong(log / name):
            raise WarehouseError(f"{path}: {log / name} {wrong}; {_MEND}")


def leave_checksums(file: Path) -> None:
    """Write the checksum file that Spark would have left beside a file which another writer made."""
    content = _MAGIC + _CHUNK_BYTES.to_bytes(4, "big") + _checksums(file, _CHUNK_BYTES)
    write_atomically(file.with_name(f".{file.name}.crc"), content)


@contextmanager
def damage_named() -> Iterator[None]:
    """What Spark says inside of a damaged or missing file is a WarehouseError of one line, which names the file."""
    try:
        yield
    except _of_spark() as error:
        told = _damage(str(error))
        if told is None:
            raise
        raise WarehouseError(f"{told}; {_MEND}") from error


def _numbered(pattern: re.Pattern[str], names: Iterable[str], version: int | None) -> list[tuple[int, str]]:
    found = [(int(match[1]), name) for name in names if (match := pattern.fullmatch(name))]
    return sorted((number, name) for number, name in found if version is None or number <= version)


def _wrong(file: Path) -> str:
    """What is wrong with a file, "" if nothing is known to be."""
    if not file.is_file():
        return "is missing"
    size = file.stat().st_size
    if not size:
        return "is empty"
    side = file.with_name(f".{file.name}.crc")
    if not side.is_file():
        return ""
    told = side.read_bytes()
    chunk = min(int.from_bytes(told[4:8], "big"), size)  # a damaged one may ask for gigabytes
    if told[:4] != _MAGIC or len(told) < 8 or not chunk or told[8:] != _checksums(file, chunk):
        return f"does not match its checksums in {side.name}, so one of the two is damaged"
    return ""


def _checksums(file: Path, chunk: int) -> bytes:
    found = bytearray()
    with file.open("rb") as content:
        while block := content.read(chunk * max(1, _BLOCK_BYTES // chunk)):
            for start in range(0, len(block), chunk):
                found += zlib.crc32(block[start : start + chunk]).to_bytes(4, "big")
    return bytes(found)


def _of_spark() -> tuple[type[Exception], ...]:
    """What Spark raises; asked only when something was raised, so that a run without Spark never waits for it."""
    if "py4j" not in sys.modules:
        return ()
    from py4j.protocol import Py4JJavaError
    from pyspark.errors import PySparkException

    return (Py4JJavaError, PySparkException)


def _damage(text: str) -> str | None:
    """What a Java exception's text says of damage, in one line; None if it tells of none."""
    if found := _DIFFERS.search(text):
        return f"{_shown(found[1])} does not match its checksum file, so one of the two is damaged"
    if found := _MISSING.search(text):
        return f"{_shown(found[1])} is missing"
    if found := _NO_PATH.search(text):
        path = re.sub(r"\\(.)", r"\1", found[1])  # as a pattern, see `table_files.read`
        return f"{_shown(path)} is missing"
    if found := _UNREAD.search(text):
        causes = _CAUSE.findall(text)
        return f"{_shown(found[1])} cannot be read{f' ({causes[-1][1].strip()})' if causes else ''}"
    found = _LOG.search(text)
    return found[0].strip() if found else None


def _shown(uri: str) -> str:
    """A local file as a path, else its URI."""
    return str(local_path(uri) or uri)
