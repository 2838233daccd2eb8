"""How fits, comparisons and scores look in a terminal."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.columns import Columns
from rich.console import Console
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text
from tqdm import tqdm

from cope_demo.decode.methods import METHODS
from cope_demo.decode.trace import ColumnEnd, TokenEvent, Trace
from cope_demo.fit.events import Emit, FitEvent


@contextmanager
def fit_bars() -> Iterator[Emit]:
    """One progress bar a stage, with loss, margin and the remaining time of the whole fit."""
    bars: dict[str, tqdm] = {}

    def emit(event: FitEvent) -> None:
        bar = bars.get(event.stage)
        if bar is None:
            bar = bars[event.stage] = tqdm(total=event.of, desc=f"{event.stage:9}", unit="step", dynamic_ncols=True)
        bar.total = event.of
        bar.n = event.step
        numbers = {"loss": event.loss, "margin": event.margin}
        shown = {name: f"{value:.3f}" for name, value in numbers.items() if value is not None}
        if event.eta is not None:
            shown["fit done in"] = f"{event.eta:.0f} s"
        bar.set_postfix(shown, refresh=False)
        bar.refresh()

    try:
        yield emit
    finally:
        for bar in bars.values():
            bar.close()


@contextmanager
def step_bar(title: str) -> Iterator:
    """A progress bar for what is shown as (step, of, loss, seconds to go)."""
    with tqdm(desc=title, unit="step", dynamic_ncols=True) as bar:

        def show(step: int, of: int, loss: float, eta: float) -> None:
            bar.total, bar.n = of, step
            bar.set_postfix(loss=f"{loss:.3f}", left=f"{eta:.0f} s", refresh=False)
            bar.refresh()

        yield show


@contextmanager
def author_bar(title: str) -> Iterator:
    """A progress bar for what is shown as (authors done, of, seconds to go)."""
    with tqdm(desc=title, unit="author", dynamic_ncols=True) as bar:

        def show(done: int, of: int, eta: float) -> None:
            bar.total, bar.n = of, done
            bar.set_postfix(left=f"{eta / 60:.0f} min", refresh=False)
            bar.refresh()

        yield show


@contextmanager
def trace_bar() -> Iterator:
    """A progress bar for what is shown as (traces there, of); the seconds to go follow from those of this run."""
    with tqdm(desc="traces", unit="trace", dynamic_ncols=True) as bar:

        def show(done: int, of: int) -> None:
            if bar.total is None:
                bar.total, bar.initial = of, done
            bar.n = done
            bar.refresh()

        yield show


def print_report(report: dict) -> None:
    """What the fit did, on the texts it was not shown."""
    held = report["held_out"]
    table = Table(title="On one held-out text" if held == 1 else f"On {held} held-out texts")
    table.add_column("")
    for title in ("base", "OPPU", "CoPe"):
        table.add_column(title, justify="right")
    names = ("base", "oppu", "cope")
    table.add_row("bits per token", *(f"{report['bits_per_token'][name]:.3f}" for name in names))
    right = [f"{100 * report['pairs_right'][name]:.0f} %" for name in names]
    table.add_row(f"own text above base's, of {report['pairs']} pairs", *right)
    table.add_row("by how much, nats a token", *(f"{report['margin'][name]:+.2f}" for name in names))
    Console().print(table)


def show_columns(
    items: Iterator[TokenEvent | ColumnEnd | Trace], methods: tuple[str, ...], against: str = ""
) -> Iterator:
    """Passes the items on while the texts grow side by side (in a terminal), or are printed at the end (elsewhere).

    against: the user whom a column contrasts with.
    """
    console = Console()
    texts = dict.fromkeys(methods, "")

    def picture() -> Columns:
        width = max(24, console.width // len(methods) - 2)
        return Columns(
            [Panel(Text(texts[m]), title=METHODS[m].label.format(other=against), width=width) for m in methods]
        )

    with Live(picture(), console=console, refresh_per_second=8) as live:
        for item in items:
            if isinstance(item, TokenEvent):
                texts[item.method] += item.token.text
                live.update(picture())
            yield item


def print_scores(trace: Trace) -> None:
    """The tokens with their rewards, and the mean."""
    tokens, amateur = trace.columns[0].tokens, trace.against or "base"
    table = Table(title=f"Implicit reward, alpha {trace.alpha}")
    for title in ("token", "log p user", f"log p {amateur}", "reward", "log ratio"):
        table.add_column(title, justify="left" if title == "token" else "right")
    for t in tokens:
        numbers = (t.logp_user, t.logp_base, t.reward, t.logp_user - t.logp_base)
        table.add_row(Text(repr(t.text) if t.text else "(end)"), *(f"{number:+.2f}" for number in numbers))
    console = Console()
    console.print(table)
    mean = sum(t.reward for t in tokens) / len(tokens)
    ratio = sum(t.logp_user - t.logp_base for t in tokens) / len(tokens)
    console.print(f"mean reward {mean:+.3f} nats a token; mean log ratio to {amateur} {ratio:+.3f} nats a token")


_FIGURES = {
    "load_s": ("the model is loaded", "s"),
    "float32_products": ("products of float32 by", ""),
    "step_ms": ("a step of three columns with full traces", "ms"),
    "first_token_ms": ("first token of a visitor who is alone", "ms"),
    "tokens_per_s_alone": ("tokens of one visitor, three columns", "a second"),
    "read_mb": ("weights that a step reads", "MB"),
    "read_floor_ms": ("reading them once", "ms"),
    "tokens_per_s_20_visitors": ("tokens of 20 visitors at once", "a second"),
    "first_token_20_visitors_ms": ("their first token, 95th percentile", "ms"),
    "memory_mb": ("memory of the process then", "MB"),
    "step_over_generate": ("a step of three columns over the fastest generate", "times"),
    "step_over_floor": ("the same over reading its weights", "times"),
}
"""Words and units of what `bench` measures."""


def print_figures(figures: dict) -> None:
    """A part of bench's table, a line a figure, as soon as it is measured."""
    for name, value in figures.items():
        if name == "cpu":
            kind = "with" if value["native_bfloat16"] else "without"
            flags = " ".join(value["flags"]) or "unknown"
            _print_line(value["model"], f"{value['cores']} cores, {kind} native bfloat16")
            _print_line("flags; torch uses", f"{flags}; {value['torch']}")
            _print_line("reading memory", f"{value['read_gb_s']} GB/s")
        elif name == "generate_ms":
            for kind, spent in value.items():
                took = "not measured, too slow" if spent is None else f"{spent} ms"
                _print_line(f"a token of plain greedy generate, {kind}", took)
        elif name == "fit_40_s":
            _print_line("a fit of 40 texts of 60 tokens", f"{value} s, {figures['fit_40']}")
        elif name in _FIGURES:
            words, unit = _FIGURES[name]
            _print_line(words, f"{value} {unit}")
        elif name != "fit_40":
            _print_line(name, value)


def _print_line(words: str, value: object) -> None:
    print(f"{words:52}{value}", flush=True)
