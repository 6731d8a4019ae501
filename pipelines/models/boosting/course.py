"""The course of a boosting: fixed segments of rounds, curves as they grow, checkpoints, early stopping."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xgboost
from xgboost.callback import TrainingCallback

from pipelines.contracts.fits import Recorder

_SPANS = {"train": "train", "validate": "validate", "training": "train", "validation": "validate"}
"""What data sets are called: by us, and by xgboost.spark."""


class Course(TrainingCallback):
    """Follows one fit through its rounds, those of killed attempts before it included.

    XGBoost keeps random state that no model file holds (measured: with subsample or colsample_bytree below 1, a
    continued fit grows other trees). So every so many rounds the booster is replaced by what its own file gives, and
    the next segment draws by a seed of its own: what a fit that goes on from that file does too. 400 rounds in segments
    of 50 take 1 % longer than in one, in segments of 10 it is 68 % (measured).

    boosting: XGBoost's parameters. curves: what its metrics are called in learning curves. begun_from: the model whose
    rounds come before this fit's own, which draws as if it had made them itself. rises: whether the curve that stops
    the fit is better the higher it is.
    """

    def __init__(
        self,
        boosting: Mapping[str, Any],
        seed: int,
        rounds: int,
        segment: int,
        patience: int,
        curves: Mapping[str, str],
        recorder: Recorder,
        begun_from: xgboost.Booster | None = None,
        *,
        rises: bool = False,
    ) -> None:
        super().__init__()
        self._boosting, self._seed, self._segment, self._patience = dict(boosting), seed, segment, patience
        self._curves, self._recorder = dict(curves), recorder
        self._loss_a_point = -1.0 if rises else 1.0
        self.booster = begun_from
        self.rounds_before = begun_from.num_boosted_rounds() if begun_from else 0
        if (file := recorder.checkpointed()) is not None:
            self.booster = xgboost.Booster(model_file=bytearray(file))
        self._done = self.booster.num_boosted_rounds() - self.rounds_before if self.booster else 0
        self._judged = self._validated()
        self.rounds_left = 0 if self._has_stopped() else rounds - self._done

    @property
    def params(self) -> dict[str, Any]:
        """XGBoost's parameters for the segment that comes next."""
        return {**self._boosting, "seed": self._seed_of((self.rounds_before + self._done) // self._segment)}

    def best_round(self) -> int:
        """The first of the best rounds on the validate span, from 0; known wherever the curves can be read."""
        return int(np.argmin(self._validated()))

    def before_iteration(self, model: xgboost.Booster, epoch: int, evals_log: Mapping[str, Any]) -> bool:
        if epoch and self._done % self._segment == 0:
            model.load_model(bytearray(model.save_raw("ubj")))
            model.set_param(self.params)
        return False

    def after_iteration(self, model: xgboost.Booster, epoch: int, evals_log: Mapping[str, Any]) -> bool:
        is_recording = xgboost.collective.get_rank() == 0
        for data, metrics in evals_log.items():
            for metric, values in metrics.items():
                if is_recording:
                    self._recorder.record(f"{_SPANS[data]}/{self._curves[metric]}", self._done, values[-1])
                if _SPANS[data] == "validate":
                    self._judged.append(self._loss_a_point * values[-1])
        is_behind = self._recorder.is_behind(self._done, min(self._judged))
        self._done += 1
        if is_recording and not is_behind and self._done % self._segment == 0:
            self._recorder.checkpoint(lambda: bytes(model.save_raw("ubj")))
        return is_behind or self._has_stopped()

    def _has_stopped(self) -> bool:
        return bool(self._judged) and len(self._judged) - 1 - int(np.argmin(self._judged)) >= self._patience

    def _validated(self) -> list[float]:
        names = {f"validate/{curve}" for curve in self._curves.values()}
        return [self._loss_a_point * point.value for point in self._recorder.points() if point.name in names]

    def _seed_of(self, segment: int) -> int:
        return int(np.random.SeedSequence((self._seed, segment)).generate_state(1)[0] >> 1)  # XGBoost's is an int32
