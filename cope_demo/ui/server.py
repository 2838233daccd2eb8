"""The page as a running server: every launch setting in one place."""

import os
import signal
import sys
from contextlib import closing
from pathlib import Path

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
# Gradio would sum up its last 10,000 events anew after each of them, for a page that is closed here.
os.environ.setdefault("GRADIO_ANALYTICS_MAX_EVENTS", "1")
# Else uvicorn believes whatever X-Forwarded-For this machine's own programs send; whom we believe is in web/proxies.py.
os.environ["FORWARDED_ALLOW_IPS"] = ""

from cope_demo.system.zero_gpu import is_lent  # noqa: E402, I001  first: where GPUs are lent it comes before torch
from gradio import Blocks  # noqa: E402
from cope_demo import paths  # noqa: E402
from cope_demo.jobs.executors import start_background_jobs  # noqa: E402
from cope_demo.system.logs import propagate_logs  # noqa: E402
from cope_demo.system.output import log_all_output  # noqa: E402
from cope_demo.ui.web.joins import WAITING  # noqa: E402
from cope_demo.ui.web.uploads import uploads_folder  # noqa: E402
from cope_demo.visitors.expiry import keep_sweeping  # noqa: E402

from .component import ASSETS  # noqa: E402
from .page import build  # noqa: E402
from .panels.takeaway import ZIPS  # noqa: E402
from .ports import choose_ports, launch_on_port  # noqa: E402
from .routes import app_options  # noqa: E402
from .theme import STYLES, make_theme  # noqa: E402
from .tools import offers_tools  # noqa: E402

MAX_UPLOAD = "5mb"


def host_of(host: str | None) -> str:
    """The address to listen on: as given, else everywhere in a Space or container, else only this machine."""
    if host:
        return host
    return os.environ.get("GRADIO_SERVER_NAME") or ("0.0.0.0" if os.environ.get("SPACE_ID") else "127.0.0.1")


def launch_options(host: str | None = None, port: int | None = None) -> dict:
    """What launch() is given. Nothing of a visitor's is kept or served by Gradio itself."""
    data = paths.data_dir().resolve()
    return {
        "server_name": host_of(host),
        "server_port": port,
        "theme": make_theme(),
        "css_paths": STYLES,
        "favicon_path": ASSETS / "favicon.png",
        "run_history": False,
        "enable_monitoring": False,
        "max_file_size": MAX_UPLOAD,
        "blocked_paths": [str(data), str(paths.samples_dir().resolve()), str(paths.ROOT)],
        "footer_links": ["api"],
        "show_error": False,
        "ssr_mode": False,
        "pwa": False,
        "quiet": True,
        "mcp_server": offers_tools(),
    }


def launch(blocks: Blocks, service, host: str | None, ports: range) -> str:
    """Starts the server of a page on the first of the ports that is free, and returns its address.

    Raises CopeError when none of them is.
    """

    def start(port: int) -> str:
        # Gradio writes into app_kwargs.
        options = launch_options(host, port) | {"app_kwargs": app_options(service)}
        return blocks.launch(prevent_thread_lock=True, **options)[1]

    return launch_on_port(start, host_of(host), ports)


def serve(
    model: str | None = None,
    host: str | None = None,
    port: int | None = None,
    users_dir: Path | None = None,
    seed: int = 0,
) -> None:
    """Runs the app until it is stopped: the page is there at once, the model loads in the background.

    Where GPUs are lent the model comes first, as it must be loaded in the main thread before the page is launched.
    model, users_dir, seed: as of service.Service. host: see host_of. port: see ports.choose_ports. Raises CopeError for
    a port that is taken.
    """
    from cope_demo.service.lent_service import LentService
    from cope_demo.service.service import Service

    ports = choose_ports(port)
    with (
        log_all_output(sys.stderr) as output,
        uploads_folder() as uploads,  # before build: Gradio asks for it there
        closing(start_background_jobs(users_dir)) as jobs,
    ):
        service = (LentService if is_lent() else Service)(model, users_dir=users_dir, seed=seed, jobs=jobs)
        blocks = build(service).queue(max_size=WAITING)
        url = launch(blocks, service, host, ports)
        propagate_logs("uvicorn", "uvicorn.error", "uvicorn.access")
        print(f"The app runs at {url}", file=output, flush=True)
        keep_sweeping(service, uploads, ZIPS.sweep)
        service.start()
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # a stopped container tidies up like Ctrl-C
        blocks.block_thread()
