"""The verbs of `headrace quarantine`: list, show, replay and discard what was set apart."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from pipelines.cli.arguments import positive
from pipelines.cli.exit_codes import COMPLETE, INCOMPLETE
from pipelines.settings import load

EPILOG = """\
examples:
  headrace quarantine list                                     counts by table, rule and file
  headrace quarantine list --table energy_load                 one line a record, open ones
  headrace quarantine show 5a1f09c3b2d4e6f80a1b-7              that record, with its raw text
  headrace quarantine replay --table energy_load --dry-run     what would pass now
  headrace quarantine replay --table energy_load --rule load_is_physical
  headrace quarantine discard 5a1f09c3b2d4e6f80a1b-7 --why "meter was tested"

Values of columns declared `pii` are never shown. A record stays in the quarantine table whatever becomes of it.
"""


def add_verbs(parser: argparse.ArgumentParser) -> None:
    """Give `headrace quarantine` its verbs and their options."""
    parser.epilog = EPILOG
    verbs = parser.add_subparsers(title="commands", metavar="list|show|replay|discard", required=True)

    def verb(name: str, does: Callable[[argparse.Namespace], int], told: str) -> argparse.ArgumentParser:
        added = verbs.add_parser(
            name,
            help=told,
            description=told,
            epilog=EPILOG,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        added.set_defaults(command=does)
        added.add_argument("--domain", default="", help="only this domain")
        added.add_argument("--conf", type=Path, help="overlay over conf/base.yaml: a file, or a name such as cluster")
        return added

    def add_filters(added: argparse.ArgumentParser) -> None:
        added.add_argument("--rule", default="", help="only what this rule has set apart, e.g. an expectation's name")
        added.add_argument("--file", default="", help="only records of this file, named as in the list")

    shown = verb("list", list_entries, "counts by table, rule and file; with --table, one line a record")
    shown.add_argument("--table", default="", help="records of this table, e.g. energy_load")
    add_filters(shown)
    shown.add_argument("--state", choices=("open", "replayed", "discarded", "all"), help="default: open records")
    shown.add_argument("--limit", type=positive, default=50, help="at most so many lines (default 50)")
    one = verb("show", _show, "one record: its place, raw text and fields, and every table's verdict")
    one.add_argument("record", metavar="RECORD", help="its id, or the beginning of it")
    again = verb("replay", _replay, "judge open records again, by the declaration as it stands now")
    again.add_argument("--table", required=True, help="the table that set them apart, e.g. energy_load")
    add_filters(again)
    again.add_argument("--dry-run", action="store_true", help="say what would happen, and write nothing")
    again.add_argument("records", metavar="RECORD", nargs="*", help="only these records; beginnings of ids are enough")
    unwanted = verb("discard", _discard, "mark records as not wanted; they are kept, with the reason")
    unwanted.add_argument("--table", default="", help="only for this table; default: every table that set them apart")
    unwanted.add_argument("--why", required=True, metavar="TEXT", help="the reason, kept beside the record")
    unwanted.add_argument("records", metavar="RECORD", nargs="+", help="ids, or their beginnings")


def list_entries(options: argparse.Namespace) -> int:
    """Print counts by table, rule and file; of one table, an entry a line."""
    from pipelines.io.ledger import Ledger
    from pipelines.io.quarantine import Wanted
    from pipelines.runner import quarantine

    ledger = Ledger(load(options.conf).ledger)
    state = "" if options.state == "all" else options.state or ("open" if options.table else "")
    wanted = Wanted(options.rule, options.file, state)
    if options.table:
        table = quarantine.table_meant(options.domain, options.table)
        print(quarantine.entries_text(ledger, table, wanted, options.limit))
    else:
        tables = quarantine.tables_meant(options.domain, "")
        print(quarantine.counts_text(ledger, tables, wanted, options.limit))
    return COMPLETE


def _show(options: argparse.Namespace) -> int:
    from pipelines.io.ledger import Ledger
    from pipelines.runner import quarantine

    print(quarantine.record_text(Ledger(load(options.conf).ledger), options.domain, options.record))
    return COMPLETE


def _replay(options: argparse.Namespace) -> int:
    from pipelines.runner import quarantine

    asked = (options.domain, options.table, options.rule, options.file, options.records)
    return _told(lambda: quarantine.replay_as_asked(load(options.conf), *asked, is_trial=options.dry_run))


def _discard(options: argparse.Namespace) -> int:
    from pipelines.runner import quarantine

    asked = (options.domain, options.table, options.records, options.why)
    return _told(lambda: quarantine.discard_as_asked(load(options.conf), *asked))


def _told(work: Callable[[], str]) -> int:
    """Do what writes tables and print what it says, or why it could not be done."""
    from pipelines.io.integrity import damage_named
    from pipelines.runner.failures import EXPECTED

    try:
        with damage_named():
            print(work())
    except EXPECTED as failure:
        print(f"headrace: {failure}", file=sys.stderr)
        return INCOMPLETE
    return COMPLETE
