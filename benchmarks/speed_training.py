"""What makes a fit on a CPU quick, each part against what it replaces: median seconds of a stage on 12 texts.

    python benchmarks/speed_training.py [--json]

The texts are of the sample user "ines", on the shipped task adapter for posts.
"""

from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

from common import medians, table
from transformers import Trainer

from cope_demo import negatives, training
from cope_demo.attention import NAME
from cope_demo.base_model import load_base
from cope_demo.config import SAMPLE_USERS, FitConfig
from cope_demo.history import parse_history
from cope_demo.negatives import sample_candidates
from cope_demo.oppu import LeanTrainer, train_oppu
from cope_demo.training import encode, reuse_memory


@contextmanager
def other(owner, name, value):
    """Something else in the place of owner's `name` for a while."""
    kept = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, kept)


def measure(folder: Path) -> list[dict]:
    """The table's rows."""
    reuse_memory()
    base = load_base(trainable=True, task="topic_writing")
    config = replace(FitConfig(), oppu_epochs=1)
    history = parse_history(SAMPLE_USERS / "ines" / "texts.txt")
    examples = [encode(base, sample, config) for sample in history.samples[:12]]

    @contextmanager
    def attention(name):
        base.model.set_attn_implementation(name)
        yield
        base.model.set_attn_implementation(NAME)

    def whole(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        return Trainer.compute_loss(self, model, inputs, return_outputs, num_items_in_batch)

    def oppu(context=nullcontext):
        with context():
            train_oppu(base, examples, config, folder / "oppu", lambda event: None)

    def sample(context=nullcontext):
        with context():
            sample_candidates(base, examples, config, lambda event: None)

    contexts = {
        "adapters by peft": lambda: other(training, "add_in_place", lambda model: None),
        "transformers' plain attention": lambda: attention("eager"),
        "torch's fused attention": lambda: attention("sdpa"),
        "logits of prompts, too": lambda: other(LeanTrainer, "compute_loss", whole),
        "a prompt read for each candidate": lambda: other(negatives, "read_prompts", lambda *_: None),
    }
    names = list(contexts)
    stages = [("OPPU, one epoch", oppu, names[:4]), ("3 candidates a text", sample, [*names[1:3], names[4]])]
    rows = []
    for stage, work, others in stages:
        ways = {name: lambda work=work, name=name: work(contexts[name]) for name in others}
        times = medians({"ours": work} | ways, 2)
        for way, spent in times.items():
            rows.append({"stage": stage, "way": way, "seconds": round(spent, 2)})
            rows[-1]["ours / this"] = round(times["ours"] / spent, 2)
    return rows


if __name__ == "__main__":
    table("A fit's stages on a CPU, part by part", measure)
