"""Spaces entry point: builds the app and launches it."""

from cope_demo.ui.server import serve

if __name__ == "__main__":
    serve()
