"""HOW. One module a stage, pure: what comes in are DataFrames and declarations, what goes out is a value.

STAGES is the map of the system as data: the way of a record from a raw file to a decision's effect, in order.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """One step of the way. core: the pure function in this folder that decides; reads, writes: layers or stores that
    the runner reads and writes for it; gate: what must hold before it is published; unit: what is published at once.
    """

    name: str
    core: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    gate: str
    unit: str


STAGES = (
    Stage("land", "land.plan", ("drops",), ("landing",), "content is new, delivery is dated", "ingest"),
    Stage("bronze", "bronze.keep", ("landing",), ("bronze",), "every record is kept", "ingest"),
    Stage(
        "silver",
        "silver.silver",
        ("bronze", "silver"),
        ("silver", "quarantine"),
        "outcomes add up, no `fail`",
        "ingest",
    ),
    Stage("gold", "gold.cut_offs", ("silver",), ("gold",), "nothing from after the cut-off", "ingest"),
    Stage("train", "train.plan", ("gold",), ("workspace",), "all workers fit in the cluster", "learn"),
    Stage(
        "evaluate", "evaluate.evaluate", ("gold", "workspace"), ("gold", "mlflow"), "cut-offs that no fit saw", "learn"
    ),
    Stage("register", "register.verdict", ("mlflow",), ("mlflow",), "beats the baseline by the margin", "learn"),
    Stage("score", "score.score", ("gold", "mlflow"), ("gold",), "cut-offs without a prediction", "decide"),
    Stage("decide", "decide.decide", ("gold",), ("gold",), "predictions have values", "decide"),
    Stage("act", "act.messages", ("gold",), ("outbox",), "decision is published, key is new", "act"),
    Stage("observe", "observe.realised", ("gold", "silver"), ("gold",), "labels are known", "observe"),
)

UNITS = tuple(dict.fromkeys(stage.unit for stage in STAGES))
