"""The locks pin everything by hash, agree with pyproject, and say nothing about where packages come from."""

import re
import tomllib

import pytest

from pipelines.provision.horovod import locked_version
from pipelines.provision.places import CHECKOUT

LOCKS = CHECKOUT / "locks"
HOST = re.compile(r"\b[\w-]+\.(?:org|com|net|dev|io)\b(?![:.\w])")


@pytest.mark.parametrize("name", sorted(path.name for path in LOCKS.iterdir()))
def test_a_lock_names_no_address_and_no_folder(name):
    text = (LOCKS / name).read_text()
    assert "://" not in text
    assert not HOST.findall(text)
    assert not re.search(r"(?:^|\s)(?:file:|-e |--(?:index|extra-index|find-links)|/\w)", text, re.MULTILINE)


@pytest.mark.parametrize("name", ["requirements.txt", "build.txt", "horovod.txt", "cuda.txt", "airflow.txt"])
def test_every_requirement_has_a_version_and_a_hash(name):
    text = (LOCKS / name).read_text().replace("\\\n", " ")
    requirements = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert requirements
    for requirement in requirements:
        assert re.match(r"^[\w.-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", requirement), requirement


def test_the_lock_has_the_versions_that_pyproject_pins():
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    pinned = dict(name.split("==") for name in project["dependencies"] if "==" in name)
    assert set(pinned) == {"pyspark", "delta-spark", "deltalake", "mlflow", "xgboost", "holidays", "torch"}
    for name, version in pinned.items():
        assert locked_version(LOCKS / "requirements.txt", name) == version


def test_horovods_gpu_half_is_compiled_for_the_cuda_that_torch_brings():
    ours, torchs = (locked_version(LOCKS / name, "nvidia-cuda-runtime") for name in ("cuda.txt", "requirements.txt"))
    compiler = locked_version(LOCKS / "cuda.txt", "nvidia-cuda-nvcc")
    assert ours == torchs
    assert compiler.rpartition(".")[0] == torchs.rpartition(".")[0]


def test_horovod_is_built_and_never_installed_from_the_lock():
    assert not re.search(r"^horovod", (LOCKS / "requirements.txt").read_text(), re.MULTILINE)


def test_the_delta_jars_are_those_of_delta_spark():
    version = locked_version(LOCKS / "requirements.txt", "delta-spark")
    assert f":{version} " in (LOCKS / "jars.txt").read_text()
