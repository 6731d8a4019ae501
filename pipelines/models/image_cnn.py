"""A net that looks at pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from pipelines.contracts.features import Image
from pipelines.contracts.fits import FitError, FitPlan, FitResult, Frame, Recorder
from pipelines.contracts.tasks import Classify
from pipelines.models.base import FINE_TUNING, NetFamily, Param, Scorer, Signature
from pipelines.models.class_weights import CLASS_WEIGHT, of_a_net
from pipelines.models.exportable import Input, NetScorer
from pipelines.models.images import Pixels, pixels
from pipelines.models.labels import check_classes, no_label
from pipelines.models.rows import LABEL, Values, lists

if TYPE_CHECKING:
    from torch import nn

    from pipelines.models.nets.crew import Crew
    from pipelines.models.nets.image_convolutions import ImageConvNet
    from pipelines.models.nets.training import Batchable

_BLOCK = 64
_PICTURES = "pictures"


class ImageCNN(NetFamily):
    """Convolutions over the one picture of each row, trained on the log loss; other features it does not see."""

    name = "image_cnn"
    tasks = (Classify,)
    tells_classes = True
    params = (
        Param("hidden", int, 16, (16, 24, 32), "width of the first block, which doubles from block to block"),
        Param("blocks", int, 3, (2, 3, 4), "blocks of two convolutions, each at half the size of the one before"),
        Param("dropout", float, 0.2, (0.0, 0.2, 0.4), "part of the units left out in training"),
        Param("moves", float, 0.08, (0.0, 0.04, 0.08), "part of its size by which a picture is moved in training"),
        Param("turns", float, 10.0, (0.0, 10.0, 20.0), "degrees by which a picture is turned in training"),
        Param("scales", float, 0.1, (0.0, 0.1, 0.2), "part of its size by which a picture is scaled in training"),
        Param("epochs", int, 10, None, "most passes over the training rows"),
        Param("patience", int, 4, None, "epochs without a gain on the validate span before stopping"),
        Param("batch", int, 64, None, "rows a batch has for each rank"),
        Param("learning_rate", float, 2e-3, (1e-3, 2e-3, 4e-3), "peak of the learning rate"),
        Param("weight_decay", float, 1e-2, (0.0, 1e-3, 1e-2), "decay of the weights (AdamW)"),
        Param("memory", float, 0.995, None, "part of the running mean of the weights that a step keeps"),
        CLASS_WEIGHT,
        *FINE_TUNING,
    )

    def train(self, train: pa.Table, validate: pa.Table, plan: FitPlan, crew: Crew, recorder: Recorder) -> FitResult:
        from pipelines.models.nets.devices import device_of
        from pipelines.models.nets.fine_tuning import begun, fit_result
        from pipelines.models.nets.training import Schedule, loss_of, reproducible, train_network

        device, params, image = device_of(plan), self.settled(plan.params), _image(plan.frame)
        learnt, judged = _batchable(plan, train), _batchable(plan, validate)
        for span, rows in (("train", learnt), ("validate", judged)):
            if not crew.total(np.array([len(rows)], np.float64))[0]:
                raise no_label(plan, span)
        schedule = Schedule(
            epochs=int(params["epochs"]),
            batch=int(params["batch"]),
            patience=int(params["patience"]),
            learning_rate=float(params["learning_rate"]),
            weight_decay=float(params["weight_decay"]),
            memory=float(params["memory"]),
            unit=1.0,
        )
        weights, start = of_a_net(params, plan, learnt.labels[:, 0].numpy(), crew)
        shape: dict[str, Any] = {
            "channels": image.channels,
            "height": image.height,
            "width": image.width,
            "start": start,
            **{name: int(params[name]) for name in ("hidden", "blocks")},
            **{name: float(params[name]) for name in ("dropout", "moves", "turns", "scales")},
        }
        if min(image.height, image.width) >> (shape["blocks"] - 1) < 1:
            raise FitError(f"{self.name}: a picture of {image.width} × {image.height} is too small for so many blocks")
        with reproducible(plan.seed, device):
            network = begun(_network(shape), shape, plan, params).to(device)
            best = train_network(network, learnt, judged, loss_of(plan, weights), schedule, plan.seed, crew, recorder)
        content = {
            "signature": Signature.of(plan).json(),
            "shape": shape,
            "image": {"column": image.column, "height": image.height, "width": image.width, "channels": image.channels},
        }
        return fit_result(network, content, best)

    def scorer(self, model: bytes) -> Scorer:
        from pipelines.models.nets.sealing import content_of, load_weights

        content = content_of(model)
        network = _network(content["shape"])
        load_weights(network, model)
        return _ImageScorer(Signature.read(content["signature"]), Image(**content["image"]), network)


class _ImageScorer(NetScorer):
    def __init__(self, signature: Signature, image: Image, network: ImageConvNet) -> None:
        super().__init__(signature)
        self._image, self._network = image, network

    @property
    def inputs(self) -> tuple[Input, ...]:
        of = self._image
        meaning = (
            f"the pixels of '{of.column}', 0 to 255: channels, rows, columns; without a picture there is no answer"
        )
        return (Input(_PICTURES, "uint8", (of.channels, of.height, of.width), (), meaning),)

    def tensors(self, examples: pa.Table) -> dict[str, Pixels]:
        return {_PICTURES: pixels(examples, self._image)[0]}

    def graph(self) -> nn.Module:
        from pipelines.models.nets.graphs import PicturesGraph

        return PicturesGraph(self._network, self.signature).eval()

    def outputs(self, examples: pa.Table) -> Values:
        import torch

        from pipelines.models.nets.sealing import answered, in_blocks

        def answer(pictures: torch.Tensor) -> torch.Tensor:
            found: torch.Tensor = self._network(pictures)[:, 0]
            return answered(found, self.signature)

        pictures, is_there = pixels(examples, self._image)
        predicted = in_blocks(answer, (pictures,), _BLOCK).astype(np.float64)
        predicted[~is_there] = np.nan  # without a picture there is nothing to go by
        return predicted


def _image(frame: Frame) -> Image:
    if len(frame.images) != 1:
        raise FitError(f"image_cnn: the task needs views with one Image, it has {len(frame.images)}")
    return frame.images[0]


def _batchable(plan: FitPlan, examples: pa.Table) -> Batchable:
    """Rows with a label. FitError for one without a picture that can be read, which no model could learn from."""
    import torch

    from pipelines.models.nets.training import Batchable

    labels = lists(examples, LABEL, 1)[:, 0]
    examples, labels = examples.filter(pa.array(~np.isnan(labels))), labels[~np.isnan(labels)]
    check_classes(labels, plan)
    image = _image(plan.frame)
    pictures, is_there = pixels(examples, image)
    if not is_there.all():
        first = examples[plan.frame.entity][int(np.argmin(is_there))].as_py()
        raise FitError(
            f"{plan.family} by {plan.engine}: {int((~is_there).sum()):,} of {len(is_there):,} rows have no picture in "
            f"'{image.column}' that can be read as PNG, JPEG or {image.height} · {image.width} · {image.channels} "
            f"bytes, the first is {plan.frame.entity} {first}. Quarantine such records by an expectation"
        )
    return Batchable((torch.from_numpy(pictures),), torch.from_numpy(labels.astype(np.float32)[:, None]))


def _network(shape: Mapping[str, Any]) -> ImageConvNet:
    from pipelines.models.nets.image_convolutions import ImageConvNet

    return ImageConvNet(**shape)
