from __future__ import annotations

import sys

import hung


def test_a_test_that_hangs_shows_what_it_printed_and_what_the_jvm_is_at(spark, request, tmp_path):
    print("the last that it said", file=sys.stderr)
    with (tmp_path / "told").open("w") as to:
        hung.tell(request.node, to.fileno())
    told = (tmp_path / "told").read_text()
    assert f"{request.node.nodeid} hangs." in told
    assert "the last that it said" in told or request.config.option.capture == "no"
    assert "\ndag-scheduler-event-loop (" in told
    assert "org.apache.spark.util.EventLoop" in told
