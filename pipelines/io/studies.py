"""Optuna's studies in a SQLite file: what a search has tried stays, whenever its process dies."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.contracts.tasks import ParamValue
from pipelines.contracts.trials import Fate, Space, Trial
from pipelines.io.failures import WarehouseError

if TYPE_CHECKING:
    import optuna

_LEFT, _NAIVE = "left_behind", "naive"
_SECONDS, _CORE_SECONDS, _WHY, _RUNGS = "seconds", "core_seconds", "why", "rungs"


class Study:
    """The study `name` of the file, which is made if need be, as is the file.

    A trial that a dead process left running is marked as failed, and counts as never tried. One process at a time may
    use a study, which is the caller's to see to. WarehouseError where the file is none of Optuna's or cannot be used.
    """

    def __init__(self, file: Path, name: str, space: Space) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._file, self._space = file, dict(space)
        self._open: dict[int, optuna.Trial] = {}
        with self._asking():
            file.parent.mkdir(parents=True, exist_ok=True)
            storage = optuna.storages.RDBStorage(f"sqlite:///{file}")
            self._study = optuna.create_study(storage=storage, study_name=name, load_if_exists=True)
            running = self._study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,))
            self._left = {*self._study.user_attrs.get(_LEFT, ()), *[trial.number for trial in running]}
            if running:
                self._study.set_user_attr(_LEFT, sorted(self._left))
            for trial in running:
                self._study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
        self.left_behind = len(running)

    def trials(self) -> tuple[Trial, ...]:
        """What was tried to its end, in order."""
        with self._asking():
            ended = [
                trial
                for trial in self._study.get_trials(deepcopy=False)
                if trial.state.is_finished() and trial.number not in self._left
            ]
        return tuple(_read(number, trial) for number, trial in enumerate(ended, 1))

    def note(self, naive: list[float]) -> list[float]:
        """Keep the baseline's losses beside the trials, and give them back."""
        with self._asking():
            self._study.set_user_attr(_NAIVE, naive)
        return naive

    def noted(self) -> list[float]:
        """The baseline's losses, none where none were kept."""
        return list(self._study.user_attrs.get(_NAIVE, ()))

    def begin(self, params: Mapping[str, ParamValue]) -> int:
        """Put a trial on record as running; gives what `end` knows it by."""
        import optuna

        of_each: dict[str, optuna.distributions.BaseDistribution] = {
            name: optuna.distributions.CategoricalDistribution(values) for name, values in self._space.items()
        }
        with self._asking(), warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            self._study.sampler = optuna.samplers.PartialFixedSampler(dict(params), optuna.samplers.RandomSampler(0))
            trial = self._study.ask(of_each)
        self._open[trial.number] = trial
        return trial.number

    def end(self, begun: int, came_to: Trial) -> None:
        """Put on record how a trial ended; its number is the study's to give."""
        import optuna

        states = {
            "judged": optuna.trial.TrialState.COMPLETE,
            "pruned": optuna.trial.TrialState.PRUNED,
            "failed": optuna.trial.TrialState.FAIL,
        }
        trial = self._open.pop(begun)
        told = {
            _SECONDS: came_to.seconds,
            _CORE_SECONDS: came_to.core_seconds,
            _WHY: came_to.why,
            _RUNGS: came_to.rungs,
        }
        with self._asking():
            for step, value in came_to.course.items():
                trial.report(value, step)
            for name, of in told.items():
                trial.set_user_attr(name, of)
            self._study.tell(trial, came_to.loss, state=states[came_to.fate])

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Whatever is wrong with the file is a WarehouseError of one line."""
        from optuna.exceptions import StorageInternalError
        from sqlalchemy.exc import SQLAlchemyError

        try:
            yield
        except (OSError, SQLAlchemyError, StorageInternalError) as error:
            reason = str(error.__cause__ or error).splitlines()[0].rstrip(".")
            raise WarehouseError(
                f"studies in {self._file}: {reason}. Move the file away, and the search begins anew"
            ) from error


def _read(number: int, trial: optuna.trial.FrozenTrial) -> Trial:
    fates: dict[str, Fate] = {"COMPLETE": "judged", "PRUNED": "pruned", "FAIL": "failed"}
    fate, attributes = fates[trial.state.name], trial.user_attrs
    return Trial(
        number,
        trial.params,
        fate,
        trial.value if fate == "judged" else None,
        course=trial.intermediate_values,
        seconds=attributes[_SECONDS],
        core_seconds=attributes[_CORE_SECONDS],
        why=attributes[_WHY],
        rungs=tuple(tuple(of) for of in attributes.get(_RUNGS, ())),  # kept before fits were given up, it has none
    )
