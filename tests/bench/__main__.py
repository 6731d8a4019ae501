"""python -m tests.bench [RACE]: run all races or one; exit 1 if one is void, whatever the times."""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests import results
from tests.bench import harness, plot, races
from tests.bench.processes import CommandFailed

RESULTS = Path(__file__).parent / "results"
SEED = 1
MARKS = {"goal": "goal", "first_mark": "first mark"}
HEADER = ("race", "what", "ours", "95 % interval", "reference", "goal", "first mark", "peak MiB", "written B", "commit")
README = Path(__file__).parent / "README.md"
TABLE_BEGINS, TABLE_ENDS = "<!-- written by make bench -->\n", "<!-- up to here -->\n"


def main() -> int:
    """Run the races; returns the exit code."""
    known = results.modules_in(races)
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="race Headrace against its peers")
    parser.add_argument("race", nargs="?", choices=list(known), help="only this one (default: all)")
    parser.add_argument("--rows", type=int, help="another size than the race's own; its record says so")
    options = parser.parse_args()
    code, voids = results.Code.now(), 0
    for name in [options.race] if options.race else known:
        folder = Path(tempfile.mkdtemp(prefix=f"headrace-{name}-"))
        print(f"{name}: preparing …", flush=True)
        started = time.monotonic()
        try:
            sized = () if options.rows is None else (options.rows,)
            race = known[name].race(folder, *sized)
            print(
                f"{name}: {race.repetitions} repetitions of {', '.join(side.name for side in race.sides)} …", flush=True
            )
            samples = harness.run(race)
            code.must_stand()
        except (harness.VoidRace, CommandFailed, results.CodeChanged) as error:
            print(f"bench: {error}", file=sys.stderr)
            voids += 1
            continue
        finally:
            shutil.rmtree(folder)
        records = harness.records(race, samples, SEED, code.commit, time.monotonic() - started)
        results.write(RESULTS / f"{name}.json", records, results.MEASURED)
        plot.save(race, samples, RESULTS / f"{name}.png")
        for record in records:
            low, high = record["samples"]["interval_95"]
            marks = ("" if record[name] is None else f", {told} {record[name]:.3g}" for name, told in MARKS.items())
            print(f"{name}: {record['what']}: {record['ours']:.3f} [{low:.3f}, {high:.3f}]{''.join(marks)}", flush=True)
    before, _, rest = README.read_text().partition(TABLE_BEGINS)
    after = rest.partition(TABLE_ENDS)[2]
    README.write_text("".join((before, TABLE_BEGINS, results.table(HEADER, _rows()), TABLE_ENDS, after)))
    return 1 if voids else 0


def _rows() -> Iterator[list[object]]:
    """A row for every figure of every race that was ever run here."""
    for path in sorted(RESULTS.glob("*.json")):
        for record in results.read(path):
            low, high = record["samples"]["interval_95"]
            ours = record["samples"]["sides"][harness.OURS]
            peak, written = (statistics.median(cost[name] for cost in ours) for name in ("peak_mib", "bytes_written"))
            marks = [record[name] for name in ("reference", "goal", "first_mark")]
            between = f"{low:.3g} – {high:.3g}"
            yield [path.stem, record["what"], record["ours"], between, *marks, peak, written, record["commit"]]


if __name__ == "__main__":
    sys.exit(main())
