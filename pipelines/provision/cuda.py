"""A CUDA home made of PyPI's wheels, against which Horovod's GPU half is compiled: no CUDA and no GPU is needed here.

The compiler is fetched for the build alone. NCCL and CUDA's runtime come with torch's packages, which are locked; a
machine without a GPU loads them and never calls them, so one wheel serves both.
"""

import platform
from collections.abc import Iterator
from pathlib import Path

from pipelines.provision.commands import run_logged
from pipelines.provision.failure import SetupFailed
from pipelines.provision.places import Places
from pipelines.provision.tools import uv_environment

# A100, H100 and their kin by name (T4 before them); newer ones compile the last of these for themselves
ARCHITECTURES = "75,80,90"
MACHINES = ("x86_64", "aarch64")


def has_compiler() -> bool:
    """Whether NVIDIA gives its compiler away as wheels for this machine."""
    return platform.system() == "Linux" and platform.machine() in MACHINES


def cuda_flags(places: Places, tools: Path, work: Path) -> dict[str, str]:
    """Fetch the compiler into `work`; return what Horovod's build must be told to use it and torch's NCCL."""
    fetched = work / "cuda"
    run_logged(
        [str(tools / "uv"), "pip", "install", "--python", str(places.python), "--target", str(fetched)]
        + ["--no-deps", "--require-hashes", "--only-binary", ":all:", "-r", str(places.locks / "cuda.txt")],
        places.logs / "cuda.log",
        env=uv_environment(),
    )
    home = _only(fetched.glob("nvidia/cu*/bin/nvcc"), "a CUDA compiler", fetched).parents[1]
    nccl = _only(places.venv.glob("lib/python*/site-packages/nvidia/nccl"), "NCCL", places.venv)
    _linked(home / "lib64", home / "lib")
    _linked(home / "lib" / "libcudart.so", _only(home.glob("lib/libcudart.so.*"), "CUDA's runtime", home))
    nccl_home = work / "nccl"
    (nccl_home / "lib").mkdir(parents=True)
    _linked(nccl_home / "include", nccl / "include")
    _linked(nccl_home / "lib" / "libnccl.so", _only(nccl.glob("lib/libnccl.so.*"), "NCCL's library", nccl))
    return {
        "HOROVOD_GPU_OPERATIONS": "NCCL",
        "HOROVOD_CUDA_HOME": str(home),
        "HOROVOD_NCCL_HOME": str(nccl_home),
        "HOROVOD_BUILD_CUDA_CC_LIST": ARCHITECTURES,
        "CUDA_HOME": str(home),
    }


def _only(found: Iterator[Path], what: str, where: Path) -> Path:
    """The one path of that kind; SetupFailed where there is none."""
    path = next(iter(sorted(found)), None)
    if path is None:
        raise SetupFailed(f"{what} was not found under {where}; Horovod cannot be built for GPUs. Run: make lock")
    return path


def _linked(link: Path, to: Path) -> None:
    if not link.exists():
        link.symlink_to(to.resolve())
