"""The command `headrace`, and the one function that the jobs for spark-submit call."""

from __future__ import annotations

import argparse
import atexit
import gc
import json
import os
import select
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from pipelines import __version__, doctor
from pipelines.cli import export, features, fits, new_domain, quarantine, tracking
from pipelines.cli.arguments import instant, positive
from pipelines.cli.exit_codes import COMPLETE, INCOMPLETE, USERS_MISTAKE
from pipelines.contracts.names import DeclarationError
from pipelines.domains import UnknownDomainError
from pipelines.io.failures import LedgerError, TrackingError, UnknownNameError, WarehouseError
from pipelines.settings import SettingsError, known_keys, load
from pipelines.stages import STAGES

EPILOG = """\
examples:
  headrace run                                   all stages of all domains
  headrace run --domain energy --stage silver    one stage of one domain
  headrace run --conf cluster                    with conf/cluster.yaml over conf/base.yaml
  headrace run --as-of 2014-12-01                as if today were that day
  headrace status --json                         what is published, for programs
  headrace status --files                        what became of the records of each file
  headrace status --schemas                      how the columns of each table changed
  headrace status --costs                        seconds, core-seconds and bytes that each stage took
  headrace maintain                              few large files instead of many small ones; old versions' files go
  headrace quarantine list                       what was set apart, by table, rule and file
  headrace quarantine show RECORD                one bad record: place, raw text, fields, every table's verdict
  headrace quarantine replay --table energy_load judge it again, after a rule or a parser was mended
  headrace domains                               which domains there are, and what each predicts and decides
  headrace new-domain mine --from my.csv         a domain of your own from a file, and whether it is worth the work
  headrace leakcheck --domain energy             features made anew as they could have been made then; exit 1 on a leak
  headrace features list                         what models may see: look-back, unit, owner, lineage
  headrace estimate --task load_mw               how long its fits will take, before they start
  headrace reproduce RUN_ID                      a fit once more, on the versions and parameters that its run recorded
  headrace tune --task load_mw --family xgboost  search its parameters, a run for each trial in MLflow
  headrace export MODEL --format onnx            a model for programs that have no Headrace, checked against the scorer
  headrace effect --task load_mw                 what its decisions changed against the naive policy's, and how sure
  headrace why --task is_late                    why single decisions were taken, feature by feature
  headrace tracking sync                         log to MLflow what waited while it was away
  headrace tables                                where each table lies
  headrace conf --conf cluster                   every key of conf, its meaning and its value
  headrace doctor                                whether all versions fit together
  headrace ui                                    the MLflow UI on what was logged
  headrace notebooks                             pages of plots: data, models, decisions

exit codes: 0 everything asked for is complete; 1 something is not, its message says what and why: it failed, or a stage
asked for waits for another, which the message names; 2 a mistake in what was asked (command, conf, domain, stage).
A domain to which nothing was ever delivered is complete once land has looked: there is nothing to do, so 0
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    options = _parser().parse_args(arguments)
    # a process that ends looks through all its objects for rings of them: .2 s of a run, and nobody gains by it
    atexit.register(gc.freeze)
    try:
        command: Callable[[argparse.Namespace], int] = options.command
        code = command(options)
        sys.stdout.flush()
        return code
    except (DeclarationError, SettingsError, UnknownDomainError, UnknownNameError) as mistake:
        print(f"headrace: {mistake}", file=sys.stderr)
        return USERS_MISTAKE
    except (LedgerError, TrackingError, WarehouseError) as failure:
        print(f"headrace: {failure}", file=sys.stderr)
        return INCOMPLETE
    except KeyboardInterrupt:
        print("headrace: interrupted; what was published stays, run again to go on", file=sys.stderr)
        return INCOMPLETE
    except BrokenPipeError:
        if not _is_cut_off():
            raise
        # Python would complain of it once more when it ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return INCOMPLETE


def _is_cut_off() -> bool:
    """Whether whoever read what is printed has seen enough: `headrace tables | head`."""
    output = select.poll()
    output.register(sys.stdout, 0)
    return any(event & select.POLLERR for _, event in output.poll(0))


def job(stages: Sequence[str], arguments: Sequence[str] | None = None) -> int:
    """What a job for spark-submit does: some stages, with the options of `headrace run` but --stage."""
    parser = argparse.ArgumentParser(epilog=f"runs the stages {', '.join(stages)}; `headrace run --help` says more")
    _add_run_options(parser)
    options = parser.parse_args(arguments)
    return main(["run", *_again(options), *[word for stage in stages for word in ("--stage", stage)]])


def _again(options: argparse.Namespace) -> list[str]:
    """The options as words once more."""
    words = [word for name in options.domain for word in ("--domain", name)]
    words += ["--conf", str(options.conf)] if options.conf else []
    return words + (["--as-of", options.as_of.isoformat()] if options.as_of else [])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="headrace",
        description="Raw records come in at the top, decisions come out at the wheel.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"headrace {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name: str, does: Callable[[argparse.Namespace], int], told: str) -> argparse.ArgumentParser:
        added = commands.add_parser(
            name, help=told, description=told, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        added.set_defaults(command=does)
        return added

    run_command = command("run", _run, "run stages, all by default; safe to repeat: what is done is not done again")
    _add_run_options(run_command)
    run_command.add_argument(
        "--stage",
        action="append",
        default=[],
        help=f"only this stage; may be repeated: {', '.join(s.name for s in STAGES)}",
    )
    run_command.add_argument(
        "--force", action="store_true", help="fit also what is estimated to take longer than training.budget_minutes"
    )
    maintain_command = command(
        "maintain", _maintain, "compact published tables, and delete files that no version needs which is kept"
    )
    _add_run_options(maintain_command)
    maintain_command.add_argument("--dry-run", action="store_true", help="only say what would be done")
    leakcheck_command = command(
        "leakcheck", _leakcheck, "look for features that know what nobody could know at their cut-off"
    )
    leakcheck_command.add_argument("--domain", action="append", default=[], help="only this domain; may be repeated")
    leakcheck_command.add_argument("--task", action="append", default=[], help="only this task; may be repeated")
    leakcheck_command.add_argument(
        "--instants", type=positive, default=4, help="at so many instants a week's cut-offs are made anew (default 4)"
    )
    leakcheck_command.add_argument(
        "--conf", type=Path, help="overlay over conf/base.yaml: a file, or a name such as cluster"
    )
    for name, does, told in (
        ("status", _status, "what is published, from the ledger alone"),
        ("domains", _domains, "the domains there are: their tasks, models and decisions"),
        ("tables", _tables, "where each table lies, at which version, with how many rows"),
        ("conf", _conf, "known keys, their meaning and the values in force"),
        ("ui", _ui, "open the MLflow UI on this machine"),
        ("notebooks", _notebooks, "execute the analysts' notebooks into pages with plots"),
    ):
        added = command(name, does, told)
        if name == "domains":
            continue
        added.add_argument("--conf", type=Path, help="overlay over conf/base.yaml: a file, or a name such as cluster")
        if name == "status":
            shown = added.add_mutually_exclusive_group()
            shown.add_argument("--json", action="store_true", help="one JSON object")
            shown.add_argument("--files", action="store_true", help="what became of the records of each file")
            shown.add_argument("--schemas", action="store_true", help="how the columns of each table changed")
            shown.add_argument("--costs", action="store_true", help="what each stage took of this machine, in all")
    new_domain.add_new_domain(
        command(
            "new-domain", new_domain.new_domain, "write a domain of your own from a CSV file, with a readiness report"
        )
    )
    quarantine.add_verbs(
        command("quarantine", quarantine.list_entries, "what was set apart: list, follow, replay or discard it")
    )
    features.add_verbs(command("features", features.list_features, "what models may see: list it, show one feature"))
    fits.add_tasks(command("estimate", fits.estimate, "how long a task's fits will take and what they will cost"))
    fits.add_reproduce(command("reproduce", fits.reproduce, "make a fit again from its record; exit 1 if it differs"))
    fits.add_tune(command("tune", fits.tune, "search a family's parameters within a budget; repeat it to go on"))
    export.add_export(command("export", export.export, "a model as onnx, torchscript or ubj, answers compared"))
    fits.add_tasks(
        command("effect", fits.effect, "what decisions changed, against what the naive policy would have done")
    )
    fits.add_why(command("why", fits.why, "what each feature had part in the prediction that a decision stands on"))
    tracking.add_verbs(command("tracking", tracking.list_waiting, "what MLflow has yet to be told: list it, tell it"))
    command("doctor", _doctor, "check versions, Java, memory and disk, without starting any of them")
    return parser


def _add_run_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--domain", action="append", default=[], help="only this domain; may be repeated")
    parser.add_argument("--conf", type=Path, help="overlay over conf/base.yaml: a file, or a name such as cluster")
    parser.add_argument(
        "--as-of", type=instant, help="logical now, ISO 8601, UTC without an offset (default: newest delivery)"
    )


def _run(options: argparse.Namespace) -> int:
    from pipelines import runner
    from pipelines.runner.report import files_of_run, summary

    settings = load(options.conf)
    try:
        outcome = runner.run(
            settings, names=options.domain, stages=options.stage, as_of=options.as_of, is_forced=options.force
        )
    except runner.UnknownStageError as mistake:
        print(f"headrace: {mistake}", file=sys.stderr)
        return USERS_MISTAKE
    has_worked = outcome.used_spark or outcome.failures
    effort = "" if has_worked else ", without starting Spark: there was nothing new to do"
    said = [files_of_run(outcome.files), summary(outcome.status, outcome.domains)]
    print("\n" + "\n\n".join([*filter(None, said), f"{outcome.seconds:.1f} s in all{effort}"]))
    for subject, failure in outcome.failures.items():
        print(f"headrace: {subject}: {failure}", file=sys.stderr)
    if outcome.failures:
        return INCOMPLETE
    print("Next: headrace status · headrace tables · make ui (runs, curves, models)")
    return COMPLETE


def _maintain(options: argparse.Namespace) -> int:
    from pipelines.runner import maintain

    settings = load(options.conf)
    work = maintain.rehearse if options.dry_run else maintain.maintain
    outcome = work(settings, options.domain, options.as_of)
    print("\n" + maintain.summary(outcome))
    for domain, failure in outcome.failures.items():
        print(f"headrace: {domain}: {failure}", file=sys.stderr)
    return INCOMPLETE if outcome.failures else COMPLETE


def _leakcheck(options: argparse.Namespace) -> int:
    from pipelines.runner import leakcheck

    outcome = leakcheck.leakcheck(load(options.conf), options.domain, options.task, options.instants)
    print("\n" + leakcheck.summary(outcome))
    for task, failure in outcome.failures.items():
        print(f"headrace: {task}: {failure}", file=sys.stderr)
    return COMPLETE if outcome.is_clean else INCOMPLETE


def _status(options: argparse.Namespace) -> int:
    from pipelines.io.ledger import Ledger
    from pipelines.io.ledger_schemas import schema_history
    from pipelines.runner.report import file_tables, schema_table, summary

    settings = load(options.conf)
    ledger = Ledger(settings.ledger)
    status = ledger.status()
    if options.json:
        print(json.dumps(status))
    elif options.files:
        files = {name: ledger.file_outcomes(name) for name in status["domains"]}
        print(file_tables(files) or "no file is taken in yet. Next: headrace run")
    elif options.schemas:
        with ledger.reading() as c:
            changes = {name: schema_history(c, name) for name in status["domains"]}
        print(schema_table(changes) or "no schema is on record yet. Next: headrace run")
    elif options.costs:
        from pipelines.io.ledger_costs import costs_after
        from pipelines.runner.costs import cost_table

        with ledger.reading() as c:
            costs = {name: costs_after(c, name) for name in status["domains"]}
        print(cost_table(costs, settings.training.price_per_core_hour) or "no cost is on record. Next: headrace run")
    else:
        print(summary(status, list(status["domains"])) or "nothing is published yet. Next: headrace run")
    return COMPLETE


def _domains(_: argparse.Namespace) -> int:
    from pipelines.domains import domains
    from pipelines.runner.catalog import catalog

    print(catalog(domains().values()))
    return COMPLETE


def _tables(options: argparse.Namespace) -> int:
    from pipelines.io.ledger import Ledger
    from pipelines.runner.report import table_text

    status = Ledger(load(options.conf).ledger).status()
    rows = [
        [name, str(table["version"]), f"{table['rows']:,}", str(table["path"])]
        for domain in status["domains"].values()
        for name, table in domain["tables"].items()
    ]
    print(
        "\n".join(table_text(["table", "version", "rows", "path"], rows))
        if rows
        else "no table yet. Next: headrace run"
    )
    return COMPLETE


def _conf(options: argparse.Namespace) -> int:
    for key in known_keys(options.conf):
        default = "" if key.value == key.default else f" (default {key.default})"
        print(f"{key.name}: {key.value}{default}\n    {key.type}: {key.meaning}")
    return COMPLETE


def _doctor(_: argparse.Namespace) -> int:
    checks = doctor.checks()
    print(doctor.table(checks))
    return COMPLETE if all(check.ok for check in checks) else INCOMPLETE


def _ui(options: argparse.Namespace) -> int:
    from pipelines.io.tracking_ui import serve

    return serve(load(options.conf))


def _notebooks(options: argparse.Namespace) -> int:
    from pipelines.serve.notebooks import make_pages

    for page in make_pages(options.conf):
        print(page, flush=True)
    print("Open them in a browser. What they show is what stands published now")
    return COMPLETE
