"""Horovod's wheel: edits that fit exactly or not at all, and a wheel that tells what it was built against."""

from importlib.metadata import version

import psutil
import pytest

from pipelines.provision import horovod
from pipelines.provision.cuda import has_compiler
from pipelines.provision.failure import SetupFailed
from pipelines.provision.horovod import EDITS, apply_edits, build_wheel, find_wheel, locked_version, wheel_folder
from pipelines.provision.places import CHECKOUT, Places

LOOPBACK = next(name for name, own in psutil.net_if_addrs().items() if "127.0.0.1" in {one.address for one in own})
"""The interface that has another name on each kind of machine."""


@pytest.fixture
def source(tmp_path):
    """A source tree with each text that is edited standing once."""
    for edit in EDITS:
        path = tmp_path / edit.path
        path.parent.mkdir(parents=True, exist_ok=True)
        before = path.read_text() if path.exists() else ""
        path.write_text(f"{before}before\n{edit.old}\nafter\n")
    return tmp_path


@pytest.fixture
def places(tmp_path):
    """A set-up with this checkout's locks and an empty cache."""
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    (checkout / "locks").symlink_to(CHECKOUT / "locks")
    return Places(checkout, tmp_path / "cache")


def test_every_edit_is_made_once(source):
    apply_edits(source)
    for edit in EDITS:
        assert edit.new in (source / edit.path).read_text()
    assert "addr = ('', port)" not in (source / "horovod/runner/util/network.py").read_text()
    assert "CXX_STANDARD 14" not in (source / "CMakeLists.txt").read_text()


@pytest.mark.parametrize("times", [0, 2])
def test_a_source_that_differs_is_refused_and_left_as_it_was(source, times):
    changed = source / "horovod/torch/CMakeLists.txt"
    changed.write_text("set(CMAKE_CXX_STANDARD 14)\n" * times)
    with pytest.raises(SetupFailed, match=f"horovod/torch/CMakeLists.txt.*{times} times, not once"):
        apply_edits(source)
    assert "CXX_STANDARD 14" in (source / "CMakeLists.txt").read_text()


def test_a_missing_file_is_named(source):
    (source / "horovod/runner/util/network.py").unlink()
    with pytest.raises(SetupFailed, match=r"no horovod/runner/util/network\.py"):
        apply_edits(source)


def test_an_interrupted_build_leaves_no_wheel(places, monkeypatch):
    def interrupted(*_args, **_kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(horovod, "run_logged", interrupted)
    with pytest.raises(KeyboardInterrupt):
        build_wheel(places, places.cache / "tools")
    assert find_wheel(places) is None
    assert list(places.scratch.iterdir()) == []


def test_another_torch_means_another_wheel(places):
    of_the_lock = wheel_folder(places)
    (places.checkout / "locks").unlink()
    places.locks.mkdir()
    for name in ("horovod.txt", "cuda.txt", "requirements.txt"):
        text = (CHECKOUT / "locks" / name).read_text()
        torch = locked_version(CHECKOUT / "locks" / "requirements.txt", "torch")
        (places.locks / name).write_text(text.replace(f"torch=={torch}", "torch==9.9.9"))
    assert wheel_folder(places) != of_the_lock


def test_a_lock_without_the_package_is_named(tmp_path):
    (tmp_path / "requirements.txt").write_text("torchvision==1.0\n")
    with pytest.raises(SetupFailed, match="pins no torch"):
        locked_version(tmp_path / "requirements.txt", "torch")


def test_the_installed_wheel_names_the_torch_it_was_built_against():
    assert version("horovod") == f"0.28.1+torch{version('torch')}"


@pytest.mark.skipif(not has_compiler(), reason="NVIDIA has no compiler for this machine")
def test_the_installed_wheel_averages_on_gpus_and_without_them():
    import horovod.torch as hvd

    assert (bool(hvd.nccl_built()), bool(hvd.gloo_built())) == (True, True)


@pytest.mark.parametrize(
    ("setting", "bound"), [(None, "127.0.0.1"), ("0.0.0.0", "0.0.0.0"), ("", ""), (LOOPBACK, "127.0.0.1")]
)
def test_services_bind_to_this_machine_unless_told_otherwise(monkeypatch, setting, bound):
    from horovod.runner.util.network import find_port

    monkeypatch.delenv("HEADRACE_BIND_ADDRESS", raising=False)
    if setting is not None:
        monkeypatch.setenv("HEADRACE_BIND_ADDRESS", setting)
    (address, _), _ = find_port(lambda address: address)
    assert address == bound
