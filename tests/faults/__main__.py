"""python -m tests.faults [--quick] [--seed N] [--fault F1]: inflict faults, judge; exit 1 if a promise broke."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests import results
from tests.faults import cases
from tests.faults.harness import judge
from tests.faults.site import BrokenBench, Site

RESULTS = Path(__file__).parent / "results.json"
README = """\
# Faults

What was inflicted on real runs, and what the oracle (`oracle.py`, no Spark) found afterwards. Written by `make faults`;
every case prints its seed and point. 0 failures in n cases says at most 3/n with 95 % confidence.
A new fault is a new file in `cases/`. The quick round below took 58 minutes on 2 cores, 32 to 114 s a case.

"""


def main() -> int:
    """Run all cases; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description="inflict faults, judge the tables")
    parser.add_argument("--quick", action="store_true", help="a few cases of each fault")
    parser.add_argument("--seed", type=int, default=1, help="decides times and choices (default 1)")
    known = {module.FAULT: module for module in results.modules_in(cases).values()}
    parser.add_argument("--fault", choices=known, action="append", help="only this one; can be repeated")
    options = parser.parse_args()
    code = results.Code.now()
    folder = Path(tempfile.mkdtemp(prefix="headrace-faults-"))
    print("two undisturbed runs first: a clean delivery, then one that brings every outcome …", flush=True)
    try:
        site = Site(folder)
    except BrokenBench as error:
        print(f"faults: {error}", file=sys.stderr)
        return 1
    print(f"undisturbed: {site.seconds:.1f} s, {len(site.points)} named points passed", flush=True)
    records, failed = [], 0
    for module in (module for fault, module in known.items() if fault in (options.fault or known)):
        number = module.QUICK if options.quick else module.FULL
        verdicts, began = [], time.monotonic()
        for case in module.cases(site, number, options.seed):
            verdict = judge(site, case)
            verdicts.append(verdict)
            word = "FAILED" if verdict.problems else "ok"
            print(
                f"{module.FAULT} seed {case.seed}: {case.point} [{verdict.reached}]: {word} ({verdict.seconds:.1f} s)",
                flush=True,
            )
            for problem in verdict.problems:
                print(f"    {problem}", flush=True)
            if verdict.problems:
                shutil.copytree(site.root, folder / f"{module.FAULT}-{len(verdicts)}", symlinks=True)
        failures = sum(bool(verdict.problems) for verdict in verdicts)
        failed += failures
        print(f"{module.FAULT}: {failures} of {len(verdicts)} failed, {time.monotonic() - began:.0f} s", flush=True)
        counts = {"cases": len(verdicts), "failures": failures, "seed": options.seed}
        extent = "quick" if options.quick else "full"
        records.append({"fault": module.FAULT, "where": module.WHERE, "round": extent, **counts, "commit": code.commit})
    try:
        code.must_stand()
    except results.CodeChanged as error:
        print(f"faults: {error}", file=sys.stderr)
        return 1
    # a fault that this round left out keeps what an earlier one found
    found = {record["fault"]: record for record in [*results.read(RESULTS), *records]}
    records = [found[fault] for fault in known if fault in found]
    results.write(RESULTS, records, results.FAULTS)
    table = results.table(results.FAULTS, [list(record.values()) for record in records])
    RESULTS.with_name("README.md").write_text(README + table)
    print(f"\n{table}")
    if failed:
        print(f"faults: what the failed cases left is in {folder}", file=sys.stderr)
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
