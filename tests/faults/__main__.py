"""python -m tests.faults [--quick] [--minutes N] [--seed N] [--fault F1]: inflict faults, judge; exit 1 if a promise
broke."""

from __future__ import annotations

import argparse
import math
import multiprocessing
import shutil
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from tests import results
from tests.faults.site import BrokenBench
from tests.faults.work import Tally, faults, work

RESULTS = Path(__file__).parent / "results.json"
AT_ONCE = 2
README = """\
# Faults

What was inflicted on real runs, and what the oracle (`oracle.py`, no Spark) found afterwards. Written by `make faults`;
every case prints its seed and point. 0 failures in n says at most 3/n with 95 % confidence.
A new fault is a new file in `cases/`. Two are worked on at a time: a round takes about half the sum of the seconds.

"""


def main() -> int:
    """Run all cases; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description="inflict faults, judge the tables")
    parser.add_argument("--quick", action="store_true", help="a part of each fault's cases")
    parser.add_argument("--seed", type=int, default=1, help="decides times and choices (default 1)")
    parser.add_argument("--fault", choices=faults(), action="append", help="only this one; can be repeated")
    parser.add_argument("--minutes", type=float, default=math.inf, help="begin no case after so many")
    options = parser.parse_args()
    code, extent = results.Code.now(), "quick" if options.quick else "full"
    folder = Path(tempfile.mkdtemp(prefix="headrace-faults-"))
    earlier = results.read(RESULTS)
    try:
        tallies = _worked(_in_order(options.fault or list(faults()), earlier, extent), options, folder)
        code.must_stand()
    except (BrokenBench, results.CodeChanged) as error:
        print(f"faults: {error}", file=sys.stderr)
        return 1
    said = {"round": extent, "seed": options.seed, "commit": code.commit}
    # a fault that this round left out, be it in part, keeps what an earlier one found
    whole = {tally.fault: {**vars(tally), **said} for tally in tallies if tally.is_whole}
    kept = [record for record in earlier if record["round"] != extent or record["fault"] not in whole]
    new = [{name: found[name] for name in results.FAULTS} for found in whole.values()]
    order = list(faults())
    records = sorted([*kept, *new], key=lambda record: (order.index(record["fault"]), record["round"]))
    results.write(RESULTS, records, results.FAULTS)
    table = results.table(results.FAULTS, [[record[name] for name in results.FAULTS] for record in records])
    RESULTS.with_name("README.md").write_text(README + table)
    print(f"\n{table}")
    for tally in tallies:
        if not tally.is_whole:
            print(f"{tally.fault}: {tally.cases} cases were worked on, then the {options.minutes:g} minutes were over")
    if failed := [told for tally in tallies for told in tally.told]:
        print("\n".join(failed), file=sys.stderr)  # once more: they stand far above
        print(f"faults: what the failed cases left is in {folder}", file=sys.stderr)
        return 1
    shutil.rmtree(folder)
    return 0


def _worked(names: list[str], options: argparse.Namespace, folder: Path) -> list[Tally]:
    """What each of these faults came to; they are begun in this order, two at a time."""
    tallies = []
    until = time.time() + 60 * options.minutes
    # spawned, not forked, and a fresh process for each: none sees what another keeps in memory, its JVM above all
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(AT_ONCE, mp_context=context, max_tasks_per_child=1) as pool:
        pending = [pool.submit(work, name, options.quick, options.seed, folder / name, until) for name in names]
        for done in as_completed(pending):
            tally = done.result()
            tallies.append(tally)
            told = f"{tally.failures} of {tally.cases} cases failed, {tally.inflicted} faults inflicted"
            print(f"{tally.fault}: {told}, {tally.seconds:.0f} s", flush=True)
    return tallies


def _in_order(names: list[str], earlier: list[dict[str, object]], extent: str) -> list[str]:
    """As many of the longest as are worked on at once first, so that none begins when the others are through; of these
    the shorter before the longer, so that a round which time ends leaves out as few as can be. One that was never
    measured counts as long."""
    seconds = {record["fault"]: float(str(record["seconds"])) for record in earlier if record["round"] == extent}
    ordered = sorted(names, key=lambda name: seconds.get(name, float("inf")))
    return ordered[-AT_ONCE:] + ordered[:-AT_ONCE]


if __name__ == "__main__":
    sys.exit(main())
