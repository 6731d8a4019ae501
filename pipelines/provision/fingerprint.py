"""Short keys for what a step depends on, and the check of a file against its pinned hash."""

import hashlib
from pathlib import Path


def fingerprint(*parts: str) -> str:
    """A key that changes when any part does; parts keep their borders."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(f"{len(part)}:{part}".encode())
    return digest.hexdigest()[:16]


def sha256_of(path: Path) -> str:
    """The sha256 of a file, in hexadecimal."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
