"""The base model's life in a process: loaded once, in the background or when first needed, and warmed up."""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from cope_demo.errors import CopeError
from cope_demo.system.memory import return_memory, save_memory
from cope_demo.system.passing_threads import run_in_passing_thread

if TYPE_CHECKING:  # torch is imported when the model is, so that the page is there at once
    from cope_demo.decode.engine import Engine


class Loader:
    """Loads one base model with its decoder. Thread-safe: a caller waits for a model that is being loaded.

    model: a folder or hub id, None for the default. warm_up: is called with the decoder in the background after
    `start` has loaded it, for work that the first comparison would have to wait for.
    """

    def __init__(self, model: str | None, warm_up: "Callable[[Engine], None]"):
        self._model, self._warm_up = model, warm_up
        self._engine: Engine | None = None
        self._problem: str | None = None
        self._loading = threading.Lock()

    def start(self) -> None:
        """Begins to load the model in a background thread."""
        threading.Thread(target=self._load_and_warm_up, name="load-model", daemon=True).start()

    def ready(self) -> bool:
        """Whether the model is loaded."""
        return self._engine is not None

    def problem(self) -> str | None:
        """Why there is no model, as a sentence for the person; None while it loads and when it is there."""
        return self._problem

    def engine(self) -> "Engine":
        """The decoder, loaded when needed. Raises CopeError when there is no model."""
        with self._loading:
            if self._engine is None:
                from cope_demo.decode.engine import Engine
                from cope_demo.model.base_model import load_base

                save_memory()
                try:
                    self._engine = run_in_passing_thread(lambda: Engine(load_base(self._model)))
                except CopeError as error:
                    self._problem = str(error)
                    raise
                self._problem = None
                return_memory()
            return self._engine

    def _load_and_warm_up(self) -> None:
        try:
            self._warm_up(self.engine())
        except CopeError:
            pass  # `problem` has the sentence
        except Exception as error:
            self._problem = f"The model could not be loaded ({type(error).__name__}); look at the server's log."
            raise
