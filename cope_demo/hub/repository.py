"""Adapters in a repository of the hub, as anybody may have put them there: looked up, judged, and only then fetched.

Two forms are opened: what this demo pushes (cope.json, oppu/ and cope/), and a plain LoRA as peft saves one, a single
adapter that stands for both. Only JSON and safetensors are fetched, into names of ours, and never more bytes than the
hub has announced.
"""

import hashlib
import json
import time
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from huggingface_hub import HfApi, hf_hub_url
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError
from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status

from cope_demo.errors import CopeError, quote
from cope_demo.saved.export import find_hub_name
from cope_demo.saved.store import ADAPTERS

from . import description
from .address import Address

ENDPOINT: str | None = None
"""Another hub than huggingface.co (or HF_ENDPOINT), for tests."""
SECONDS, FETCH_SECONDS = 5.0, 60.0
"""How long the hub may say nothing, and how long all files of a repository may take."""
MAX_REPOSITORY, MAX_ADAPTER = 1_000_000_000, 200_000_000
"""Bytes of all files of a repository, and of one adapter's weights."""
CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
PUSHED = tuple(f"{kind}/{name}" for kind in ADAPTERS for name in (CONFIG, WEIGHTS))
PLAIN = (CONFIG, WEIGHTS)
PICKLES = frozenset(".bin .pt .pth .pkl .pickle .ckpt .joblib .npy .npz .dill".split())


@dataclass(frozen=True)
class Repository:
    """What was found at an address. commit: of its revision; sizes: path -> bytes."""

    address: Address
    commit: str
    sizes: dict[str, int]

    @property
    def pinned(self) -> Address:
        """The address that always means these files."""
        return Address(self.address.repo, self.commit)

    @property
    def is_plain(self) -> bool:
        """Whether it is a single LoRA, without what this demo writes beside its own."""
        return description.NAME not in self.sizes


def look_up(address: Address, token: str | None = None) -> Repository:
    """What the hub has there, as this token's holder may see it; None: as anybody. Nothing is fetched yet.

    Raises CopeError in one sentence when it is not there, not to be seen, or not what is opened here.
    """
    api = HfApi(endpoint=ENDPOINT, token=token or False)  # False, or the server's own token would be used
    try:
        info = api.model_info(address.repo, revision=address.revision, timeout=SECONDS, files_metadata=True)
        sizes = {str(one.rfilename): int(one.size or 0) for one in info.siblings or ()}
        commit, gated = str(info.sha), bool(info.gated)
    except Exception as error:  # of several libraries, whose messages hold addresses, request ids and more
        raise CopeError(explain(error, address, token)) from None
    if gated and not token:
        raise CopeError(_GATED.format(repo=address.repo))
    found = Repository(address, commit, sizes)
    _check_files(found)
    if not found.pinned.is_pinned:
        raise CopeError(_BROKEN.format(repo=address.repo))
    return found


def fetch(found: Repository, folder: Path, base: dict, token: str | None = None) -> dict:
    """Puts the adapters into `folder` as oppu/ and cope/ and returns their description (description.py).

    base: the model in use, {"name", "identity"}. Of a plain LoRA the description is {}. Raises CopeError, before any
    weights are fetched, when they were made for another model; and when a file is not as announced.
    """
    read = _read_plain if found.is_plain else _read_pushed
    try:
        said, files = read(_Fetcher(found, token), base)
    except CopeError as error:
        raise CopeError(f"{found.address} cannot be opened: {error}") from None
    except Exception as error:
        raise CopeError(explain(error, found.address, token)) from None
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    return said


def _read_pushed(fetcher: "_Fetcher", base: dict) -> tuple[dict, dict[str, bytes]]:
    """The description and the files of what this demo has pushed."""
    said = description.read_description(fetcher.read(description.NAME), PUSHED)
    if said["base"]["identity"] != base["identity"]:
        raise CopeError(
            f"They were fitted on {quote(said['base']['name'])}, and here {base['name']} is in use (or other weights "
            "of the same name). Open them where that model is in use, or choose others."
        )
    files = {name: fetcher.read(name) for name in PUSHED}
    for name, content in files.items():
        if len(content) != said["files"][name]["size"] or _hash(content) != said["files"][name]["sha256"]:
            raise CopeError(f"The file {name} is not the one that its {description.NAME} names: have it pushed again.")
    return said, files


def _read_plain(fetcher: "_Fetcher", base: dict) -> tuple[dict, dict[str, bytes]]:
    """The same of a plain LoRA, which is given twice."""
    config = fetcher.read(CONFIG)
    try:
        named = json.loads(config)["base_model_name_or_path"]
        if not isinstance(named, str):
            raise ValueError("no name")
    except (ValueError, KeyError, TypeError, RecursionError):
        raise CopeError(f"Its {CONFIG} does not say which model the adapter is for; choose another one.") from None
    names = {base["name"], find_hub_name(base)}
    local = "/" not in find_hub_name(base)  # a folder of this machine, which has no owner's name
    if named not in names and not (local and PurePosixPath(named).name in names):
        raise CopeError(
            f"The adapter is for {quote(named)}, and here {find_hub_name(base)} is in use. Open it where that model is "
            "in use, or choose another one."
        )
    weights = fetcher.read(WEIGHTS)
    both = {CONFIG: config, WEIGHTS: weights}
    return {}, {f"{kind}/{name}": content for kind in ADAPTERS for name, content in both.items()}


def _check_files(found: Repository) -> None:
    """Raises CopeError unless the files, by their names and sizes, are those of adapters that are opened here."""
    repo, sizes = found.address.repo, found.sizes
    for name in sizes:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or "\\" in name or not name.isprintable():
            raise CopeError(f"{repo} has a file whose name leads elsewhere, {quote(name)}: choose another repository.")
    total = sum(sizes.values())
    if total > MAX_REPOSITORY:
        raise CopeError(
            f"{repo} has {total / 1e9:.1f} GB, and at most {MAX_REPOSITORY / 1e9:.0f} GB are opened here: put the "
            "adapter alone into a repository."
        )
    if odd := next((name for name in sizes if PurePosixPath(name).suffix.lower() in PICKLES), None):
        raise CopeError(
            f"{repo} has the file {quote(odd)}, of a kind that can run programs when it is read: only repositories "
            "with nothing but safetensors for weights are opened. Save it anew without that file."
        )
    wanted = PLAIN if found.is_plain else (description.NAME, *PUSHED)
    if missing := next((name for name in wanted if name not in sizes), None):
        raise CopeError(
            f"{repo} is no adapter, as it has no {missing}: open what was pushed from this demo, or a LoRA as peft "
            f"saves it ({CONFIG} and {WEIGHTS})."
        )
    for name in wanted:
        limit = MAX_ADAPTER if name.endswith(WEIGHTS) else description.MAX_BYTES
        if sizes[name] > limit:
            raise CopeError(
                f"The file {name} of {repo} has {sizes[name] / 1e6:,.1f} MB, and at most {limit / 1e6:,.1f} MB are "
                "opened here: choose a smaller adapter."
            )


class _Fetcher:
    """Reads a repository's files, all of them within FETCH_SECONDS."""

    def __init__(self, found: Repository, token: str | None):
        self._found, self._headers = found, build_hf_headers(token=token or False)
        self._end = time.monotonic() + FETCH_SECONDS

    def read(self, name: str) -> bytes:
        """A file's bytes. Raises CopeError when they are not as many as were announced, or come too slowly."""
        size, taken = self._found.sizes[name], bytearray()
        url = hf_hub_url(self._found.address.repo, name, revision=self._found.commit, endpoint=ENDPOINT)
        with get_session().stream(
            "GET", url, headers=self._headers, follow_redirects=True, timeout=SECONDS
        ) as answer:  # a redirect to another host goes without the token
            hf_raise_for_status(answer)
            for block in answer.iter_bytes():
                taken += block
                if len(taken) > size:
                    break
                if time.monotonic() > self._end:
                    raise CopeError(f"The file {name} comes too slowly from the hub: try again later.")
        if len(taken) != size:
            raise CopeError(f"The file {name} has not the {size:,} bytes that the hub has announced: try again later.")
        return bytes(taken)


def explain(error: Exception, address: Address, token: str | None) -> str:
    """The sentence for what the hub or the way to it said to whoever wants to read."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(error, GatedRepoError):
        return _GATED.format(repo=address.repo)
    if isinstance(error, RevisionNotFoundError):
        return f"{address.repo} has no revision {quote(address.revision)}: name a branch, a tag or a commit of it."
    if isinstance(error, RepositoryNotFoundError) or status in (403, 404):
        return (_HIDDEN if token else _UNKNOWN).format(repo=address.repo)
    if status == 401:
        return ENDED if token else _UNKNOWN.format(repo=address.repo)
    if status == 429:
        return "The hub has had too many requests from here: try again in an hour."
    if isinstance(error, HfHubHTTPError) or status is not None:
        return f"The hub refused {address.repo} (HTTP {status}): try again later."
    if isinstance(error, (ValueError, TypeError)):
        return _BROKEN.format(repo=address.repo)
    return f"The hub does not answer, so {address.repo} could not be opened: try again later."


ENDED = "The hub does not know this sign-in any more: sign out and in again, or make a new token."
_GATED = "{repo} is gated: only whom its owner has let in may read it, which this app cannot; choose another one."
_UNKNOWN = (
    "There is no repository {repo} that everybody may read: check the name. A private one that was pushed from here "
    "opens once you are signed in."
)
_HIDDEN = (
    "There is no repository {repo} that this app may read for you: check the name. Of private ones it sees those that "
    "it has pushed for you."
)
_BROKEN = "What the hub says of {repo} cannot be read: try again later."


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
