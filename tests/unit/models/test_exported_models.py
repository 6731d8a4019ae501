"""Every family that can leave: its file, read as a foreign program reads it, answers as its scorer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import pyarrow as pa
import pytest
import tiny_events
import tiny_gold
import torch

from pipelines.contracts.features import History
from pipelines.contracts.fits import TargetFeatures, Workspace
from pipelines.contracts.tasks import Classify, Detect, Forecast, Span
from pipelines.engines import fit
from pipelines.engines.recorder import FileRecorder
from pipelines.engines.shards import examples_of
from pipelines.metrics.parity import disparity
from pipelines.models.base import families
from pipelines.models.encodings import encoded
from pipelines.models.formats import FORMATS, Light
from pipelines.models.nets.pruning import prune, weights

SMALL = {
    "xgboost": {"rounds": 20},
    "lstm": {"epochs": 2, "hidden": 8, "origins_every": 4},
    "mlp": {"epochs": 2},
    "cnn": {"epochs": 2, "hidden": 8, "origins_every": 4},
    "tcn": {"epochs": 2, "hidden": 8, "origins_every": 4},
    "image_cnn": {"hidden": 8, "blocks": 2, "epochs": 1, "batch": 64},
    "autoencoder": {"hidden": 16, "code": 1, "batch": 64, "epochs": 2},
}
QUICK = ("autoencoder", "image_cnn", "lstm")
"""Of nets as ONNX, whose exporter takes 4 to 10 s each: those whose graphs have the most parts of their own."""
LEAVE = {name: of for name, of in families().items() if of.exports}
CASES = [
    pytest.param(name, kind, form, marks=[pytest.mark.slow] if form == "onnx" and name not in QUICK else [])
    for name, of in LEAVE.items()
    for kind in of.tasks
    for form in of.exports
    if kind in (Forecast, Classify, Detect)
]
TWO_DAYS = Span(tiny_gold.day(34), tiny_gold.day(39))


class Fits:
    """Each fit made once, when it is first asked for."""

    def __init__(self, folder):
        self.folder, self.made = folder, {}
        self.tables = {}
        for kind in (tiny_gold, tiny_events):
            (folder / kind.__name__).mkdir()
            self.tables[kind] = kind.write_gold(folder / kind.__name__)

    def of(self, name, kind):
        """The scorer, and examples that it has not seen."""
        if (name, kind) not in self.made:
            of = tiny_gold if kind is Forecast else tiny_events
            plan = of.plan_for(name, tables=self.tables[of], **SMALL.get(name, {"epochs": 2, "origins_every": 4}))
            plan = replace(plan, is_unlabelled=kind is Detect)
            workspace = Workspace(self.folder / f"{name}-{kind.__name__}")
            model = fit(plan, workspace, None, FileRecorder(workspace)).model
            self.made[name, kind] = LEAVE[name].scorer(model), examples_of(plan, unseen(kind))
        return self.made[name, kind]

    def file(self, name, kind, form):
        if (name, kind, form) not in self.made:
            self.made[name, kind, form] = written(*self.of(name, kind), form)
        return self.made[name, kind, form]


def unseen(kind):
    return Span(tiny_gold.day(8), tiny_gold.day(39)) if kind is Forecast else tiny_events.TEST


@pytest.fixture(scope="module")
def fits(tmp_path_factory):
    return Fits(tmp_path_factory.mktemp("fits"))


def apart(scorer, examples, form, content):
    """How far the file's answers are from the scorer's."""
    predicted = scorer.predict(examples)
    expected = np.stack([predicted[name].to_numpy() for name in scorer.signature.outputs], axis=1)
    tensors = scorer.tensors(encoded(examples, scorer.signature.encodings))
    found = np.asarray(FORMATS[form].opened(content)(tensors)).reshape(expected.shape)
    return disparity(expected, np.sort(found, axis=1) if scorer.signature.quantiles else found)


def written(scorer, examples, form):
    return FORMATS[form].write(scorer, scorer.tensors(encoded(examples.slice(0, 2), scorer.signature.encodings)))


def without_a_value(examples):
    """The same, but nothing is known of any feature."""
    for name in examples.column_names[2:]:
        kind = examples.schema.field(name).type
        if pa.types.is_binary(kind):
            continue  # without a picture there is no answer
        nothing = [[None] * len(of) for of in examples[name].to_pylist()] if pa.types.is_list(kind) else None
        values = pa.array(nothing, kind) if nothing else pa.nulls(len(examples), kind)
        examples = examples.set_column(examples.schema.get_field_index(name), name, values)
    return examples


@pytest.mark.parametrize(("name", "kind", "form"), CASES)
def test_a_file_answers_as_the_scorer_for_any_number_of_rows(name, kind, form, fits):
    scorer, examples = fits.of(name, kind)
    content = fits.file(name, kind, form)
    assert apart(scorer, examples, form, content) <= 1e-5
    assert apart(scorer, examples.slice(3, 1), form, content) <= 1e-5
    assert apart(scorer, without_a_value(examples.slice(0, 2)), form, content) <= 1e-5


@pytest.mark.parametrize("form", [pytest.param("onnx", marks=pytest.mark.slow), "torchscript"])
@pytest.mark.parametrize("name", ["patchtst", "cnn"])
def test_a_net_without_features_per_step_takes_windows_alone(name, form, fits, tmp_path):
    other = TargetFeatures("gold.tiny_holidays", "", (History("is_workday", 24),))
    frame = replace(tiny_gold.FRAME, windows=(other, *tiny_gold.FRAME.windows), targets=())
    plan = replace(tiny_gold.plan_for(name, fits.tables[tiny_gold], epochs=1, origins_every=12), frame=frame)
    workspace = Workspace(tmp_path)
    scorer = LEAVE[name].scorer(fit(plan, workspace, None, FileRecorder(workspace)).model)
    examples = examples_of(plan, TWO_DAYS)
    assert [of.name for of in scorer.inputs] == ["past"]
    assert apart(scorer, examples, form, written(scorer, examples, form)) <= 1e-5


@pytest.mark.parametrize("form", [pytest.param("onnx", marks=pytest.mark.slow), "torchscript"])
def test_probabilities_of_classes_leave_as_they_are(form, fits, tmp_path):
    plan = replace(tiny_events.plan_for("mlp", tables=fits.tables[tiny_events], epochs=2), classes=("no", "yes"))
    workspace = Workspace(tmp_path)
    scorer = LEAVE["mlp"].scorer(fit(plan, workspace, None, FileRecorder(workspace)).model)
    examples = examples_of(plan, tiny_events.TEST)
    assert apart(scorer, examples, form, written(scorer, examples, form)) <= 1e-5


def test_what_a_net_takes_is_told(fits):
    scorer, examples = fits.of("lstm", Forecast)
    past, steps = scorer.inputs
    assert (past.name, past.shape, past.columns) == ("past", (48, 1), ("load_mw__history_48h",))
    assert (steps.name, steps.shape) == ("steps", (12, 6))
    assert set(steps.columns) == {
        *("load_mw__lag_24h", "load_mw__lag_48h", "load_mw__lag_168h"),
        *("calendar__time_of_day", "calendar__weekday", "is_workday__as_of"),
    }
    tensors = scorer.tensors(examples)
    assert {name: of.shape for name, of in tensors.items()} == {"past": (62, 48, 1), "steps": (62, 12, 6)}


def test_an_onnx_file_is_of_plain_operators_and_says_nothing_of_where_it_was_made(fits):
    model = onnx.load_model_from_string(fits.file("lstm", Forecast, "onnx"))
    onnx.checker.check_model(model, full_check=True)
    assert {node.domain for node in model.graph.node} == {""}
    assert "LSTM" in {node.op_type for node in model.graph.node}
    assert b".py" not in model.SerializeToString()


def test_pruning_takes_just_the_part_that_was_asked_for_and_the_smallest(fits):
    scorer, _ = fits.of("lstm", Forecast)
    before, after = scorer.graph(), scorer.graph()
    prune(after, 0.3)
    was, now = (torch.cat([of.flatten() for of in weights(graph)]).abs() for graph in (before, after))
    gone = (now == 0.0) & (was > 0.0)
    assert int((now == 0.0).sum()) == round(0.3 * len(now))
    assert was[gone].max() <= now[now > 0.0].min()
    assert torch.equal(was[~gone], now[~gone])
    others = {name for name, of in after.named_parameters() if not torch.equal(of, before.state_dict()[name])}
    assert all("weight" in name for name in others)


@pytest.mark.parametrize(
    ("form", "of", "name", "params"),
    [
        ("torchscript", tiny_events, "mlp", {"hidden": 256, "epochs": 2}),
        ("onnx", tiny_gold, "lstm", {"hidden": 64, "epochs": 1, "origins_every": 12}),
    ],
)
def test_a_net_of_8_bits_is_smaller_and_answers_nearly_the_same(form, of, name, params, fits, tmp_path):
    plan = of.plan_for(name, tables=fits.tables[of], **params)
    workspace = Workspace(tmp_path)
    scorer = LEAVE[name].scorer(fit(plan, workspace, None, FileRecorder(workspace)).model)
    examples = examples_of(plan, tiny_events.TEST if of is tiny_events else TWO_DAYS)
    tensors = scorer.tensors(examples.slice(0, 2))
    whole = FORMATS[form].write(scorer, tensors)
    light = FORMATS[form].write_light(scorer, tensors, Light(int8=True, pruned=0.0))
    assert len(light) < 0.5 * len(whole)
    assert 1e-5 < apart(scorer, examples, form, light) < 0.05


@pytest.mark.parametrize(
    ("name", "kind", "form"),
    [
        pytest.param(name, kind, form, marks=[pytest.mark.slow] if form == "onnx" else [])
        for name, of in LEAVE.items()
        for kind in of.tasks
        for form in of.exports
        if form != "ubj" and kind in (Forecast, Classify, Detect)
    ],
)
def test_every_net_can_be_made_light(name, kind, form, fits):
    scorer, examples = fits.of(name, kind)
    light = FORMATS[form].write_light(scorer, scorer.tensors(examples.slice(0, 2)), Light(int8=True, pruned=0.1))
    found = FORMATS[form].opened(light)(scorer.tensors(examples))
    assert np.isfinite(found).all()
