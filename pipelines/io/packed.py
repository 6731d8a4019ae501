"""Packed deliveries: which files a zip holds, and bytes as they were before they were packed."""

from __future__ import annotations

import gzip
import lzma
import shutil
import struct
import tempfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from zipfile import BadZipFile, ZipFile, ZipInfo

DEEPEST = 8
"""So many zips may lie in each other: some are made to unpack to themselves without end."""
_ENCRYPTED = 0x1
# zipfile's own errors, and what its parsing of damaged tables comes to (30,000 damaged files were tried)
_RAISED_OVER_DAMAGE = (
    *(BadZipFile, EOFError, zlib.error, lzma.LZMAError, struct.error),
    *(LookupError, NotImplementedError, OverflowError, ValueError),
)


class Damaged(Exception):
    """A packed file cannot be unpacked; the message says why."""


@dataclass(frozen=True)
class Member:
    """A file in a zip. path: the names that lead to it, one a zip. open: its bytes, while the zip is being walked."""

    path: tuple[str, ...]
    open: Callable[[], IO[bytes]]


def is_zip(name: str) -> bool:
    return name.lower().endswith(".zip")


def is_gzip(name: str) -> bool:
    return name.lower().endswith(".gz")


def shown(name: str, members: Sequence[str]) -> str:
    """The name of a file in a zip."""
    return "!/".join((name, *members))


@contextmanager
def as_damage() -> Iterator[None]:
    """Whatever unpacking raises over bytes that are not what they should be, as Damaged."""
    try:
        yield
    except OSError as error:
        if error.errno is not None:  # it is the file system that fails
            raise
        raise Damaged(str(error)) from error
    except _RAISED_OVER_DAMAGE as error:
        raise Damaged(str(error) or type(error).__name__) from error


def walk(path: Path, damaged: Callable[[tuple[str, ...], str], None]) -> Iterator[Member]:
    """The files in a zip, those in its zips too, in the order of the zip; folders and hidden files are no files.

    damaged: is told of each zip in it, () for itself, that cannot be unpacked, and why; the others are walked.
    """
    with path.open("rb") as stream:
        yield from _walk(stream, (), damaged)


def _walk(
    stream: IO[bytes], inside: tuple[str, ...], damaged: Callable[[tuple[str, ...], str], None]
) -> Iterator[Member]:
    with ExitStack() as stack:
        try:
            with as_damage():
                archive = stack.enter_context(ZipFile(stream))
                infos = _files(archive)
                if len(inside) == DEEPEST:
                    raise Damaged(f"more than {DEEPEST} zips lie in each other")
        except Damaged as error:
            damaged(inside, str(error))
            return
        for info in infos:
            here = (*inside, info.filename)
            if not is_zip(info.filename):
                yield Member(here, lambda info=info: _member(archive, info))  # type: ignore[misc]
                continue
            try:
                inner = _spooled(stack, archive, info)
            except Damaged as error:
                damaged(here, str(error))
                continue
            yield from _walk(inner, here, damaged)


def _files(archive: ZipFile) -> list[ZipInfo]:
    infos = [info for info in archive.infolist() if not info.is_dir() and not Path(info.filename).name.startswith(".")]
    name, number = max(Counter(info.filename for info in infos).items(), key=lambda it: it[1], default=("", 0))
    if number > 1:
        raise Damaged(f"{name} stands {number} times in it")
    return infos


def _member(archive: ZipFile, info: ZipInfo) -> IO[bytes]:
    if info.flag_bits & _ENCRYPTED:
        raise Damaged("it is encrypted")
    with as_damage():
        return archive.open(info)


def _spooled(stack: ExitStack, archive: ZipFile, info: ZipInfo) -> IO[bytes]:
    """A zip in a zip as a file of its own, as long as the stack: its table of contents stands at the end."""
    spool = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115
    with _member(archive, info) as packed, as_damage():
        shutil.copyfileobj(packed, spool)
    return spool


@contextmanager
def opened(path: Path, members: Sequence[str]) -> Iterator[IO[bytes]]:
    """The bytes of a file, or of the member of a zip to which `members` lead; Damaged if it cannot be unpacked."""
    with ExitStack() as stack:
        stream: IO[bytes] = stack.enter_context(path.open("rb"))
        for depth, member in enumerate(members, start=1):
            with as_damage():
                archive = stack.enter_context(ZipFile(stream))
                info = archive.getinfo(member)
            is_last = depth == len(members)
            stream = stack.enter_context(_member(archive, info)) if is_last else _spooled(stack, archive, info)
        yield stream


def unpacked(stream: IO[bytes], name: str) -> IO[bytes]:
    """The content of a file of this name; what it raises over damaged bytes is `as_damage`'s to name."""
    return gzip.GzipFile(fileobj=stream) if is_gzip(name) else stream  # type: ignore[return-value]
