"""domain.py of a new domain: sources, tables, views and a first task, as source text."""

from __future__ import annotations

import re

from pipelines.scaffold.asking import task
from pipelines.scaffold.draft import Draft
from pipelines.scaffold.layout import Call, Part, statement, text
from pipelines.scaffold.reading import SOURCE
from pipelines.scaffold.tables import tables
from pipelines.scaffold.views import views

_IMPORTS = {
    "pipelines.contracts.calendar": ("Calendar",),
    "pipelines.contracts.domain": ("Domain",),
    "pipelines.contracts.expectations": ("accepted", "quarantine"),
    "pipelines.contracts.features": ("AsOf", "Category", "FeatureView", "Hashed", "Lag", "Own", "Rolling"),
    "pipelines.contracts.sources": ("Source",),
    "pipelines.contracts.tables": ("Column", "Table"),
    "pipelines.contracts.tasks": (
        *("ByHash", "ByTime", "Classify", "Estimate", "Events", "Forecast", "Promote", "Share", "Span", "Spine", "utc"),
    ),
}


def declaration(draft: Draft) -> str:
    """The text of domain.py."""
    declared = tables(draft)
    parts = [statement(name.upper(), table) for name, table in declared.items()]
    body = "\n".join([*parts, statement("DOMAIN", _domain(draft, list(declared)))])
    head = (
        f'"""The declaration of {draft.name}, as `headrace new-domain` wrote it: READINESS.md says what to look at."""'
    )
    return f"{head}\n\n{_imports(body)}\n\n{body}\n"


def _domain(draft: Draft, tables: list[str]) -> Call:
    asked = draft.shape.target.name.replace("_", " ")
    question = f"What will {asked} be?"
    source = [Part(text(SOURCE)), Part(text("csv"), "format")]
    of = draft.reading.source
    source += [Part(text(of.delimiter), "delimiter")] if of.delimiter != "," else []
    source += [Part(text(of.encoding), "encoding")] if of.encoding != "utf-8" else []
    guessed = "the file is no UTF-8 and names no encoding; are its special letters right?"
    return Call(
        "Domain",
        [
            Part(text(draft.name), "name"),
            Part(text("nobody-yet"), "owner", confirm="who answers for it?"),
            Part(text(question), "question"),
            Part(
                Call("", [Part(Call("Source", source), confirm=guessed if of.encoding == "cp1252" else "")]), "sources"
            ),
            Part(Call("", [Part(name.upper()) for name in tables]), "tables"),
            Part(Call("", [Part(view) for view in views(draft)]), "views"),
            Part(Call("", [Part(task(draft))]), "tasks"),
        ],
    )


def _imports(body: str) -> str:
    """What the body uses, in the order of isort."""
    code = "\n".join(line for line in body.splitlines() if not line.lstrip().startswith("#"))
    lines = ["from datetime import timedelta", ""] if re.search(r"\btimedelta\(", code) else []
    for module, names in _IMPORTS.items():
        used = [name for name in names if re.search(rf"\b{name}\(", code)]
        line = f"from {module} import {', '.join(used)}"
        lines += [line] if used else []
    return "\n".join(lines)
