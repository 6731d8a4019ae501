"""What is passed on where conf says training.device: cuda, as far as a machine without a GPU can tell."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
import xgboost
from tiny_gold import FRAME, plan_for, write_gold

from pipelines.contracts.fits import FitError, Workspace
from pipelines.engines import fit, torch_ddp, workers
from pipelines.engines import horovod as by_horovod
from pipelines.engines.ranks import _take_device
from pipelines.engines.recorder import FileRecorder
from pipelines.models.base import IS_VALIDATION, families
from pipelines.models.rows import LABEL


class Asked(Exception):
    """Ends a fit where the other library would begin; its arguments are what that was given."""


def on_cuda(family, engine="single", tables=None):
    return replace(plan_for(family, tables or {}, engine=engine, workers=2), device="cuda")


def passed(monkeypatch, module, name):
    def ask(*given, **named):
        raise Asked(given, named)

    monkeypatch.setattr(module, name, ask)


def test_boosting_in_one_process_is_given_the_device(monkeypatch, tmp_path):
    passed(monkeypatch, xgboost, "train")
    plan = on_cuda("xgboost", tables=write_gold(tmp_path))
    with pytest.raises(Asked) as asked:
        fit(plan, Workspace(tmp_path / "w"), None, FileRecorder(Workspace(tmp_path / "w")))
    (given, _) = asked.value.args
    assert (given[0]["device"], given[0]["tree_method"]) == ("cuda", "hist")


def test_boosting_on_spark_is_given_the_device(monkeypatch, spark, tmp_path):
    import xgboost.spark

    passed(monkeypatch, xgboost.spark, "SparkXGBRegressor")
    columns = ", ".join(f"{name} double" for name in (*FRAME.features, LABEL))
    rows = spark.createDataFrame([], f"{columns}, {IS_VALIDATION} boolean")
    with pytest.raises(Asked) as asked:
        families()["xgboost"].fit_rows(rows, on_cuda("xgboost", "xgboost_spark"), FileRecorder(Workspace(tmp_path)))
    (_, named) = asked.value.args
    assert (named["device"], named["num_workers"], named["tree_method"]) == ("cuda", 2, "hist")


def test_of_a_machine_whose_gpus_it_does_not_count_xgboost_says_nothing(spark, tmp_path, caplog):
    plan = replace(on_cuda("xgboost", "xgboost_spark", write_gold(tmp_path)), params={"rounds": 2})
    fit(plan, Workspace(tmp_path), lambda: spark, FileRecorder(Workspace(tmp_path)))  # here it takes the CPU
    assert [record.message for record in caplog.records if record.name.startswith("SparkXGB")] == []


@pytest.mark.parametrize(
    ("device", "is_visible", "backend"),
    [("cuda", True, "cpu:gloo,cuda:nccl"), ("cuda", False, "gloo"), ("cpu", True, "gloo")],
)
def test_ranks_of_torch_meet_by_nccl_where_they_compute_on_cuda(device, is_visible, backend, monkeypatch, tmp_path):
    from pyspark import BarrierTaskContext

    context = SimpleNamespace(partitionId=lambda: 1, allGather=lambda told: [told, "other"])
    monkeypatch.setattr(BarrierTaskContext, "get", lambda: context)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: is_visible)
    for name in ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME"):
        monkeypatch.setenv(name, "")  # so that it is put back
    passed(monkeypatch, torch.distributed, "init_process_group")
    plan = replace(on_cuda("lstm", "torch_ddp"), device=device)
    with pytest.raises(Asked) as asked:
        next(torch_ddp._rank(plan, Workspace(tmp_path), FileRecorder(Workspace(tmp_path)), "127.0.0.1", iter([1])))
    given, named = asked.value.args
    assert given == (backend,)
    assert (named["rank"], named["world_size"]) == (1, 2)


def test_a_rank_of_torch_takes_the_device_that_spark_gave_it_or_its_place_on_its_host():
    of_spark = SimpleNamespace(resources=lambda: {"gpu": SimpleNamespace(addresses=["3"])})
    assert torch_ddp._gpu(of_spark) == 3
    hosts = [SimpleNamespace(address=address) for address in ("a:1", "b:1", "a:2", "a:3")]
    places = [
        torch_ddp._gpu(SimpleNamespace(resources=dict, partitionId=lambda rank=rank: rank, getTaskInfos=lambda: hosts))
        for rank in range(4)
    ]
    assert places == [0, 0, 1, 2]


@pytest.mark.parametrize(("given", "gpu"), [(["2"], 2), ([], 1)])
def test_a_rank_of_horovod_takes_the_device_that_spark_gave_it_or_its_place_on_its_host(
    given, gpu, monkeypatch, tmp_path
):
    import horovod.spark.task
    import horovod.torch as hvd

    monkeypatch.setattr(horovod.spark.task, "get_available_devices", lambda: given)
    monkeypatch.setattr(hvd, "init", lambda: None)
    monkeypatch.setattr(hvd, "local_rank", lambda: 1)
    monkeypatch.setattr(by_horovod, "_HorovodCrew", lambda _: None)
    passed(monkeypatch, by_horovod, "train_rank")
    with pytest.raises(Asked) as asked:
        by_horovod._rank(on_cuda("lstm", "horovod"), Workspace("nowhere"), FileRecorder(Workspace(tmp_path)))
    assert asked.value.args[0][-1] == gpu


def test_a_rank_computes_on_its_device_and_one_that_is_not_there_is_named(monkeypatch):
    taken = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", taken.append)
    _take_device(on_cuda("lstm"), 1)
    _take_device(replace(on_cuda("lstm"), device="cpu"), 5)
    assert taken == [1]
    with pytest.raises(FitError, match=r"CUDA device is number 2 of its host, and 2 are visible; lower training\.work"):
        _take_device(on_cuda("lstm"), 2)


def test_horovod_without_nccl_refuses_cuda_before_it_starts_anything(monkeypatch, tmp_path):
    plan, workspace = on_cuda("lstm", "horovod"), Workspace(tmp_path)
    monkeypatch.setattr(by_horovod, "_has_nccl", lambda: False)
    with pytest.raises(FitError) as refused:
        fit(plan, workspace, None, FileRecorder(workspace))
    assert str(refused.value) == (
        "lstm by horovod: conf says training.device: cuda, but Horovod was built here without NCCL; "
        "say device: cpu, or training.engines: {lstm: single}"
    )
    monkeypatch.setattr(by_horovod, "_has_nccl", lambda: True)
    with pytest.raises(FitError, match="needs a Spark session"):
        fit(plan, workspace, None, FileRecorder(workspace))


def session_of(master, **amounts):
    """A session as it would be on the master; amounts: of GPUs, for each executor and each task."""
    conf = {f"spark.{who}.resource.gpu.amount": amount for who, amount in amounts.items()}
    return SimpleNamespace(sparkContext=SimpleNamespace(master=master), conf=conf)


@pytest.mark.parametrize(
    ("amounts", "key", "found"),
    [
        ({}, "executor", "not set"),
        ({"executor": "2"}, "task", "not set"),
        ({"executor": "2", "task": "0.5"}, "task", "0.5"),
        ({"executor": "", "task": "1"}, "executor", ""),
    ],
)
def test_on_a_cluster_each_worker_must_be_given_a_gpu(amounts, key, found, monkeypatch):
    monkeypatch.setattr(workers, "_slots", lambda _: 2)
    plan = on_cuda("xgboost", "xgboost_spark")
    with pytest.raises(FitError) as refused:
        workers.session_with_room(plan, lambda: session_of("spark://here:7077", **amounts))
    assert str(refused.value) == (
        "xgboost by xgboost_spark: conf says training.device: cuda, and 2 workers need a GPU each, but "
        f"spark.{key}.resource.gpu.amount is {found}; set it to 1 or more, or say device: cpu"
    )
    enough = session_of("spark://here:7077", executor="2", task="1")
    for free in (enough, session_of("local[2]", **amounts)):
        assert workers.session_with_room(plan, lambda free=free: free) is free
    on_cpu = session_of("spark://here:7077", **amounts)
    assert workers.session_with_room(replace(plan, device="cpu"), lambda: on_cpu) is on_cpu
