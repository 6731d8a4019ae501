"""What a distributed fit asks of Spark before it starts anything: a clear word instead of a hang."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tiny_gold import plan_for

from pipelines.contracts.fits import FitError, Workspace
from pipelines.engines import fit
from pipelines.engines.recorder import FileRecorder

FAMILIES = {"horovod": "lstm", "torch_ddp": "mlp", "xgboost_spark": "xgboost", "spark_ml": "linear"}


def refusal(spark, plan, folder):
    with pytest.raises(FitError) as refused:
        fit(plan, Workspace(folder), lambda: spark, FileRecorder(Workspace(folder)))
    return str(refused.value)


class Dynamic:
    """The session as it would be under dynamic allocation, which cannot be switched on in one that runs."""

    def __init__(self, spark):
        self.sparkContext, self.conf = spark.sparkContext, {"spark.dynamicAllocation.enabled": "true"}


@pytest.mark.parametrize("engine", FAMILIES)
def test_more_workers_than_slots_are_refused_at_once(engine, spark, tmp_path):
    plan = plan_for(FAMILIES[engine], {}, engine=engine, workers=9)
    assert refusal(spark, plan, tmp_path) == (
        f"{plan.family} by {engine}: 9 workers need as many slots at once, Spark has 2; "
        "lower the number of workers or give Spark more cores"
    )


@pytest.mark.parametrize("engine", ["torch_ddp", "xgboost_spark"])
def test_a_barrier_stage_is_refused_under_dynamic_allocation(engine, spark, tmp_path):
    plan = plan_for(FAMILIES[engine], {}, engine=engine, workers=2)
    assert refusal(Dynamic(spark), plan, tmp_path).endswith(
        "a barrier stage cannot run with dynamic allocation; set spark.dynamicAllocation.enabled to false"
    )


@pytest.mark.skipif(torch.cuda.is_available(), reason="a CUDA device is visible")
@pytest.mark.parametrize("engine", [pytest.param("horovod", marks=pytest.mark.slow), "torch_ddp"])
def test_ranks_that_see_no_cuda_device_say_so(engine, spark, tmp_path):
    plan = replace(plan_for("mlp", {}, engine=engine, workers=2), device="cuda")
    assert "rank 0 failed: mlp: conf says training.device: cuda, but no CUDA device is visible here" in refusal(
        spark, plan, tmp_path
    )
