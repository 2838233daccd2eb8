"""The token view: three columns that stream together, every token coloured by its implicit reward."""

from .heatmap import BUNDLE, CSS, heatmap

__all__ = ["BUNDLE", "CSS", "heatmap"]
