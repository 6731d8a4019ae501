"""Set-up does what is due and no more, and goes on where it stopped."""

import platform
import subprocess

import pytest

from pipelines.provision.failure import SetupFailed
from pipelines.provision.places import Places, default_places
from pipelines.provision.setup import Step, due_steps, only_one, provide_java, run_due, steps_of
from pipelines.provision.spark_home import spark_home, write_anew


@pytest.fixture
def places(tmp_path):
    """A checkout whose .venv was made for this Python."""
    places = Places(tmp_path / "checkout", tmp_path / "cache")
    places.python.parent.mkdir(parents=True)
    places.python.touch()
    (places.venv / "pyvenv.cfg").write_text(f"version_info = {platform.python_version()}\n")
    return places


def steps_into(done, **keys):
    """Steps that write their name into `done`."""
    return [Step(name, "for the test", key, lambda name=name: done.append(name)) for name, key in keys.items()]


def test_a_second_set_up_does_nothing_and_says_nothing(places, capsys):
    done = []
    run_due(steps_into(done, packages="a", jars="b"), places)
    capsys.readouterr()
    assert run_due(steps_into(done, packages="a", jars="b"), places) == []
    assert done == ["packages", "jars"]
    assert capsys.readouterr().out == ""


def test_a_changed_lock_repeats_its_step_and_what_stands_on_it(places):
    done = []
    run_due(steps_into(done, packages="a", jars="b", horovod="c"), places)
    done.clear()
    run_due(steps_into(done, packages="a", jars="changed", horovod="c"), places)
    assert done == ["jars", "horovod"]


def test_a_set_up_that_was_cut_off_goes_on_where_it_stopped(places):
    def cut_off():
        raise SetupFailed("no network")

    done = []
    first, second = steps_into(done, packages="a", jars="b")
    with pytest.raises(SetupFailed):
        run_due([first, Step("jars", "for the test", "b", cut_off)], places)
    run_due([first, second], places)
    assert done == ["packages", "jars"]


def test_what_a_killed_set_up_left_half_done_is_removed(places):
    half_done = places.scratch / "horovod-abc" / "source"
    half_done.mkdir(parents=True)
    with only_one(places):
        assert not half_done.exists()


def test_an_environment_of_another_python_counts_for_nothing(places):
    done = []
    run_due(steps_into(done, packages="a"), places)
    (places.venv / "pyvenv.cfg").write_text("version_info = 3.9.1\n")
    assert [step.name for step in due_steps(steps_into(done, packages="a"), places)] == ["packages"]


def test_this_checkout_is_set_up_and_finding_that_out_starts_no_program(monkeypatch):
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("a program was started"))
    places = default_places()
    due = due_steps(steps_of(places, provide_java(places)), places)
    assert [step.name for step in due] == []


def test_a_file_linked_to_the_shared_cache_is_replaced_and_not_written_into(tmp_path):
    cached, linked = tmp_path / "cached", tmp_path / "linked"
    cached.write_text("pyspark's own")
    linked.hardlink_to(cached)
    write_anew(linked, "ours")
    assert (cached.read_text(), linked.read_text()) == ("pyspark's own", "ours")


def test_spark_is_told_where_the_local_jars_are():
    places = default_places()
    defaults = (spark_home(places) / "conf" / "spark-defaults.conf").read_text()
    named = next(line for line in defaults.splitlines() if line.startswith("spark.jars ")).split()[1].split(",")
    assert sorted(named) == sorted(str(jar) for jar in places.jars.iterdir())
