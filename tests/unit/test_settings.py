"""Conf: what a user writes becomes settings, and a mistake becomes one line with its place."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pipelines.settings import PROJECT, SettingsError, known_keys, load


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shutil.copytree(PROJECT / "conf", tmp_path / "conf")
    return tmp_path


def overlay(project: Path, text: str | bytes) -> Path:
    path = project / "conf" / "mine.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_without_an_overlay_everything_lies_in_the_project(project: Path) -> None:
    settings = load(None, project)
    assert settings.root == f"{project}/.headrace"
    assert settings.drops == project / ".headrace" / "drops"
    assert settings.ledger == f"sqlite:///{project}/.headrace/ledger.db"
    assert settings.mlflow.tracking_uri == f"sqlite:///{project}/.headrace/mlflow/mlflow.db"
    assert settings.spark.conf_file == project / "conf/spark/local.conf"
    assert (settings.spark.master, settings.training.workers, settings.training.device) == ("local[2]", 2, "cpu")


def test_an_overlay_changes_only_what_it_names(project: Path) -> None:
    path = overlay(project, "root: elsewhere\nspark:\n  master: local[4]\ntraining:\n  engines: {xgboost: single}\n")
    settings = load(path, project)
    assert settings.spark.master == "local[4]"
    assert settings.spark.driver_memory == load(None, project).spark.driver_memory
    assert settings.training.engines == {"xgboost": "single"}
    # what is below the data root moves with it
    assert settings.outbox.path == project / "elsewhere" / "outbox"
    assert settings.mlflow.artifacts == f"{project}/elsewhere/mlflow/artifacts"


def test_an_overlay_may_be_named_without_folder_and_ending(project: Path) -> None:
    assert load(Path("cluster"), project) == load(Path("conf/cluster.yaml"), project)
    assert load(Path("cluster"), project).spark.conf_file == project / "conf/spark/standalone.conf"


def test_the_files_of_a_source_may_lie_elsewhere(project: Path) -> None:
    lie = "{energy.weather: 's3a://raw/w/*.csv', energy.calendar: 'in/*', finance.loans: '{root}/loans'}"
    settings = load(overlay(project, f"root: elsewhere\nsources: {lie}\n"), project)
    assert settings.sources_of("energy") == {"weather": "s3a://raw/w/*.csv", "calendar": f"{project}/in/*"}
    assert settings.sources_of("finance") == {"loans": f"{project}/elsewhere/loans"}


@pytest.mark.parametrize(
    ("lie", "told"),
    [
        ("sources: {weather: in}", "'sources': 'weather': name it as <domain>.<source>"),
        ("sources: {a.b: 's3a://key:secret@raw/w'}", "'sources': 'a.b': no credentials in conf"),
        ("sources: {a.b: 'ftp://raw/w'}", "'sources': 'a.b': ftp://raw/w is neither a folder, file"),
        ("root: s3a://key:secret@lake/house", "'root': no credentials in conf: AWS's environment or ~/.aws has them"),
        ("root: s3://lake/house", "'root': s3://lake/house is neither a folder nor s3a://<bucket>/<folder>"),
        ("root: s3a://lake", "'root': s3a://lake is neither a folder nor s3a://<bucket>/<folder>"),
    ],
)
def test_a_place_that_cannot_be_is_refused_without_telling_a_secret(project: Path, lie: str, told: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load(overlay(project, f"{lie}\n"), project)
    assert str(refused.value).startswith(f"conf/mine.yaml: line 1: {told}")
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("name", [path.stem for path in sorted((PROJECT / "conf").glob("*.yaml"))])
def test_every_overlay_that_comes_with_headrace_is_valid(name: str) -> None:
    assert load(Path(name)).spark.conf_file.is_file()


def test_a_section_whose_keys_are_all_commented_out_changes_nothing(project: Path) -> None:
    assert load(overlay(project, "spark:\n  # master: local[4]\n"), project) == load(None, project)


def test_a_root_elsewhere_needs_local_places_for_what_must_be_local(project: Path) -> None:
    local = "drops: d\nledger: sqlite:///l.db\nspark: {log_file: s.log}\noutbox: {path: o}\n"
    path = overlay(project, "root: s3a://lake/headrace\n" + local + "mlflow: {tracking_uri: 'http://mlflow:5000'}\n")
    settings = load(path, project)
    assert settings.root == "s3a://lake/headrace"
    assert settings.mlflow.artifacts == "s3a://lake/headrace/mlflow/artifacts"
    assert settings.ledger == f"sqlite:///{project}/l.db"
    with pytest.raises(SettingsError, match=r"^conf/base.yaml: line 9: 'ledger' must lie on this machine, not sqlite"):
        load(overlay(project, "root: s3a://lake/headrace\ndrops: d\n"), project)


def test_a_file_uri_is_a_folder(project: Path) -> None:
    assert load(overlay(project, "root: file:///srv/my%20data\n"), project).root == "/srv/my data"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "# mine\nspark:\n  master: local[2]\n  exectuors: 3\n",
            "conf/mine.yaml: line 4: unknown key 'spark.exectuors'. Known keys: headrace conf --help",
        ),
        (
            "training:\n  worker: 3\n",
            "conf/mine.yaml: line 2: unknown key 'training.worker'. Did you mean 'training.workers'? "
            "Known keys: headrace conf --help",
        ),
        (
            "\nmlfow: {}\n",
            "conf/mine.yaml: line 2: unknown key 'mlfow'. Did you mean 'mlflow'? Known keys: headrace conf --help",
        ),
        (
            "training:\n  workers: two\n",
            "conf/mine.yaml: line 2: 'training.workers' must be a whole number from 1 to 10000, not 'two'. "
            "See: headrace conf --help",
        ),
        (
            "training: {workers: 0}",
            "conf/mine.yaml: line 1: 'training.workers' must be a whole number from 1 to 10000, not 0. "
            "See: headrace conf --help",
        ),
        (
            "samples: 1",
            "conf/mine.yaml: line 1: 'samples' must be true or false, not 1. See: headrace conf --help",
        ),
        (
            "training:\n  device: tpu",
            "conf/mine.yaml: line 2: 'training.device' must be cpu or cuda, not 'tpu'. See: headrace conf --help",
        ),
        (
            "training: {engines: {xgboost: 3}}",
            "conf/mine.yaml: line 1: 'training.engines' must be a mapping of names to names, not {'xgboost': 3}. "
            "See: headrace conf --help",
        ),
        (
            "spark: {driver_memory: plenty}",
            "conf/mine.yaml: line 1: 'spark.driver_memory' must be a number with m, g or t, not 'plenty'. "
            "See: headrace conf --help",
        ),
        ("root:", "conf/mine.yaml: line 1: 'root' must be text, not None. See: headrace conf --help"),
        ("spark: local[2]", "conf/mine.yaml: line 1: 'spark' must hold keys: headrace conf --help"),
        ("- root", "conf/mine.yaml: line 1: the file must hold keys: headrace conf --help"),
        (
            "root: a\nsamples: true\nroot: b\n",
            "conf/mine.yaml: line 3: 'root' stands twice, first in line 1. Remove one of them",
        ),
        (
            "root: a\nspark: [\n",
            "conf/mine.yaml: line 3: not valid YAML: expected the node content, but found '<stream end>'. "
            "Correct the file",
        ),
        (
            "root: !!python/object/apply:os.getcwd []\n",
            "conf/mine.yaml: line 1: not valid YAML: could not determine a constructor for the tag "
            "'tag:yaml.org,2002:python/object/apply:os.getcwd'. Correct the file",
        ),
        (b"root: \xff\xfe", "conf/mine.yaml: not valid YAML: invalid start byte. Correct the file"),
    ],
)
def test_a_mistake_is_one_line_with_its_place(project: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(overlay(project, text), project)
    assert str(caught.value) == message


def test_a_missing_overlay_is_named_with_those_there_are(project: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load(Path("clutser"), project)
    assert str(caught.value) == (
        "conf/clutser.yaml: no such file. Did you mean 'cluster'? There are: cluster, gpu, local"
    )
    with pytest.raises(SettingsError, match=r"conf/nope.yaml: No such file or directory"):
        load(Path("conf/nope.yaml"), project)


def test_base_must_name_every_key(project: Path) -> None:
    base = project / "conf" / "base.yaml"
    base.write_text("\n".join(line for line in base.read_text().splitlines() if not line.startswith("samples")))
    with pytest.raises(SettingsError, match=r"^conf/base.yaml: missing key 'samples'"):
        load(None, project)


def test_known_keys_show_default_and_effective_value_but_no_password(project: Path) -> None:
    path = overlay(project, "ledger: postgresql://headrace:s3cret@database/headrace\nsamples: false\n")
    keys = {key.name: key for key in known_keys(path, project)}
    assert (keys["samples"].type, keys["samples"].default, keys["samples"].value) == ("true or false", "true", "false")
    assert keys["ledger"].value == "postgresql://headrace:***@database/headrace"
    assert all(key.meaning for key in keys.values())


def test_every_key_in_base_has_a_comment() -> None:
    for line in (PROJECT / "conf" / "base.yaml").read_text().splitlines():
        if ":" in line and not line.startswith("#") and not line.endswith(":"):
            assert " # " in line, line
