"""napari's part of one view: its model, two layers, and a canvas without what napari has beside it.

Public: `CanvasOnly`, `made_layers`, `made_canvas`, `colours`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import vispy  # type: ignore[import-untyped]  # it has no types
from napari.components import ViewerModel
from napari.layers import Image, Labels
from napari.qt import QtViewer
from napari.utils.colormaps import DirectLabelColormap
from qtpy.QtWidgets import QWidget

from napari_herntrack._qt.room import look
from napari_herntrack.viewing.scene import MaskLook

FIRST_SHAPE = (2, 5, 6)
"""A stack for the first drawing: its sides are no powers of two, which the graphics library would compile
another shader for."""


class CanvasOnly(QtViewer):  # type: ignore[misc]  # napari's Qt classes have no types
    """napari's canvas without its keys: the room has its own.

    They would be bound once more for the whole application, which takes napari longer than all the
    rest of a canvas.
    """

    def _bind_shortcuts(self, *_: Any, **__: Any) -> None:
        """Bind nothing."""


def made_layers(title: str, mask_look: MaskLook) -> tuple[ViewerModel, Image, Labels]:
    """Return the model of a view, and the layers of picture and mask, which are not in it yet."""
    model = ViewerModel(title=title)
    model.canvas.background_color_override = "black"
    model.scene.camera.mouse_pan = model.scene.camera.mouse_zoom = False
    common = {"units": ("mm", "mm", "mm")}
    image = Image(
        np.zeros(FIRST_SHAPE, dtype=np.int16),
        name="image",
        colormap="gray",
        contrast_limits=(0, 1),
        interpolation2d="linear",
        **common,
    )
    labels = Labels(
        np.zeros(FIRST_SHAPE, dtype=np.uint8),
        name="fragment",
        opacity=1.0,
        colormap=colours(mask_look),
        **common,
    )
    labels.n_edit_dimensions = 2
    return model, image, labels


def made_canvas(model: ViewerModel, widget: QWidget) -> CanvasOnly:
    """Return a canvas for the screen on which a widget is."""
    with _known_resolution(widget):
        made = CanvasOnly(model)
    # napari's slider has no place between pictures, and would be made anew for each; the overlay
    # has the slice.
    made.dims.hide()
    made.dims.setMaximumHeight(0)
    for emitter in model.dims.events.emitters.values():
        emitter.disconnect(made.dims)
    made.setAcceptDrops(False)
    made.widget(0).layout().setContentsMargins(0, 0, 0, 0)
    return made


def colours(mask_look: MaskLook) -> DirectLabelColormap:
    """Return how a mask is coloured."""
    nothing = (0.0, 0.0, 0.0, 0.0)
    return DirectLabelColormap(color_dict={None: nothing, 0: nothing, 1: look.FILL[mask_look]})


@contextmanager
def _known_resolution(widget: QWidget) -> Iterator[None]:
    """Let a canvas take the screen's resolution from Qt; it would run two programs to ask for it."""
    before = vispy.config["dpi"]
    vispy.config["dpi"] = before or widget.logicalDpiX()
    try:
        yield
    finally:
        vispy.config["dpi"] = before
