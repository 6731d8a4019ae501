"""Where, how big, when: conf/base.yaml and one overlay, read into frozen typed settings. Meaning is in the code."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, is_dataclass
from operator import attrgetter
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints
from urllib.parse import unquote, urlsplit

import yaml

PROJECT = Path(__file__).resolve().parents[1]
"""The folder that holds conf/; relative paths in conf are below it, wherever a command is started."""

Value = str | int | float | bool | dict[str, str]


class SettingsError(ValueError):
    """The user's conf cannot be used; the message is one line: file, line, what is wrong, what to do."""


@dataclass(frozen=True)
class Form:
    """How a text must be written, and what that is called in a message."""

    pattern: str
    called: str


@dataclass(frozen=True)
class AtLeast:
    """The least that a number may be."""

    least: float


@dataclass(frozen=True)
class Spark:
    master: Annotated[str, "local[n], spark://…, yarn, k8s://…; spark-submit's own master wins"]
    conf_file: Annotated[Path, "Spark's properties, in spark-defaults format"]
    driver_memory: Annotated[str, "heap of the driver, e.g. 3g", Form(r"[1-9]\d*[mgt]", "a number with m, g or t")]
    shuffle_partitions: Annotated[int, "about the number of cores in all", range(1, 100_001)]
    brief_mb: Annotated[int, "so much taken in, and nothing besides, needs no second compiler", range(1_000_001)]
    log_file: Annotated[Path, "what Spark itself has to say"]


@dataclass(frozen=True)
class Mlflow:
    tracking_uri: Annotated[str, "store of runs and models: SQLAlchemy URI, or http(s):// of a tracking server"]
    artifacts: Annotated[str, "where models and figures go; a tracking server decides itself"]
    port: Annotated[int, "of the UI on this machine", range(1, 65_536)]


@dataclass(frozen=True)
class Training:
    workers: Annotated[int, "ranks of a distributed fit; at most the slots of the master", range(1, 10_001)]
    device: Annotated[Literal["cpu", "cuda"], "what a fit computes on"]
    engines: Annotated[Mapping[str, str], "by family, the engine to take instead of its first; auto: by size"]
    precision: Annotated[Literal["float32", "bfloat16"], "in which nets compute what bears it"]
    compression: Annotated[Literal["none", "fp16"], "of the gradients that the ranks of a net send one another"]
    budget_minutes: Annotated[int, "a fit that is estimated to take longer is refused; 0: none is", range(1_000_001)]
    price_per_core_hour: Annotated[float, "what an hour of a core costs, in any currency; 0: unknown", AtLeast(0.0)]


@dataclass(frozen=True)
class Outbox:
    sink: Annotated[Literal["file"], "how decisions leave"]
    path: Annotated[Path, "local folder of the file sink"]


CRON = Form(r"[\d*][\d*,/-]*( [\d*][\d*,/-]*){4}", "five fields of cron in figures such as 15 1 * * *")


@dataclass(frozen=True)
class Schedule:
    run: Annotated[str, "when Airflow and conf/crontab begin a run of everything; Airflow's clock is UTC", CRON]
    maintain: Annotated[str, "when they begin maintenance, the same way", CRON]
    wait_s: Annotated[int, "how long a run waits for another one at its domain, in seconds", range(604_801)]


@dataclass(frozen=True)
class Maintain:
    keep_days: Annotated[
        int, "so long a version can still be read after it was replaced, pinned or not", range(1, 36_501)
    ]


@dataclass(frozen=True)
class Settings:
    """root: an absolute folder, or a URI such as s3a://…; all paths are absolute."""

    root: Annotated[str, "where tables live: a folder, file:///… or s3a://…"]
    drops: Annotated[Path, "local folder where source systems drop raw files: <drops>/<domain>/<source>"]
    sources: Annotated[
        Mapping[str, str],
        "where files lie that are not in their drop folder: <domain>.<source>: folder, file, glob, s3a://<bucket>/…",
    ]
    ledger: Annotated[str, "SQLAlchemy URI of the ledger"]
    samples: Annotated[bool, "whether land drops each domain's embedded records first"]
    spark: Spark
    mlflow: Mlflow
    training: Training
    outbox: Outbox
    schedule: Schedule
    maintain: Maintain

    def sources_of(self, domain: str) -> dict[str, str]:
        """Where the files of the domain's sources lie, by the source's name, if not in its drop folder."""
        named = (name.partition(".") for name in self.sources)
        return {source: self.sources[f"{of}.{source}"] for of, _, source in named if of == domain}


@dataclass(frozen=True)
class Key:
    """One known key, for `headrace conf`: how it is written by default and what it comes to; passwords are hidden."""

    name: str
    type: str
    default: str
    value: str
    meaning: str


def load(conf: Path | None, root: Path = PROJECT) -> Settings:
    """Settings of the project in `root`: conf/base.yaml under the overlay `conf` (a file, or a name such as `cluster`).

    Raises SettingsError for a missing or unreadable file, an unknown key, a wrong type or value.
    """
    base = root / "conf" / "base.yaml"
    settled = _read(base, root)
    if missing := [name for name in KNOWN if name not in settled]:
        raise SettingsError(f"{_shown(base, root)}: missing key '{missing[0]}'. This file must name every key")
    if conf is not None:
        settled |= _read(_overlay(conf, root), root)
    data_root = _location(str(settled["root"].value), root)
    values = {name: _placed(name, given, root, data_root) for name, given in settled.items()}
    return _built(Settings, "", values)


def known_keys(conf: Path | None, root: Path = PROJECT) -> list[Key]:
    """Every key with its type, default, meaning and the value it has under the overlay `conf`."""
    settings, defaults = load(conf, root), _read(root / "conf" / "base.yaml", root)
    return [
        Key(name, _type_name(name), _text(defaults[name].value), _text(attrgetter(name)(settings)), meaning)
        for name, (_, meaning, *_) in KNOWN.items()
    ]


def _known(section: type, prefix: str = "") -> Iterator[tuple[str, tuple[Any, ...]]]:
    for name, hint in get_type_hints(section, include_extras=True).items():
        if is_dataclass(hint):
            yield from _known(hint, f"{prefix}{name}.")  # type: ignore[arg-type]
        else:
            yield f"{prefix}{name}", get_args(hint)


KNOWN = dict(_known(Settings))
"""Type, meaning and, for some, the allowed values of every key by its dotted name."""
SECTIONS = {name.rpartition(".")[0] for name in KNOWN} - {""}


@dataclass(frozen=True)
class _Given:
    value: Value
    where: str


def _overlay(conf: Path, root: Path) -> Path:
    if conf.suffix or conf.is_file():
        return conf if conf.is_absolute() or conf.exists() else root / conf
    found = root / "conf" / f"{conf}.yaml"
    if not found.is_file():
        there = sorted(path.stem for path in (root / "conf").glob("*.yaml") if path.stem != "base")
        guess = _guess(str(conf), there)
        raise SettingsError(f"{_shown(found, root)}: no such file{guess} There are: {', '.join(there)}")
    return found


def _read(path: Path, root: Path) -> dict[str, _Given]:
    """The file's values by dotted name, each of a known key and of its type."""
    shown = _shown(path, root)
    try:
        loader = yaml.SafeLoader(path.read_bytes())
        node = loader.get_single_node()
        return dict(_flat(loader, node, "", shown)) if node is not None else {}
    except OSError as error:
        raise SettingsError(f"{shown}: {error.strerror}. Give the path of a file with --conf") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{shown}: line {mark.line + 1}" if mark else shown
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "unreadable"
        raise SettingsError(f"{where}: not valid YAML: {problem}. Correct the file") from error


def _flat(loader: yaml.SafeLoader, node: yaml.Node, prefix: str, shown: str) -> Iterator[tuple[str, _Given]]:
    if not isinstance(node, yaml.MappingNode):
        if prefix and node.tag == "tag:yaml.org,2002:null":  # a section whose keys are all commented out
            return
        what = f"'{prefix.rstrip('.')}'" if prefix else "the file"
        raise SettingsError(f"{shown}: line {node.start_mark.line + 1}: {what} must hold keys: headrace conf --help")
    seen: dict[str, int] = {}
    for key_node, value_node in node.value:
        name, line = f"{prefix}{key_node.value}", key_node.start_mark.line + 1
        where = f"{shown}: line {line}"
        if name in seen:
            raise SettingsError(f"{where}: '{name}' stands twice, first in line {seen[name]}. Remove one of them")
        seen[name] = line
        if name in SECTIONS:
            yield from _flat(loader, value_node, f"{name}.", shown)
        elif name in KNOWN:
            value = loader.construct_object(value_node, deep=True)
            if not _fits(value, *KNOWN[name]):
                wanted = _type_name(name)
                raise SettingsError(f"{where}: '{name}' must be {wanted}, not {value!r}. See: headrace conf --help")
            yield name, _Given(value, where)
        else:
            guess = _guess(name, [*KNOWN, *SECTIONS])
            raise SettingsError(f"{where}: unknown key '{name}'{guess} Known keys: headrace conf --help")


def _fits(value: Any, kind: Any, _meaning: str, allowed: range | Form | AtLeast | None = None) -> bool:
    if get_origin(kind) is Literal:
        return value in get_args(kind)
    if get_origin(kind) is Mapping:
        return isinstance(value, dict) and all(isinstance(part, str) for pair in value.items() for part in pair)
    if isinstance(allowed, AtLeast):
        return type(value) in (int, float) and math.isfinite(value) and value >= allowed.least
    if type(value) is not (str if kind is Path else kind) or value == "":
        return False
    if isinstance(allowed, Form):
        return re.fullmatch(allowed.pattern, value) is not None
    return allowed is None or value in allowed


def _placed(name: str, given: _Given, root: Path, data_root: str) -> Any:
    """The value with {root} filled in; whatever is a place of ours is absolute."""
    value, kind = given.value, KNOWN[name][0]
    if name == "sources" and isinstance(value, dict):
        return {source: _source_location(source, text, given, root, data_root) for source, text in value.items()}
    if not isinstance(value, str):
        return value
    value = value.replace("{root}", data_root)
    if value.startswith("sqlite:///"):
        value = f"sqlite:///{root / value.removeprefix('sqlite:///')}" if ":/" not in value[7:] else value
    elif kind is Path or name in ("root", "mlflow.artifacts"):
        value = _location(value, root)
    if name == "root":
        _must_hold_tables(value, given)
    if (kind is Path or value.startswith("sqlite:")) and ":/" in value.removeprefix("sqlite:"):
        raise SettingsError(f"{given.where}: '{name}' must lie on this machine, not {value}. Give it its own place")
    return Path(value) if kind is Path else value


def _must_hold_tables(root: str, given: _Given) -> None:
    if "@" in root.partition("://")[2].partition("/")[0]:
        raise SettingsError(f"{given.where}: 'root': no credentials in conf: AWS's environment or ~/.aws has them")
    if "://" in root and not re.fullmatch("s3a://[^/]+/.+", root):
        raise SettingsError(f"{given.where}: 'root': {root} is neither a folder nor s3a://<bucket>/<folder>")


def _source_location(source: str, text: str, given: _Given, root: Path, data_root: str) -> str:
    """Where a source's files lie: in a place of this machine, or in an object store."""
    location = _location(text.replace("{root}", data_root), root)
    where = f"{given.where}: 'sources': '{source}'"
    if not re.fullmatch(r"[^.]+\.[^.]+", source):
        raise SettingsError(f"{where}: name it as <domain>.<source>")
    if "@" in location.partition("://")[2].partition("/")[0]:
        raise SettingsError(f"{where}: no credentials in conf: the environment or ~/.aws/credentials has them")
    if "://" in location and not location.startswith(("s3a://", "s3://")):
        raise SettingsError(f"{where}: {location} is neither a folder, file or glob nor s3a://<bucket>/…")
    return location


def _built(section: type, prefix: str, values: Mapping[str, Any]) -> Any:
    hints = get_type_hints(section)
    return section(
        **{
            name: _built(hint, f"{prefix}{name}.", values) if is_dataclass(hint) else values[f"{prefix}{name}"]  # type: ignore[arg-type]
            for name, hint in hints.items()
        }
    )


def _location(text: str, root: Path) -> str:
    """An absolute path for a local place, the URI itself for any other."""
    if text.startswith("file:"):
        text = unquote(urlsplit(text).path)
    return text if "://" in text else str((root / Path(text).expanduser()).resolve())


def _shown(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


def _guess(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f". Did you mean '{close[0]}'?" if close else "."


def _type_name(name: str) -> str:
    kind, _, *allowed = KNOWN[name]
    if get_origin(kind) is Literal:
        return " or ".join(get_args(kind))
    if allowed and isinstance(allowed[0], range):
        return f"a whole number from {allowed[0].start} to {allowed[0].stop - 1}"
    if allowed and isinstance(allowed[0], AtLeast):
        return f"a number from {allowed[0].least:g}"
    if allowed:
        return str(allowed[0].called)
    return {str: "text", bool: "true or false", Path: "a path"}.get(kind, "a mapping of names to names")


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else without_password(str(value))


def without_password(uri: str) -> str:
    """The URI as it may be shown."""
    return re.sub(r"(://[^:/@]*):[^@/]+@", r"\1:***@", uri)
