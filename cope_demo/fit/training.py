"""What the training stages share: adapters put on base and taken off, LoRA and trainer settings, progress, memory."""

import ctypes
import os
import random
from contextlib import contextmanager
from pathlib import Path

import numpy
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from cope_demo.config import FitConfig, TamConfig
from cope_demo.model.base_model import BaseModel
from cope_demo.model.unpacked import add_in_place

from .events import Emit, FitEvent


def seed_everything(seed: int) -> None:
    """Seeds every generator of random numbers."""
    random.seed(seed)
    numpy.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def make_lora_settings(config: FitConfig | TamConfig) -> LoraConfig:
    """peft's settings for an adapter."""
    targets = config.lora_targets
    return LoraConfig(
        r=config.lora_rank,
        lora_alpha=config.lora_alpha,
        lora_dropout=config.lora_dropout,
        target_modules=targets if targets == "all-linear" else targets.split(","),
        task_type="CAUSAL_LM",
    )


@contextmanager
def apply_new_adapter(base: BaseModel, config: FitConfig | TamConfig):
    """base with a fresh LoRA to train, as a PeftModel; base is without it again afterwards."""
    with _unload_afterwards(base, get_peft_model(base.model, make_lora_settings(config))) as model:
        yield model


@contextmanager
def apply_saved_adapter(base: BaseModel, folder: Path, trainable: bool = False):
    """base with a saved LoRA, as a PeftModel; base is without it again afterwards."""
    model = PeftModel.from_pretrained(base.model, str(folder), is_trainable=trainable)
    with _unload_afterwards(base, model) as model:
        yield model


@contextmanager
def _unload_afterwards(base: BaseModel, model: PeftModel):
    for settings in model.peft_config.values():
        settings.base_model_name_or_path = base.name  # and not the folder on this machine
    add_in_place(model)
    text = base.model.config.get_text_config()
    router = getattr(text, "output_router_logits", None)
    try:
        yield model
    finally:
        base.model = model.unload()
        if router is not None:  # trl turns it on for good, and then a mixture of experts balances what is only scored
            text.output_router_logits = router
        # peft leaves its mark on the module and warns of a second adapter next time; trl wraps the forward once more
        # with every training.
        for mark in ("peft_config", "forward"):
            base.model.__dict__.pop(mark, None)
        base.model.eval()


def train(trainer: Trainer) -> None:
    """Runs a trl trainer with the adapter's weights in float32 and without its printing.

    trl turns the adapter of a quantized model into bfloat16, which has 8 bits of precision: at DPO's learning rates
    most steps would round to nothing.
    """
    trainer.remove_callback(PrinterCallback)
    for parameter in trainer.model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    trainer.train()


def save_adapter(model: PeftModel, folder: Path) -> None:
    """Saves the adapter in peft's format, in bfloat16: half the size, and what decoding computes with where it can."""
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.bfloat16()
    # False, or peft looks the base model up on the hub to compare vocabularies; ours never changes.
    model.save_pretrained(folder, save_embedding_layers=False)


def make_trainer_settings(
    base: BaseModel, config: FitConfig, stage: str, scratch: Path, length_of: str | None = None
) -> dict:
    """What trl's configs of both stages have in common; `stage` is "oppu" or "dpo".

    With a task adapter in base the stage's stacked learning rate counts.
    """
    stacked = {"oppu": config.stacked_learning_rate, "dpo": config.dpo_stacked_learning_rate}[stage]
    settings = dict(
        disable_tqdm=True,
        logging_nan_inf_filter=False,
        output_dir=str(scratch / f"{stage}.trainer"),
        num_train_epochs=getattr(config, f"{stage}_epochs"),
        learning_rate=stacked if base.tam else getattr(config, f"{stage}_learning_rate"),
        per_device_train_batch_size=getattr(config, f"{stage}_batch"),
        lr_scheduler_type="linear",
        # A warm-up begins at learning rate 0, and the preference stage has no step to waste.
        warmup_steps=0.1 if stage == "oppu" else 0,
        max_length=None,  # examples are cut already, and a reference was scored on the whole
        logging_steps=1,
        save_strategy="no",
        report_to="none",
        gradient_checkpointing=False,
        bf16=base.dtype == torch.bfloat16,
        use_cpu=not torch.cuda.is_available(),
        seed=config.seed,
        data_seed=config.seed,
        dataloader_pin_memory=False,
    )
    if length_of:
        settings |= dict(train_sampling_strategy="group_by_length", length_column_name=length_of)
    return settings


def use_one_gpu(settings: TrainingArguments) -> TrainingArguments:
    """The same for one GPU, where base is: by itself a trainer would share a batch among all that it sees."""
    settings._n_gpu = min(1, settings.n_gpu)  # there is no other way, as trl's own error says
    return settings


class Progress(TrainerCallback):
    """Turns a trainer's logs into fit events."""

    def __init__(self, stage: str, emit: Emit):
        self.stage, self.emit = stage, emit

    def on_train_begin(self, args, state, control, **kwargs):
        """The number of steps is known."""
        self.emit(FitEvent(self.stage, 0, state.max_steps))

    def on_log(self, args, state, control, logs=None, **kwargs):
        """A step is done."""
        if logs and "loss" in logs:
            margin = logs.get("rewards/margins")
            self.emit(FitEvent(self.stage, state.global_step, state.max_steps, float(logs["loss"]), margin))


def reuse_memory() -> None:
    """Keeps freed memory in this process for the next step, where the C library is glibc.

    Its default gives every large buffer back to the system at once; mapping them anew, step after step, took a third of
    a fit's time. Only the very largest (over 32 MB, a batch's logits) still come and go: kept in the heap as well, they
    fragment it, and where batches differ in length the process grows without end.
    """
    M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return
    mallopt(M_MMAP_THRESHOLD, 32 * 2**20)
    mallopt(M_TRIM_THRESHOLD, 2**31 - 1)


def quiet_libraries() -> None:
    """Silences the progress bars and warnings of libraries; their errors still raise."""
    import datasets
    import transformers

    datasets.disable_progress_bars()
    transformers.utils.logging.set_verbosity_error()
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
