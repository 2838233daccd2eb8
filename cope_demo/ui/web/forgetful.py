"""Keeps Gradio from remembering what visitors write.

For deep links, which this page has none of, Gradio holds the last value of every component of every session in memory:
pasted texts and whole comparisons, for as long as the process lives (measured with 6.31). Nothing else reads them.
"""

from gradio.state_holder import SessionState


def forget_values() -> None:
    """From now on sessions keep no component's value. `gr.State`, which has its own place, is untouched."""
    SessionState._update_value_in_config = _forget


def _forget(self, key, value) -> None:
    pass
