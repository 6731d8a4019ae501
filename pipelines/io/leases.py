"""One run at a time works on a domain, on however many machines runs are started: a lease is a row of the ledger.

Who holds it counts a beat up every few seconds. Who wants it watches the beat by its own monotonic clock alone, so no
two machines' clocks are ever compared: a beat that stands still for long enough is that of a dead holder. On the
holder's own machine the system knows better, and a dead process is passed over at once.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, and_, delete, insert, select, update

from pipelines.io import ledger_schema as schema
from pipelines.io.failures import LeaseError, LedgerError
from pipelines.io.ledger import Ledger

BEAT_S = 5.0
"""Between two beats of a holder."""
PATIENCE_S = 60.0
"""So long a beat may stand still before its holder is taken for dead."""
_LOOK_S = 1.0
_TELL_S = 60.0


@dataclass(frozen=True)
class Holder:
    """Who has a lease. machine: what tells this system's processes from all others, "" where the system does not say;
    started: of the process, in the system's own count; since: when it got the lease, for people to read."""

    token: str
    machine: str
    host: str
    process: int
    started: str
    since: str

    @classmethod
    def me(cls) -> Holder:
        """This process, with a token that no other holder ever had."""
        process = os.getpid()
        now = datetime.now(UTC).isoformat(timespec="seconds")
        return cls(uuid4().hex, _machine(), socket.gethostname(), process, _started(process), now)

    def __str__(self) -> str:
        return f"process {self.process} on {self.host}, since {self.since}"

    @property
    def is_here(self) -> bool:
        """Whether it runs where this process can see it."""
        return self.machine != "" and self.machine == _machine()

    @property
    def is_gone(self) -> bool:
        """Whether it is known to have ended; a holder elsewhere never is."""
        if not self.is_here:
            return False
        try:
            os.kill(self.process, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            return False  # it lives, under another user
        return _started(self.process) != self.started


class Lease:
    """A lease that this process holds, until it ends or another takes it over, having seen no beat for too long."""

    def __init__(self, ledger: Ledger, name: str, holder: Holder) -> None:
        self._ledger, self._name, self._token = ledger, name, holder.token
        self._is_over = threading.Event()
        # A daemon: where the process dies without a word the beat stops too.
        self._heart = threading.Thread(target=self._beat, name=f"lease of {name}", daemon=True)
        self._heart.start()

    def renew(self) -> None:
        """Count one beat; LeaseError if another holds the lease by now: whoever goes on would disturb it."""
        table = schema.leases
        with self._ledger.writing() as c:
            if not c.execute(update(table).where(self._is_ours()).values(beat=table.c.beat + 1)).rowcount:
                raise LeaseError(self._lost(c))

    def end(self) -> None:
        """Give the lease back; LeaseError if it was lost before."""
        self._is_over.set()
        self._heart.join()
        with self._ledger.writing() as c:
            if not c.execute(delete(schema.leases).where(self._is_ours())).rowcount:
                raise LeaseError(self._lost(c))

    def _beat(self) -> None:
        while not self._is_over.wait(BEAT_S):
            try:
                self.renew()
            except LeaseError:
                return  # the holder's next step finds it out for itself
            except LedgerError:
                continue  # away for a moment; whether that was too long, the next beat says

    def _is_ours(self) -> ColumnElement[bool]:
        return and_(schema.leases.c.name == self._name, schema.leases.c.token == self._token)

    def _lost(self, c: Connection) -> str:
        row = _row(c, self._name)
        taker = f"{row[0]} has it now" if row else "whoever took it has ended since"
        return (
            f"{self._name}: this process stood still for so long that it lost its lease: {taker}. What it had not "
            "published by then is void; run again"
        )


@contextmanager
def lease(ledger: Ledger, name: str, say: Callable[[str], None], wait_s: float) -> Iterator[Lease]:
    """Hold the lease `name` inside; it is given back at the end, however that comes.

    Where another process holds it, waits up to `wait_s` seconds and says now and then for whom. A dead holder is passed
    over: at once on this machine, after PATIENCE_S without a beat on any other, whatever `wait_s` is.
    Raises LeaseError if the holder lives and goes on for longer, or if the lease was lost to another meanwhile.
    """
    held = Lease(ledger, name, _taken(ledger, name, say, wait_s))
    try:
        yield held
    except BaseException:
        try:
            held.end()
        except LeaseError as lost:
            say(str(lost))  # what failed before says more
        raise
    held.end()


def _taken(ledger: Ledger, name: str, say: Callable[[str], None], wait_s: float) -> Holder:
    """Wait for the lease; who holds it then is this process."""
    me, dead = Holder.me(), None
    began = changed_at = time.monotonic()
    told_at = began - _TELL_S
    seen: tuple[Holder, int] | None = None
    while (other := _take(ledger, name, me, dead)) is not None:
        now, holder = time.monotonic(), other[0]
        if other != seen:
            is_new = seen is None or seen[0] != holder
            is_alive = not is_new or holder.is_here  # it beats, or its process is seen
            seen, changed_at = other, now
        if holder.is_gone or now - changed_at >= PATIENCE_S:
            say(f"taken over from {holder}, which gives no sign of life")
            dead = other
            continue
        if now - began >= wait_s and is_alive:
            raise LeaseError(
                f"{name}: {holder}, works on it; waited {wait_s:g} s (schedule.wait_s in conf). "
                "Run again when that has ended"
            )
        if now - told_at >= _TELL_S:
            say(f"waits for {holder}, which works on it")
            told_at = now
        time.sleep(_LOOK_S)
    return me


def _take(ledger: Ledger, name: str, me: Holder, dead: tuple[Holder, int] | None) -> tuple[Holder, int] | None:
    """Take the lease if it is free, or still stands as `dead` left it; else its holder and the beat."""
    with ledger.writing() as c:
        found = _row(c, name)
        if found is not None and found != dead:
            return found
        c.execute(delete(schema.leases).where(schema.leases.c.name == name))
        c.execute(insert(schema.leases).values(name=name, beat=0, **vars(me)))
        return None


def _row(c: Connection, name: str) -> tuple[Holder, int] | None:
    row = c.execute(select(schema.leases).where(schema.leases.c.name == name)).one_or_none()
    if row is None:
        return None
    return Holder(row.token, row.machine, row.host, row.process, row.started, row.since), row.beat


def _machine() -> str:
    """This boot of this system, and the space in which its process numbers count: containers have their own."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def _started(process: int) -> str:
    """When a process of this system started, in ticks since the boot: numbers are used again. "" if it has ended."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]
