"""`headrace new-domain`: a first domain from a file of one's own."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pipelines.cli.exit_codes import COMPLETE, USERS_MISTAKE

EPILOG = """\
examples:
  headrace new-domain machines --from readings.csv --target "Machine failure"   what is to be predicted, by its column
  headrace new-domain plant --from hours.csv.gz                                 a target is chosen, to be confirmed

Writes pipelines/domains/NAME: the declaration with types, key, times and expectations from the file, a first task
beside a naive baseline, a policy with made-up costs, and READINESS.md: whether there is enough to learn from, what
leaks, and what is to be confirmed, with file and line. Nothing is run. exit code 2, and nothing written, where the name
is taken or the file cannot be used
"""


def add_new_domain(parser: argparse.ArgumentParser) -> None:
    """Give `headrace new-domain` its options."""
    parser.epilog = EPILOG
    parser.add_argument("name", metavar="NAME", help="the domain's: lower-case words joined by single underscores")
    parser.add_argument(
        "--from", dest="file", type=Path, required=True, metavar="FILE", help="a CSV with a header, gz or not"
    )
    parser.add_argument("--target", default="", metavar="COLUMN", help="what is to be predicted (default: a guess)")


def new_domain(options: argparse.Namespace) -> int:
    """Write the folder and print whether the file is ready."""
    import pipelines.domains
    from pipelines.scaffold import new_domain as scaffold
    from pipelines.scaffold.refusal import ScaffoldRefused

    into = Path(pipelines.domains.__path__[0])
    try:
        done = scaffold.new_domain(options.name, options.file, options.target, into)
    except ScaffoldRefused as mistake:
        print(f"headrace: {mistake}", file=sys.stderr)
        return USERS_MISTAKE
    print(done.report)
    print(f"\nWritten: {done.folder}. Next: read its READINESS.md, settle what is to confirm, then")
    print(
        f"  headrace run --domain {options.name} --stage land --stage bronze --stage silver    what becomes of the rows"
    )
    print(f"  headrace run --domain {options.name}                                              all of it")
    return COMPLETE
