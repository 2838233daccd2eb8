"""The page, and all else that a visitor sees."""

from .editor_stubs import skip_editor_stubs

skip_editor_stubs()  # before any part of this package imports Gradio
