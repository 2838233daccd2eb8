"""What happened in a fit, from the saved folder: curves, pairs, texts, settings. Plain data for page and API."""

from cope_demo.system.files import read_json_lines

from .store import SavedUser

_CURVES = {"oppu": ("loss",), "dpo": ("loss", "margin")}


def read_fit_details(user: SavedUser) -> dict:
    """Everything about the fit that is no weight.

    {"name", "task", "base", "task_adapter", "created", "versions", "settings"}: as in the manifest.
    "report": on the held-out texts, as report.json: bits per token, share of pairs ranked right, margins, counts.
    "curves": {"oppu": {"of", "loss"}, "dpo": {"of", "loss", "margin"}}, points [step, value] with 1 <= step <= of. Loss
        in nats (OPPU: a token; DPO: the preference loss); margin in nats times beta, chosen less rejected.
    "pairs": one for every text of the history: {"part": "train" | "held_out", "prompt", "chosen", "rejected",
        "chosen_reward", "rejected_reward", "others"}. Rewards are mean implicit rewards of a token under OPPU, at the
        setting negatives_alpha; "others" are the other candidates, as {"text", "reward"}; with the selections "all" and
        "misranked" some or all of them are rejected in pairs of their own.
    """
    manifest = user.manifest
    facts = {name: manifest.get(name) for name in ("name", "task", "base", "task_adapter", "created", "versions")}
    pairs = [_select_fields(row) for row in read_json_lines(user.folder / "pairs.jsonl")]
    curves = _collect_curves(read_json_lines(user.folder / "events.jsonl"))
    return {**facts, "settings": manifest.get("settings"), "report": user.report, "curves": curves, "pairs": pairs}


def _select_fields(row: dict) -> dict:
    kept = {name: row[name] for name in ("part", "prompt", "chosen", "rejected", "chosen_reward", "rejected_reward")}
    others = [c for c in row["candidates"] if c["ids"] != row["rejected_ids"]]
    return {**kept, "others": [{"text": c["text"], "reward": c["reward"]} for c in others]}


def _collect_curves(events: list[dict]) -> dict:
    found = {stage: {"of": 1, **{name: [] for name in names}} for stage, names in _CURVES.items()}
    for event in events:
        curve = found.get(event["stage"])
        for name in _CURVES.get(event["stage"], ()):
            if event[name] is not None:
                curve[name].append([event["step"], event[name]])
                curve["of"] = event["of"]
    return found
