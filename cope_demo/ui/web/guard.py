"""Public endpoints: who calls, and what callers read when something goes wrong: a CopeError's sentence, or a general
one with a number to quote.
"""

import secrets
from collections.abc import Callable
from functools import wraps
from inspect import Parameter, isgeneratorfunction, signature

import gradio as gr

from cope_demo.errors import CopeError
from cope_demo.system.logs import log_fault
from cope_demo.visitors.owners import Access, OwnService


def explain_error(error: BaseException) -> str:
    """A sentence for the visitor. A fault of ours is logged, without its message, which may hold a text."""
    if isinstance(error, CopeError):
        return str(error)
    number = secrets.token_hex(3)
    log_fault(number, error)
    return f"Something went wrong on our side (fault {number}). Nothing of yours is lost; please try again."


def guard_handler(function: Callable) -> Callable:
    """The same function, but what it raises reaches the caller as one sentence, and no log as a message."""
    if isgeneratorfunction(function):

        @wraps(function)
        def guarded(*args, **kwargs):
            try:
                yield from function(*args, **kwargs)
            except Exception as error:
                raise gr.Error(explain_error(error), print_exception=False) from None
    else:

        @wraps(function)
        def guarded(*args, **kwargs):
            try:
                return function(*args, **kwargs)
            except Exception as error:
                raise gr.Error(explain_error(error), print_exception=False) from None

    return guarded


def open_service(access: Access, secret, profile: gr.OAuthProfile | None, request: gr.Request | None) -> OwnService:
    """The service as the sender of this request may use it."""
    return access.of(secret, profile, _find_address(request))


def _find_address(request: gr.Request | None) -> str:
    """Where a request came from, as origins.OwnOrigin has found it; "" when unknown."""
    return request.client.host if request and request.client else ""


def _check_text(parameter: Parameter, value):
    """The value of a parameter that is a text; its default for null. Raises CopeError naming it for another type."""
    if value is None and parameter.default is not Parameter.empty:
        return parameter.default
    if not isinstance(value, str):
        allowed = "a text that is not empty" if parameter.default is Parameter.empty else "a text"
        raise CopeError(f"{parameter.name} must be {allowed}, but is {type(value).__name__}.")
    return value


def endpoint(access: Access, anonymous: bool = False) -> Callable:
    """Decorates a public endpoint, whose first parameter is the service as its caller may use it (owners.OwnService).

    To callers it has a last parameter `secret` instead. What it raises reaches them as one sentence.
    anonymous: it takes no secret and knows no account, so that it gets at nobody's own.
    """

    def decorate(function: Callable) -> Callable:
        _, *own = signature(function).parameters.values()
        # Gradio fills in the account, where one is logged in, and the request; neither is a parameter to callers.
        profile = Parameter("profile", Parameter.POSITIONAL_OR_KEYWORD, annotation=gr.OAuthProfile | None)
        request = Parameter("request", Parameter.POSITIONAL_OR_KEYWORD, annotation=gr.Request)
        secret = Parameter("secret", Parameter.POSITIONAL_OR_KEYWORD, default="", annotation=str)
        hidden, last = ([request], []) if anonymous else ([profile, request], [secret])
        public = signature(function).replace(parameters=[*hidden, *own, *last])
        texts = [parameter.name for parameter in (*own, *last) if parameter.annotation is str]

        def bind_arguments(args, kwargs) -> dict:
            bound = public.bind(*args, **kwargs)
            bound.apply_defaults()
            for name in texts:
                bound.arguments[name] = _check_text(public.parameters[name], bound.arguments[name])
            caller = (bound.arguments.pop(name, None) for name in ("secret", "profile", "request"))
            return {"service": open_service(access, *caller), **bound.arguments}

        if isgeneratorfunction(function):

            def call(*args, **kwargs):
                yield from function(**bind_arguments(args, kwargs))
        else:

            def call(*args, **kwargs):
                return function(**bind_arguments(args, kwargs))

        call = guard_handler(wraps(function)(call))
        call.__signature__ = public
        call.__annotations__ = {p.name: p.annotation for p in public.parameters.values()}
        del call.__wrapped__
        return call

    return decorate
