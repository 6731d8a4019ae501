"""`headrace export`: a model for programs that have no Headrace."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pipelines.cli.exit_codes import COMPLETE, INCOMPLETE
from pipelines.settings import load

EPILOG = """\
examples:
  headrace export models:/energy-load_mw@champion --format ubj      the champion, where that is XGBoost
  headrace export models:/energy-load_mw/3 --format onnx            a version, into the data root
  headrace export RUN_ID --format torchscript --to lstm             a family's run, into the folder lstm
  headrace export models:/energy-load_mw/3 --format onnx --int8 --prune 0.5     a light one beside it

Nets go out as onnx or torchscript, XGBoost as ubj. model.json beside the model says what it takes and gives, and has an
example to check it by. exit code 1, and nothing written, where the file does not answer as the scorer does
"""


def add_export(parser: argparse.ArgumentParser) -> None:
    """Give `headrace export` its options."""
    parser.epilog = EPILOG
    parser.add_argument(
        "model", metavar="MODEL", help="models:/NAME/VERSION, models:/NAME@ALIAS, or the id of a family's run"
    )
    parser.add_argument("--format", required=True, metavar="onnx|torchscript|ubj", help="the form to write it in")
    parser.add_argument("--int8", action="store_true", help="beside the net write a light one, with weights of 8 bits")
    parser.add_argument(
        "--prune", type=_fraction, default=0.0, metavar="FRACTION", help="and this part of its weights 0, the smallest"
    )
    parser.add_argument("--to", type=Path, metavar="FOLDER", help="where to (default: exports/ in the data root)")
    parser.add_argument("--conf", type=Path, help="overlay over conf/base.yaml: a file, or a name such as cluster")


def export(options: argparse.Namespace) -> int:
    """Write the model and print how its forms compare."""
    from pipelines.contracts.fits import FitError
    from pipelines.models.formats import Light
    from pipelines.runner import export as out
    from pipelines.runner.export_report import summary

    light = Light(options.int8, options.prune) if options.int8 or options.prune else None
    try:
        done = out.export(load(options.conf), options.model, options.format, options.to, light)
    except (FitError, out.ExportRefused) as failure:
        print(f"headrace: {failure}", file=sys.stderr)
        return INCOMPLETE
    print("\n" + summary(done))
    return COMPLETE


def _fraction(text: str) -> float:
    try:
        part = float(text)
    except ValueError:
        part = 0.0
    if not 0.0 < part < 1.0:
        raise argparse.ArgumentTypeError(f"'{text}' is no part between 0 and 1, such as 0.5")
    return part
