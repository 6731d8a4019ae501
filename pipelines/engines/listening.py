"""Where the ranks of a fit listen for one another: at one network interface, by default at loopback alone."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psutil

from pipelines.contracts.fits import FitError

if TYPE_CHECKING:
    from pyspark import SparkContext

LOOPBACK = "127.0.0.1"
BIND_ADDRESS = "HEADRACE_BIND_ADDRESS"
"""The environment variable that names the interface: by its name (eth1), or by its first IPv4 address on the machine of
the driver. Each rank listens at the first IPv4 address that the interface of that name has on its own host."""


def interface() -> str:
    """The name of the interface at which ranks listen; FitError where this machine has none such."""
    named = os.environ.get(BIND_ADDRESS, LOOPBACK)
    addresses = _addresses()
    for name, own in addresses.items():
        if named in (name, own[0]):
            return name
    for name, own in addresses.items():
        if named in own:
            raise FitError(
                f"{BIND_ADDRESS} is {named}, which is not the first address of {name}, and ranks listen at an "
                f"interface's first; name {own[0]}"
            )
    here = ", ".join(f"{name} ({own[0]})" for name, own in addresses.items())
    raise FitError(f"{BIND_ADDRESS} is {named}, and no network interface here is called so or has it, of {here}")


def first_address(name: str) -> str:
    """The IPv4 address of this machine at which ranks listen on the interface."""
    return _addresses()[name][0]


@contextmanager
def told_to_tasks(context: SparkContext, name: str) -> Iterator[None]:
    """Within it, what runs in Spark's Python tasks listens at the interface too, on whichever host it is.

    Only where BIND_ADDRESS is set here: loopback is where it listens by itself, and for another environment Spark
    starts other Python processes.
    """
    held = context.environment
    if BIND_ADDRESS in os.environ:
        context.environment = {**held, BIND_ADDRESS: name}
    try:
        yield
    finally:
        context.environment = held


def interface_of(address: str) -> str | None:
    """The name of the interface here that has the address, whichever of its own it is."""
    interfaces = psutil.net_if_addrs().items()
    return next((str(name) for name, own in interfaces if any(one.address == address for one in own)), None)


def _addresses() -> dict[str, list[str]]:
    """The IPv4 addresses of each interface here that has some."""
    found = {
        str(name): [one.address for one in own if one.family == socket.AF_INET]
        for name, own in psutil.net_if_addrs().items()
    }
    return {name: own for name, own in found.items() if own}
