"""A saved user's adapters to take away: a zip with a model card, and a snippet that loads them with peft.

The card says what a fit was, never what it was made of: no text, no name and no id of a visitor's is in it.
"""

import json
import zipfile
from pathlib import Path

from cope_demo.errors import CopeError
from cope_demo.model.embedded import EMBEDDED
from cope_demo.model.task_adapters import find_named_adapter
from cope_demo.texts.tasks import find_task

from .citation import BIBTEX
from .store import ADAPTERS, SavedUser

EMBEDDED_ORIGIN = "HuggingFaceTB/SmolLM2-135M-Instruct"
"""The hub's name of the embedded model; its weights here are those of the GGUF file, Q4_1."""
_FILES = ("adapter_config.json", "adapter_model.safetensors")

_LOAD = {
    False: """model = PeftModel.from_pretrained(base, {cope})  # the expert; "oppu" is the stage before DPO


def expert(ids):
    return model(ids).logits[0, -1].float().log_softmax(-1)


def amateur(ids):
    with model.disable_adapter():
        return model(ids).logits[0, -1].float().log_softmax(-1)
""",
    True: """model = PeftModel.from_pretrained(base, {task}, adapter_name="task")  # part of the base of this fit
model.load_adapter({cope}, adapter_name="cope")  # the expert; "oppu" is the stage before DPO


def expert(ids):
    model.base_model.set_adapter(["task", "cope"])
    return model(ids).logits[0, -1].float().log_softmax(-1)


def amateur(ids):
    model.base_model.set_adapter("task")
    return model(ids).logits[0, -1].float().log_softmax(-1)
""",
}
_SNIPPET = """import math

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

BASE = {base}
tokenizer = AutoTokenizer.from_pretrained(BASE)
base = AutoModelForCausalLM.from_pretrained(BASE, dtype=torch.bfloat16)
{load}


turns = [{{"role": "user", "content": {prompt}}}]
asked = tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_tensors="pt", return_dict=True)
ids = asked["input_ids"]
alpha, tau = 0.1, 0.1
with torch.no_grad():
    for _ in range(40):
        user, general = expert(ids), amateur(ids)
        score = (user - alpha * general).masked_fill(user < user.max() + math.log(tau), -torch.inf)
        ids = torch.cat([ids, score.argmax().view(1, 1)], 1)
print(tokenizer.decode(ids[0]))
"""


def write_zip(user: SavedUser, sample: bool, target: Path) -> None:
    """Writes the adapters of a user, with the task adapter they stand on where there is one, as a zip to `target`.

    sample: whether it is one of the repository's fictional people, whose name the card may say.
    Raises CopeError when the task adapter is not there any more, and for adapters that were opened from the hub.
    """
    if user.origin:
        raise CopeError(f"These adapters are to be had on the hub, as {user.origin['repo']}: download them there.")
    folders = list_adapter_folders(user)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as file:
        file.writestr("README.md", make_model_card(user, sample))
        for name, folder in folders.items():
            for part in _FILES:
                file.write(folder / part, f"{name}/{part}")


def list_adapter_folders(user: SavedUser) -> dict[str, Path]:
    """The PEFT folders that somebody else needs: "oppu", "cope" and, where the user was fitted on one, "task".

    Raises CopeError when the task adapter is not there any more.
    """
    task = find_named_adapter(user.manifest.get("task_adapter"))
    return {kind: user.adapter(kind) for kind in ADAPTERS} | ({"task": task.folder} if task else {})


def make_snippet(user: SavedUser, repo: str | None = None) -> str:
    """Python that loads the adapters with peft and writes 40 tokens by CoPe's rule.

    repo: where they are on the hub; None: unzipped, in the folder where it runs.
    """
    task, base = find_task(user.task), json.dumps(find_hub_name(user.manifest["base"]))
    prompt = json.dumps(task.prompt(task.example_prompt), ensure_ascii=False)
    load = _LOAD[user.manifest.get("task_adapter") is not None].rstrip("\n")
    places = {kind: json.dumps(kind) for kind in ("cope", "task")}
    if repo:
        places = {kind: f"{json.dumps(repo)}, subfolder={place}" for kind, place in places.items()}
    return _SNIPPET.format(base=base, load=load.format(**places), prompt=prompt)


def make_model_card(user: SavedUser, sample: bool, repo: str | None = None) -> str:
    """README.md with the hub's front matter. See write_zip and, for `repo`, make_snippet."""
    from huggingface_hub import ModelCardData

    manifest, report = user.manifest, user.report
    front = ModelCardData(
        base_model=find_hub_name(user.manifest["base"]),
        library_name="peft",
        base_model_relation="adapter",
        pipeline_tag="text-generation",
        license="apache-2.0" if sample else "other",
        license_name=None if sample else "as-the-texts-and-the-base-model",
        tags=["cope", "personalization", "contrastive-decoding", "lora", "dpo", "trl"],
    )
    whose = f"{user.name}, a fictional person" if sample else "one person"
    bits, right, margin = report["bits_per_token"], report["pairs_right"], report["margin"]
    table = [f"| {_NAMES[k]} | {bits[k]:.3f} | {right[k]:.0%} | {margin[k]:+.2f} |" for k in ("base", "oppu", "cope")]
    base = manifest["base"]
    return _CARD.format(
        front=front.to_yaml().strip(),
        whose=whose,
        base=base["name"],
        identity=base["identity"],
        gguf=" Its weights were those of the GGUF file, Q4_1." if base["name"] == EMBEDDED else "",
        task_folder="; `task/` is the task adapter that base wore" if manifest.get("task_adapter") else "",
        label=find_task(user.task).label.lower(),
        train=report["train"],
        held_out=report["held_out"],
        pairs=report["pairs"],
        table="\n".join(table),
        texts=_TEXTS[sample],
        use=_USE[repo is not None],
        licence=_LICENCES[sample],
        snippet=make_snippet(user, repo).strip(),
        settings="\n".join(f"| {name} | {value} |" for name, value in manifest.get("settings", {}).items()),
        versions=", ".join(f"{name} {number}" for name, number in manifest.get("versions", {}).items()),
        created=manifest["created"],
        bibtex=BIBTEX.strip(),
    )


def find_hub_name(base: dict) -> str:
    """The hub's name of a base model, as a manifest or a task adapter names it: {"name", "identity"}."""
    return EMBEDDED_ORIGIN if base["name"] == EMBEDDED else base["name"]


_NAMES = {"base": "base", "oppu": "OPPU", "cope": "CoPe"}
_TEXTS = {
    True: "They were written for the CoPe demo and are nobody's private writing.",
    False: "They are the property of whoever wrote them and are not part of what you see here.",
}
_USE = {
    False: "Unzip, and run this in the folder.",
    True: "The CoPe demo opens this repository by its name (`owner/name@revision`). Or run this.",
}
_LICENCES = {
    True: "Apache-2.0, as the demo.",
    False: "The demo claims no rights in these adapters. They follow from the texts and from the base model: the "
    "rights in both remain with their owners, and the base model's licence applies. Adapters can repeat phrases of the "
    "texts they were trained on, so share them only where you would share the texts.",
}
_CARD = """---
{front}
---
# CoPe adapters of {whose}

LoRA adapters for {base}, fitted with the CoPe demo (Contrasting Personal Preference, Bu et al., EMNLP 2025): `oppu/`
was trained on the person's texts, `cope/` continues it with DPO, the person's text against an answer of base to the
same instruction{task_folder}. `cope/` is the expert of contrastive decoding, base its amateur.

## Use

{use} It decodes by CoPe's rule: of the tokens that are plausible to the expert, the one
with the highest log p(expert) - alpha * log p(base).

```python
{snippet}
```

The fit was made on the base model in 4 bit (bitsandbytes NF4).{gguf} In another precision the numbers differ a little.

## Data

{train} texts of one person ({label}), and {held_out} more that were held out. {texts}

## Measured on the held-out texts

Bits per token of the person's own words (lower is better); and of {pairs} pairs of an own text and an answer of base,
the share in which the own one ranks higher, and by how many nats a token.

| model | bits per token | ranked right | margin |
|---|---|---|---|
{table}

With so few texts these numbers are rough.

## Intended use and limits

To study how a small adapter takes on a way of writing. Not to pass text off as somebody's: it is generated, states
things that are not true, and a small base model writes with a voice, not with facts. Do not use it to impersonate
anybody.

## Settings

| setting | value |
|---|---|
{settings}

Base model identity: `{identity}`. Made {created} with {versions}.

## Licence

{licence}

## Citation

```bibtex
{bibtex}
```
"""
