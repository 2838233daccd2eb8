"""The front matter of a Space's README: what the hub reads to build, show and find it."""

import re
from dataclasses import dataclass

import yaml

from cope_demo.errors import CopeError
from cope_demo.model.embedded import EMBEDDED_FILE, EMBEDDED_HUB
from cope_demo.saved.export import EMBEDDED_ORIGIN
from cope_demo.texts.embedding import EMBEDDER, EMBEDDER_FILES, EMBEDDER_REVISION

TAGS = ("personalization", "contrastive-decoding", "lora", "dpo", "explainability", "education")
PICTURE = "docs/images/desktop-light.png"
"""What a link to the Space shows where it is shared."""
SCOPES = ("contribute-repos",)
"""The right that a visitor is asked for, the least that lets the app make repositories for them; it sees no others."""
PRELOADED = (
    f"{EMBEDDED_HUB[0]} {EMBEDDED_FILE} {EMBEDDED_HUB[1]}",
    f"{EMBEDDER} {','.join(EMBEDDER_FILES)} {EMBEDDER_REVISION}",
)
"""Fetched while the Space is built, so that a start needs no download: repository, files, revision."""
_CARD = re.compile(r"---\n(.*?)\n---\n(.*)", re.DOTALL)


@dataclass(frozen=True)
class Card:
    """A README: its front matter as a dict, and the text under it."""

    matter: dict
    text: str

    def format(self) -> str:
        """README.md, whole."""
        matter = yaml.safe_dump(self.matter, sort_keys=False, allow_unicode=True, width=10_000)  # a row a line
        return f"---\n{matter}---\n{self.text}"


def read_card(readme: str) -> Card:
    """A README's parts. Raises CopeError unless its front matter has a title and the versions that a Space needs."""
    found = _CARD.fullmatch(readme)
    try:
        matter = yaml.safe_load(found[1]) if found else None
    except yaml.YAMLError:
        matter = None
    missing = [name for name in ("title", "sdk_version", "python_version") if name not in (matter or {})]
    if missing:
        raise CopeError(f"README.md's front matter has no {', '.join(missing)}: a Space cannot be built without.")
    return Card(matter, found[2])


def make_space_card(card: Card, repo: str, hardware: str, model: str | None = None) -> Card:
    """The project's own card as that of the Space `repo` ("owner/name") on one of HARDWARE.

    model: one of the hub that it loads instead of the embedded one; of that the newest revision is fetched.
    Login asks for who somebody is, and for SCOPES. A static Space has no versions, no login and no models of its own.
    """
    models, tags = [EMBEDDED_ORIGIN, EMBEDDER], list(TAGS)
    if hardware == "static":
        kept = {name: card.matter[name] for name in _SHOWN if name in card.matter}
        return Card({**kept, "sdk": "static", "app_file": "index.html", "models": models[:1], "tags": tags}, _STATIC)
    preloaded = list(PRELOADED)
    if model:
        models, preloaded = [model, *models], [model, *preloaded]
    thumbnail = f"https://huggingface.co/spaces/{repo}/resolve/main/{PICTURE}"
    shown = {"models": models, "tags": tags, "thumbnail": thumbnail}
    login = {"hf_oauth": True, "hf_oauth_scopes": list(SCOPES)}
    added = {**login, "suggested_hardware": hardware, **shown, "preload_from_hub": preloaded}
    return Card({**card.matter, **added}, card.text)


_SHOWN = ("title", "colorFrom", "colorTo", "license", "short_description")
_STATIC = """
# CoPe, side by side

CoPe (Contrasting Personal Preference, Bu et al., EMNLP 2025, [arXiv 2506.12109](https://arxiv.org/abs/2506.12109))
makes a language model write like one person at decoding time. These pages show it token by token, on comparisons that
were saved before; they need no server and send nothing anywhere.
"""
