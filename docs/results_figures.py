"""The figures of docs/RESULTS.md, drawn from what docs/results.json holds: the methods by task, and the sweeps.

Every method has a marker of its own beside its colour, so that nothing hangs on telling colours apart.
"""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402

from cope_demo.decode.methods import METHODS, list_evaluated  # noqa: E402
from cope_demo.evaluation.published import list_contrasting  # noqa: E402
from cope_demo.texts.tasks import TASKS  # noqa: E402

INK, SOFT, LINE, CARD = "#1c2028", "#545b67", "#ddd8cc", "#fffefb"
BLUE, ORANGE, GREY = "#2b5f94", "#a4500c", "#8b8678"
MARKERS = {"base": "o", "rag": "v", "pag": "^", "tam": "s", "oppu": "o", "oppu+cd": "P", "oppu+dpo": "s", "cope": "D"}
STYLE = {
    "font.size": 13,
    "font.family": "DejaVu Sans",
    "figure.facecolor": CARD,
    "axes.facecolor": CARD,
    "axes.edgecolor": LINE,
    "axes.labelcolor": SOFT,
    "axes.grid": True,
    "axes.titlesize": 14,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlecolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": LINE,
    "grid.linewidth": 0.8,
    "xtick.color": SOFT,
    "ytick.color": INK,
    "svg.hashsalt": "cope",  # the same numbers give the same file
}


def find_look(name: str) -> tuple[str, str]:
    """Colour and marker of a method: blue stands on OPPU's adapter, orange on CoPe's, and others on neither."""
    method = METHODS[name]
    fitted = {"oppu": BLUE, "cope": ORANGE}[method.adapter] if method.personal else None
    return fitted or (INK if method.task_adapter else GREY), MARKERS.get(name, "X")


def draw_methods(data: dict, path: Path) -> bool:
    """ROUGE-L of every method, a panel a task, with 95 % intervals. False, and nothing written, without any task."""
    groups = [(TASKS[name].label, task) for name, task in data["tasks"].items()]
    if data.get("pooled"):
        groups.append(("Mean of tasks", data["pooled"]))
    if not groups:
        return False
    methods = [m for m in list_evaluated() if any(m in group["methods"] for _, group in groups)]
    wide = min(3, len(groups))
    tall = -(-len(groups) // wide)
    with matplotlib.rc_context(STYLE):
        size = (1.6 + 4.0 * wide, 0.9 + (0.9 + 0.36 * len(methods)) * tall)
        figure, axes = pyplot.subplots(tall, wide, figsize=size, squeeze=False, sharey=True, layout="constrained")
        for ax, (label, group) in zip(axes.flat, groups, strict=False):
            for row, method in enumerate(methods):
                if method in group["methods"]:
                    _bar(ax, row, group["methods"][method]["rougeL"], group["ci95"][method]["rougeL"], method)
            ax.set_title(label)
            ax.set_yticks(range(len(methods)), methods)
            ax.set_ylim(len(methods) - 0.4, -0.6)
            ax.tick_params(length=0)
            ax.grid(axis="y", visible=False)
            ax.spines["left"].set_visible(False)
            ax.locator_params(axis="x", nbins=5)
        for ax in axes.flat[len(groups) :]:
            ax.set_visible(False)
        figure.supxlabel("ROUGE-L with 95 % intervals over authors", color=SOFT, fontsize=13)
        _save(figure, path)
    return True


def draw_sweeps(data: dict, path: Path) -> bool:
    """ROUGE-L over alpha (left, at the main tau) and over tau (right, at the main alpha), a row a task with a sweep.

    False, and nothing written, where there is none.
    """
    swept = [(name, task) for name, task in data["tasks"].items() if task["sweep"]]
    if not swept:
        return False
    with matplotlib.rc_context(STYLE):
        size = (12, 0.7 + 3.4 * len(swept))
        figure, axes = pyplot.subplots(len(swept), 2, figsize=size, squeeze=False, sharey="row", layout="constrained")
        for line, (name, task) in zip(axes, swept, strict=True):
            for ax, moved, fixed in ((line[0], "alpha", "tau"), (line[1], "tau", "alpha")):
                values = {one[moved] for one in task["sweep"]["points"] if one[fixed] == task[fixed]}
                if len(values) < 2:  # one point is no sweep
                    ax.set_axis_off()
                    words = f"{moved} was not varied at {fixed} = {task[fixed]:g}"
                    ax.text(0.5, 0.5, words, ha="center", va="center", transform=ax.transAxes)
                    continue
                _sweep(ax, task, moved, fixed)
                ax.set_title(f"{TASKS[name].label}, {fixed} = {task[fixed]:g}")
                ax.set_xlabel(moved)
            line[0].set_ylabel("ROUGE-L")
        handles = dict(pair for ax in axes.flat for pair in zip(*reversed(ax.get_legend_handles_labels()), strict=True))
        figure.legend(handles.values(), handles, loc="outside lower center", ncols=len(handles), frameon=False)
        _save(figure, path)
    return True


def _bar(ax, row: int, mean: float, ends, method: str) -> None:
    colour, marker = find_look(method)
    ax.plot(ends, [row, row], color=colour, linewidth=2.2, solid_capstyle="butt")
    ax.plot(mean, row, color=colour, marker=marker, markersize=9, markeredgecolor=CARD)


def _sweep(ax, task: dict, moved: str, fixed: str) -> None:
    """The points in equal steps, whatever lies between their values."""
    points = [one for one in task["sweep"]["points"] if one[fixed] == task[fixed]]
    places = sorted({one[moved] for one in points})
    for number, method in enumerate(list_contrasting()):
        own = sorted((one for one in points if one["method"] == method), key=lambda one: one[moved])
        colour, marker = find_look(method)
        x = [places.index(one[moved]) + (2 * number - 1) * 0.05 for one in own]  # so that no whisker hides another
        ax.vlines(x, [one["ci95"][0] for one in own], [one["ci95"][1] for one in own], color=colour, linewidth=1.6)
        ax.plot(x, [one["rougeL"] for one in own], color=colour, marker=marker, markersize=9, linewidth=2, label=method)
    for method, one in task["sweep"]["against"].items():
        style = {"tam": ":", "oppu": "--"}[method]
        ax.axhline(one["rougeL"], color=find_look(method)[0], linestyle=style, linewidth=2, label=method)
    ax.set_xticks(range(len(places)), [f"{place:g}" for place in places])
    ax.set_xlim(-0.4, len(places) - 0.6)


def _save(figure, path: Path) -> None:
    figure.savefig(path, metadata={"Date": None}, bbox_inches="tight", pad_inches=0.25)
    pyplot.close(figure)
