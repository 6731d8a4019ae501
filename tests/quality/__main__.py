"""python -m tests.quality [--quick] [--case NAME] [--tables]: measure the cases, or only write the tables anew.

The exit code is 1 if a promise broke or, under CI=true, data is missing.
Reference data lies in the folder HEADRACE_REFERENCE_DATA, by default ../shared/data beside the project.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from pipelines.settings import PROJECT
from tests import results
from tests.quality import cases, published

RESULTS = Path(__file__).parent / "results.json"
README = PROJECT / "README.md"
VARIABLE = "HEADRACE_REFERENCE_DATA"


def main() -> int:
    """Measure; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.quality", description="measure models against references")
    parser.add_argument("--quick", action="store_true", help="the cases that take seconds")
    known = results.modules_in(cases)
    parser.add_argument("--case", choices=known, action="append", help="only this one; can be repeated")
    parser.add_argument("--tables", action="store_true", help="measure nothing; make the tables from results.json")
    options = parser.parse_args()
    if options.tables:
        published.write(RESULTS, README, results.read(RESULTS))
        return 0
    data = Path(os.environ.get(VARIABLE) or PROJECT.parent / "shared" / "data")
    reference_file = data / "REFERENCE.json"
    if not reference_file.is_file():
        print(
            f"quality: no reference data in {data}; nothing was measured. Set {VARIABLE} to its folder.",
            file=sys.stderr,
        )
        return 1 if os.environ.get("CI") == "true" else 0
    code, reference = results.Code.now(), json.loads(reference_file.read_text())
    records, broken = [], []
    for name, module in ((name, module) for name, module in known.items() if name in (options.case or known)):
        if not (data / module.DATA).exists():
            print(f"{name}: {data / module.DATA} is missing", file=sys.stderr)
            broken.append(name)
            continue
        for figure in module.figures(data, reference, options.quick):
            if not figure.holds:
                broken.append(figure.what)
            records.append(figure.record(code.commit))
            wanted = "" if figure.reference is None else f", reference {figure.reference}"
            print(f"{figure.what}: {figure.ours:.4f}{wanted} ({figure.seconds:.1f} s)", flush=True)
    try:
        code.must_stand()
    except results.CodeChanged as error:
        print(f"quality: {error}", file=sys.stderr)
        return 1
    measured = records
    if options.quick or options.case:
        records = published.renewed(results.read(RESULTS), records)
    published.write(RESULTS, README, records)
    print(f"\n{published.short(measured)}\nAll of them, with their protocols: {README.name} and {RESULTS}")
    if broken:
        print(f"quality: broken: {'; '.join(broken)}", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
