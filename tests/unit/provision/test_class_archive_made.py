"""Set-up lets a run write the archive of Spark's classes, and goes on without one where Java writes none."""

import os

import pytest

from pipelines.provision.class_archive import WRITE, install_archive
from pipelines.provision.failure import SetupFailed
from pipelines.provision.places import Places

SAID = "this Java writes no archive, so Spark starts slower; "


def places_with(tmp_path, script):
    """A checkout whose `headrace` is a shell script."""
    places = Places(tmp_path / "checkout", tmp_path / "cache")
    command = places.venv / "bin" / "headrace"
    command.parent.mkdir(parents=True)
    command.write_text(f"#!/bin/sh\n{script}\n")
    command.chmod(0o755)
    return places


def test_a_run_is_asked_to_write_it(tmp_path, capsys):
    places = places_with(tmp_path, f'[ "${WRITE}" = 1 ] && echo "$@" > .venv/classes.jsa')
    install_archive(places)
    assert places.classes.read_text().startswith("run --domain energy --stage land --stage bronze --stage silver ")
    assert (capsys.readouterr().out, WRITE in os.environ) == ("", False)
    assert list(places.scratch.iterdir()) == []


def test_an_older_one_does_not_stand_for_one_that_was_not_made(tmp_path, capsys):
    places = places_with(tmp_path, "exit 0")
    places.classes.touch()
    install_archive(places)
    assert (places.classes.exists(), capsys.readouterr().out) == (False, SAID)


def test_a_run_that_fails_is_set_ups_failure(tmp_path):
    with pytest.raises(SetupFailed, match="no space left"):
        install_archive(places_with(tmp_path, "echo no space left; exit 1"))
