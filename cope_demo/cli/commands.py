"""The command line: options are parsed here, and the packages below called.

batching.py and publishing.py have further commands; terminal.py draws.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

from cope_demo.config import DecodeConfig, TamConfig
from cope_demo.decode.methods import list_evaluated, order_columns
from cope_demo.errors import CopeError
from cope_demo.texts.tasks import TASKS, find_task

from . import batching
from .publishing import add_publishing, publish, pull, push, write_pages


def build_parser() -> argparse.ArgumentParser:
    """The parser with all commands; every command takes --model, --users-dir and --seed."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--model", help="a model folder, GGUF file or hub id (default: COPE_MODEL, else embedded)")
    common.add_argument("--users-dir", type=Path, help="where users are saved (default: users/ in COPE_DATA)")
    common.add_argument("--seed", type=int, default=0, help="everything random follows from it (default: 0)")
    parser = argparse.ArgumentParser(
        prog="python -m cope_demo", description="Personalized decoding by contrasting personal preference."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, text: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=text, description=text, parents=[common])

    _add_user_commands(command)
    batching.add_batch(command)
    _add_data_commands(command)
    _add_machine_commands(command)
    add_publishing(command)
    return parser


def _add_user_commands(command: Callable[[str, str], argparse.ArgumentParser]) -> None:
    """What is done for one user: fit, compare, score."""
    fit = command("fit", "Fit a user's adapters on a history, with progress.")
    fit.add_argument("--user", required=True, metavar="ID", help="the user's id")
    fit.add_argument("--history", required=True, type=Path, metavar="FILE", help=".txt, .md, .json, .jsonl or .csv")
    fit.add_argument("--task", default="free_writing", choices=list(TASKS), help="(default: free_writing)")
    fit.add_argument("--name", default="", help="a name to show")
    fit.add_argument("--card", type=Path, metavar="FILE", help="take name and task from a sample user's card.json")

    compare = command("compare", "Write one prompt's answer greedily, by OPPU and by CoPe.")
    compare.add_argument("--user", required=True, metavar="ID", help="a sample user or a fitted one")
    compare.add_argument("--prompt", required=True, help="the task's input, or in free writing the instruction")
    compare.add_argument("--alpha", type=float, default=DecodeConfig.alpha, help="contrast (default: %(default)s)")
    batching.add_decoding(compare, "the task's")
    compare.add_argument("--json", type=Path, metavar="FILE", help="write the whole trace as JSON")
    compare.add_argument("--html", type=Path, metavar="FILE", help="write the heatmap as one HTML file")

    score = command("score", "The implicit reward of a given text, token by token.")
    score.add_argument("--user", required=True, metavar="ID", help="a sample user or a fitted one")
    score.add_argument("--prompt", required=True, help="what the text answers")
    score.add_argument("--text", required=True, help="the text to score")
    score.add_argument("--alpha", type=float, default=DecodeConfig.alpha, help="contrast (default: %(default)s)")
    score.add_argument("--against", default="", metavar="USER", help="another user in the place of base")
    score.add_argument("--json", type=Path, metavar="FILE", help="write the trace as JSON")


def _add_data_commands(command: Callable[[str, str], argparse.ArgumentParser]) -> None:
    """What reads the reference code's data: tam, evaluate."""
    tam = command("tam", "Train a task adapter on other people's texts; a run that was cut off is continued.")
    tam.add_argument("--task", required=True, choices=[name for name in TASKS if name != "free_writing"])
    tam.add_argument("--data", required=True, type=Path, metavar="DIR", help="folder with user_others.json")
    tam.add_argument("--out", required=True, type=Path, metavar="DIR", help="where the adapter is written")
    tam.add_argument("--source", default="", help="where the texts come from and their licence, for the card")
    tam.add_argument("--license", default="other", metavar="ID", help="their licence by the hub's name, for the card")
    tam.add_argument("--examples", type=int, default=TamConfig.examples, help="texts at most (default: %(default)s)")

    evaluate = command("evaluate", "The paper's table on the reference code's data; a run that was cut off goes on.")
    evaluate.add_argument("--task", required=True, choices=[name for name in TASKS if name != "free_writing"])
    evaluate.add_argument("--data", required=True, type=Path, metavar="DIR", help="with user_top_100_history.json")
    known = ", ".join(list_evaluated())
    evaluate.add_argument(
        "--methods", default="base,tam,oppu,cope", metavar="LIST", help=f"of {known} (default: %(default)s)"
    )
    evaluate.add_argument("--out", required=True, type=Path, metavar="DIR", help="where results are written")
    evaluate.add_argument("--users", type=int, help="that many authors (default: all)")
    evaluate.add_argument("--alpha", type=float, default=DecodeConfig.alpha, help="contrast (default: %(default)s)")
    evaluate.add_argument("--tau", type=float, default=DecodeConfig.tau, help="head cut (default: %(default)s)")
    evaluate.add_argument("--repetition-penalty", type=float, help="(default: the task's)")
    evaluate.add_argument("--penalty-on", help="expert, or both for the amateur, too (default: expert)")
    evaluate.add_argument("--scale", type=float, help="of oppu-scaled's LoRA (default: 1 / (1 - alpha), as contrast)")
    evaluate.add_argument("--seeds", type=int, default=1, metavar="N", help="so many runs, from --seed on (default: 1)")
    evaluate.add_argument("--controls", action="store_true", help="other adapters, alphas and endpoints on kept fits")
    evaluate.add_argument("--samples", type=int, default=8, metavar="N", help="texts that they sample (default: 8)")
    evaluate.add_argument("--processes", type=int, default=1, metavar="N", help="authors at once (default: 1)")


def _add_machine_commands(command: Callable[[str, str], argparse.ArgumentParser]) -> None:
    """What serves, prepares or measures: serve, worker, prepare, bench."""
    serve = command("serve", "Serve the page.")
    serve.add_argument("--host", default="127.0.0.1", help="(default: %(default)s)")
    serve.add_argument("--port", type=int, help="(default: the first that is free from 7860 on)")

    command("worker", "Take fits from the shared queue.")
    command("prepare", "Convert the embedded model and check both embedded models' files.")
    bench = command("bench", "Measure the figures that matter on this machine, in under three minutes.")
    bench.add_argument("--json", type=Path, metavar="FILE", help="write them as JSON, too (- prints it)")
    bench.add_argument("--quick", action="store_true", help="fewer repetitions and a fit of 5 texts: a rough look")


def main(argv: list[str] | None = None) -> int:
    """Runs a command; returns 0, or 2 with one sentence on stderr for anything the person can mend."""
    options = build_parser().parse_args(argv)
    try:
        _COMMANDS[options.command](options)
    except CopeError as error:
        print(f"cope_demo {options.command}: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        if error.filename is None:
            raise
        print(f"cope_demo {options.command}: {error.filename}: {error.strerror}.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def _fit(options) -> None:
    from dataclasses import replace

    from cope_demo.saved.ids import check_id
    from cope_demo.saved.store import Store
    from cope_demo.texts.history import parse_history

    from .terminal import fit_bars, print_report

    check_id(options.user)
    if options.card:
        card = json.loads(options.card.read_text("utf-8"))
        options.name, options.task = card["name"], card["task"]
    history = parse_history(options.history, task=options.task)
    print(history.summary())
    for warning in history.warnings:
        print(warning)
    from cope_demo.config import read_fit_config
    from cope_demo.fit.pipeline import fit_user

    config = replace(read_fit_config(), seed=options.seed)
    with fit_bars() as emit:
        user = fit_user(
            history,
            options.user,
            name=options.name,
            model=options.model,
            config=config,
            store=Store(options.users_dir),
            emit=emit,
        )
    print_report(user.report)
    print(f"Saved in {user.folder}")


def _compare(options) -> None:
    from cope_demo.service.service import Service

    from .terminal import show_columns

    methods = order_columns([name.strip() for name in options.columns.split(",") if name.strip()], options.against)
    service = Service(options.model, options.users_dir, options.seed)
    task = find_task(service.store.open(options.user).task)
    penalty, length = options.repetition_penalty, options.max_new_tokens
    config = DecodeConfig(
        alpha=options.alpha,
        tau=options.tau,
        repetition_penalty=task.repetition_penalty if penalty is None else penalty,
        max_new_tokens=task.max_new_tokens if length is None else length,
        temperature=options.temperature,
        seed=options.seed,
    )
    items = service.compare(options.user, options.prompt, config, methods, against=options.against)
    trace = list(show_columns(items, methods, options.against))[-1]
    if options.json:
        options.json.write_text(trace.dumps(), "utf-8")
    if options.html:
        from cope_demo.ui.token_view.standalone import standalone_html

        options.html.write_text(standalone_html(trace.to_json()), "utf-8")


def _score(options) -> None:
    from cope_demo.service.service import Service

    from .terminal import print_scores

    service = Service(options.model, options.users_dir, options.seed)
    trace = service.score(options.user, options.prompt, options.text, options.alpha, against=options.against)
    print_scores(trace)
    if options.json:
        options.json.write_text(trace.dumps(), "utf-8")


def _train_tam(options) -> None:
    from cope_demo.fit.tam import train_tam
    from cope_demo.fit.training import quiet_libraries

    from .terminal import step_bar

    quiet_libraries()
    config = TamConfig(examples=options.examples, seed=options.seed)
    with step_bar(f"TAM {options.task}") as show:
        choices = {"source": options.source, "license": options.license, "model": options.model, "config": config}
        result = train_tam(options.task, options.data, options.out, **choices, report=show)
    nats = result["nats_per_token"]
    print(f"Validation loss {nats['before']:.3f} -> {nats['after']:.3f} nats a token; saved in {options.out}")


def _evaluate(options) -> None:
    from cope_demo.evaluation.eta import Progress
    from cope_demo.evaluation.evaluate import evaluate
    from cope_demo.evaluation.results import format_markdown
    from cope_demo.evaluation.study import run_study
    from cope_demo.evaluation.study_text import format_study
    from cope_demo.fit.training import quiet_libraries

    from .terminal import author_bar

    quiet_libraries()
    methods = [name.strip() for name in options.methods.split(",") if name.strip()]
    asked = {name: getattr(options, name) for name in ("alpha", "tau", "repetition_penalty", "penalty_on", "scale")}
    decode = {name: value for name, value in asked.items() if value is not None}
    given = {"users": options.users, "seed": options.seed, "model": options.model, "decode": decode}
    task, data, out = options.task, options.data, options.out
    with author_bar(task) as show:
        if options.controls or options.seeds != 1 or options.processes != 1:
            more = {name: getattr(options, name) for name in ("seeds", "controls", "samples", "processes")}
            table = format_study(task, run_study(task, data, methods, out, tell=show, **given, **more))
        else:
            table = format_markdown(evaluate(task, data, methods, out, progress=Progress(show), **given))
    print(table)


def _serve(options) -> None:
    from cope_demo.ui.server import serve

    if options.model:
        os.environ["COPE_MODEL"] = options.model  # as for the worker: what a fit took is remembered by this name
    serve(model=options.model, host=options.host, port=options.port, users_dir=options.users_dir, seed=options.seed)


def _run_worker(options) -> None:
    from cope_demo.jobs.worker import run_worker

    if options.model:
        os.environ["COPE_MODEL"] = options.model
    run_worker()


def _prepare(options) -> None:
    from cope_demo.model.embedded import embedded_folder
    from cope_demo.model.quantized import keep_quantized
    from cope_demo.service.service import Service
    from cope_demo.texts.embedding import get_embedder

    keep_quantized(folder := embedded_folder())  # one that an earlier version made has no such copy
    print(f"The embedded model is ready in {folder}")
    Service().engine().warm_up()
    get_embedder()
    print("The decoder's loops are compiled for this machine, and the embedding model is ready.")


def _run_benchmarks(options) -> None:
    from .bench import measure_all
    from .terminal import print_figures

    figures = measure_all(options.model, options.quick, print_figures)
    if options.json:
        text = json.dumps(figures, indent=1)
        print(text) if str(options.json) == "-" else options.json.write_text(text + "\n", "utf-8")


_COMMANDS = {
    "fit": _fit,
    "compare": _compare,
    "score": _score,
    "batch": batching.run,
    "tam": _train_tam,
    "evaluate": _evaluate,
    "serve": _serve,
    "worker": _run_worker,
    "prepare": _prepare,
    "bench": _run_benchmarks,
    "site": write_pages,
    "publish-space": publish,
    "push": push,
    "pull": pull,
}
