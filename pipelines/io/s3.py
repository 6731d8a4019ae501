"""An object store as each library that reaches it wants it told; all is taken from where AWS's own tools take it.

That is the environment, ~/.aws and the machine's role; another store's address is in AWS_ENDPOINT_URL. No conf has any.
"""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pipelines.io.lock import local_path

if TYPE_CHECKING:  # a run that finds nothing to do imports no Arrow
    from pyarrow import fs

SCHEME = "s3a://"
_S3A = "spark.hadoop.fs.s3a"


def is_in_store(uri: str) -> bool:
    """Whether a table or a data root lies in an object store."""
    return uri.startswith(SCHEME)


def arrow_store() -> fs.S3FileSystem:
    """The store for Arrow; nothing is asked of it yet."""
    return _arrow_store(_address())


@cache
def _arrow_store(address: str | None) -> fs.S3FileSystem:
    from pyarrow import fs

    return fs.S3FileSystem(endpoint_override=address, connect_timeout=10, request_timeout=60)


def arrow_place(uri: str) -> tuple[fs.FileSystem, str]:
    """A file or folder for Arrow: the file system that has it, and where it is there."""
    from pyarrow import fs

    local = local_path(uri)
    if local is not None:
        return fs.LocalFileSystem(), str(local)
    if is_in_store(uri):
        return arrow_store(), uri.removeprefix(SCHEME)
    found: tuple[fs.FileSystem, str] = fs.FileSystem.from_uri(uri)
    return found


def deltalake_options(uri: str) -> dict[str, str] | None:
    """What deltalake has to be told of the table there besides the environment, None if that is nothing."""
    address = _address()
    if not is_in_store(uri) or address is None:
        return None
    return {"endpoint_url": address, "allow_http": str(urlsplit(address).scheme == "http").lower()}


def spark_properties(root: str) -> dict[str, str]:
    """What Spark has to be told where the data root lies in a store; it reads no other file of AWS's."""
    if not is_in_store(root):
        return {}
    found = {f"{_S3A}.aws.credentials.provider": "software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider"}
    if address := _address():
        found |= {f"{_S3A}.endpoint": address, f"{_S3A}.path.style.access": "true"}
    if region := os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION"):
        found[f"{_S3A}.endpoint.region"] = region
    return found


def _address() -> str | None:
    """Of a store other than Amazon's."""
    return os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or None
