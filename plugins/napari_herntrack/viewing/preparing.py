"""Imports what the room needs, in a thread, before it is built: it takes one to two seconds.

Public: `import_views`, `import_reading`.
"""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module

VISUALS = (
    "napari._vispy.layers.image",
    "napari._vispy.layers.labels",
    "napari._vispy.overlays.labels_polygon",
    "napari._vispy.overlays.labels_brush_stroke",
    "napari._vispy.overlays.brush_circle",
    "OpenGL.arrays.strings",
    "OpenGL.arrays.ctypesarrays",
    "OpenGL.arrays.nones",
    "OpenGL.arrays.ctypespointers",
    "OpenGL.arrays.lists",
)
"""What napari draws layers with; it imports them when the first canvas is made, and in drawing."""


READING = (
    "napari_herntrack.reading.sheet",
    "herntrack.imaging.load",
    "herntrack.readings.segmentation_object",
    "herntrack.segmentation.carry_forward",
    "herntrack.segmentation.one_click",
    "herntrack.workflows.aligning.standing",
    "herntrack.workflows.aligning.motions",
)


def import_views() -> None:
    """Let napari make one image and one mask for nobody: the first of each takes a second."""
    import numpy as np
    from napari.layers import Image, Labels
    from vispy.visuals import PolygonVisual  # type: ignore[import-untyped]  # vispy has no types

    for name in VISUALS:
        # Only earlier than needed: a napari that has other names imports them itself.
        with suppress(ImportError):
            import_module(name)
    # The line around a polygon that is being drawn.
    PolygonVisual(pos=np.eye(3, 2), border_method="agg", border_width=2.0)
    millimetres = ("mm", "mm", "mm")
    Image(np.zeros((2, 2, 2), dtype=np.int16), units=millimetres)
    Labels(np.zeros((2, 2, 2), dtype=np.uint8), units=millimetres)


def import_reading() -> None:
    """Import what opening a visit, the first click and the first save need."""
    import numpy as np

    from napari_herntrack.viewing.outline import outlines

    for name in READING:
        import_module(name)
    # scikit-image imports its functions when they are used.
    outlines(np.eye(2))
