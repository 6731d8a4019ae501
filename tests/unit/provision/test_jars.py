"""The Delta jars: the pinned ones, or none."""

import hashlib

import pytest

from pipelines.provision import jars
from pipelines.provision.failure import SetupFailed
from pipelines.provision.jars import DELTA, install_jars, read_lock
from pipelines.provision.places import Places

WANTED = b"the jar that was locked"
OTHER = b"another jar under its name"


@pytest.fixture
def places(tmp_path):
    places = Places(tmp_path / "checkout", tmp_path / "cache")
    places.locks.mkdir(parents=True)
    digest = hashlib.sha256(WANTED).hexdigest()
    (places.locks / "jars.txt").write_text(f"# a comment\norg.example:thing_2.13:1.0 {digest} thing_2.13-1.0.jar\n")
    return places


def repository_with(content, monkeypatch):
    """Let Spark's resolver bring `content`; count how often it is asked."""
    asked = []

    def resolve(coordinates, _of, _places, _java_home, into):
        asked.append(coordinates)
        (into / "jars").mkdir()
        (into / "jars" / "org.example_thing_2.13-1.0.jar").write_bytes(content)

    monkeypatch.setattr(jars, "resolve", resolve)
    return asked


def test_a_jar_is_fetched_once_and_then_local(places, monkeypatch, tmp_path):
    asked = repository_with(WANTED, monkeypatch)
    install_jars(DELTA, places.jars, places, tmp_path)
    install_jars(DELTA, places.jars, places, tmp_path)
    assert asked == [["org.example:thing_2.13:1.0"]]
    assert [jar.read_bytes() for jar in places.jars.iterdir()] == [WANTED]


def test_a_fetched_jar_with_another_hash_is_refused(places, monkeypatch, tmp_path):
    repository_with(OTHER, monkeypatch)
    with pytest.raises(SetupFailed, match=r"thing_2\.13-1\.0\.jar: sha256 is .*, but locks/jars\.txt pins"):
        install_jars(DELTA, places.jars, places, tmp_path)
    assert not places.jars.exists()
    assert list((places.cache / "jars").iterdir()) == []


def test_a_jar_that_changed_in_the_cache_is_refused(places, monkeypatch, tmp_path):
    repository_with(WANTED, monkeypatch)
    install_jars(DELTA, places.jars, places, tmp_path)
    (places.cache / "jars" / "thing_2.13-1.0.jar").unlink()
    (places.cache / "jars" / "thing_2.13-1.0.jar").write_bytes(OTHER)
    with pytest.raises(SetupFailed, match="was not installed"):
        install_jars(DELTA, places.jars, places, tmp_path)
    assert [jar.read_bytes() for jar in places.jars.iterdir()] == [WANTED]


def test_a_jar_that_the_repository_lacks_is_named(places, monkeypatch, tmp_path):
    monkeypatch.setattr(jars, "resolve", lambda *_: None)
    with pytest.raises(SetupFailed, match=r"org\.example:thing_2\.13:1\.0: Spark's resolver brought no such jar"):
        install_jars(DELTA, places.jars, places, tmp_path)


def test_a_broken_line_of_the_lock_is_named(places):
    (places.locks / "jars.txt").write_text("org.example:thing:1.0 only-two\n")
    with pytest.raises(SetupFailed, match="entry 1: expected"):
        read_lock(places.locks / "jars.txt")
