"""A PostgreSQL server of the tests' own: in a temporary folder, on a free port, as an unprivileged user."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg

from tests.free_port import find_free_port


def binaries() -> Path | None:
    """The folder of initdb and postgres; None where PostgreSQL's server is not installed."""
    found = shutil.which("initdb")
    places = [Path(found).parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((place for place in places if (place / "postgres").exists()), None)


class Server:
    """A server that can be stopped and started again."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="cope-postgres-"))
        self._as = {}
        if os.getuid() == 0:  # as which the server refuses to run
            nobody = pwd.getpwnam("nobody")
            os.chown(self.folder, nobody.pw_uid, nobody.pw_gid)
            self._as = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        self.port = find_free_port()
        command = [binaries() / "initdb", "-D", self.folder / "data", "-U", "cope", "-A", "trust", "--no-sync"]
        subprocess.run(command, check=True, capture_output=True, cwd=self.folder, **self._as)
        self.start()

    def url(self, database: str) -> str:
        return f"postgresql://cope@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        settings = [f"port={self.port}", "listen_addresses=127.0.0.1", "fsync=off"]
        settings.append(f"unix_socket_directories={self.folder}")
        command = [binaries() / "postgres", "-D", self.folder / "data", *(f"--{setting}" for setting in settings)]
        with open(self.folder / "log", "ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder, **self._as)
        deadline = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self.url("postgres")).close()
                return
            except psycopg.OperationalError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise RuntimeError((self.folder / "log").read_text()) from None
                time.sleep(0.1)

    def stop(self) -> None:
        self._process.send_signal(signal.SIGINT)  # sessions are ended
        self._process.wait(60)

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder)
