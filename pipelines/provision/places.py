"""Where set-up reads and writes: the checkout's own folders, and a cache that several checkouts share."""

import os
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Places:
    """The folders of one set-up; a test points them at a temporary folder. environment: what is set up, a virtual
    environment in the checkout: the main one, or one of its own for what does not go with it."""

    checkout: Path
    cache: Path
    environment: str = ".venv"

    @property
    def venv(self) -> Path:
        return self.checkout / self.environment

    @property
    def python(self) -> Path:
        return self.venv / "bin" / "python"

    @property
    def locks(self) -> Path:
        return self.checkout / "locks"

    @property
    def jars(self) -> Path:
        """The Delta jars of this checkout: what `spark.jars` names."""
        return self.venv / "jars"

    @property
    def s3(self) -> Path:
        """What Spark needs to read and write an object store; only where it was asked for."""
        return self.venv / "s3"

    @property
    def classes(self) -> Path:
        """The classes of Spark's JVM, as it maps them into memory."""
        return self.venv / "classes.jsa"

    @property
    def java_home(self) -> Path:
        """A text file with the Java home in use, for a run whose JAVA_HOME is not set."""
        return self.venv / "java_home"

    @property
    def stamp(self) -> Path:
        return self.venv / "headrace_setup.json"

    @property
    def scratch(self) -> Path:
        """For half-finished work; a set-up that was killed leaves some, and the next one removes it."""
        return self.cache / "scratch"

    @property
    def logs(self) -> Path:
        return self.cache / "logs"


def default_places() -> Places:
    """This checkout, and `HEADRACE_CACHE` or `~/.cache/headrace`."""
    cache = os.environ.get("HEADRACE_CACHE")
    return Places(CHECKOUT, Path(cache).expanduser().resolve() if cache else Path.home() / ".cache" / "headrace")
