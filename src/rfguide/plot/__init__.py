"""One picture per function, on one Axes, every number from the library.

Each function takes the Axes to draw on (`ax`, or makes a figure), draws on it alone and returns it;
`drawn` reads a picture back. Colours keep one meaning throughout (`LIGHT`, `DARK`).
"""

from rfguide.plot.canvas import drawn
from rfguide.plot.curves import plot_growth, plot_visible
from rfguide.plot.images import plot_field, plot_gradient, plot_holes, plot_maps, plot_region, plot_window
from rfguide.plot.palette import DARK, LIGHT, svg, theme
from rfguide.plot.strips import plot_overlap, plot_paths, plot_places, plot_stack
from rfguide.plot.structure import plot_structure

__all__ = [
    "DARK",
    "LIGHT",
    "drawn",
    "plot_field",
    "plot_gradient",
    "plot_growth",
    "plot_holes",
    "plot_maps",
    "plot_overlap",
    "plot_paths",
    "plot_places",
    "plot_region",
    "plot_stack",
    "plot_structure",
    "plot_visible",
    "plot_window",
    "svg",
    "theme",
]
