"""Registered models as MLflow names them in text: by version, or by an alias that may come to point elsewhere."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pipelines.contracts.names import DeclarationError

START_FROM = "start_from"
"""The parameter of a family that names the registered model from which its fits begin."""
_FORM = re.compile(r"models:/(?P<name>[^/@:]+)(?:/(?P<version>[1-9]\d*)|@(?P<alias>[\w.-]+))", re.ASCII)


@dataclass(frozen=True)
class ModelReference:
    """which: a version's number, or an alias."""

    name: str
    which: int | str

    @classmethod
    def read(cls, text: str) -> ModelReference:
        """DeclarationError where the text names no model."""
        found = _FORM.fullmatch(text)
        if found is None:
            raise DeclarationError(
                f"'{text}' names no registered model; write models:/NAME/VERSION or models:/NAME@ALIAS"
            )
        return cls(found["name"], int(found["version"]) if found["version"] else found["alias"])
