"""When the way is gone: for each domain a chain of scheduled steps, one a unit of publication, without a scheduler.

`jobs/dags/headrace.py` hands them to Airflow, whose environment has none of Headrace's packages: so this room imports
nothing but declarations and conf, and a step is a command of this project's own environment.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipelines.domains import domains
from pipelines.settings import PROJECT, load
from pipelines.stages import STAGES, UNITS


@dataclass(frozen=True)
class Step:
    """One unit of publication of one domain, safe to repeat. command: argument words, all but the as-of instant."""

    unit: str
    command: tuple[str, ...]
    told: str

    def as_of(self, instant: str) -> tuple[str, ...]:
        """The whole command for a logical instant, in ISO 8601: the step's only notion of time."""
        return (*self.command, "--as-of", instant)


@dataclass(frozen=True)
class Way:
    """All units of a domain in order, each after the one before. cron: when it begins, five fields, UTC."""

    name: str
    domain: str
    owner: str
    question: str
    cron: str
    steps: tuple[Step, ...]


def ways(conf: str | None = None) -> list[Way]:
    """The way of every domain that is found, under the overlay `conf` (what --conf takes).

    There is one schedule for all five units: on a fresh data root `decide` needs the champion that `learn` registers,
    and a unit that has nothing to do ends in seconds. Raises SettingsError.
    """
    cron = load(Path(conf) if conf else None).schedule.run
    return [
        Way(
            name=f"headrace_{domain.name}",
            domain=domain.name,
            owner=domain.owner,
            question=domain.question,
            cron=cron,
            steps=tuple(_step(domain.name, unit, conf) for unit in UNITS),
        )
        for domain in domains().values()
    ]


def upkeep(conf: str | None = None) -> Way:
    """The maintenance of all domains' tables, one after the other: each waits for the runs of its domain."""
    words = [str(PROJECT / ".venv" / "bin" / "headrace"), "maintain", *(["--conf", conf] if conf else [])]
    return Way(
        name="headrace_maintenance",
        domain="all",
        owner="headrace",
        question="Are the tables in few files, and is what nobody needs any more gone?",
        cron=load(Path(conf) if conf else None).schedule.maintain,
        steps=(Step("maintain", tuple(words), "compact, then vacuum by inventory"),),
    )


def _step(domain: str, unit: str, conf: str | None) -> Step:
    stages = [stage.name for stage in STAGES if stage.unit == unit]
    words = [str(PROJECT / ".venv" / "bin" / "headrace"), "run", "--domain", domain]
    words += [word for stage in stages for word in ("--stage", stage)]
    words += ["--conf", conf] if conf else []
    return Step(unit, tuple(words), " → ".join(stages))
