"""CoPe: personalized decoding by contrasting personal preference, made visible.

The Python interface is `load_base`, `fit_user`, `compare`, `score` and `parse_history`. They are imported when first
used, since torch takes its time.
"""

import os
from importlib import import_module

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")  # nothing about a visitor goes to anyone

_HOME = {
    "load_base": "model.base_model",
    "fit_user": "fit.pipeline",
    "compare": "service.service",
    "score": "service.service",
    "parse_history": "texts.history",
}
__all__ = list(_HOME)


def __getattr__(name: str):
    if name not in _HOME:
        raise AttributeError(f"module 'cope_demo' has no attribute {name!r}")
    return getattr(import_module(f".{_HOME[name]}", __name__), name)
