"""The files beside domain.py: where the records come from, how rows are named, what is done with an answer."""

from __future__ import annotations

from pipelines.scaffold.asking import POLICY
from pipelines.scaffold.draft import ROW_NUMBER, Draft
from pipelines.scaffold.layout import CONFIRM, comment, statement, text, texts
from pipelines.scaffold.reading import SOURCE
from pipelines.scaffold.tables import OUTCOMES, READINGS, ROWS

_PARSE = '''"""{doc}"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from pipelines.contracts.records import Fields, Unparsed
{constants}

def {source}(records: Iterable[Fields]) -> Iterator[Sequence[Fields] | Unparsed]:
    """Each record{promise}."""
{body}
'''

_SAMPLES = '''"""The records of {name}: the file that it was made from, dropped where a source system would drop it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pipelines.contracts.names import DeclarationError

{confirm}
FILE = Path({path}){excuse}
DROPPED_AS = {drop}


def files() -> Iterator[tuple[str, bytes]]:
    """(path below the domain's drop folder, content): the one file, named with its delivery's date."""
    if not FILE.is_file():
        raise DeclarationError(f"{{FILE}}: no such file. Say in {{__file__}} where it is now, or set samples to false")
    yield DROPPED_AS, FILE.read_bytes()
'''

_HEAD = '''"""{doc}"""

from __future__ import annotations

from pyspark.sql import functions as F

from pipelines.contracts.policies import {kind}

'''

_SIZING = """{confirm}
ACT = Sizing(
    name="{policy}",
    action={action},
    unit={unit},
    higher_is_better=False,
    choose=lambda quantiles: quantiles[0.5],
    value=lambda planned, actual: F.abs(planned - actual),
    doc="Plan for the median; what is too much costs as much as what is too little.",
)
"""

_PICKING = """{confirm}
GAIN_IF_RIGHT, COST_OF_ACTING = 10.0, 1.0
MOST_AT_ONCE = {limit}
ACT = Picking(
    name="{policy}",
    action="is_picked",
    unit="points",
    needs=(),
    worth=lambda probability, _: probability * GAIN_IF_RIGHT - COST_OF_ACTING,
    value=lambda label, _: label * GAIN_IF_RIGHT - COST_OF_ACTING,
    uses=lambda _: F.lit(1.0),
    limit=MOST_AT_ONCE,{zone}
    doc="Act where it is expected to gain most, on no more than there is room for.",
)
"""

_ASSIGNING = '''"""{doc}"""

from __future__ import annotations

from pipelines.contracts.policies import Assigning

{confirm}
ACT = Assigning(
    name="{policy}",
    action="treated_as",
    unit="mistakes",
    cost=lambda treated, actual: float(treated != actual),
    doc="Treat each as the class that is the least likely mistake.",
)
'''
_POINTS = '{name: (record.get(name) or "").replace(",", ".") for name in WITH_COMMA}'
_CAPACITY = 0.05
_FOR_ALL = ("/tmp/", "/var/tmp/", "/dev/shm/")  # noqa: S108 - the linter asks why a path lies there


def parse(draft: Draft) -> str:
    """parse.py: numbers rows that have no name, and reads decimal commas."""
    fields = [column.field for column in draft.with_comma]
    told = ["its place in the file, from 0"] if draft.is_numbered else []
    told += ["points for decimal commas"] if fields else []
    constants = f"\n{statement('WITH_COMMA', texts(fields))}\n" if fields else ""
    number = f', "{ROW_NUMBER}": f"{{number:09d}}"' if draft.is_numbered else ""
    body = ["for number, record in enumerate(records):" if draft.is_numbered else "for record in records:"]
    body += [f"    with_points = {_POINTS}"] if fields else []
    body += [f"    yield [{{**record{', **with_points' if fields else ''}{number}}}]"]
    return _PARSE.format(
        doc="What the declaration cannot say of the raw rows.",
        source=SOURCE,
        constants=constants,
        promise=" with " + " and ".join(told),
        body="\n".join(f"    {line}" for line in body),
    )


def samples(draft: Draft) -> str:
    """samples.py: the user's own file, named as a delivery."""
    told = (
        "the file's own times end on that date"
        if draft.shape.last
        else "without times, the day it was written on counts"
    )
    return _SAMPLES.format(
        name=draft.name,
        confirm="\n".join(comment(f"{CONFIRM}{told}; when is a file delivered?")),
        path=text(str(draft.reading.path.resolve())),
        excuse="  # noqa: S108" if str(draft.reading.path.resolve()).startswith(_FOR_ALL) else "",
        drop=text(draft.drop),
    )


def decide(draft: Draft) -> str:
    """decide.py: a first policy, with made-up prices."""
    doc = f"What is done with an answer about {draft.shape.target.name}: made up, to be replaced by your own costs."
    confirm = "\n".join(comment(f"{CONFIRM}what does acting cost here, and what does it gain?"))
    if draft.shape.asked != "classify":
        unit = draft.shape.target.unit
        ending = draft.shape.target.name.rpartition("_")[2] if unit else "value"
        given = {"action": text(f"planned_{ending}"), "unit": text(unit or "points")}
        return _HEAD.format(doc=doc, kind="Sizing") + _SIZING.format(confirm=confirm, policy=POLICY, **given)
    if not draft.is_binary:
        return _ASSIGNING.format(doc=doc, confirm=confirm, policy=POLICY)
    days = (draft.shape.last - draft.shape.first).days if draft.shape.first and draft.shape.last else 0
    limit = max(1.0, round(_CAPACITY * draft.reading.rows / max(days, 1)))
    zone = '\n    time_zone="UTC",' if draft.event_time else ""
    body = _PICKING.format(confirm=confirm, policy=POLICY, limit=f"{limit:.1f}", zone=zone)
    return _HEAD.format(doc=doc, kind="Picking") + body


def sample(draft: Draft) -> dict[str, str]:
    """Some raw rows as the file has them and one that is torn, with its reason: by path below the domain's folder."""
    header, delimiter, width = draft.reading.header, draft.reading.source.delimiter, len(draft.reading.columns)
    torn = delimiter.join(["torn"] * (width + 1))
    lines = [header, *draft.reading.shown, torn]
    file = f"{SOURCE}/{draft.delivered_on}.csv"
    reason = f"unreadable: {width + 1} fields where the header has {width}"
    tables = (READINGS,) if draft.horizon else (ROWS, OUTCOMES)
    set_apart = ["table,file,position,reason", *(f"{table},{file},{len(lines)},{reason}" for table in tables)]
    return {f"sample/{file}": "\n".join(lines) + "\n", "sample/quarantined.csv": "\n".join(set_apart) + "\n"}


def package(draft: Draft) -> str:
    """__init__.py."""
    return f'"""{draft.name}: {draft.shape.target.name}, from a file of its owner."""\n'
