"""Many small models as one: a model of each entity that had rows enough to learn from, and a pooled one for all
others."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import safetensors.numpy

from pipelines.contracts.tasks import GLOBAL, Scope
from pipelines.models.base import Family, Scorer, Signature, families

_METADATA = "headrace"
_POOLED = -1


@dataclass(frozen=True)
class Bundle:
    """signature: of the whole. pooled: the model of all entities together, which answers for those without one of their
    own. own: by entity its model. rows: by entity how many labelled rows the train span had; `least_rows` make a model.
    """

    signature: Signature
    least_rows: int
    pooled: bytes
    own: Mapping[str, bytes]
    rows: Mapping[str, int]

    @property
    def few(self) -> tuple[str, ...]:
        """The entities that training saw, but with too few labelled rows for a model of their own."""
        return tuple(sorted(set(self.rows) - set(self.own)))

    def sealed(self) -> bytes:
        """As safetensors: the models end to end, the pooled one first. The same models give the same bytes."""
        names = sorted(self.own)
        models = [self.pooled, *(self.own[name] for name in names)]
        arrays: dict[str, npt.NDArray[Any]] = {
            "models": np.frombuffer(b"".join(models), np.uint8),
            "ends": np.cumsum([len(model) for model in models], dtype=np.int64),
        }
        content = {
            "signature": self.signature.json(),
            "least_rows": self.least_rows,
            "own": names,
            "rows": dict(self.rows),
        }
        return safetensors.numpy.save(arrays, metadata={_METADATA: json.dumps(content, sort_keys=True)})

    @classmethod
    def read(cls, model: bytes) -> Bundle:
        """What `sealed` made."""
        header = json.loads(model[8 : 8 + int.from_bytes(model[:8], "little")])
        content, arrays = json.loads(header["__metadata__"][_METADATA]), safetensors.numpy.load(model)
        ends = arrays["ends"].tolist()
        models = [arrays["models"][start:end].tobytes() for start, end in zip([0, *ends], ends, strict=False)]
        own = dict(zip(content["own"], models[1:], strict=True))
        return cls(Signature.read(content["signature"]), content["least_rows"], models[0], own, content["rows"])


def scorer_of(family: str, model: bytes, scope: Scope) -> Scorer:
    """The scorer of a model that the family made, alone or as one of a bundle."""
    of = families()[family]
    return of.scorer(model) if scope == GLOBAL else _BundleScorer(of, Bundle.read(model))


class _BundleScorer(Scorer):
    """Gives each row to the model of its entity. A model is read when it is first asked, since a task of a batch sees
    few entities."""

    def __init__(self, family: Family, bundle: Bundle) -> None:
        super().__init__(bundle.signature)
        self._family, self._bundle = family, bundle
        self._names = sorted(bundle.own)
        self._scorers: dict[int, Scorer] = {}

    def outputs(self, examples: pa.Table) -> npt.NDArray[np.floating]:
        steps, columns = self.signature.steps, len(self.signature.outputs)
        entities = examples[self.signature.entity].combine_chunks()
        known = pa.array(self._names, entities.type)
        places = np.asarray(pc.fill_null(pc.index_in(entities, value_set=known), _POOLED))
        found = np.empty((len(examples), steps * columns))
        for place in np.unique(places).tolist():
            asked = places == place
            answers = self._scorer(place).outputs(examples.filter(pa.array(asked)))
            found[asked] = answers.reshape(-1, steps * columns)
        return found.reshape(len(examples) * steps, columns)

    def _scorer(self, place: int) -> Scorer:
        if place not in self._scorers:
            bundle = self._bundle
            model = bundle.pooled if place == _POOLED else bundle.own[self._names[place]]
            self._scorers[place] = self._family.scorer(model)
        return self._scorers[place]
