"""The token view: three columns that stream together, every token coloured by its implicit reward."""

from .heatmap import CSS, SCRIPTS, heatmap

__all__ = ["CSS", "SCRIPTS", "heatmap"]
