"""What the machine itself must have: a Java, a C++ compiler with Python's headers, and Python's venv module."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pipelines.provision.commands import run_logged
from pipelines.provision.failure import USER, SetupFailed
from pipelines.provision.places import Places

JAVA = ("17", "21", "25")
"""The versions on which Spark 4.2 runs, as its documentation says; Debian 12 has the first, Debian 13 the others."""
JAVA_FOLDERS = ("/usr/lib/jvm", "/opt/java", "/opt", "/Library/Java/JavaVirtualMachines", "~/.sdkman/candidates/java")


@dataclass(frozen=True)
class Need:
    """One thing the machine lacks or has: a word for it, what it is for, and what each package manager calls it; for
    apt, `a|b` is a where its lists have that package, else b."""

    what: str
    why: str
    is_met: Callable[[], bool]
    packages: dict[str, str]


def java_version(home: Path) -> str | None:
    """The major version of the Java under `home`, or None where there is none."""
    if not (home / "bin" / "java").is_file():
        return None
    found = re.search(r'JAVA_VERSION="(?:1\.)?(\d+)', java_release(home))
    return found.group(1) if found else None


def java_release(home: Path) -> str:
    """What the Java under `home` says of itself, its JAVA_VERSION="…" in it."""
    release = home / "release"
    if release.is_file():
        return release.read_text(errors="replace")
    asked = subprocess.run([home / "bin" / "java", "-version"], capture_output=True, text=True, check=False)
    return asked.stderr.replace(' version "', ' JAVA_VERSION="')


def java_candidates() -> Iterator[Path]:
    """Every place a JDK may be: JAVA_HOME, the PATH's java, then the usual folders."""
    if os.environ.get("JAVA_HOME"):
        yield Path(os.environ["JAVA_HOME"])
    on_path = shutil.which("java")
    if on_path:
        yield Path(on_path).resolve().parents[1]
    for folder in JAVA_FOLDERS:
        for home in sorted(Path(folder).expanduser().glob("*")):
            yield home
            yield home / "Contents" / "Home"


def find_java(candidates: Iterable[Path] | None = None) -> Path | None:
    """The home of the first Java that Spark runs on, even where the PATH's java is another version."""
    homes = java_candidates() if candidates is None else candidates
    return next((home for home in homes if java_version(home) in JAVA), None)


def find_compiler() -> str | None:
    """The C++ compiler that CMake would take, with the make it drives."""
    compiler = next(
        (found for name in (os.environ.get("CXX"), "c++", "g++", "clang++") if name and (found := shutil.which(name))),
        None,
    )
    return compiler if shutil.which("make") else None


def has_python_headers() -> bool:
    """Whether extensions can be compiled for this Python."""
    return Path(sysconfig.get_path("include"), "Python.h").is_file()


def has_venv() -> bool:
    """Debian splits ensurepip from Python; without it a virtual environment has no pip."""
    return all(importlib.util.find_spec(module) for module in ("venv", "ensurepip"))


def needs(*, builds_horovod: bool) -> list[Need]:
    """What set-up needs of the machine; a compiler only where the Horovod wheel is not in the cache yet."""
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    wanted = [
        Need(
            f"Java {', '.join(JAVA[:-1])} or {JAVA[-1]}",
            "Spark runs on it",
            lambda: find_java() is not None,
            {
                "apt": "|".join(f"openjdk-{version}-jre-headless" for version in JAVA),
                "dnf": "java-21-openjdk-headless",
                "brew": "openjdk@21",
            },
        ),
        Need(
            "Python's venv module",
            "the packages go into .venv",
            has_venv,
            {"apt": f"{python}-venv", "dnf": "python3-pip", "brew": python.replace("python", "python@")},
        ),
    ]
    if builds_horovod:
        wanted += [
            Need(
                "C++ compiler",
                "Horovod is built from source once",
                lambda: find_compiler() is not None,
                {"apt": "g++ make", "dnf": "gcc-c++ make", "brew": "gcc make"},
            ),
            Need(
                "Python's headers",
                "Horovod is built from source once",
                has_python_headers,
                {"apt": f"{python}-dev", "dnf": f"{python}-devel", "brew": python.replace("python", "python@")},
            ),
        ]
    return wanted


def package_manager() -> str:
    """The name under which this machine installs packages: apt, dnf or brew."""
    return next(
        (name for name, tool in (("apt", "apt-get"), ("dnf", "dnf"), ("brew", "brew")) if shutil.which(tool)), "apt"
    )


def offered(alternatives: str) -> str:
    """The first of apt's packages `a|b` that its lists have; the first of all where they have none of them."""
    names = alternatives.split("|")
    if len(names) == 1 or shutil.which("apt-cache") is None:
        return names[0]
    # of a name that other packages only mention it shows nothing, and exits with 0
    shown = (subprocess.run(["apt-cache", "show", name], capture_output=True, check=False).stdout for name in names)
    return next((name for name, text in zip(names, shown, strict=True) if text), names[0])


def install_command(manager: str, packages: list[str]) -> list[str]:
    """The command that installs `packages`, as a person would type it."""
    if manager == "apt":
        return ["apt-get", "install", "--yes", "--no-install-recommends", *packages]
    return [manager, "install", *packages] if manager == "brew" else [manager, "install", "-y", *packages]


def provide(wanted: list[Need], places: Places) -> None:
    """Install what is missing where that is ours to do (apt, as root); else say the exact command and stop.

    Raises SetupFailed with exit status 2 when something is left for the user.
    """
    missing = [need for need in wanted if not need.is_met()]
    if not missing:
        return
    manager = package_manager()
    is_root = os.geteuid() == 0
    may_install = manager == "apt" and is_root and os.environ.get("HEADRACE_NO_INSTALL", "0") in ("", "0")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    if may_install:
        for need in missing:
            print(f"{need.what} is missing: {need.why}", flush=True)
        run_logged(["apt-get", "update"], places.logs / "apt-update.log", env=quiet)
    packages = [offered(name) for need in missing for name in need.packages[manager].split()]
    command = install_command(manager, packages)
    if not may_install:
        lacking = "\n".join(f"{need.what} is missing: {need.why}." for need in missing)
        sudo = "" if is_root or manager == "brew" else "sudo "
        raise SetupFailed(f"{lacking}\nRun: {sudo}{' '.join(command)}\nthen: make setup", USER)
    print(f"installing {' '.join(packages)} with apt", flush=True)
    run_logged(command, places.logs / "apt-install.log", env=quiet)
    still = [need.what for need in missing if not need.is_met()]
    if still:
        raise SetupFailed(
            f"{', '.join(still)}: still not found after {' '.join(command)}. Install by hand, then: make setup", USER
        )
