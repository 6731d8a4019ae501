"""The ledger: one transaction, one writer, counts that add up."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, text

from pipelines.contracts.usage import Usage
from pipelines.io.failures import LedgerError
from pipelines.io.ledger import Ledger
from pipelines.io.ledger_costs import StageCost, costs_after, newest_champion, newest_fit
from pipelines.io.ledger_schema import VERSION, metadata
from pipelines.io.publication import Champion, Decisions, Fit, LandedFile, Outcomes, Publication, Written

ADDED_LATER = {"contents", "checks", "schemas", "leases", "movements", "cards", "costs"}
MORNING = datetime(2014, 2, 1, 6, tzinfo=UTC)


def landed(name: str, content: str) -> LandedFile:
    return LandedFile("load", name, f"landing/{name}", len(content), f"sha-{content}", MORNING)


def fit(family: str, run_id: str, metrics: dict[str, float]) -> Fit:
    return Fit("load_mw", family, run_id, f"key-{run_id}", metrics, {"gold.energy_load": 3}, MORNING)


def champion(version: int, family: str, why: str) -> Champion:
    return Champion("load_mw", "energy-load_mw", version, family, why, f"run-{version}", MORNING)


def test_a_manifest_comes_back_as_it_was_frozen(ledger: Ledger) -> None:
    files = (landed("load/a.csv", "a"), landed("load/b.csv", "b"))
    batch = ledger.open_batch("energy", files)
    [awaiting] = ledger.batches_awaiting("energy", "land")
    assert (awaiting.id, awaiting.domain, awaiting.files) == (batch, "energy", files)
    assert ledger.known_hashes("energy") == {"sha-a": "load/a.csv", "sha-b": "load/b.csv"}
    assert ledger.known_hashes("finance") == {}


def test_a_content_is_landed_once(ledger: Ledger) -> None:
    ledger.open_batch("energy", [landed("load/a.csv", "a")])
    with pytest.raises(LedgerError, match=r"energy: file 'load/again.csv' of source 'load' is in a batch already"):
        ledger.open_batch("energy", [landed("load/new.csv", "new"), landed("load/again.csv", "a")])
    assert ledger.known_hashes("energy") == {"sha-a": "load/a.csv"}, "the refused manifest left nothing behind"


def test_a_batch_awaits_the_stage_after_the_one_it_has_passed(ledger: Ledger) -> None:
    first = ledger.open_batch("energy", [landed("load/a.csv", "a")])
    second = ledger.open_batch("energy", [landed("load/b.csv", "b")])
    ledger.publish(ledger.open_attempt("energy", "land"), Publication(progress=((first, "land"),)))
    assert [b.id for b in ledger.batches_awaiting("energy", "bronze", after="land")] == [first]
    assert [b.id for b in ledger.batches_awaiting("energy", "land")] == [second]
    with pytest.raises(LedgerError, match="batch 1 has passed stage 'land' already"):
        ledger.publish(ledger.open_attempt("energy", "land"), Publication(progress=((first, "land"),)))


def test_a_dead_attempt_cannot_publish(ledger: Ledger) -> None:
    slow, fast = ledger.open_attempt("energy", "etl"), ledger.open_attempt("energy", "etl")
    with pytest.raises(LedgerError, match=f"energy etl: attempt {slow} is dead, attempt {fast} took over; run again"):
        ledger.publish(slow, Publication(predictions={"load_mw": 1}))
    ledger.publish(fast, Publication(predictions={"load_mw": 2}))
    with pytest.raises(LedgerError, match=f"attempt {fast} is published already"):
        ledger.publish(fast, Publication(predictions={"load_mw": 3}))
    assert ledger.status()["domains"]["energy"]["tasks"]["load_mw"]["predictions"] == 2


def test_attempts_at_other_units_live_on(ledger: Ledger) -> None:
    etl = ledger.open_attempt("energy", "etl")
    assert etl < ledger.open_attempt("energy", "train") < ledger.open_attempt("finance", "etl")
    ledger.publish(etl, Publication())


def test_a_table_has_one_writer_also_across_units(ledger: Ledger) -> None:
    etl = ledger.open_attempt("energy", "etl")
    assert ledger.claim(etl, "silver.energy_load") is None
    pin = ledger.create(etl, "silver.energy_load", "warehouse/silver/energy_load")
    assert (pin.version, pin.base, pin.rows, pin.is_published) == (0, 0, 0, False)
    alone = ledger.open_attempt("energy", "silver")
    assert ledger.claim(alone, "silver.energy_load") == pin
    ledger.record_base(alone, "silver.energy_load", 4)
    for write in (
        lambda: ledger.publish(etl, Publication(tables={"silver.energy_load": Written(3, 10)})),
        lambda: ledger.record_base(etl, "silver.energy_load", 5),
        lambda: ledger.claim(etl, "silver.energy_load"),
    ):
        with pytest.raises(LedgerError, match=f"silver.energy_load: attempt {alone} "):
            write()
    assert ledger.pins()["silver.energy_load"].base == 4
    ledger.publish(alone, Publication(tables={"silver.energy_load": Written(6, 20)}))
    published = ledger.pins("energy")["silver.energy_load"]
    assert (published.version, published.base, published.rows, published.is_published) == (6, 6, 20, True)


@pytest.mark.parametrize(
    ("rows", "counts", "message"),
    [
        (5, {"new": 3, "duplicate": 1}, "5 rows in, but 3 new [+] 1 duplicate; nothing is published"),
        (2, {"new": 3, "duplicate": -1}, "2 rows in, but 3 new [+] -1 duplicate; nothing is published"),
        (1, {}, "1 rows in, but no outcome; nothing is published"),
        (1, {"lost": 1}, "unknown outcomes lost; known: new, updated, deleted"),
    ],
)
def test_outcomes_must_add_up(ledger: Ledger, rows: int, counts: dict[str, int], message: str) -> None:
    batch = ledger.open_batch("energy", [landed("load/a.csv", "a")])
    attempt = ledger.open_attempt("energy", "etl")
    wrong = Outcomes(batch, "load/a.csv", "silver.energy_load", rows, counts)
    with pytest.raises(LedgerError, match=f"silver.energy_load: file 'load/a.csv' of batch {batch}.*{message}"):
        ledger.publish(attempt, Publication(progress=((batch, "silver"),), outcomes=(wrong,)))
    assert [b.id for b in ledger.batches_awaiting("energy", "silver")] == [batch], "nothing of it was published"


def test_counts_are_never_rewritten(ledger: Ledger) -> None:
    batch = ledger.open_batch("energy", [landed("load/a.csv", "a")])
    counted = Outcomes(batch, "load/a.csv", "silver.energy_load", 2, {"new": 2})
    ledger.publish(ledger.open_attempt("energy", "etl"), Publication(outcomes=(counted,)))
    with pytest.raises(LedgerError, match="was counted before"):
        ledger.publish(ledger.open_attempt("energy", "etl"), Publication(outcomes=(counted,)))
    stray = Outcomes(batch, "load/z.csv", "silver.energy_load", 0, {})
    with pytest.raises(LedgerError, match=r"file 'load/z.csv' of batch 1 is not in energy's manifest"):
        ledger.publish(ledger.open_attempt("energy", "etl"), Publication(outcomes=(stray,)))


def test_what_became_of_each_files_records_is_kept_by_table_and_attempt(ledger: Ledger) -> None:
    """One file feeds two tables, the other is empty; another domain's are not among them."""
    assert ledger.newest_attempt() == 0
    first = ledger.open_batch("energy", [landed("load/b.csv", "b"), landed("load/a.csv", "")])
    attempt = ledger.open_attempt("energy", "etl")
    counted = (
        Outcomes(first, "load/b.csv", "silver.energy_load", 5, {"new": 3, "duplicate": 2}),
        Outcomes(first, "load/b.csv", "silver.energy_events", 5, {"new": 4, "quarantined": 1}),
        Outcomes(first, "load/a.csv", "silver.energy_load", 0, {}),
    )
    ledger.publish(attempt, Publication(outcomes=counted))
    assert ledger.newest_attempt() == attempt
    second = ledger.open_batch("energy", [landed("load/b.csv", "later")])
    later = Outcomes(second, "load/b.csv", "silver.energy_load", 1, {"superseded": 1})
    ledger.publish(ledger.open_attempt("energy", "etl"), Publication(outcomes=(later,)))
    assert ledger.file_outcomes("energy") == [
        Outcomes(first, "load/a.csv", "silver.energy_load", 0, {"new": 0}),
        counted[1],
        counted[0],
        later,
    ]
    assert ledger.file_outcomes("energy", after=attempt) == [later]
    assert ledger.file_outcomes("finance") == []


def test_a_fingerprint_is_that_of_the_newest_publication(ledger: Ledger) -> None:
    assert ledger.fingerprint("energy", "train", "load_mw") is None
    for value in ("before", "after"):
        prints = {("train", "load_mw"): value, ("gold", ""): "same"}
        ledger.publish(ledger.open_attempt("energy", "train"), Publication(fingerprints=prints))
    assert ledger.fingerprint("energy", "train", "load_mw") == "after"
    assert ledger.fingerprint("energy", "gold") == "same"
    assert ledger.fingerprint("finance", "gold") is None


def test_the_newest_fit_of_a_family_counts_and_a_run_may_be_completed(ledger: Ledger) -> None:
    for published in (fit("xgboost", "r1", {}), fit("linear", "r2", {"mae": 9.0}), fit("xgboost", "r3", {})):
        ledger.publish(ledger.open_attempt("energy", "train"), Publication(fits=(published,)))
    evaluated = fit("xgboost", "r3", {"mae": 7.5})
    ledger.publish(ledger.open_attempt("energy", "evaluate"), Publication(fits=(evaluated,)))
    assert ledger.fits("energy", "load_mw") == {"xgboost": evaluated, "linear": fit("linear", "r2", {"mae": 9.0})}
    with pytest.raises(LedgerError, match="energy/load_mw: metric 'mae' of lstm is nan; leave it out"):
        spoilt = fit("lstm", "r4", {"mae": float("nan")})
        ledger.publish(ledger.open_attempt("energy", "train"), Publication(fits=(spoilt,)))


def test_champions_keep_their_history(ledger: Ledger) -> None:
    assert ledger.champions("energy", "load_mw") == []
    second = replace(champion(2, "xgboost", "beats linear by 12 %"), card_sha256="c0ffee")
    reign = [champion(1, "linear", "first"), second]
    for new in reign:
        ledger.publish(ledger.open_attempt("energy", "train"), Publication(champions=(new,)))
    assert ledger.champions("energy", "load_mw") == reign


def test_status_is_what_stands_published(ledger: Ledger) -> None:
    batch = ledger.open_batch("energy", [landed("load/a.csv", "a"), landed("load/b.csv", "b")])
    ledger.open_batch("energy", [landed("load/later.csv", "later")])
    attempt = ledger.open_attempt("energy", "etl")
    for table in ("silver.energy_load", "gold.energy_load"):
        ledger.create(attempt, table, f"warehouse/{table}")
    assert ledger.status() == {"domains": {"energy": {"files": 0, "tables": {}, "checks": [], "tasks": {}}}}
    first = Outcomes(batch, "load/a.csv", "silver.energy_load", 5, {"new": 3, "duplicate": 1, "quarantined": 1})
    second = Outcomes(batch, "load/b.csv", "silver.energy_load", 4, {"new": 1, "updated": 2, "unchanged": 1})
    ledger.publish(
        attempt,
        Publication(
            tables={"silver.energy_load": Written(2, 4), "gold.energy_load": Written(1, 1)},
            progress=((batch, "land"), (batch, "silver")),
            outcomes=(first, second),
            fits=(fit("xgboost", "r1", {"mae": 7.5, "naive_mae": 9.0}),),
            champions=(champion(1, "linear", "first"), champion(2, "xgboost", "better")),
            predictions={"load_mw": 48},
            decisions=(Decisions("load_mw", 48, "EUR", True, -10.0, -14.5, -8.0),),
        ),
    )
    counts = {"in": 9, "new": 4, "updated": 2, "deleted": 0, "unchanged": 1, "duplicate": 1, "superseded": 0}
    assert ledger.status() == {
        "domains": {
            "energy": {
                "files": 2,
                "tables": {
                    "gold.energy_load": {"path": "warehouse/gold.energy_load", "version": 1, "rows": 1},
                    "silver.energy_load": {
                        "path": "warehouse/silver.energy_load",
                        "version": 2,
                        "rows": 4,
                        "outcomes": counts | {"quarantined": 1},
                        "quarantine": {"open": 1, "replayed": 0, "discarded": 0},
                    },
                },
                "checks": [],
                "tasks": {
                    "load_mw": {
                        "runs": {"xgboost": {"mae": 7.5, "naive_mae": 9.0}},
                        "champion": {"model": "energy-load_mw", "version": 2, "family": "xgboost", "why": "better"},
                        "predictions": 48,
                        "decisions": {
                            "rows": 48,
                            "value": -10.0,
                            "naive_value": -14.5,
                            "foresight_value": -8.0,
                            "unit": "EUR",
                            "higher_is_better": True,
                        },
                    }
                },
            }
        }
    }


def test_a_ledger_is_opened_again_with_what_it_held(tmp_path: Path) -> None:
    place = str(tmp_path / "deep" / "ledger.db")
    assert Ledger(place).open_attempt("energy", "etl") == 1
    assert Ledger(f"sqlite:///{place}").open_attempt("energy", "etl") == 2


@pytest.mark.parametrize("version", [1, 3])
def test_an_older_ledger_is_given_the_tables_that_it_lacks(ledger_uri: str, version: int) -> None:
    first = Ledger(ledger_uri)
    first.publish(
        first.open_attempt("energy", "etl"),
        Publication(fingerprints={("gold", ""): "same"}, predictions={"load_mw": 48}),
    )
    with first.writing() as c:
        for name in sorted(ADDED_LATER):
            c.execute(text(f"DROP TABLE {name}"))
        c.execute(text(f"UPDATE ledger SET version = {version}"))
    opened = Ledger(ledger_uri)
    with opened.reading() as c:
        assert set(inspect(c).get_table_names()) == set(metadata.tables)
        assert c.execute(text("SELECT version FROM ledger")).all() == [(VERSION,)]
    assert opened.fingerprint("energy", "gold") == "same"
    assert opened.status()["domains"]["energy"]["tasks"]["load_mw"]["predictions"] == 48
    assert opened.open_attempt("energy", "etl") == 2


def test_costs_of_published_attempts_are_summed_by_stage_and_task(ledger: Ledger) -> None:
    def publish(unit: str, costs: dict[tuple[str, str], Usage], **more: object) -> None:
        ledger.publish(ledger.open_attempt("energy", unit), Publication(costs=costs, **more))

    tables = {("silver", ""): Usage(2.0, 3.0, bytes_written=10), ("gold", ""): Usage(1.0, 1.5)}
    publish("ingest", tables)
    fits, champions = (fit("linear", "run-1", {}),), (champion(1, "linear", "best"),)
    publish("learn load_mw", {("train", "load_mw"): Usage(8.0, 16.0)}, fits=fits, champions=champions)
    publish("ingest", tables)
    publish("decide load_mw", {("score", "load_mw"): Usage(0.5, 0.5, bytes_written=7)})
    ledger.open_attempt("energy", "ingest")
    with ledger.reading() as c:
        assert costs_after(c, "energy") == [
            StageCost("silver", "", 2, Usage(4.0, 6.0, bytes_written=20)),
            StageCost("gold", "", 2, Usage(2.0, 3.0)),
            StageCost("train", "load_mw", 1, Usage(8.0, 16.0)),
            StageCost("score", "load_mw", 1, Usage(0.5, 0.5, bytes_written=7)),
        ]
        assert costs_after(c, "finance") == []
        assert newest_fit(c, "energy", "load_mw") == newest_champion(c, "energy", "load_mw") == 2
        assert newest_fit(c, "energy", "price") == newest_champion(c, "energy", "price") == 0
        assert costs_after(c, "energy", 2) == [
            StageCost("silver", "", 1, Usage(2.0, 3.0, bytes_written=10)),
            StageCost("gold", "", 1, Usage(1.0, 1.5)),
            StageCost("score", "load_mw", 1, Usage(0.5, 0.5, bytes_written=7)),
        ]


def test_a_table_is_added_by_a_new_version_alone() -> None:
    of_ingest = {"ledger", "attempts", "batches", "files", "progress", "pins", "outcomes", "fingerprints"}
    of_tasks = {"fits", "champions", "predictions", "decisions", "messages"}
    assert (VERSION, set(metadata.tables)) == (5, of_ingest | of_tasks | ADDED_LATER)


def test_an_unusable_ledger_is_said_in_one_line(tmp_path: Path) -> None:
    newer, spoilt = tmp_path / "newer.db", tmp_path / "spoilt.db"
    Ledger(str(newer))
    with create_engine(f"sqlite:///{newer}").begin() as c:
        c.execute(text("UPDATE ledger SET version = 99"))
    with pytest.raises(LedgerError, match=r"has schema 99, this Headrace knows \d+; update Headrace"):
        Ledger(str(newer))
    spoilt.write_text("not a database, whatever its name says, and long enough to be looked at")
    with pytest.raises(LedgerError, match=r"spoilt.db: file is not a database; check that"):
        Ledger(str(spoilt))
    with pytest.raises(LedgerError, match=r"postgresql://me:\*\*\*@127.0.0.1:1/x: .*(driver is missing|refused)"):
        Ledger("postgresql://me:secret@127.0.0.1:1/x")
    with pytest.raises(LedgerError, match="use a file's path, sqlite:///… or postgresql"):
        Ledger("mysql://localhost/ledger")


def test_an_instant_without_a_time_zone_is_refused(ledger: Ledger) -> None:
    naive = LandedFile("load", "load/a.csv", "a", 1, "sha", datetime(2014, 2, 1))
    with pytest.raises(LedgerError, match="delivered_at 2014-02-01 00:00:00: an instant needs a time zone"):
        ledger.open_batch("energy", [naive])


def test_writers_wait_for_each_other_and_numbers_only_grow(ledger: Ledger) -> None:
    with ThreadPoolExecutor(4) as pool:
        numbers = list(pool.map(lambda _: ledger.open_attempt("energy", "etl"), range(20)))
    assert sorted(numbers) == list(range(1, 21))


def test_the_ledger_imports_nothing_heavy() -> None:
    heavy = "{'pyspark', 'deltalake', 'mlflow', 'torch', 'pandas', 'pyarrow', 'xgboost'}"
    code = f"import sys, pipelines.io.ledger; sys.exit(', '.join({heavy} & set(sys.modules)) or 0)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (found.returncode, found.stderr) == (0, "")
