"""The model card of a task adapter: what the hub reads of it, and what it was trained on."""

from huggingface_hub import ModelCardData

from cope_demo.saved.export import find_hub_name

NO_LICENCE = "other"
"""The hub's name for a licence that has none there."""


def format_card(result: dict) -> str:
    """README.md of the adapter that `result` describes, as in tam.json."""
    front = ModelCardData(
        base_model=find_hub_name(result["base"]),
        library_name="peft",
        base_model_relation="adapter",
        pipeline_tag="text-generation",
        license=result["license"],
        tags=["lora", "cope", "task-adapter"],
    )
    nats, texts = result["nats_per_token"], result["texts"]
    return _CARD.format(
        front=front.to_yaml().strip(),
        task=result["task"],
        base=result["base"]["name"],
        identity=result["base"]["identity"],
        source=result["source"] or "not stated",
        digest=result["data_sha256"],
        train=texts["train"],
        validation=texts["validation"],
        before=nats["before"],
        after=nats["after"],
        settings=", ".join(f"{name} {value}" for name, value in result["settings"].items()),
    )


_CARD = """---
{front}
---

# Task adapter (TAM): {task}

A LoRA for {base} (4 bit, NF4), trained on other people's texts of the task {task}.
In CoPe it is part of the base model: personal adapters are fitted and contrasted on top of it.

- Data: {source}. SHA-256 of the file: {digest}.
- Texts: {train} for training, {validation} of other authors for validation.
- Validation loss: {before:.3f} nats a token before, {after:.3f} after.
- Settings: {settings}.
- Base model's identity: {identity}.

The front matter's licence is that of the texts. The base model's own applies besides.

It writes like the average of its sources, faults and all; nothing that it says is a fact.
"""
