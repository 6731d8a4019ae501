"""tune: which parameters are tried next, which trial is given up, and what a search has found."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pipelines.contracts.tasks import ParamValue
from pipelines.contracts.trials import Space, Trial

if TYPE_CHECKING:
    import optuna

WITHIN = 0.01
"""So much more than the least loss a cheaper model may have."""
_AT_RANDOM = 5
"""So many trials are drawn before any is learnt from."""
_ASKED_AGAIN = 20
_LEAST_JUDGED = 4
"""Nothing is given up between folds before so many trials were judged to the end."""


def suggested(space: Space, tried: Sequence[Trial], seed: int) -> dict[str, ParamValue] | None:
    """Parameters that were not tried yet, by Optuna's TPE (Bergstra et al. 2011) from what was; None where all were.

    The same trials and seed give the same answer, whether they were made in one go or after a kill: each place in the
    study draws by a seed of its own. Numbers are told by their places, so that neighbours are near each other.
    """
    import numpy as np
    import optuna

    seen = {_key(space, trial.params) for trial in tried}
    size = math.prod(len(values) for values in space.values())
    if len(seen) >= size:
        return None
    study = _study([_frozen(space, trial) for trial in tried if trial.fate != "failed"])
    for again in range(_ASKED_AGAIN):
        (own,) = np.random.SeedSequence((seed, len(tried), again)).generate_state(1)
        study.sampler = optuna.samplers.TPESampler(seed=int(own), n_startup_trials=_AT_RANDOM)
        # what was asked before and is known counts as under way, so TPE looks elsewhere
        places = study.ask(_distributions(space)).params
        found = {name: space[name][places[name]] for name in space}
        if _key(space, found) not in seen:
            return found
    start = int(np.random.default_rng((seed, len(tried))).integers(size))
    every = (_at(space, (start + further) % size) for further in range(size))
    return next(found for found in every if _key(space, found) not in seen)


def is_behind(course: Mapping[int, float], tried: Sequence[Trial], warm_up: int) -> bool:
    """Whether a trial whose `course` is known so far is worse than the median of the judged ones was at that step.

    warm_up: up to and with this step nothing is given up.
    """
    import optuna

    pruner = optuna.pruners.MedianPruner(n_startup_trials=_LEAST_JUDGED, n_warmup_steps=warm_up + 1)
    study = _study([_frozen({}, trial) for trial in tried if trial.fate == "judged"], pruner)
    trial = study.ask()
    for step, value in course.items():
        trial.report(value, step)
    return bool(trial.should_prune())


def best(tried: Sequence[Trial]) -> Trial:
    """The judged trial with the least loss, the earliest of equal ones."""
    return min((trial for trial in tried if trial.loss is not None), key=lambda trial: (_loss(trial), trial.number))


def cheapest(tried: Sequence[Trial], within: float = WITHIN) -> Trial:
    """The trial whose fits computed least among those whose loss is at most `within` more than the best one's."""
    least = _loss(best(tried))
    near = [trial for trial in tried if trial.loss is not None and trial.loss <= least + within * abs(least)]
    return min(near, key=lambda trial: (trial.core_seconds, _loss(trial), trial.number))


def importance(space: Space, tried: Sequence[Trial]) -> dict[str, float]:
    """How much of the spread of the loss each parameter explains (fANOVA, Hutter et al. 2014); nothing where the judged
    trials are too few or too alike to tell."""
    import optuna

    judged = [trial for trial in tried if trial.fate == "judged"]
    if len(judged) < 2 * _AT_RANDOM or len({trial.loss for trial in judged}) == 1:
        return {}
    found = optuna.importance.get_param_importances(
        _study([_frozen(space, trial) for trial in judged]),
        evaluator=optuna.importance.FanovaImportanceEvaluator(seed=0),
    )
    return {name: float(found.get(name, 0.0)) for name in space}


def _loss(trial: Trial) -> float:
    assert trial.loss is not None, "only judged trials are compared"
    return trial.loss


def _key(space: Space, params: Mapping[str, ParamValue]) -> tuple[ParamValue, ...]:
    return tuple(params[name] for name in space)


def _at(space: Space, place: int) -> dict[str, ParamValue]:
    """The combination at a place, if all were counted through."""
    found = {}
    for name, values in space.items():
        place, digit = divmod(place, len(values))
        found[name] = values[digit]
    return found


def _distributions(space: Space) -> dict[str, optuna.distributions.BaseDistribution]:
    import optuna

    return {
        name: optuna.distributions.CategoricalDistribution(range(len(values)))
        if isinstance(values[0], str)
        else optuna.distributions.IntDistribution(0, len(values) - 1)
        for name, values in space.items()
    }


def _frozen(space: Space, trial: Trial) -> optuna.trial.FrozenTrial:
    import optuna

    states = {"judged": optuna.trial.TrialState.COMPLETE, "pruned": optuna.trial.TrialState.PRUNED}
    return optuna.trial.create_trial(
        state=states[trial.fate],
        value=trial.loss,
        params={name: values.index(trial.params[name]) for name, values in space.items()},
        distributions=_distributions(space),
        intermediate_values=dict(trial.course),
    )


def _study(trials: Sequence[optuna.trial.FrozenTrial], pruner: optuna.pruners.BasePruner | None = None) -> optuna.Study:
    """A study in memory, which sees what it is given."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(pruner=pruner)
    study.add_trials(trials)
    return study
