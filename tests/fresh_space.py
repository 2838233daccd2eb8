"""Does the Space that would be published start? `make test-space` asks, by hand or at night, as it downloads a lot.

It stages the folder, makes an environment from the folder's requirements.txt and what the platform adds, lays both
models where the build would have fetched them, starts the app there, and as a visitor compares a sample user and fits
five texts. Nothing of the repository and none of its packages is within its reach.
"""

import argparse
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import yaml
from gradio_client import Client

from cope_demo.hub.resolution import ADDED, PYTHONS, find_uv
from cope_demo.hub.space import publish_space
from cope_demo.model.embedded import EMBEDDED_FILE, EMBEDDED_PACKAGE
from cope_demo.system.files import find_packaged_file
from cope_demo.texts.embedding import EMBEDDER_FILE, EMBEDDER_PACKAGE

PORT = 7899
TEXTS = "\n---\n".join(
    f"{line}, and the {thing} said nothing about it for the rest of the week, which is how it goes here."
    for line, thing in [
        ("the ferry was late again", "captain"),
        ("nobody asked the goose what it wanted", "goose"),
        ("we counted the chairs twice", "caretaker"),
        ("my brother rang about the gutter", "gutter"),
        ("soup on monday and soup on tuesday", "cook"),
    ]
)


def install(folder: Path, requirements: Path, python: str, gradio: str) -> Path:
    """A new environment in `folder` with what the platform would install; returns its python."""
    uv, added = find_uv(), folder / "added.txt"
    added.write_text(ADDED.format(gradio=gradio), "utf-8")
    subprocess.run([uv, "venv", "--quiet", "--python", python, folder / "env"], check=True)
    interpreter = folder / "env" / "bin" / "python"
    command = [uv, "pip", "install", "--quiet", "--python", interpreter, "-r", requirements, "-r", added]
    subprocess.run(command, check=True)
    return interpreter


def preload(home: Path, rows: list[str]) -> None:
    """The hub's cache as the build leaves it: the front matter's files and revisions, from the installed packages."""
    brought = {
        EMBEDDED_FILE: find_packaged_file(EMBEDDED_PACKAGE, EMBEDDED_FILE),
        EMBEDDER_FILE: find_packaged_file(EMBEDDER_PACKAGE, EMBEDDER_FILE),
    }
    for repo, files, revision in (row.split(" ") for row in rows):
        names = files.split(",")
        source = next(brought[name] for name in names if name in brought).parent
        for name in names:
            target = home / "hub" / f"models--{repo.replace('/', '--')}" / "snapshots" / revision / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / name, target)


def visit(address: str) -> None:
    """What a visitor does first: a comparison, then a fit of five texts and a comparison with it."""
    client = Client(address, verbose=False, httpx_kwargs={"timeout": 120})  # the machine may be busy with the fit
    client.predict(user="ines", prompt="Write a post about the night bus.", max_new_tokens=10, api_name="/compare")
    print("  a sample user was compared", flush=True)
    started = client.predict(text=TEXTS, api_name="/fit")
    secret = {"secret": started["secret"]}
    while (status := client.predict(job=started["job"], **secret, api_name="/fit_status"))["state"] != "done":
        if status["state"] in ("failed", "cancelled"):
            raise SystemExit(f"The fit ended as {status['state']}: {status['error']}")
        time.sleep(1)
    print("  five texts were fitted", flush=True)
    asked = {"user": started["user"], "prompt": "Write a post about the rain.", "max_new_tokens": 10, **secret}
    trace = client.predict(**asked, api_name="/compare")
    assert [column["method"] for column in trace["columns"]] == ["greedy", "oppu", "cope"], trace
    assert all(column["tokens"] for column in trace["columns"])


def wait_for(address: str, app: subprocess.Popen, log: Path) -> None:
    """Returns when the page answers. Raises SystemExit with the log's end if the app ends first, or takes minutes."""
    import httpx

    for _ in range(300):
        try:
            if httpx.get(address, timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        if app.poll() is not None:
            break
        time.sleep(1)
    raise SystemExit(f"The app did not start:\n{log.read_text('utf-8')[-3000:]}")


def try_python(python: str) -> None:
    """The whole of it on one Python, in a temporary folder."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        os.environ["COPE_DATA"] = str(folder / "staging")
        space = publish_space("owner/cope", "cpu-basic", dry_run=True).rename(folder / "space")
        matter = yaml.safe_load((space / "README.md").read_text("utf-8").split("---\n")[1])
        interpreter = install(folder, space / "requirements.txt", python, matter["sdk_version"])
        preload(folder / "home", matter["preload_from_hub"])
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "TZ") if name in os.environ}
        settings = {"HOME": str(folder), "HF_HOME": str(folder / "home"), "GRADIO_SERVER_PORT": str(PORT)}
        log = folder / "log.txt"
        with open(log, "w") as output:
            app = subprocess.Popen(
                [interpreter, "app.py"], cwd=space, env={**kept, **settings}, stdout=output, stderr=subprocess.STDOUT
            )
        try:
            wait_for(f"http://127.0.0.1:{PORT}", app, log)
            print(f"Python {python}: the page is up", flush=True)
            visit(f"http://127.0.0.1:{PORT}")
        except BaseException:
            print(log.read_text("utf-8")[-3000:])
            raise
        finally:
            app.terminate()
            app.wait(60)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", action="append", help=f"a version or a path (default: {' and '.join(PYTHONS)})")
    options = parser.parse_args()
    for python in options.python or PYTHONS:
        try_python(python)
    print("The Space would start.")


if __name__ == "__main__":
    main()
