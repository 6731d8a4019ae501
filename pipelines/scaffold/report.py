"""What was found and what is to be confirmed, for the terminal and as READINESS.md."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipelines.scaffold.draft import Draft
from pipelines.scaffold.findings import Finding
from pipelines.scaffold.layout import CONFIRM

_WIDTH = 120


@dataclass(frozen=True)
class Confirm:
    """A comment in a written file about what the file of records alone could not tell; line: from 1."""

    file: str
    line: int
    about: str
    told: str


def to_confirm(files: Mapping[str, str]) -> list[Confirm]:
    """All such comments in the written files, by their text; about: the line of code below each."""
    found = []
    for name, content in files.items():
        lines = content.splitlines()
        for number, line in enumerate(lines):
            if not line.lstrip().startswith(CONFIRM):
                continue
            told, after = [line.strip().removeprefix(CONFIRM)], number + 1
            while after < len(lines) and lines[after].lstrip().startswith("#   "):
                told.append(lines[after].strip().removeprefix("#").strip())
                after += 1
            while after < len(lines) and lines[after].lstrip().startswith("#"):
                after += 1
            about = lines[after].strip().rstrip(",([{") if after < len(lines) else ""
            found.append(Confirm(name, number + 1, about, " ".join(told)))
    return found


def terminal(draft: Draft, findings: Sequence[Finding], confirms: Sequence[Confirm]) -> str:
    """The report as it is printed."""
    wide = max(len(one.about) for one in findings)
    lines = [*_wrapped("", f"{draft.name}: {_summary(draft)}"), ""]
    for one in findings:
        lines += _wrapped(f"  {one.verdict:<4}  {one.about:<{wide}}  ", one.found)
        lines += _wrapped(" " * (wide + 10) + "→ ", one.do) if one.do else []
    lines += ["", f"To confirm, {len(confirms)} places (# confirm: in the files):"]
    places = [f"{confirm.file}:{confirm.line}" for confirm in confirms]
    wide = max(map(len, places), default=0)
    for place, confirm in zip(places, confirms, strict=True):
        lines += _wrapped(f"  {place:<{wide}}  ", f"{_short(confirm.about)}: {confirm.told}")
    return "\n".join(lines)


def markdown(draft: Draft, findings: Sequence[Finding], confirms: Sequence[Confirm]) -> str:
    """READINESS.md."""
    lines = [f"# {draft.name}: is it ready?", "", f"{_summary(draft)}.", "", "| verdict | about | found | what to do |"]
    lines.append("|---|---|---|---|")
    lines += [f"| {one.verdict} | {_cell(one.about)} | {_cell(one.found)} | {_cell(one.do)} |" for one in findings]
    lines += [
        "",
        "`ok` is well; `look` wants a look, and is dealt with as the last column says; `stop` should be mended",
    ]
    lines += ["before anything is built on it. The skill is that of one quick fit: `headrace run` judges properly.", ""]
    lines += ["## To confirm", "", "What the file alone could not tell. Change it, or delete the comment.", ""]
    lines += [f"- `{one.file}:{one.line}` `{_short(one.about)}`: {one.told}" for one in confirms]
    lines += [
        "",
        "## The columns",
        "",
        "| column | field | type | unit | used as | missing |",
        "|---|---|---|---|---|---|",
    ]
    for role in draft.roles:
        column = role.column
        cells = (f"`{column.name}`", _cell(column.field), column.type, column.unit, role.use, f"{column.missing:.1%}")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _summary(draft: Draft) -> str:
    kind = {
        "series": f"a series, {draft.shape.target.name} to be forecast",
        "events": f"events in time, {draft.shape.target.name} of each to be told",
        "timeless": f"rows without a time, {draft.shape.target.name} of each to be told",
    }[draft.shape.kind]
    of = draft.reading
    told = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}[of.source.delimiter]
    return f"{of.rows:,} rows and {len(of.columns)} columns of {of.path.name} ({of.source.encoding}, {told}); {kind}"


def _wrapped(before: str, told: str) -> list[str]:
    return textwrap.wrap(told, _WIDTH, initial_indent=before, subsequent_indent=" " * len(before))


def _short(code: str) -> str:
    return code if len(code) <= 40 else f"{code[:39]}…"


def _cell(told: str) -> str:
    return told.replace("|", "\\|")
