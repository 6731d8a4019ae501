"""Horovod's wheel: built once from its pinned sdist against the locked torch, then kept in the cache.

The last release (0.28.1) exists as source only and does not build against a current torch. A few exact edits make it
do so; where the source is not what they expect, nothing is built. The wheel's version says which torch it was built
against (`0.28.1+torch2.11.0`), so that `headrace doctor` can tell without importing either.
"""

import os
import platform
import re
import shutil
import sysconfig
import tempfile
from dataclasses import dataclass
from pathlib import Path

from pipelines.provision.commands import run_logged
from pipelines.provision.cuda import ARCHITECTURES, cuda_flags, has_compiler
from pipelines.provision.failure import SetupFailed
from pipelines.provision.fingerprint import fingerprint
from pipelines.provision.places import Places
from pipelines.provision.tools import uv_environment


@dataclass(frozen=True)
class Edit:
    """Replace `old`, which must stand exactly once in `path`, by `new`; `why` is for the reader of a failure."""

    path: str
    old: str
    new: str
    why: str


EDITS = (
    Edit("CMakeLists.txt", "set(CMAKE_CXX_STANDARD 14)", "set(CMAKE_CXX_STANDARD 17)", "torch's headers are C++17"),
    Edit(
        "horovod/torch/CMakeLists.txt",
        "set(CMAKE_CXX_STANDARD 14)",
        "set(CMAKE_CXX_STANDARD 17)",
        "torch's headers are C++17",
    ),
    Edit(
        "horovod/common/common.h",
        "#include <memory>\n#include <string>\n",
        "#include <memory>\n#include <stdexcept>\n#include <string>\n",
        "what it throws is defined there; GCC 14, Debian 13's, includes it nowhere else",
    ),
    Edit(
        "horovod/common/group_table.h",
        "#include <queue>\n",
        "#include <queue>\n#include <string>\n",
        "its tables have names; GCC 14 includes strings nowhere else",
    ),
    Edit(
        "third_party/flatbuffers/include/flatbuffers/stl_emulation.h",
        "  const size_type count_;\n",
        "  size_type count_;\n",
        "it is assigned to; GCC 14 refuses that in a template, too, that nobody uses",
    ),
    Edit("horovod/runner/util/network.py", "import psutil\n", "import os\nimport psutil\n", "for the next edit"),
    # its services would listen on every interface; this one line decides it, whatever `nics` says
    Edit(
        "horovod/runner/util/network.py",
        "            addr = ('', port)\n",
        "            place = os.environ.get('HEADRACE_BIND_ADDRESS', '127.0.0.1')\n"
        "            named = [own.address for own in net_if_addrs().get(place, []) if own.family == AF_INET]\n"
        "            addr = ((named or [place])[0], port)\n",
        "services bind where HEADRACE_BIND_ADDRESS says, by default on this machine only; an interface that it names "
        "has another address on each host",
    ),
)

FLAGS = {
    "HOROVOD_WITH_PYTORCH": "1",
    "HOROVOD_WITH_GLOO": "1",
    "HOROVOD_WITHOUT_MPI": "1",
    "HOROVOD_WITHOUT_TENSORFLOW": "1",
    "HOROVOD_WITHOUT_MXNET": "1",
}


def apply_edits(source: Path, edits: tuple[Edit, ...] = EDITS) -> None:
    """Edit the unpacked sdist in place; raise SetupFailed, changing nothing, unless every text stands exactly once."""
    edited: dict[Path, str] = {}
    for edit in edits:
        path = source / edit.path
        if path not in edited and not path.is_file():
            raise SetupFailed(
                f"Horovod's source has no {edit.path}, which must be edited ({edit.why}). Nothing was built."
            )
        text = edited.get(path) or path.read_text()
        times = text.count(edit.old)
        if times != 1:
            raise SetupFailed(
                f"Horovod's {edit.path}: {edit.old.strip()!r} stands there {times} times, not once ({edit.why}). "
                "Nothing was built: this is not the release the recipe was written for."
            )
        edited[path] = text.replace(edit.old, edit.new)
    for path, text in edited.items():
        path.write_text(text)


def locked_version(lock: Path, package: str) -> str:
    """The version that a lock file pins `package` to."""
    found = re.search(rf"^{re.escape(package)}==([^\s;\\]+)", lock.read_text(), re.MULTILINE)
    if not found:
        raise SetupFailed(f"{lock}: pins no {package}. Run: make lock")
    return found.group(1)


def wheel_folder(places: Places) -> Path:
    """Where the wheel lies: keyed by sdist, recipe, torch, Python's ABI and platform."""
    key = fingerprint(
        (places.locks / "horovod.txt").read_text(),
        repr(EDITS),
        repr(sorted(FLAGS.items())),
        (places.locks / "cuda.txt").read_text() + ARCHITECTURES if has_compiler() else "",
        locked_version(places.locks / "requirements.txt", "torch"),
        sysconfig.get_config_var("SOABI") or "",
        f"{platform.system()} {platform.machine()} {' '.join(platform.libc_ver())}",
    )
    return places.cache / "wheels" / key


def find_wheel(places: Places) -> Path | None:
    """The finished wheel, if it has been built for this lock and machine."""
    return next(iter(wheel_folder(places).glob("horovod-*.whl")), None)


def build_wheel(places: Places, tools: Path) -> Path:
    """Fetch, edit and compile; the wheel appears in the cache only when it is whole."""
    torch = locked_version(places.locks / "requirements.txt", "torch")
    env = uv_environment() | FLAGS
    env |= {
        "HOROVOD_LOCAL_VERSION": f"torch{torch}",
        "HOROVOD_CMAKE": str(tools / "cmake"),
        "MAKEFLAGS": f"-j{os.cpu_count() or 2}",
        "PATH": f"{places.venv / 'bin'}{os.pathsep}{tools}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
    }
    places.scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="horovod-", dir=places.scratch) as scratch:
        work = Path(scratch)
        run_logged(
            [str(tools / "python"), "-m", "pip", "download", "--disable-pip-version-check", "--no-deps"]
            + ["--no-binary", ":all:", "--no-build-isolation", "--require-hashes"]
            + ["-r", str(places.locks / "horovod.txt"), "--dest", str(work)],
            places.logs / "horovod-download.log",
        )
        sdist = next(work.glob("horovod-*.tar.gz"))
        shutil.unpack_archive(sdist, work)
        source = work / sdist.name.removesuffix(".tar.gz")
        apply_edits(source)
        if has_compiler():
            env |= cuda_flags(places, tools, work)
        run_logged(
            [str(tools / "uv"), "build", "--wheel", "--no-build-isolation", "--offline", "--python", str(places.python)]
            + ["--out-dir", str(work / "out"), str(source)],
            places.logs / "horovod-build.log",
            env=env,
        )
        built = next((work / "out").glob("horovod-*.whl"))
        folder = wheel_folder(places)
        folder.mkdir(parents=True, exist_ok=True)
        return built.replace(folder / built.name)


def install_horovod(places: Places, tools: Path) -> None:
    """Install the cached wheel, building it first where there is none."""
    wheel = find_wheel(places) or build_wheel(places, tools)
    run_logged(
        [str(tools / "uv"), "pip", "install", "--python", str(places.python), "--no-deps", "--offline", str(wheel)],
        places.logs / "horovod.log",
        env=uv_environment(),
    )
