"""The publication protocol as a small executable model: what Warehouse and Ledger must do, in plain Python.

Histories of deliveries, crashes, refused audits, lost replies, zombies and maintenance (compaction, vacuum, a table
taken back by hand) run against it. At every moment
readers must see the accepted batches, each applied once and whole. Leaving out any one rule breaks that, which shows
that the rule is needed and that the model can fail. A history is a seed, so a violation can be run again.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

STEPS = {"facts": ("merge",), "history": ("close", "open")}  # per table, the writes of one attempt
RULES = {
    "pin": "before its first write an attempt restores every table whose HEAD is not what is pinned",
    "number": "every attempt takes a new number; a killed or refused one is dead",
    "step": "no two writes of one attempt share an application id",
    "transaction": "every write carries (application id, number), so a repeated one is skipped",
    "check": "a unit is published only if every commit since its base carries this attempt's number",
    "together": "all tables of a unit are published in one ledger transaction",
    "vacuum": "vacuum keeps the files of the versions that are pinned, whatever HEAD is",
    "claim": "only the attempt that began a table last, from what is pinned still, may record its base or publish it",
}

COMPACTION = -1  # instead of a batch, in an attempt that only compacts

Row = tuple[int, int, str]  # batch, wording, step


class Crash(Exception):
    """The process died here; nothing of its memory survives."""


@dataclass(frozen=True)
class Commit:
    rows: tuple[Row, ...] | None  # None once vacuum has removed its files
    transactions: dict[str, int]  # application id → highest number seen; RESTORE keeps it, as Delta does
    number: int


@dataclass
class Table:
    """A Delta table: atomic by itself only."""

    commits: list[Commit] = field(default_factory=lambda: [Commit((), {}, 0)])

    @property
    def head(self) -> int:
        return len(self.commits) - 1

    def write(self, row: Row, application: str, number: int, *, is_repeatable: bool) -> None:
        last = self.commits[-1]
        assert last.rows is not None, "what is HEAD is never vacuumed"
        if is_repeatable and last.transactions.get(application, 0) >= number:
            return  # Delta skips it, silently
        self.commits.append(Commit((*last.rows, row), last.transactions | {application: number}, number))

    def restore(self, version: int, number: int) -> int:
        self.commits.append(Commit(self.commits[version].rows, self.commits[-1].transactions, number))
        return self.head

    def compact(self, number: int) -> None:
        """The same rows in fewer files. OPTIMIZE carries no transaction, so a repeated one is not skipped."""
        last = self.commits[-1]
        self.commits.append(Commit(last.rows, last.transactions, number))

    def vacuum(self, kept: set[int]) -> None:
        """Remove what only versions need that are neither kept nor HEAD."""
        for version in set(range(self.head)) - kept:
            self.commits[version] = replace(self.commits[version], rows=None)


@dataclass
class Attempt:
    number: int
    batch: int
    wording: int
    pins: dict[str, int]  # as they were when it was opened
    bases: dict[str, int] = field(default_factory=dict)
    checked: dict[str, int] = field(default_factory=dict)

    @property
    def is_compaction(self) -> bool:
        return self.batch == COMPACTION


class World:
    """One history, decided by its seed, under all rules but `without`."""

    def __init__(self, seed: int, without: str = "") -> None:
        self.random, self.without = random.Random(seed), without
        self.tables = {name: Table() for name in STEPS}
        self.pins, self.bases, self.writers = (dict.fromkeys(STEPS, 0) for _ in range(3))
        self.numbers = 0
        self.published: list[tuple[int, int]] = []
        self.dead: list[Attempt] = []

    def chance(self, likelihood: float) -> bool:
        return self.random.random() < likelihood

    def crash(self) -> None:
        if self.chance(0.08):
            raise Crash

    def open(self, batch: int, wording: int) -> Attempt:
        self.numbers += 1
        number = batch + 1 if self.without == "number" else self.numbers
        return Attempt(number, batch, wording, dict(self.pins))

    def begin(self, attempt: Attempt, name: str) -> None:
        """Claim the table and start from its pin."""
        if self.without != "claim":
            if self.writers[name] > attempt.number or self.pins[name] != attempt.pins[name]:
                raise Crash
            self.writers[name] = attempt.number
        table = self.tables[name]
        attempt.bases[name] = self.bases[name]
        if self.without == "pin" or table.head == self.bases[name]:
            return
        base = table.restore(attempt.pins[name], attempt.number)
        self.crash()  # restored but not recorded: the next attempt restores once more
        attempt.bases[name] = self.bases[name] = base

    def write(self, attempt: Attempt, name: str, step: str) -> None:
        application = name if self.without == "step" else f"{name}/{step}"
        row = (attempt.batch, attempt.wording, step)
        self.tables[name].write(row, application, attempt.number, is_repeatable=self.without != "transaction")

    def zombie(self) -> None:
        """An attempt believed dead goes on: it publishes, or begins a table that it had not, and finishes a write."""
        if not self.dead or not self.chance(0.1):
            return
        attempt, name = self.random.choice(self.dead), self.random.choice(list(STEPS))
        try:
            if attempt.checked:
                self.publish(attempt)
            elif name not in attempt.bases:
                self.begin(attempt, name)
        except Crash:
            return
        if attempt.is_compaction:
            self.tables[name].compact(attempt.number)
        else:
            self.write(attempt, name, self.random.choice(STEPS[name]))

    def process(self, attempt: Attempt, is_good: bool) -> None:
        for name, steps in STEPS.items():
            self.begin(attempt, name)
            for step in steps:
                for _ in range(2 if self.chance(0.2) else 1):  # a lost reply: the same write once more
                    self.write(attempt, name, step)
                self.crash()
                self.zombie()
        if not is_good:
            raise Crash
        self.finish(attempt)

    def compact(self, attempt: Attempt, name: str) -> None:
        """A unit of its own for one table: from the pin, stamped, checked and published like any other."""
        self.begin(attempt, name)
        for _ in range(2 if self.chance(0.2) else 1):
            self.tables[name].compact(attempt.number)
            self.crash()
            self.zombie()
        self.finish(attempt)

    def finish(self, attempt: Attempt) -> None:
        """Check what the attempt began, then publish it."""
        versions = {name: self.tables[name].head for name in attempt.bases}
        is_own = self.without == "check" or all(
            commit.number == attempt.number
            for name, version in versions.items()
            for commit in self.tables[name].commits[attempt.bases[name] + 1 : version + 1]
        )
        if not is_own:
            raise Crash
        attempt.checked = versions
        self.crash()
        self.zombie()  # between check and publication: beyond the versions checked
        self.publish(attempt)

    def publish(self, attempt: Attempt) -> None:
        if self.without != "claim" and any(self.writers[name] != attempt.number for name in attempt.checked):
            raise Crash
        versions, attempt.checked = attempt.checked, {}
        if not attempt.is_compaction:
            self.published.append((attempt.batch, attempt.wording))
        for name, version in versions.items():
            self.pins[name] = self.bases[name] = version
            if self.without == "together":
                self.crash()

    def maintain(self) -> None:
        """Somebody restores a table by hand: the content stays, HEAD moves. Or a table is compacted, or vacuumed."""
        name = self.random.choice(list(STEPS))
        table = self.tables[name]
        event = self.random.choice((self.by_hand, self.compact_one, self.vacuum))
        event(name, table)

    def by_hand(self, name: str, table: Table) -> None:
        table.restore(table.head, 0)

    def compact_one(self, name: str, table: Table) -> None:
        attempt = self.open(COMPACTION, 0)
        try:
            self.compact(attempt, name)
        except Crash:
            self.dead.append(attempt)

    def vacuum(self, name: str, table: Table) -> None:
        table.vacuum(set() if self.without == "vacuum" else {self.pins[name], self.bases[name]})

    def visible(self) -> dict[str, tuple[Row, ...] | None]:
        return {name: table.commits[self.pins[name]].rows for name, table in self.tables.items()}

    def expected(self) -> dict[str, tuple[Row, ...]]:
        return {
            name: tuple((batch, wording, step) for batch, wording in self.published for step in steps)
            for name, steps in STEPS.items()
        }


def violation(seed: int, without: str = "") -> str | None:
    """Run one history; say what went wrong, or None."""
    world = World(seed, without)
    for batch in range(world.random.randint(1, 5)):
        refusals = world.random.choice((0, 0, 0, 1, 2))  # each refused delivery comes back mended: other rows
        for wording in range(300):
            attempt = world.open(batch, min(wording, refusals))
            try:
                world.process(attempt, is_good=wording >= refusals)
            except Crash:
                world.dead.append(attempt)
            if world.chance(0.2):
                world.maintain()
            if world.visible() != world.expected():
                return f"seed {seed}: readers see {world.visible()}, published were {world.published}"
            if any(done == batch for done, _ in world.published):
                break
        else:
            return f"seed {seed}: batch {batch} never gets through"
    return None
