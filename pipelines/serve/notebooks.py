"""Carry the analysts' notebooks out on what stands published, and make of each a page that a browser opens.

A notebook is kept as text (notebooks/*.py, cells parted by `# %%`); what is made of it is not.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from html import escape
from pathlib import Path
from string import Template
from tempfile import TemporaryDirectory

import jupytext
import nbformat
from nbclient import NotebookClient
from nbconvert.filters import markdown2html
from nbformat import NotebookNode

from pipelines.serve.published import Published
from pipelines.settings import PROJECT

FOLDER = PROJECT / "notebooks"
OUT = FOLDER / "out"
CONF = "HEADRACE_CONF"
_QUIET = "ignore:IProgress not found"  # tqdm, which MLflow imports, says so on a page without widgets
_SECONDS_A_CELL = 1800

# A page of its own, because nbconvert's load scripts from elsewhere and show the code first.
_PAGE = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>$title</title><style>
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 1120px; margin: 2em auto; padding: 0 1em; }
h1, h2, h3 { line-height: 1.2; } h2 { margin-top: 2em; border-bottom: 2px solid #0072B2; }
h3 { margin-top: 2em; } .anchor-link { display: none; }
img { max-width: 100%; height: auto; margin: .8em 0; display: block; }
.wide { overflow-x: auto; margin: 1em 0; }
table { border-collapse: collapse; font-size: 13px; }
th, td { padding: .3em .7em; border-bottom: 1px solid #ddd; text-align: left; vertical-align: top; }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.instant { white-space: nowrap; }
tr.marked td { background: #e8f2f9; font-weight: 600; }
</style></head><body>
$body
</body></html>
""")


def sources() -> list[Path]:
    """The notebooks as text, in the order of their numbers."""
    return sorted(FOLDER.glob("[0-9]*.py"))


def make_pages(conf: Path | None, into: Path = OUT) -> Iterator[Path]:
    """Execute all notebooks; yields each one's page as it is made.

    Raises LedgerError where nothing is published yet, SettingsError for a conf that cannot be used.
    """
    conf = conf.resolve() if conf and conf.exists() else conf
    Published(conf)  # so that a mistake is told in one line, and not by a cell
    for source in sources():
        yield write(execute(source, conf), source.stem, into)


def execute(source: Path, conf: Path | None) -> NotebookNode:
    """The notebook with its outputs; conf: as for `Published`. A cell that fails raises nbclient's CellExecutionError.

    It runs in a process of its own, from the project's folder.
    """
    notebook = jupytext.read(source)
    client = NotebookClient(
        notebook, timeout=_SECONDS_A_CELL, kernel_name="python3", resources={"metadata": {"path": str(PROJECT)}}
    )
    manager = client.create_kernel_manager()
    with TemporaryDirectory(prefix="headrace-") as sockets:
        # files of this user alone: no port that others on the machine could reach
        manager.transport, manager.ip = "ipc", f"{sockets}/kernel"
        client.execute(env=os.environ | {CONF: str(conf or ""), "PYTHONPATH": str(PROJECT), "PYTHONWARNINGS": _QUIET})
    return notebook


def write(notebook: NotebookNode, name: str, into: Path) -> Path:
    """Keep an executed notebook as `<name>.ipynb`, and what it shows as `<name>.html`, whose path is returned."""
    into.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, into / f"{name}.ipynb")
    page = into / f"{name}.html"
    page.write_text(_PAGE.substitute(title=escape(name), body="\n".join(_parts(notebook))), encoding="utf-8")
    return page


def _parts(notebook: NotebookNode) -> Iterator[str]:
    """What the notebook says and shows, in order, without its code."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            yield markdown2html(cell.source)
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "image/png" in data:
                yield f'<img src="data:image/png;base64,{data["image/png"]}"{_width(output)} alt="">'
            elif "text/markdown" in data:
                yield markdown2html(data["text/markdown"])
            elif "text/html" in data:
                yield f'<div class="wide">{data["text/html"]}</div>'


def _width(picture: NotebookNode) -> str:
    width = picture.metadata.get("image/png", {}).get("width")
    return f' width="{width}"' if width else ""
