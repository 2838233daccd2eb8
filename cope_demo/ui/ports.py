"""The port that the page is served on: the one that was asked for, else the first that is free.

Gradio would look for a free one itself, but with the same app for all of them, whose server for tools starts only once:
one port that is taken in the moment of start would make every other fail too, each after five seconds (6.31).
"""

import errno
import os
import socket
from collections.abc import Callable
from typing import TypeVar

from gradio.http_server import TRY_NUM_PORTS

from cope_demo.errors import CopeError, quote

FIRST = 7860
VARIABLE = "GRADIO_SERVER_PORT"
Launched = TypeVar("Launched")


def choose_ports(port: int | None = None) -> range:
    """The ports to try: `port`, else the one that GRADIO_SERVER_PORT names, else those from FIRST on, as many as
    GRADIO_NUM_PORTS says (100).

    Raises CopeError for what is no port.
    """
    if port is None and VARIABLE not in os.environ:
        return range(FIRST, FIRST + TRY_NUM_PORTS)
    port = int(os.environ[VARIABLE]) if port is None else port  # Gradio does not start where it is no number
    if not 0 < port < 2**16:
        raise CopeError(f"{port} is no port: name one from 1 to {2**16 - 1}, with --port or {VARIABLE}.")
    return range(port, port + 1)


def launch_on_port(launch: Callable[[int], Launched], host: str, ports: range) -> Launched:
    """What `launch` returns for the first of the ports that is free.

    launch: starts a server of its own on a port of `host`; OSError: it could not. Raises CopeError when all ports are
    taken.
    """
    for port in ports:
        if not is_free(host, port):
            continue
        try:
            return launch(port)
        except OSError:
            if is_free(host, port):  # so it was not the port
                raise
    which = f"Port {ports[0]} is" if len(ports) == 1 else f"The ports {ports[0]} to {ports[-1]} are all"
    raise CopeError(f"{which} taken: end a program that listens there, or name a free one with --port or {VARIABLE}.")


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen there now. Raises CopeError where none ever could."""
    # Gradio asks for the port of 127.0.0.1 too, whatever the host.
    return all(_can_listen(one, port) for one in (host, "127.0.0.1"))


def _can_listen(host: str, port: int) -> bool:
    """Whether it could on the addresses that this machine has of a host."""
    listened = False
    try:
        found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # of a name that cannot be one
        found = []
    for family, *_, address in found:
        try:
            socket.create_server(address[:2], family=family).close()
            listened = True
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            if error.errno == errno.EACCES:
                raise CopeError(f"Port {port} is for administrators alone: choose one from 1024 on.") from None
    if not listened:
        raise CopeError(f"{quote(host)} is no address of this machine: name one with --host, such as 127.0.0.1.")
    return True
