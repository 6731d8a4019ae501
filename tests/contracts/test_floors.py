"""Who may import whom, by reading the code: nothing upward, no circles; imports inside functions count too."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import pipelines
from pipelines.domains import domains

ROOT = Path(pipelines.__file__).parent
BELOW_RUNNER = {
    "contracts",
    "transforms",
    "metrics",
    "settings",
    "doctor",
    "models",
    "domains",
    "io",
    "stages",
    "engines",
}
MAY_IMPORT: dict[str, set[str]] = {
    "contracts": set(),
    "settings": set(),
    "doctor": set(),
    "transforms": {"contracts"},
    "metrics": {"contracts"},
    "models": {"contracts"},
    "domains": {"contracts"},
    "io": {"contracts", "settings"},
    "stages": {"contracts", "transforms", "metrics"},
    "engines": {"contracts", "transforms", "models"},
    "runner": BELOW_RUNNER,
    "scaffold": {"contracts", "metrics", "io"},
    "serve": {*BELOW_RUNNER, "runner"},
    "cli": {*BELOW_RUNNER, "runner", "scaffold", "serve"},
    "schedule": {"settings", "domains", "stages"},  # read in Airflow's environment too, so it stays light
    "provision": {"doctor"},  # set-up, before there is an environment
    "__main__": {"cli"},
}
OPEN_TO = {"engines": {"pipelines.io.parquet_files"}}
"""Modules of another room that a room may import besides."""
MODULES = {
    path.relative_to(ROOT.parent).with_suffix("").as_posix().replace("/", "."): path for path in ROOT.rglob("*.py")
}


def imported(tree: ast.AST, module: str) -> set[str]:
    """The full names that a module imports, wherever in it; `from a import b` gives a.b."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{module}: line {node.lineno}: imports are absolute here"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


IMPORTS = {
    name.removesuffix(".__init__"): imported(ast.parse(path.read_text()), name) for name, path in MODULES.items()
}


def room(name: str) -> str:
    """The room of a full name, "" if it is not ours or the package itself."""
    parts = name.split(".")
    return parts[1] if parts[0] == "pipelines" and len(parts) > 1 and f"pipelines.{parts[1]}" in IMPORTS else ""


def forbidden(imports: dict[str, set[str]]) -> list[str]:
    """Every import that goes up or sideways."""
    return sorted(
        f"{module} imports {name}"
        for module, names in imports.items()
        for name in names
        if room(name)
        and room(module)
        and room(name) not in {room(module), *MAY_IMPORT[room(module)]}
        and name.rpartition(".")[0] not in OPEN_TO.get(room(module), ())
    )


def test_every_room_has_its_floor():
    assert {room(module) for module in IMPORTS} - {""} == set(MAY_IMPORT)


def test_nobody_imports_upward():
    assert forbidden(IMPORTS) == []


def test_an_import_upward_inside_a_function_would_be_found():
    planted = imported(ast.parse("def f():\n    from pipelines.io.ledger import Ledger\n"), "planted")
    assert forbidden({"pipelines.stages.planted": planted}) == [
        "pipelines.stages.planted imports pipelines.io.ledger.Ledger"
    ]


def test_no_module_imports_itself_through_others():
    graph = {
        module: {name if name in IMPORTS else name.rpartition(".")[0] for name in names} & set(IMPORTS)
        for module, names in IMPORTS.items()
    }
    done: set[str] = set()

    def walk(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " → ".join((*path[path.index(module) :], module))
        if module not in done:
            for other in sorted(graph[module] - {module}):
                walk(other, (*path, module))
            done.add(module)

    for module in sorted(graph):
        walk(module, ())


@pytest.mark.parametrize(
    ("library", "rooms"),
    [
        ("mlflow", {"io", "serve"}),
        ("pyspark", {"domains", "engines", "io", "models", "runner", "stages", "transforms", "contracts"}),
        ("horovod", {"engines"}),
        ("sqlalchemy", {"io"}),
        ("torch", {"models", "engines"}),
    ],
)
def test_a_heavy_library_has_its_rooms(library, rooms):
    users = {room(module) for module, names in IMPORTS.items() if any(n.split(".")[0] == library for n in names)}
    assert users <= rooms


def test_contracts_and_declarations_are_free_of_spark():
    """Only types, for the reader: nothing of Spark is imported when a declaration is read."""
    read_first = [m for m in MODULES if room(m) == "contracts" or re.fullmatch(r"pipelines\.domains\.\w+\.domain", m)]
    assert len(read_first) > len(domains())
    for module in read_first:
        statements = [s for s in ast.parse(MODULES[module].read_text()).body if not isinstance(s, ast.If)]
        names = imported(ast.Module(statements, []), module)
        assert not [name for name in names if name.split(".")[0] in ("pyspark", "pandas", "numpy", "mlflow")], module


def test_no_business_word_outside_the_domains():
    words = {*domains(), *(c.name for d in domains().values() for t in d.tables for c in t.columns if c.unit)}
    pattern = re.compile(rf"\b({'|'.join(sorted(words))})\b")
    spoken = [
        f"{module}: {found[0]}"
        for module, path in MODULES.items()
        if room(module) in ("stages", "transforms", "engines", "models", "metrics", "runner")
        and (found := pattern.search(path.read_text()))
    ]
    assert spoken == []


def test_jobs_are_short_and_call_the_command_line_alone():
    jobs = sorted((ROOT.parent / "jobs").glob("*.py"))
    assert jobs
    for job in jobs:
        text = job.read_text()
        assert len(text.splitlines()) <= 20
        ours = {name for name in imported(ast.parse(text), job.name) if name.startswith("pipelines")}
        assert ours in ({"pipelines.cli.job"}, {"pipelines.cli.main"}), job.name
