"""What the numbers of docs/controls.json say, in sentences that are made from them: a list a task."""

from cope_demo.texts.tasks import TASKS


def list_findings(data: dict) -> str:
    """The findings of every task as Markdown."""
    parts = [f"**{TASKS[name].label}**\n\n{_list_task(study)}" for name, study in data["tasks"].items()]
    return "\n\n".join(parts)


def _list_task(study: dict) -> str:
    lines = [_describe_swap(study), _describe_identification(study), _describe_flips(study), _describe_scale(study)]
    lines += [_describe_penalty(study), _describe_attribution(study), _describe_contrast(study), _describe_power(study)]
    return "\n".join(f"- {line}" for line in lines if line)


def _describe_swap(study: dict) -> str:
    own, swapped = (_change(study, "nats", pair, "+.3f") for pair in ("oppu over tam", "oppu swapped over tam"))
    if not own or not swapped:
        return ""
    rouge = _change(study, "rougeL", "oppu over oppu swapped", "+.3f")
    more = f" In ROUGE-L of what is written, own against swapped is {rouge}." if rouge else ""
    return f"Swap, nats a token over `tam`: the own OPPU adapter {own}, another author's {swapped}.{more}"


def _describe_identification(study: dict) -> str:
    found = study["endpoints"].get("identification", {})
    if "oppu" not in found:
        return ""
    pairs = study["endpoints"]["identification pairwise"]
    both = "; ".join(
        f"{name} {found[method]['mean']:.0%}, in pairs {pairs[method]['mean']:.0%}"
        for name, method in (("by OPPU's adapters", "oppu"), ("after DPO", "oppu+dpo"))
    )
    change = _change(study, "identification pairwise", "oppu+dpo over oppu", "+.3f")
    return f"Authors found among {study['users']} (chance {1 / study['users']:.0%}): {both} (DPO in pairs: {change})."


def _describe_flips(study: dict) -> str:
    rules = [f"oppu alpha {alpha}" for alpha in ("0.1", "0.3", "0.5", "1")]
    there = [(rule, study["flips"][rule]) for rule in rules if study["flips"].get(rule, {}).get("tokens")]
    told = "; ".join(
        f"at {rule.split()[-1]} {one['changed'] / one['tokens']:.1%}, {one['gained']} became right, {one['lost']} were"
        for rule, one in there
    )
    return f"Contrast of OPPU changes of the next tokens {told}{_tell_seeds(study)}." if told else ""


def _describe_scale(study: dict) -> str:
    one = study["flips"].get("oppu x 1.1", {})
    if not one.get("tokens"):
        return ""
    change = _change(study, "agreement", "oppu x 1.1 over oppu", "+.4f")
    return (
        f"OPPU's LoRA multiplied with 1.1, without contrast: {one['changed'] / one['tokens']:.1%} changed, "
        f"{one['gained']} became right, {one['lost']} were{_tell_seeds(study)}; agreement {change}."
    )


def _describe_penalty(study: dict) -> str:
    means = study["endpoints"].get("agreement", {})
    rules = [f"oppu alpha 0.1 penalty 1.2 on {place}" for place in ("expert", "both", "score")]
    if not all(rule in means for rule in rules):
        return ""
    told = ", ".join(f"{rule.split()[-1]} {means[rule]['mean']:.4f}" for rule in rules)
    return f"Agreement of contrasted OPPU with a penalty of 1.2, by what it acts on: {told}."


def _describe_attribution(study: dict) -> str:
    endpoint = "attribution by letters pairwise"
    pairs = ("oppu over tam", "oppu over oppu swapped", "cope over oppu")
    told = [(pair, _change(study, endpoint, pair, "+.3f")) for pair in pairs]
    told = [f"{pair} {change}" for pair, change in told if change]
    return f"Attribution of what was written, by letters, in pairs: {'; '.join(told)}." if told else ""


def _describe_contrast(study: dict) -> str:
    told = [(pair, _change(study, "agreement", pair, "+.4f")) for pair in ("oppu+cd over oppu", "cope over oppu")]
    told = [f"{pair} {change}" for pair, change in told if change]
    written = _change(study, "agreement as written", "cope over oppu", "+.4f")
    if written and written != _change(study, "agreement", "cope over oppu", "+.4f"):
        told.append(f"with the penalty that texts are written with, cope over oppu {written}")
    return f"Next-token agreement: {'; '.join(told)}." if told else ""


def _describe_power(study: dict) -> str:
    numbers = study["differences"].get("rougeL", {}).get("cope over oppu")
    if not numbers or numbers["detectable"] is None:
        return ""
    share = numbers["detectable"] / study["endpoints"]["rougeL"]["oppu"]["mean"]
    return f"The smallest lead of `cope` over `oppu` in ROUGE-L that this would see (80 %) is {share:.0%}."


def _tell_seeds(study: dict) -> str:
    """Over how many readings of each text counts go, where it is more than one."""
    seeds = len(study["seeds"])
    return f" (counted over {seeds} seeds)" if seeds > 1 else ""


def _change(study: dict, endpoint: str, pair: str, form: str) -> str:
    """A difference with its interval, and whether that leaves the sign open."""
    numbers = study["differences"].get(endpoint, {}).get(pair)
    if not numbers or numbers["ci95"][0] is None:
        return ""
    low, high = numbers["ci95"]
    sure = "beyond" if low > 0 or high < 0 else "within"
    return f"{numbers['difference']:{form}} ({low:{form}} to {high:{form}}, {sure} chance)"
