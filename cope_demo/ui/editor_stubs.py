"""Gradio without the stubs for editors that it writes whenever it is imported.

For every component it parses the class's source, renders a stub (.pyi) of it and compares that with the one beside the
source. This takes nearly half of Gradio's import, for files that an app never reads.
"""

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

MODULE, WRITER = "gradio.component_meta", "create_or_modify_pyi"
"""Gradio's module that writes stubs, and its function that does."""


def skip_editor_stubs() -> None:
    """Lets Gradio be imported without writing stubs. Changes nothing where it is imported already."""
    if MODULE not in sys.modules:
        sys.meta_path.insert(0, _Finder())


class _Finder(MetaPathFinder):
    """Finds Gradio's module, as Python does, and nothing else."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path, target) if name == MODULE else None
        if spec and spec.loader:
            spec.loader = _Loader(spec.loader)
        return spec


class _Loader(Loader):
    """Loads a module, and takes the writer of stubs out of it before a component is defined."""

    def __init__(self, own: Loader):
        self._own = own

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._own.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._own.exec_module(module)
        if hasattr(module, WRITER):
            setattr(module, WRITER, lambda *_, **__: None)
