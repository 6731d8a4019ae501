"""F12: the same files on hosts in other time zones and with wrong clocks give the same tables, to the hash."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pyarrow as pa
from deltalake import DeltaTable, QueryBuilder

from pipelines.domains import domain
from pipelines.io.ledger import Ledger
from pipelines.settings import PROJECT
from tests.faults import oracle
from tests.faults.harness import Case, Finding
from tests.faults.place import Place
from tests.faults.site import INGEST
from tests.overlay import write_overlay

FAULT, WHERE = "F12", "land to gold"
QUICK, FULL = 7, 25
DOMAIN = "zoned"
_SKEWING = Path(__file__).parents[1] / "clock.c"
_ZONES = ("UTC", "Asia/Kolkata", "America/New_York", "Pacific/Kiritimati", "Australia/Lord_Howe")
_LONGEST_RUN_S = 900
_HEADER = "meter_id,read_at,shown_at,billed_on,use_kwh\n"
_FILES = {
    "readings/2016-03-14.csv": _HEADER
    + "m1,2016-02-28T23:30:00-05:00,2016-02-28 23:30,2016-02-28,1.5\n"
    + "m1,2016-02-29T12:00:00-05:00,2016-02-29 12:00,2016-02-29,2.5\n"
    + "m1,2016-03-12T12:00:00-05:00,2016-03-12 12:00,2015-02-29,9.5\n"  # no such day
    + "m1,2016-03-13T01:30:00-05:00,2016-03-13 01:30,2016-03-13,3.5\n"
    + "m1,2016-03-13T03:30:00-04:00,2016-03-13 02:30,2016-03-13,4.5\n",  # no such hour in New York
    "readings/2016-11-07.csv": _HEADER
    + "m1,2016-04-03T01:45:00+11:00,2016-04-02 10:45,2016-04-03,5.5\n"  # half an hour that Lord Howe has twice
    + "m1,2016-04-03T01:45:00+10:30,2016-04-02 11:15,2016-04-03,6.5\n"
    + "m1,2016-11-06T01:30:00-04:00,2016-11-06 01:30,2016-11-06,7.5\n"  # an hour that New York has twice
    + "m1,2016-11-06T01:30:00-05:00,2016-11-06 01:30,2016-11-06,8.5\n",
}
_DELIVERED = {"readings/2016-03-14.csv": 5, "readings/2016-11-07.csv": 4}
_HELD = [
    ("2016-02-29T04:30", "2016-02-29T04:30", "2016-02-28", 1.5),
    ("2016-02-29T17:00", "2016-02-29T17:00", "2016-02-29", 2.5),
    ("2016-03-13T06:30", "2016-03-13T06:30", "2016-03-13", 3.5),
    ("2016-03-13T07:30", "2016-03-13T07:30", "2016-03-13", 4.5),
    ("2016-04-02T14:45", "2016-04-02T14:45", "2016-04-03", 5.5),
    ("2016-04-02T15:15", "2016-04-02T15:15", "2016-04-03", 6.5),
    ("2016-11-06T05:30", "2016-11-06T05:30", "2016-11-06", 7.5),
    ("2016-11-06T06:30", "2016-11-06T05:30", "2016-11-06", 8.5),
]
"""What silver holds of them: read_at, shown_at, both in UTC, billed_on and use_kwh."""


@dataclass(frozen=True)
class Host:
    """Where a run takes place. zone: of the system, the JVM and conf's session. clock_at: what its clock shows as the
    run starts; None if it is right."""

    zone: str
    clock_at: datetime | None = None

    def __str__(self) -> str:
        return self.zone if self.clock_at is None else f"{self.zone} on {self.clock_at:%Y-%m-%d}"


def cases(place: Place, number: int, seed: int) -> Iterator[Case]:
    """One case: what is compared are the hosts' tables with each other."""
    hosts = _hosts()[:number]
    yield Case(seed, ", ".join(map(str, hosts)), partial(_compare, hosts))


def _hosts() -> list[Host]:
    """The five zones with the right clock, then wrong clocks, each in another zone."""
    now = datetime.now(UTC)
    clocks = (
        now + timedelta(days=1),
        datetime(1970, 1, 1, 12, tzinfo=UTC),
        datetime(2016, 11, 6, 5, 59, 50, tzinfo=UTC),  # a change of New York's clock comes during the run
        datetime(2040, 2, 29, 12, tzinfo=UTC),  # past 2³¹ seconds
    )
    right = [Host(zone) for zone in _ZONES]
    # by turns, so that any number of them meets as many zones and clocks as it can
    wrong = [Host(_ZONES[(turn + 2 + 2 * i) % 5], clock) for turn in range(5) for i, clock in enumerate(clocks)]
    return [*right, *wrong]


def _compare(hosts: Sequence[Host], place: Place) -> Finding:
    library = place.folder / "clock.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", str(library), str(_SKEWING)], check=True)
    folders = [place.folder / f"host-{i}" for i in range(len(hosts))]
    with ThreadPoolExecutor(2) as pool:
        ran = list(pool.map(partial(_ingest, library), hosts, folders))
    zoned = domain(DOMAIN)
    states = [oracle.state(_ledger(folder), zoned) for folder in folders]
    problems = []
    for host, folder, state, code in zip(hosts, folders, states, ran, strict=True):
        wrong = [f"the ingest ended with exit code {code}: {_last_words(folder)}"] if code else _wrong(host, folder)
        if difference := state.difference(states[0]):
            wrong.append(f"not as in {hosts[0]}: {difference}")
        problems += [f"{host}: {told}" for told in wrong]
    return Finding(f"{len(states[0].hashes)} tables compared", tuple(problems), len(hosts))


def _ingest(library: Path, host: Host, folder: Path) -> int:
    """Land to gold on such a host; the exit code."""
    folder.mkdir()
    conf = write_overlay(folder, folder / "root", samples=False)
    properties = folder / "spark.conf"
    zoned = properties.read_text().replace("-Duser.timezone=UTC", f"-Duser.timezone={host.zone}")
    properties.write_text(f"{zoned}spark.sql.session.timeZone    {host.zone}\n")
    for name, text in _FILES.items():
        path = folder / "root" / "drops" / DOMAIN / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    environment = os.environ | {"TZ": host.zone}
    if host.clock_at is not None:
        skew_s = (host.clock_at - datetime.now(UTC)).total_seconds()
        environment |= {"LD_PRELOAD": str(library), "CLOCK_SKEW_S": f"{skew_s:.0f}"}
    words = [word for stage in INGEST for word in ("--stage", stage)]
    command = [sys.executable, "-m", "tests.faults.headrace", "run", "--domain", DOMAIN, *words, "--conf", str(conf)]
    with (folder / "run.log").open("wb") as log:
        return subprocess.run(
            command, cwd=PROJECT, env=environment, stdout=log, stderr=subprocess.STDOUT, timeout=_LONGEST_RUN_S
        ).returncode


def _wrong(host: Host, folder: Path) -> list[str]:
    """What is wrong with the host's tables alone."""
    ledger = _ledger(folder)
    problems = oracle.broken(ledger, domain(DOMAIN), _DELIVERED)
    pin = ledger.pins(DOMAIN)[f"silver.{DOMAIN}_use"]
    found = QueryBuilder().register("t", DeltaTable(pin.path, version=pin.version)).execute("SELECT * FROM t")
    rows = sorted(pa.table(found).to_pylist(), key=lambda row: row["read_at"])
    held = [
        (f"{row['read_at']:%Y-%m-%dT%H:%M}", f"{row['shown_at']:%Y-%m-%dT%H:%M}", str(row["billed_on"]), row["use_kwh"])
        for row in rows
    ]
    if held != _HELD:
        problems.append(f"silver holds {held}")
    # the bench's own check: a clock that was not skewed would prove nothing
    taken_in = {row["ingested_at"] for row in rows}
    clock_at = host.clock_at or datetime.now(UTC)
    if any(abs(at - clock_at) > timedelta(seconds=_LONGEST_RUN_S * len(_hosts())) for at in taken_in):
        problems.append(f"rows were taken in at {sorted(taken_in)}, where the clock should have been at {clock_at}")
    return problems


def _ledger(folder: Path) -> Ledger:
    return Ledger(str(folder / "root" / "ledger.db"))


def _last_words(folder: Path) -> str:
    lines = (folder / "run.log").read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it printed nothing"
