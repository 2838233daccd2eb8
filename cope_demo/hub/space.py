"""A Space, from this copy of the project to the hub: staged, checked, uploaded."""

import shutil
from collections.abc import Callable
from pathlib import Path

from cope_demo.errors import CopeError
from cope_demo.paths import ROOT, data_dir
from cope_demo.system.files import write_whole

from .card import make_space_card, read_card
from .privacy import check_folder
from .resolution import Unchecked, resolve_requirements
from .staging import HARDWARE, USERS, list_bases, stage_app, stage_site
from .upload import check_repo, upload_space

TOLD = ("torch", "transformers", "peft", "trl", "gradio", "numpy")
"""Of what a Space would install today, what is said."""
NO_SAMPLES = (
    "No sample user can be compared there, as they were fitted on another model: `make samples MODEL={model}` fits "
    "them, and --samples takes that folder."
)


def publish_space(
    repo: str,
    hardware: str,
    *,
    dry_run: bool = False,
    model: str | None = None,
    samples: Path | None = None,
    site: Path | None = None,
    endpoint: str | None = None,
    tell: Callable[[str], None] = print,
) -> Path:
    """Stages the Space `repo` ("owner/name") for one of HARDWARE, checks it and, unless `dry_run`, uploads it.

    model: which one the Space loads, by its name on the hub; None for the embedded one, or what it is set to. samples:
    the folder of the sample users, fitted on that model; None for those of the repository.
    site: the folder of pages for a static Space (default: `site` in the data folder). tell: receives a line for each
    step. Returns the staged folder, which stays. Raises CopeError in one sentence for whatever stands in the way.
    """
    check_repo(repo)
    if hardware not in HARDWARE:
        raise CopeError(f"--hardware must be one of {', '.join(HARDWARE)}, but is {hardware!r}; choose one of them.")
    if model:
        check_repo(model, "--model")
    card = make_space_card(read_card((ROOT / "README.md").read_text("utf-8")), repo, hardware, model)
    folder = data_dir() / "hub" / "space"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if hardware == "static":
        names = stage_site(folder, site or data_dir() / "site")
    else:
        names = stage_app(folder, samples=samples)
    write_whole(folder / "README.md", card.format())
    names = sorted({*names, "README.md"})
    size = check_folder(folder, names)
    tell(f"Staged {len(names)} files, {size / 1e6:.1f} MB, in {folder}")
    if hardware != "static":
        if model and model not in list_bases(folder / USERS):
            tell(NO_SAMPLES.format(model=model))
        _check_app(folder, card.matter["sdk_version"], dry_run, tell)
    if not dry_run:
        tell(f"Published: {upload_space(folder, repo, hardware, endpoint, model)}")
    return folder


def _check_app(folder: Path, gradio: str, dry_run: bool, tell: Callable[[str], None]) -> None:
    """Says what the platform would install. Raises CopeError when it would not start what is in the folder."""
    try:
        for python, versions in resolve_requirements(folder / "requirements.txt", gradio).items():
            tell(f"Python {python} would get {', '.join(f'{name} {versions[name]}' for name in TOLD)}")
    except Unchecked as error:
        if not dry_run:
            raise
        tell(str(error))
