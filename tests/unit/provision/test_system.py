"""What the machine lacks is installed, or named with the command that installs it; nothing else happens."""

import sys

import pytest

from pipelines.provision import system
from pipelines.provision.failure import USER, SetupFailed
from pipelines.provision.places import Places
from pipelines.provision.setup import set_up
from pipelines.provision.system import Need, find_java, install_command, java_version, offered, provide


def java_home(folder, version, *, release=True):
    """A folder that looks like a Java home of `version`."""
    (folder / "bin").mkdir(parents=True)
    java = folder / "bin" / "java"
    java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2025-04-15' >&2\n")
    java.chmod(0o755)
    if release:
        (folder / "release").write_text(f'IMPLEMENTOR="nobody"\nJAVA_VERSION="{version}"\n')
    return folder


@pytest.fixture
def places(tmp_path):
    return Places(tmp_path / "checkout", tmp_path / "cache")


@pytest.fixture
def compiler_is_missing():
    """A need that is met once `installed` says so."""
    installed = []
    packages = {"apt": "g++ make", "dnf": "gcc-c++ make", "brew": "gcc make"}
    return Need("C++ compiler", "Horovod is built once", lambda: bool(installed), packages), installed


@pytest.mark.parametrize("version", ["17.0.15", "21.0.13", "25.0.5"])
def test_a_java_for_spark_is_found_behind_other_versions(tmp_path, version):
    homes = [java_home(tmp_path / name, name) for name in ("1.8.0_402", "11.0.9", "24.0.1", version)]
    assert find_java([tmp_path / "nothing", *homes]) == tmp_path / version
    assert find_java(homes[:3]) is None


@pytest.mark.parametrize(
    ("held", "taken"), [(("b", "c"), "b"), (("c",), "c"), (("a", "b", "c"), "a"), ((), "a"), (None, "a")]
)
def test_of_several_packages_the_first_that_apt_offers_is_taken(tmp_path, monkeypatch, held, taken):
    if held is not None:
        tool = tmp_path / "apt-cache"
        tool.write_text(f'#!/bin/sh\ncase " {" ".join(held)} " in *" $2 "*) echo "Package: $2";; esac\n')
        tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert offered("a|b|c") == taken
    assert offered("g++") == "g++"


@pytest.mark.parametrize("release", [True, False])
@pytest.mark.parametrize(("version", "major"), [("1.8.0_402", "8"), ("17.0.15", "17"), ("17", "17"), ("25.0.1", "25")])
def test_a_java_tells_its_major_version(tmp_path, version, major, release):
    assert java_version(java_home(tmp_path / "home", version, release=release)) == major


def test_java_home_comes_before_the_path(tmp_path, monkeypatch):
    mine = java_home(tmp_path / "mine", "17.0.1")
    monkeypatch.setenv("JAVA_HOME", str(mine))
    assert find_java() == mine


def test_nothing_is_installed_where_only_a_report_is_wanted(places, monkeypatch, compiler_is_missing):
    need, _ = compiler_is_missing
    monkeypatch.setenv("HEADRACE_NO_INSTALL", "1")
    monkeypatch.setattr(system, "package_manager", lambda: "apt")
    monkeypatch.setattr(system, "run_logged", lambda *_args, **_kwargs: pytest.fail("a program was started"))
    monkeypatch.setattr(system.os, "geteuid", lambda: 0)
    with pytest.raises(SetupFailed) as refused:
        provide([need], places)
    assert refused.value.code == USER
    assert str(refused.value).splitlines() == [
        "C++ compiler is missing: Horovod is built once.",
        "Run: apt-get install --yes --no-install-recommends g++ make",
        "then: make setup",
    ]


def test_somebody_who_is_not_root_gets_the_command_with_sudo(places, monkeypatch, compiler_is_missing):
    need, _ = compiler_is_missing
    monkeypatch.delenv("HEADRACE_NO_INSTALL", raising=False)
    monkeypatch.setattr(system, "package_manager", lambda: "dnf")
    monkeypatch.setattr(system.os, "geteuid", lambda: 1000)
    with pytest.raises(SetupFailed, match=r"Run: sudo dnf install -y gcc-c\+\+ make"):
        provide([need], places)


def test_root_on_debian_is_told_what_is_installed(places, monkeypatch, capsys, compiler_is_missing):
    need, installed = compiler_is_missing
    started = []

    def run(command, _log, **_options):
        started.append(command)
        installed.append("install" in command)

    monkeypatch.delenv("HEADRACE_NO_INSTALL", raising=False)
    monkeypatch.setattr(system, "package_manager", lambda: "apt")
    monkeypatch.setattr(system.os, "geteuid", lambda: 0)
    monkeypatch.setattr(system, "run_logged", run)
    provide([need], places)
    assert started == [["apt-get", "update"], install_command("apt", ["g++", "make"])]
    assert capsys.readouterr().out.splitlines() == [
        "C++ compiler is missing: Horovod is built once",
        "installing g++ make with apt",
    ]


def test_a_machine_without_java_ends_set_up_with_one_message_and_exit_2(monkeypatch, capsys, tmp_path):
    from pipelines.provision.places import CHECKOUT

    checkout = tmp_path / "checkout"
    checkout.mkdir()
    for name in ("locks", "pyproject.toml"):
        (checkout / name).symlink_to(CHECKOUT / name)
    monkeypatch.setenv("HEADRACE_NO_INSTALL", "1")
    monkeypatch.setattr(system, "java_candidates", lambda: iter(()))
    assert set_up(Places(checkout, tmp_path / "cache")) == USER
    said = capsys.readouterr()
    assert "Java 17, 21 or 25 is missing: Spark runs on it." in said.err
    assert "Traceback" not in said.err
    assert not (checkout / ".venv").exists()


def test_the_needs_name_this_python():
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = [need.packages["apt"] for need in system.needs(builds_horovod=True)]
    java = "openjdk-17-jre-headless|openjdk-21-jre-headless|openjdk-25-jre-headless"
    assert packages == [java, f"{python}-venv", "g++ make", f"{python}-dev"]
    assert len(system.needs(builds_horovod=False)) == 2
