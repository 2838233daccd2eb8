"""The look of Gradio's own components, in the page's colours (assets/tokens.css). No font is fetched from anywhere."""

import gradio as gr

from cope_demo.ui.token_view.heatmap import CSS as HEATMAP_CSS

from .component import ASSETS
from .panels.blind_test import CSS as BLIND_CSS
from .panels.evidence import CSS as EVIDENCE_CSS
from .panels.surprise import CSS as SURPRISE_CSS

PANELS_CSS = [ASSETS / "panels.css", EVIDENCE_CSS, SURPRISE_CSS, BLIND_CSS]
STYLES = [ASSETS / "tokens.css", ASSETS / "page.css", *PANELS_CSS, *HEATMAP_CSS]

_SANS = ("Segoe UI", "Roboto", "Helvetica Neue", "Arial", "sans-serif")
_MONO = ("ui-monospace", "SF Mono", "Menlo", "Consolas", "Liberation Mono", "monospace")


def make_theme() -> gr.themes.Base:
    """Gradio's plain theme with our variables; light and dark come from the variables themselves."""
    both = {
        "body_text_color_subdued": "var(--cope-soft)",
        "background_fill_primary": "var(--cope-card)",
        "background_fill_secondary": "var(--cope-sunk)",
        "block_background_fill": "var(--cope-card)",
        "block_border_color": "var(--cope-line)",
        "block_label_text_color": "var(--cope-soft)",
        "block_title_text_color": "var(--cope-ink)",
        "block_info_text_color": "var(--cope-soft)",
        "border_color_primary": "var(--cope-line)",
        "border_color_accent": "var(--cope-accent)",
        "color_accent_soft": "var(--cope-accent-wash)",
        "input_background_fill": "var(--cope-card)",
        "input_border_color": "var(--cope-strong-line)",
        "input_border_color_focus": "var(--cope-accent)",
        "input_placeholder_color": "var(--cope-soft)",
        "button_primary_background_fill": "var(--cope-accent)",
        "button_primary_background_fill_hover": "var(--cope-accent)",
        "button_primary_text_color": "var(--cope-accent-ink)",
        "button_secondary_background_fill": "var(--cope-card)",
        "button_secondary_background_fill_hover": "var(--cope-sunk)",
        "button_secondary_text_color": "var(--cope-ink)",
        "button_secondary_border_color": "var(--cope-strong-line)",
        "slider_color": "var(--cope-accent)",
        "link_text_color": "var(--cope-accent)",
        "checkbox_label_background_fill": "var(--cope-card)",
        "checkbox_label_background_fill_selected": "var(--cope-accent-wash)",
        "checkbox_label_text_color": "var(--cope-ink)",
        "checkbox_label_text_color_selected": "var(--cope-ink)",
        "checkbox_background_color_selected": "var(--cope-accent)",
        "checkbox_border_color": "var(--cope-strong-line)",
        "checkbox_border_color_selected": "var(--cope-accent)",
    }
    plain = gr.themes.Base(font=_SANS, font_mono=_MONO, text_size="md", radius_size="md", spacing_size="md")
    return plain.set(
        **both,
        **{f"{name}_dark": value for name, value in both.items()},
        # Written out, as the page shows these before the style sheets are there.
        body_background_fill="#f7f5f0",
        body_background_fill_dark="#14161a",
        body_text_color="#1c2028",
        body_text_color_dark="#eceae4",
        body_text_size="16px",
        block_shadow="none",
        block_border_width="0px",
        block_label_background_fill="transparent",
        block_label_background_fill_dark="transparent",
        input_border_width="1px",
        input_shadow="none",
        input_shadow_focus="0 0 0 3px var(--cope-accent-wash)",
        button_border_width="1px",
        button_primary_border_color="var(--cope-accent)",
        button_primary_border_color_dark="var(--cope-accent)",
        button_large_radius="10px",
        button_large_text_weight="600",
    )
