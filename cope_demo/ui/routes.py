"""What the web server does beside the page: routes for whoever watches over it, and what stands before every request.

Gradio makes the server's FastAPI app itself and takes these as `launch(app_kwargs=…)`. Routes given so come before its
own; middleware given so runs inside its compression, sessions and CORS. What must run outside them is put there when it
starts.
"""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from cope_demo.system.disk import measure_free_mb, read_needed_mb
from cope_demo.system.logs import log_event
from cope_demo.ui.web.arrivals import Arrivals
from cope_demo.ui.web.departures import Departures
from cope_demo.ui.web.framing import OneFraming
from cope_demo.ui.web.open_routes import find_missing
from cope_demo.ui.web.open_streams import OpenStreams
from cope_demo.ui.web.origins import OwnOrigin
from cope_demo.ui.web.proxies import Proxies
from cope_demo.ui.web.refusals import EXCEPTION_HANDLERS, Refusals
from cope_demo.ui.web.shield import Shield

from . import documents, tools
from .panels import takeaway

MIDDLEWARE: tuple[Middleware, ...] = tuple(
    map(Middleware, (Shield, Refusals, OneFraming, Arrivals, OpenStreams, Departures))
)
"""What every request passes after origins.OwnOrigin, the first outermost."""


def app_options(service) -> dict:
    """The settings of the server's app for a service (service.Service): routes, middleware, and what happens at start.

    Raises CopeError for a COPE_PROXY that will not do.
    """
    proxies = Proxies.read()

    def health(request: Request) -> JSONResponse:
        """The process lives: always 200. With how it decodes, once it knows."""
        return JSONResponse({"alive": True, "decoding": service.describe_arithmetic()})

    def ready(request: Request) -> JSONResponse:
        """Whether a visitor can compare and fit: 200, else 503 and which part is not ready."""
        parts = {"model": _model(service), "queue": _queue(service), "disk": _disk()}
        fine = all(state == "ready" for state in parts.values())
        return JSONResponse({"ready": fine, **parts}, 200 if fine else 503)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        for route in find_missing(app):
            log_event("this version of Gradio has no such route", logging.WARNING, route=route)
        app.middleware_stack = OwnOrigin(app.middleware_stack, proxies)
        yield

    routes = [Route("/health", health), Route("/ready", ready), takeaway.ROUTE, *documents.ROUTES]
    routes += [tools.ROUTE] if tools.offers_tools() else []
    options = {"middleware": list(MIDDLEWARE), "exception_handlers": dict(EXCEPTION_HANDLERS), "lifespan": lifespan}
    return {"routes": routes, **options}


def _model(service) -> str:
    if service.ready():
        return "ready"
    return "failed" if service.problem() else "loading"


def _queue(service) -> str:
    try:
        service.jobs.check()
    except Exception:  # whatever the database's driver raises
        return "unreachable"
    return "ready"


def _disk() -> str:
    return "ready" if measure_free_mb() >= read_needed_mb() else "full"
