"""The task adapters that come with the code: for the embedded model, whole, small, and with a true card."""

import json

import pytest
from huggingface_hub import ModelCard

from cope_demo.fit.tam_card import format_card
from cope_demo.model.embedded import EMBEDDED, EMBEDDED_SHA256
from cope_demo.model.task_adapters import SHIPPED, find_task_adapter
from cope_demo.saved.export import EMBEDDED_ORIGIN

TASKS = ("news_headline", "scholarly_title", "abstract_generation", "review_writing", "topic_writing")
LICENCES = {
    "news_headline": "CC BY 4.0",
    "scholarly_title": "CC BY-NC-SA",
    "abstract_generation": "CC BY-NC-SA",
    "review_writing": "research use",
    "topic_writing": "US government",
}
NAMES = {
    "news_headline": "cc-by-4.0",
    "scholarly_title": "cc-by-nc-sa-3.0",
    "abstract_generation": "cc-by-nc-sa-3.0",
}
"""The hub's names of those that have one there."""


@pytest.mark.parametrize("task", TASKS)
def test_each_task_has_one(task):
    identity = f"{EMBEDDED}@{EMBEDDED_SHA256[:16]}"
    found = find_task_adapter(task, identity)  # refuses one whose hash is another
    assert found is not None and found.folder == SHIPPED / task
    assert (found.folder / "adapter_model.safetensors").stat().st_size < 6_000_000
    made = json.loads((found.folder / "tam.json").read_text("utf-8"))
    assert made["base"]["identity"] == identity and made["task"] == task
    nats = made["nats_per_token"]
    assert nats["after"] < nats["before"] - 0.2
    card = (found.folder / "README.md").read_text("utf-8")
    for told in (LICENCES[task], made["data_sha256"], f"{nats['before']:.3f}", f"{nats['after']:.3f}", "learning_rate"):
        assert told in card
    assert LICENCES[task] in made["source"] and card == format_card(made)
    front = ModelCard(card).data
    assert (front.base_model, front.library_name, front.license) == (EMBEDDED_ORIGIN, "peft", NAMES.get(task, "other"))
    settings = json.loads((found.folder / "adapter_config.json").read_text("utf-8"))
    assert settings["base_model_name_or_path"] == EMBEDDED
    assert {path.name for path in found.folder.iterdir()} == {
        "README.md",
        "adapter_config.json",
        "adapter_model.safetensors",
        "tam.json",
    }
