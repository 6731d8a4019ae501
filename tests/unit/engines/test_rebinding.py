"""A library that listens at one address though it asks for all: XGBoost's, in a collective of one."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import sys
from functools import partial

import pytest
from listeners import interface_beyond, listeners
from xgboost.collective import CommunicatorContext
from xgboost.core import _LIB
from xgboost.tracker import RabitTracker

from pipelines.contracts.fits import Workspace
from pipelines.engines import collective
from pipelines.engines.listening import first_address
from pipelines.engines.rebinding import CannotRebind, bound_to

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what is rebound is a library of Linux")


class Alone:
    """The one task of a barrier stage."""

    def partitionId(self) -> int:
        return 0


def listened_at(tracker: str, context=CommunicatorContext) -> set[str]:
    """Where this process listens while a collective lives that has met at the tracker's address."""
    before = listeners()
    meeting = RabitTracker(n_workers=1, host_ip=tracker)
    meeting.start()
    with context(**meeting.worker_args()):
        heard = {one.address for one in listeners() - before if one.process_id == os.getpid()}
    meeting.wait_for()
    return heard


@pytest.mark.parametrize(("address", "every"), [("127.0.0.1", "0.0.0.0"), ("::1", "::")])
def test_sockets_that_ask_for_every_address_get_the_one_and_afterwards_what_they_ask_for(address, every):
    ports: set[bytes] = set()
    with bound_to(address, _LIB, ports):
        held = listened_at(address)
    assert every not in held and address in held
    assert len(ports) == 2
    assert every in listened_at(address)


def test_a_library_or_a_platform_that_gives_no_hold_is_told_apart(monkeypatch):
    mathematics = ctypes.CDLL(ctypes.util.find_library("m"))
    with pytest.raises(CannotRebind, match="does not call bind itself"), bound_to("127.0.0.1", mathematics, set()):
        pass
    with pytest.raises(CannotRebind, match="nowhere is no address to bind to"), bound_to("nowhere", _LIB, set()):
        pass
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(CannotRebind, match="this is darwin"), bound_to("127.0.0.1", _LIB, set()):
        pass


def test_a_worker_listens_where_it_reaches_the_tracker_or_says_why_not(monkeypatch, tmp_path):
    one = partial(collective._OneAddress, tmp_path, Alone())
    for address in ("127.0.0.1", first_address(interface_beyond())):
        assert listened_at(address, one) == {address}
    assert collective.unbound(Workspace(tmp_path)) is None
    monkeypatch.setattr(sys, "platform", "darwin")
    assert listened_at("127.0.0.1", one) == {"127.0.0.1", "0.0.0.0"}
    assert collective.unbound(Workspace(tmp_path)) == "only known for 64-bit Linux, and this is darwin"
