"""Source files in an object store, fetched into the landing zone once for each of their contents.

Credentials and region come from where AWS's own tools take them (environment, ~/.aws, the machine's role), the address
of another store from AWS_ENDPOINT_URL: none of them is in conf.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from pyarrow import fs

from pipelines.contracts.sources import Source
from pipelines.io.drops import Drop, found_in
from pipelines.io.landing import archive
from pipelines.io.places import Place
from pipelines.io.s3 import arrow_store
from pipelines.io.seen import INDEX, Seen


def fetched(source: Source, place: Place, zone: Path) -> Drop:
    """Every file of a source at a place in an object store. zone: the domain's landing zone, where contents are kept.

    An object whose ETag is known is not fetched again. What the store refuses is told, and holds up no other source.
    """
    folder = zone / source.name
    folder.mkdir(parents=True, exist_ok=True)
    seen, is_all = Seen(folder / INDEX, source), True
    found, store = [], arrow_store()
    try:
        for path, name in _objects(store, place):
            drop = seen.known(name, f"{path} {_etag(store, path)}")
            if drop is None:
                etag, drop = _fetch(store, path, name, source, zone)
                seen.note(name, f"{path} {etag}", drop)
            found.append(drop)
    except OSError as error:
        is_all = False
        why = " ".join(str(error).split())
        told = f"{source.name}: s3a://{place.base} cannot be read ({why}). Correct it in conf under 'sources'"
        found.append(Drop(unreadable=(told,)))
    seen.save(is_all=is_all)
    return Drop.of(found)


def _objects(store: fs.S3FileSystem, place: Place) -> Iterator[tuple[str, str]]:
    """Path and name below the place of each of its files, in order."""
    [info] = store.get_file_info([place.base])
    if info.type == fs.FileType.File:
        yield place.base, info.base_name
        return
    infos = store.get_file_info(fs.FileSelector(place.base, recursive=True))
    for path in sorted(info.path for info in infos if info.type == fs.FileType.File):
        name = path.removeprefix(f"{place.base}/")
        if place.has(name):
            yield path, name


def _etag(store: fs.S3FileSystem, path: str) -> str:
    with store.open_input_stream(path) as stream:
        return str(stream.metadata()["ETag"].decode())


def _fetch(store: fs.S3FileSystem, path: str, name: str, source: Source, zone: Path) -> tuple[str, Drop]:
    """The object's ETag, and what is in it, kept in the zone."""
    with tempfile.TemporaryDirectory(dir=zone / source.name, prefix=".fetching-") as folder:
        copy = Path(folder) / "copy"
        with store.open_input_stream(path) as stream, copy.open("wb") as file:
            etag = str(stream.metadata()["ETag"].decode())
            shutil.copyfileobj(stream, file)
        if _etag(store, path) != etag:
            return etag, Drop(unreadable=(f"{source.name}/{name}: changed while it was fetched. Run again",))
        drop = found_in(source, name, copy)
        kept = tuple(replace(file, path=str(archive(file, zone)), members=()) for file in drop.files)
        return etag, replace(drop, files=kept)
