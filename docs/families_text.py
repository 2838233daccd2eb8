"""The measured part of docs/families.md: tables as Markdown, made from what docs/families.json holds."""

from made_parts import fill_parts

from cope_demo.evaluation.study_text import format_table, tell_p, with_span
from cope_demo.texts.tasks import TASKS


def fill_families(text: str, data: dict) -> str:
    """The page with its measured part made anew; see made_parts.fill_parts."""
    made = "\n\n".join(map(_format_comparison, data["comparisons"])) or "Not measured yet."
    return fill_parts(text, {"families": made}, "docs/families.md")


def name_model(identity: str) -> str:
    """A model's name without the hash of its weights."""
    return identity.split("@")[0]


def _format_comparison(found: dict) -> str:
    names = {kind: name_model(found["models"][kind]) for kind in ("embedded", "other")}
    seeds = "seed" if len(found["seeds"]) == 1 else "seeds"
    lead = (
        f"### {TASKS[found['task']].label}: {names['other']} beside {names['embedded']}\n\n"
        f"{found['users']} authors, {found['queries']} queries, {seeds} {', '.join(map(str, found['seeds']))}. "
        f"{_tell_fit(found['fit'])}Machine of {names['other']}: {found['machine']}."
    )
    rows = [
        [
            one["says"],
            *(with_span(one[kind], "mean", "+.4f" if one["over"] else ".4f") for kind in names),
            with_span(one["difference"], "mean", "+.4f"),
            tell_p(one["p"]),
        ]
        for one in found["quantities"]
    ]
    quantities = format_table(["", *names.values(), "difference", "sign-flip p"], rows)
    flips = format_table(
        ["contrast of OPPU at", "model", "tokens", "changed", "became right", "were right", "right of these two"],
        [
            [alpha, names[kind], str(one["tokens"]), f"{one['changed'] / max(1, one['tokens']):.1%}"]
            + [str(one["gained"]), str(one["lost"]), with_span(one, "right", ".2f") if one["ci95"] else "–"]
            for alpha, both in found["flips"].items()
            for kind, one in both.items()
        ],
    )
    return "\n\n".join([lead, quantities, flips])


def _tell_fit(fit: dict[str, list]) -> str:
    told = ", ".join(f"{name} {other} instead of {embedded}" for name, (embedded, other) in fit.items())
    return f"Fitted with {told}. " if told else ""
