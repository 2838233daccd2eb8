"""The commands that hand the demo on: its pages as files, the app and fitted adapters on the Hugging Face hub."""

import argparse
from collections.abc import Callable
from pathlib import Path

from cope_demo.errors import CopeError
from cope_demo.hub.staging import HARDWARE


def add_publishing(command: Callable[[str, str], argparse.ArgumentParser]) -> None:
    """Adds site, publish-space, push and pull to the commands."""
    site = command("site", "Write lessons, saved comparisons and results as pages that need no server.")
    site.add_argument("--out", required=True, type=Path, metavar="DIR", help="a new folder, or an older site's")

    space = command("publish-space", "Stage the app as a Hugging Face Space, check it and upload it.")
    space.add_argument("--repo", required=True, metavar="OWNER/NAME", help="the Space; it is made where there is none")
    space.add_argument(
        "--hardware", default=HARDWARE[0], choices=HARDWARE, help="what it runs on (default: %(default)s)"
    )
    space.add_argument("--dry-run", action="store_true", help="stage and check only; the folder stays")
    space.add_argument("--samples", type=Path, metavar="DIR", help="the sample users, fitted on --model")
    space.add_argument("--site", type=Path, metavar="DIR", help="for static: the pages (default: site/ in COPE_DATA)")

    push = command("push", "Push a fitted user's adapters to your account on the Hugging Face hub, without any text.")
    push.add_argument("--user", required=True, metavar="ID", help="a sample user or a fitted one")
    push.add_argument("--repo", required=True, metavar="OWNER/NAME", help="the repository; it is made if there is none")
    push.add_argument("--public", action="store_true", help="make it for everybody to see (default: private)")

    pull = command("pull", "Save adapters of the Hugging Face hub as a user: pushed ones, or a plain LoRA.")
    pull.add_argument("--adapter", required=True, metavar="OWNER/NAME@REVISION", help="without a revision: the newest")
    pull.add_argument("--user", required=True, metavar="ID", help="the id to save them under")


def write_pages(options) -> None:
    """Runs site."""
    from cope_demo.ui.site.build import write_site

    size = write_site(options.out)
    print(f"The site is in {options.out} ({size / 1e6:.1f} MB); open {options.out / 'index.html'}")


def publish(options) -> None:
    """Runs publish-space."""
    from cope_demo.hub.space import publish_space

    choices = {"model": options.model, "samples": options.samples, "site": options.site}
    publish_space(options.repo, options.hardware, dry_run=options.dry_run, **choices)


def push(options) -> None:
    """Runs push."""
    from huggingface_hub import get_token

    from cope_demo.hub.upload import NO_TOKEN
    from cope_demo.service.service import Service

    token = get_token()
    if not token:
        raise CopeError(NO_TOKEN)
    service = Service(options.model, options.users_dir)
    pushed = service.push_adapters(options.user, options.repo, token, private=not options.public)
    print(f"Pushed: {pushed.url}, to be opened as {pushed.address}")


def pull(options) -> None:
    """Runs pull."""
    from huggingface_hub import get_token

    from cope_demo.saved.ids import check_id
    from cope_demo.service.service import Service

    service = Service(options.model, options.users_dir)
    user = service.open_adapters(options.adapter, token=get_token(), user_id=check_id(options.user))
    form = "a single LoRA, which stands for OPPU and CoPe alike" if user.origin["plain"] else "OPPU and CoPe"
    print(f"{user.origin['repo']} at {user.origin['revision'][:7]} ({form}): saved in {user.folder}")
