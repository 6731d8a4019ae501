"""Leases: one holder at a time, a dead one blocks nobody, and no two machines' clocks are compared."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import delete, insert, select, update

from pipelines.io import leases
from pipelines.io.failures import LeaseError
from pipelines.io.leases import Holder, lease
from pipelines.io.ledger import Ledger
from pipelines.io.ledger_schema import leases as table

HOUR_S = 3600
HOLD = """
import sys, time
from pipelines.io.leases import lease
from pipelines.io.ledger import Ledger
with lease(Ledger(sys.argv[1]), "energy", print, 0):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a waiting lease says; it looks often, so that tests are quick."""
    monkeypatch.setattr(leases, "_LOOK_S", 0.01)
    return []


def holders(ledger: Ledger) -> list[tuple[str, int]]:
    with ledger.reading() as c:
        return [(row.name, row.process) for row in c.execute(select(table).order_by(table.c.name))]


def held_elsewhere(ledger: Ledger) -> Holder:
    """A lease of a machine that cannot be asked, whose clock is years ahead."""
    holder = replace(Holder.me(), machine="another boot", host="far", process=7, since="2099-01-01T00:00:00+00:00")
    with ledger.writing() as c:
        c.execute(insert(table).values(name="energy", beat=3, **vars(holder)))
    return holder


def test_a_lease_is_held_inside_and_given_back_after_a_failure_too(ledger: Ledger, said: list[str]) -> None:
    with lease(ledger, "energy", said.append, 0), lease(ledger, "finance", said.append, 0):
        mine = Holder.me().process
        assert holders(ledger) == [("energy", mine), ("finance", mine)]
    with pytest.raises(ZeroDivisionError), lease(ledger, "energy", said.append, 0):
        raise ZeroDivisionError
    assert (holders(ledger), said) == ([], [])


def test_who_comes_second_waits_says_for_whom_and_then_has_it(ledger: Ledger, said: list[str]) -> None:
    is_waiting = Event()

    def say(what: str) -> None:
        said.append(what)
        is_waiting.set()

    def second() -> list[tuple[str, int]]:
        with lease(ledger, "energy", say, HOUR_S):
            return holders(ledger)

    with ThreadPoolExecutor(1) as pool:
        with lease(ledger, "energy", said.append, 0):
            waiting = pool.submit(second)
            assert is_waiting.wait(60)
            assert not waiting.done()
        assert waiting.result(60) == [("energy", Holder.me().process)]
    (line,) = said
    assert line.startswith(f"waits for process {Holder.me().process} on ")
    assert line.endswith(", which works on it")


def test_who_may_not_wait_any_longer_gives_up_in_one_line(ledger: Ledger, said: list[str]) -> None:
    with (
        lease(ledger, "energy", said.append, 0),
        pytest.raises(
            LeaseError, match=r"energy: process \d+ on \S+, since .*, works on it; waited 0 s \(sched.*again"
        ),
        lease(ledger, "energy", said.append, 0),
    ):
        pass
    assert holders(ledger) == []


def test_a_process_of_this_machine_that_was_killed_is_passed_over_at_once(ledger_uri: str, said: list[str]) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, ledger_uri], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        ledger = Ledger(ledger_uri)
        assert holders(ledger) == [("energy", other.pid)]
        with pytest.raises(LeaseError, match=f"energy: process {other.pid} on"), lease(ledger, "energy", print, 0):
            pass
        other.send_signal(signal.SIGKILL)  # from here on it is gone, though nobody has taken its exit code yet
        with lease(ledger, "energy", said.append, HOUR_S):
            assert holders(ledger) == [("energy", Holder.me().process)]
    assert said[-1].startswith(f"taken over from process {other.pid} on ")


def test_a_process_number_that_another_process_has_by_now_is_no_sign_of_life(ledger: Ledger, said: list[str]) -> None:
    gone = replace(Holder.me(), started="1")
    with ledger.writing() as c:
        c.execute(insert(table).values(name="energy", beat=0, **vars(gone)))
    with lease(ledger, "energy", said.append, 0):
        assert len(said) == 1


def test_a_holder_elsewhere_is_dead_once_its_beat_stands_still_by_the_own_clock(
    ledger: Ledger, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    held_elsewhere(ledger)
    monkeypatch.setattr(leases, "PATIENCE_S", 0.05)
    with lease(ledger, "energy", said.append, 0):
        assert holders(ledger) == [("energy", Holder.me().process)]
    far = "process 7 on far, since 2099-01-01T00:00:00+00:00"
    assert said == [f"waits for {far}, which works on it", f"taken over from {far}, which gives no sign of life"]


def test_a_holder_elsewhere_that_beats_is_alive(ledger: Ledger, said: list[str]) -> None:
    """It may be that nobody waits: still a dead holder must not block for ever, so one more beat is waited for."""
    holder = held_elsewhere(ledger)

    def beat(_: str) -> None:
        with ledger.writing() as c:
            c.execute(update(table).values(beat=table.c.beat + 1))

    with pytest.raises(LeaseError, match="energy: process 7 on far, since"), lease(ledger, "energy", beat, 0):
        pass
    with ledger.reading() as c:
        assert c.execute(select(table.c.token, table.c.beat)).all() == [(holder.token, 4)]


def test_a_holder_that_stood_still_for_too_long_finds_out_and_goes_no_further(
    ledger: Ledger, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "PATIENCE_S", 0.05)

    def stood_still(goes_on: Callable[[leases.Lease], None]) -> None:
        with lease(ledger, "energy", said.append, 0) as paused:
            paused.renew()
            with lease(ledger, "energy", said.append, HOUR_S) as taker:
                taker.renew()
                goes_on(paused)

    lost = r"energy: this process stood still .* lost its lease: (process \d+ on|whoever took it).*; run again"
    with pytest.raises(LeaseError, match=lost):
        stood_still(lambda paused: paused.renew())
    with pytest.raises(LeaseError, match=lost):
        stood_still(lambda _: None)  # at the end at the latest
    with pytest.raises(ZeroDivisionError):
        stood_still(lambda _: 1 // 0)
    assert said[-1].startswith("energy: this process stood still")
    assert holders(ledger) == []


def test_the_holder_beats_by_itself(ledger: Ledger, said: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "BEAT_S", 0.01)
    with lease(ledger, "energy", said.append, 0):
        beats, deadline = 0, time.monotonic() + 60
        while beats < 2 and time.monotonic() < deadline:
            with ledger.reading() as c:
                beats = c.scalar(select(table.c.beat)) or 0
    assert beats >= 2


def test_of_many_that_see_a_dead_holder_one_takes_over(ledger: Ledger, said: list[str]) -> None:
    with ledger.writing() as c:
        c.execute(delete(table))
        c.execute(insert(table).values(name="energy", beat=0, **vars(replace(Holder.me(), started="1"))))
    have_tried = [Event() for _ in range(8)]

    def one(own: Event) -> str:
        try:
            with lease(ledger, "energy", said.append, 0):
                own.set()
                assert all(other.wait(60) for other in have_tried)
                return "has it"
        except LeaseError:
            own.set()
            return "gave up"

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(one, have_tried)) == ["gave up"] * 7 + ["has it"]


def test_leases_import_nothing_heavy() -> None:
    heavy = "{'pyspark', 'deltalake', 'mlflow', 'torch', 'pandas', 'pyarrow', 'xgboost'}"
    code = f"import sys, pipelines.io.leases; sys.exit(', '.join({heavy} & set(sys.modules)) or 0)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (found.returncode, found.stderr) == (0, "")


def test_another_boot_or_process_space_is_another_machine() -> None:
    me = Holder.me()
    assert me.is_here
    assert not me.is_gone
    assert Path(f"/proc/{me.process}").is_dir()
    assert not replace(me, machine="another boot").is_here
    assert not replace(me, machine="", started="1").is_gone, "a system that does not tell is never sure"
