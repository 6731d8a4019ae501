"""Which features a model is given: what each tells of the label, what better ones tell already, why it stays or goes.

Pure and repeatable: arrays of training rows in, a judgement for each feature out.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from sklearn.metrics import mutual_info_score

from pipelines.metrics.suspicion import suspicions

Values = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

_BINS = 10
_CODES = _BINS + 2  # with the upper end and what is unknown
_JUDGED_ON = 0.25  # of the rows, the last ones: the booster has not seen them when a feature is shuffled there
_SHUFFLES = 3
_MOSTLY = 0.5  # so much of a feature told by another is worth a word
_LUCK = 3.09  # deviations that chance passes once in a thousand
_ROUNDS, _BOOSTING = 60, {"max_depth": 4, "eta": 0.1, "tree_method": "hist", "nthread": 1, "verbosity": 0}


@dataclass(frozen=True)
class Judgement:
    """What is found of one feature. rank: from 1 in the order of what they add; 0 for those that tell nothing.

    information: nats that its tenths tell of the label's, 0 where chance gives as much; adds: the least of it that is
    left beside any feature before it. redundancy: the part of the feature, 0 to 1, that one before it tells.
    permutation: by what part the loss of a boosted model grows when it is shuffled, 0 where that may be luck. gain: its
    share of that model's gain.
    """

    feature: str
    is_kept: bool
    why: str
    rank: int = 0
    information: float = 0.0
    adds: float = 0.0
    redundancy: float = 0.0
    permutation: float = 0.0
    gain: float = 0.0

    @property
    def fate(self) -> str:
        """The reason in a word or two: kept, constant, copy, too good, useless, beyond the budget."""
        return re.split(r" of |[:;]", self.why)[0]


def select(
    features: Mapping[str, Values], label: Values, *, budget: int, class_count: int, seed: int
) -> tuple[Judgement, ...]:
    """Judge every feature, those that are kept first and in the order of what they add.

    features: by name, as long as `label`, rows in time order; NaN is unknown. Give it rows of the training span alone.
    class_count: how many classes the label is the place of, 0 where it is a number.
    Dropped are constants, features that predict too well to be true, copies, and those that tell nothing, neither alone
    nor with others. Of what is left `budget` are kept, one after the other the one that tells most of the label which
    none before it does (conditional mutual information: Fleuret 2004). Raises ValueError where no label is known.
    """
    is_known = ~np.isnan(label)
    if not is_known.any():
        raise ValueError("selection: no row has a label")
    label, rows = label[is_known], {name: values[is_known] for name, values in features.items()}
    dropped = _unfit(rows, label, class_count=class_count)
    open_ = {name: values for name, values in rows.items() if name not in dropped}
    judged = _chosen(_measured(open_, label, class_count=class_count, seed=seed), open_, label, budget)
    return (*judged, *[Judgement(name, False, why) for name, why in dropped.items()])


def _unfit(rows: Mapping[str, Values], label: Values, *, class_count: int) -> dict[str, str]:
    """Features that no model should see, with the reason."""
    found: dict[str, str] = {}
    for one in suspicions(rows, label, class_count=class_count):
        if one.is_too_good:
            found.setdefault(one.feature, f"too good: by {one.by} alone ({one.skill:.3f}); is it the answer?")
    first: dict[bytes, str] = {}
    for name, values in rows.items():
        if name in found:
            continue
        if np.array_equal(values, np.full_like(values, values[0]), equal_nan=True):
            found[name] = "constant"
            continue
        same = first.setdefault(hashlib.sha256((values + 0.0).tobytes()).digest(), name)  # + 0.0: −0 is 0
        if same != name:
            found[name] = f"copy of {same}"
    return found


def _measured(rows: Mapping[str, Values], label: Values, *, class_count: int, seed: int) -> list[Judgement]:
    """Every feature's information, permutation importance and gain."""
    if not rows:
        return []
    of_label = _codes(label)
    grown, gains = _boosted(rows, label, class_count=class_count, seed=seed)
    told = {name: _information(_codes(values), of_label) for name, values in rows.items()}
    informed = {name: 0.0 if is_luck else nats for name, (nats, is_luck) in told.items()}
    useless = "useless: tells nothing, alone or with others"
    return [
        Judgement(name, False, useless, information=nats, adds=nats, permutation=grown[name], gain=gains[name])
        for name, nats in informed.items()
    ]


def _chosen(judged: Sequence[Judgement], rows: Mapping[str, Values], label: Values, budget: int) -> list[Judgement]:
    """Take what adds most until the budget is spent; then the others in the order of what they would have added."""
    codes, of_label = {name: _codes(values) for name, values in rows.items()}, _codes(label)
    waiting = {one.feature: one for one in judged if one.information > 0.0 or one.permutation > 0.0}
    useless = [one for one in judged if one.feature not in waiting]
    teller = dict.fromkeys(waiting, "")
    kept: list[Judgement] = []
    while waiting and len(kept) < budget:
        best = waiting.pop(min(waiting.values(), key=_order).feature)
        kept.append(replace(best, is_kept=True, why=_why("kept", best, teller)))
        given = codes[best.feature]
        for name, one in waiting.items():
            part = mutual_info_score(codes[name], given) / mutual_info_score(codes[name], codes[name])
            if part > one.redundancy:
                one, teller[name] = replace(one, redundancy=min(float(part), 1.0)), best.feature
            waiting[name] = replace(one, adds=min(one.adds, _information(codes[name], of_label, given)[0]))
    late = [
        replace(one, why=_why(f"beyond the budget of {budget}", one, teller))
        for one in sorted(waiting.values(), key=_order)
    ]
    return [*[replace(one, rank=rank) for rank, one in enumerate([*kept, *late], 1)], *useless]


def _order(one: Judgement) -> tuple[float, float, float, str]:
    """What adds nothing that so many rows could show may still be of use to a model, or tell something else."""
    return -one.adds, -one.permutation, -one.information * (1.0 - one.redundancy), one.feature


def _why(what: str, one: Judgement, teller: Mapping[str, str]) -> str:
    return f"{what}; {teller[one.feature]} tells {one.redundancy:.0%} of it" if one.redundancy >= _MOSTLY else what


def _codes(values: Values) -> Codes:
    """Each value's tenth of all, or its own number where there are few values; what is unknown is a code as well."""
    is_known = ~np.isnan(values)
    different = np.unique(values[is_known])
    if len(different) > _BINS:
        different = np.unique(np.quantile(values[is_known], np.arange(1, _BINS) / _BINS))
    return np.where(is_known, np.searchsorted(different, values, side="right"), -1)


def _information(codes: Codes, of_label: Codes, given: Codes | None = None) -> tuple[float, bool]:
    """Mutual information in nats, where `given` is known already, less what chance gives on average; and whether it may
    be luck: unrelated columns show as much once in a thousand times.

    2 n times the information of unrelated columns is χ² distributed: its quantile is after Wilson and Hilferty (1931).
    """
    if given is None:
        given = np.zeros_like(codes)
    both = given * _CODES + codes
    found = float(mutual_info_score(both, of_label) - mutual_info_score(given, of_label))
    freedom = (len(np.unique(both)) - len(np.unique(given))) * (len(np.unique(of_label)) - 1)
    if not freedom:
        return 0.0, True
    part = 2.0 / (9.0 * freedom)
    limit = freedom * (1.0 - part + _LUCK * math.sqrt(part)) ** 3
    return max(found - freedom / (2 * len(codes)), 0.0), 2 * len(codes) * found <= limit


def _boosted(
    rows: Mapping[str, Values], label: Values, *, class_count: int, seed: int
) -> tuple[dict[str, float], dict[str, float]]:
    """By feature: the part by which the loss on the last rows grows when it is shuffled there; its share of gain."""
    import xgboost

    names, values = list(rows), np.stack(list(rows.values()), axis=1)
    cut = max(1, len(label) - math.ceil(len(label) * _JUDGED_ON))
    kinds: dict[int, dict[str, object]] = {0: {"objective": "reg:squarederror"}, 2: {"objective": "binary:logistic"}}
    kind = kinds.get(class_count, {"objective": "multi:softprob", "num_class": class_count})
    learnt = xgboost.DMatrix(values[:cut], label[:cut], feature_names=names)
    booster = xgboost.train({**_BOOSTING, **kind, "seed": seed}, learnt, _ROUNDS)
    gain = {name: float(np.mean(value)) for name, value in booster.get_score(importance_type="total_gain").items()}
    whole = sum(gain.values()) or 1.0

    def losses(of: Values) -> Values:
        told = np.asarray(booster.predict(xgboost.DMatrix(of, feature_names=names, nthread=1)), np.float64)
        if not class_count:
            return (told - label[cut:]) ** 2
        each = told if told.ndim == 2 else np.stack([1.0 - told, told], axis=1)
        return -np.log(each[np.arange(len(each)), label[cut:].astype(np.int64)])

    undisturbed, draw = losses(values[cut:]), np.random.default_rng(seed)
    grown = dict.fromkeys(names, 0.0)  # what no tree asks for changes nothing
    for j, name in enumerate(names):
        if name in gain:
            shuffled, more = values[cut:].copy(), np.zeros(len(undisturbed))
            for _ in range(_SHUFFLES):
                shuffled[:, j] = draw.permutation(shuffled[:, j])
                more += (losses(shuffled) - undisturbed) / _SHUFFLES
            is_luck = more.mean() <= _LUCK * more.std() / math.sqrt(len(more))
            grown[name] = 0.0 if is_luck else float(more.mean() / undisturbed.mean())
    return grown, {name: gain.get(name, 0.0) / whole for name in names}
