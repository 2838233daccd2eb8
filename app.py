"""Spaces entry point: builds the app and launches it."""

import sys

from cope_demo.errors import CopeError
from cope_demo.ui.server import serve

if __name__ == "__main__":
    try:
        serve()
    except CopeError as error:
        sys.exit(f"app.py: {error}")
