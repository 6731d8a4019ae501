"""A test that hangs says where: what was printed, the stacks of Spark's JVM, then Python's, and the process ends.

The last are pytest's own (`faulthandler_timeout`). It knows nothing of the threads in the JVM, for which a test waits,
nor of the JVM's Python workers, which print their stacks when a task takes long: see the session in conftest.py.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pyspark import SparkContext

BEFORE_THE_END_S = 30.0
"""So long before pytest ends the process is the JVM asked: it answers within a second if it can."""
_INNERMOST = 12


@contextmanager
def told(item: pytest.Item, to: int) -> Iterator[None]:
    """If the block still runs shortly before pytest's limit, the file descriptor `to` is told of it."""
    limit_s = float(item.config.getini("faulthandler_timeout"))
    watch = threading.Timer(limit_s - BEFORE_THE_END_S, tell, (item, to))
    watch.daemon = True
    watch.start()
    try:
        yield
    finally:
        watch.cancel()


def tell(item: pytest.Item, to: int) -> None:
    with open(to, "w", encoding="utf-8", closefd=False) as stream:
        print(f"\n{item.nodeid} hangs.", file=stream)
        if capture := item.config.pluginmanager.get_plugin("capturemanager"):
            print("Printed so far:", *capture.read_global_capture(), sep="\n", file=stream)
        if jvm := SparkContext._jvm:
            print("Threads of Spark's JVM:", *threads_of(jvm), sep="\n", file=stream)


def threads_of(jvm) -> Iterator[str]:
    """Those that are within more than Java's own pools, each with its innermost frames."""
    for each in jvm.java.lang.Thread.getAllStackTraces().entrySet():
        frames = [str(frame) for frame in each.getValue()]
        if not all(frame.startswith("java.") for frame in frames):
            yield f"\n{each.getKey().getName()} ({each.getKey().getState()})"
            yield from (f"    at {frame}" for frame in frames[:_INNERMOST])
