"""Spaces entry point: builds the app and launches it."""

import sys

from cope_demo.errors import CopeError

if __name__ == "__main__":
    try:
        from cope_demo.ui.server import serve  # seconds of imports, within which Ctrl-C is as good as later

        serve()
    except CopeError as error:
        sys.exit(f"app.py: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
