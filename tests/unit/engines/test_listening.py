"""At which interface the ranks of a fit listen, as conf's environment names it, and that they listen nowhere else."""

from __future__ import annotations

import logging
import os
import socket
from dataclasses import replace
from types import SimpleNamespace

import psutil
import pytest
from listeners import Listener, beyond_loopback, interface_beyond, listeners_seen
from tiny_gold import plan_for, write_gold

from pipelines.contracts.fits import FitError, FitPlan, FitResult, Workspace
from pipelines.engines import fit, listening, xgboost_spark
from pipelines.engines.listening import BIND_ADDRESS, LOOPBACK, first_address, interface
from pipelines.engines.recorder import FileRecorder

NET = {"epochs": 15, "hidden": 4, "origins_every": 14}
TREES = {"rounds": 60, "patience": 60, "segment": 60}


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    return write_gold(tmp_path_factory.mktemp("gold"))


@pytest.fixture
def beyond() -> str:
    return interface_beyond()


def watched(plan: FitPlan, spark, folder) -> tuple[FitResult, set[Listener]]:
    workspace = Workspace(folder)
    with listeners_seen() as heard:
        result = fit(plan, workspace, lambda: spark, FileRecorder(workspace))
    return result, heard


def by_workers(heard: set[Listener]) -> list[str]:
    """Where Python workers listened, an entry each. Spark starts Python daemons, which fork the workers of tasks; those
    that boost listen, besides what any may still have of its daemon's own. The tracker listens in this very process,
    which pytest may have forked as well."""
    others = {one for one in heard if one.process_id != os.getpid()}
    python = {one for one in others if one.program == "python" and psutil.pid_exists(one.process_id)}
    parents = {one.process_id: psutil.Process(one.process_id).parent() for one in python}
    forked = {one for one in python if (parent := parents[one.process_id]) and parent.name() == "python"}
    own = {one for one in forked if one.port not in {other.port for other in python - forked}}
    return [address for _, address in sorted({(one.process_id, one.address) for one in own})]


def test_boosting_listens_at_loopback_alone_and_at_a_named_interface_it_gives_the_same_model(
    spark, tables, tmp_path, monkeypatch, beyond
):
    """Nor does Spark's JVM listen elsewhere, or the process that forks its Python workers."""
    plan = plan_for("xgboost", tables, engine="xgboost_spark", workers=2, **TREES)
    usual, heard = watched(plan, spark, tmp_path / "loopback")
    assert by_workers(heard).count(LOOPBACK) == 2
    assert {"java", "python"} <= {one.program for one in heard}
    assert beyond_loopback(heard) == set()

    monkeypatch.setenv(BIND_ADDRESS, first_address(beyond))
    named, heard = watched(plan, spark, tmp_path / "named")
    assert by_workers(heard).count(first_address(beyond)) == 2
    assert beyond_loopback(heard) == {first_address(beyond)}
    assert named.model == usual.model


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["horovod", "torch_ddp"])
def test_ranks_of_nets_listen_at_the_interface_that_is_named(engine, spark, tables, tmp_path, monkeypatch, beyond):
    monkeypatch.setenv(BIND_ADDRESS, beyond)
    _, heard = watched(plan_for("lstm", tables, engine=engine, workers=2, **NET), spark, tmp_path)
    assert beyond_loopback(heard) == {first_address(beyond)}


def test_an_interface_goes_by_its_name_or_its_first_address(monkeypatch):
    def addresses(*all_of_them: str) -> list[SimpleNamespace]:
        family = {True: socket.AF_INET6, False: socket.AF_INET}
        return [SimpleNamespace(family=family[":" in one], address=one) for one in all_of_them]

    here = {
        "lo": addresses("127.0.0.1", "::1"),
        "wifi0": addresses("fe80::1%wifi0"),
        "eth1": addresses("fd00::2", "192.0.2.7", "192.0.2.8"),
    }
    monkeypatch.setattr(psutil, "net_if_addrs", lambda: here)
    monkeypatch.delenv(BIND_ADDRESS, raising=False)
    assert interface() == "lo"
    for named in ("eth1", "192.0.2.7"):
        monkeypatch.setenv(BIND_ADDRESS, named)
        assert (interface(), first_address(interface())) == ("eth1", "192.0.2.7")
    refused = {
        "192.0.2.8": "which is not the first address of eth1, and ranks listen at an interface's first; name 192.0.2.7",
        "wifi0": "and no network interface here is called so or has it, of lo (127.0.0.1), eth1 (192.0.2.7)",
        "": "and no network interface here is called so or has it, of lo (127.0.0.1), eth1 (192.0.2.7)",
    }
    for named, why in refused.items():
        monkeypatch.setenv(BIND_ADDRESS, named)
        with pytest.raises(FitError) as told:
            interface()
        assert str(told.value) == f"{BIND_ADDRESS} is {named}, {why}"
    assert listening.interface_of("fd00::2") == "eth1"
    assert listening.interface_of("192.0.2.9") is None


def test_boosting_that_could_not_be_held_to_an_address_is_told_in_one_line(spark, tables, tmp_path, caplog):
    class Family:
        def fit_rows(self, *_: object) -> FitResult:
            (tmp_path / "rank-1.unbound").write_text("only known for 64-bit Linux, and this is darwin")
            return FitResult(b"", "ubj")

    plan = replace(plan_for("xgboost", tables), engine="xgboost_spark")
    with caplog.at_level(logging.WARNING):
        xgboost_spark.fit(Family(), plan, Workspace(tmp_path), lambda: spark, FileRecorder(Workspace(tmp_path)))
    assert caplog.messages == [
        "xgboost by xgboost_spark: workers listened at every address of their machine while they trained: only known "
        "for 64-bit Linux, and this is darwin"
    ]
