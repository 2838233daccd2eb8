"""The commands that hand the demo on: its pages as files, and the app on the Hugging Face hub."""

import argparse
from collections.abc import Callable
from pathlib import Path

from cope_demo.hub.staging import HARDWARE


def add_publishing(command: Callable[[str, str], argparse.ArgumentParser]) -> None:
    """Adds site and publish-space to the commands."""
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
