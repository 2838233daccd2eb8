"""CoPe: personalized decoding by contrasting personal preference, made visible.

The Python interface is `load_base`, `fit_user`, `compare`, `score` and `parse_history`. They are imported when first
used, since torch takes its time.
"""

import os
from importlib import import_module

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")  # nothing about a visitor goes to anyone
# How often GNU OpenMP, by which torch shares work among cores, looks whether the others are done before it sleeps. Its
# own 300,000 keep a core for milliseconds: a fit, which yields to all else, then stands still while another program
# keeps one core busy (benchmarks/speed_crowded.py). It is read when torch is imported.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")

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
