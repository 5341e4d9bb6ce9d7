"""One view: a napari viewer model, its canvas, and what is drawn over it.

A pane shows what it is told and says what the mouse did; it knows neither the other panes nor the
workspace. Its layers lie on the stack's own voxel grid, scaled to millimetres. It is made in steps, of
which none holds up the window for long: what comes before the last one is a dark place with words.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import vispy  # type: ignore[import-untyped]  # it has no types
from napari.components import ViewerModel
from napari.qt import QtViewer
from napari.utils.colormaps import DirectLabelColormap
from qtpy.QtCore import QEvent, QObject, QSize, Qt, Signal
from qtpy.QtWidgets import QWidget

from herntrack._typing import FloatArray, LabelsZYX, MaskZYX, VolumeZYX
from herntrack.model.geometry import VolumeGeometry
from napari_herntrack._qt.room import look
from napari_herntrack._qt.room.mouse import ViewMouse
from napari_herntrack._qt.room.overlay import SceneOverlay
from napari_herntrack.viewing.outline import outlines
from napari_herntrack.viewing.room_state import Hand
from napari_herntrack.viewing.scale import Camera
from napari_herntrack.viewing.scene import MaskLook, Scene
from napari_herntrack.viewing.strokes import Stroke, stroke_of
from napari_herntrack.viewing.views import View

LAYER_MODES = {Hand.BRUSH: "paint", Hand.ERASER: "erase", Hand.POLYGON: "polygon"}
"""Hand -> mode of napari's labels layer; every other hand leaves the layer alone."""

FIRST_BRUSH_PX = 40
"""A brush that fits into the smallest canvas (pixels)."""

N_PANE_STEPS = 6
"""Steps in which a pane is furnished."""


@contextmanager
def _known_resolution(widget: QWidget) -> Iterator[None]:
    """Let a canvas take the screen's resolution from Qt; it would run two programs to ask for it."""
    before = vispy.config["dpi"]
    vispy.config["dpi"] = before or widget.logicalDpiX()
    try:
        yield
    finally:
        vispy.config["dpi"] = before


class CanvasOnly(QtViewer):  # type: ignore[misc]  # napari's Qt classes have no types
    """napari's canvas without its keys: the room has its own.

    They would be bound once more for the whole application, which takes napari longer than all the
    rest of a canvas.
    """

    def _bind_shortcuts(self, *_: Any, **__: Any) -> None:
        """Bind nothing."""


class Pane(QWidget):  # type: ignore[misc]  # Qt has no types here
    """One of the four views.

    Parameters
    ----------
    view : View
        Which.

    Notes
    -----
    Signals: `outgrown()` when the pane has another size than its canvas, until `fill`; `resized(View)`
    when the canvas has; `stroke_finished(Stroke)`.
    """

    resized = Signal(object)
    outgrown = Signal()
    stroke_finished = Signal(object)

    def __init__(self, view: View, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.view = view
        self.geometry_zyx: VolumeGeometry | None = None
        self._hand = Hand.POINT
        self._brush_mm = 6.0
        self._look = MaskLook.DRAFT
        self._mask: MaskZYX | None = None
        self._outlines: dict[int, tuple[FloatArray, ...]] = {}
        self.is_furnished = False
        self.setAccessibleName(str(view))
        self.mouse = ViewMouse(self)
        self.overlay = SceneOverlay(self)

    def furnish(self) -> Iterator[None]:
        """Make canvas and layers, one step at a time; napari needs 20 to 90 ms for each."""
        self.model = ViewerModel(title=str(self.view))
        self.model.canvas.background_color_override = "black"
        self.model.scene.camera.mouse_pan = self.model.scene.camera.mouse_zoom = False
        yield
        with _known_resolution(self):
            self.qt_viewer = CanvasOnly(self.model)
        # napari's slider has no place between pictures, and would be made anew for each; the overlay
        # has the slice.
        self.qt_viewer.dims.hide()
        self.qt_viewer.dims.setMaximumHeight(0)
        for emitter in self.model.dims.events.emitters.values():
            emitter.disconnect(self.qt_viewer.dims)
        self.qt_viewer.setAcceptDrops(False)
        self.qt_viewer.widget(0).layout().setContentsMargins(0, 0, 0, 0)
        self.canvas = self.qt_viewer.canvas.native
        # Without a layout, which would resize all canvases in one piece.
        self.qt_viewer.setParent(self)
        self.qt_viewer.setGeometry(self.rect())
        self.qt_viewer.show()
        self.overlay.setParent(self.canvas)
        self.overlay.show()
        self.canvas.installEventFilter(self.mouse)
        self.canvas.installEventFilter(self)
        yield
        # Shown although black: the first drawing compiles the shaders, better now than with a patient.
        common = {"units": ("mm", "mm", "mm")}
        self.image = self.model.add_image(
            np.zeros((2, 2, 2), dtype=np.int16),
            name="image",
            colormap="gray",
            contrast_limits=(0, 1),
            interpolation2d="linear",
            **common,
        )
        yield
        self.labels = self.model.add_labels(
            np.zeros((2, 2, 2), dtype=np.uint8), name="fragment", opacity=1.0, **common
        )
        self.labels.n_edit_dimensions = 2
        self.labels.events.paint.connect(self._report_stroke)
        self._apply_look()
        yield
        # The first brush takes napari 25 ms, and drawing it 40, if its circle fits into the canvas.
        self.model.scene.camera.zoom = 1.0
        self.labels.brush_size = FIRST_BRUSH_PX
        self.labels.mode = "paint"
        self.model.mouse_over_canvas = True
        yield
        self.model.mouse_over_canvas = False
        self.is_furnished = True
        self.set_hand(self._hand)
        yield

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the size a view asks for."""
        return QSize(640, 440)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Return the smallest useful size."""
        return QSize(160, 140)

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height of the canvas (pixels)."""
        return self.canvas.width(), self.canvas.height()

    @property
    def has_stack(self) -> bool:
        """Whether a stack is shown."""
        return self.geometry_zyx is not None

    def show_volume(self, values: VolumeZYX, geometry: VolumeGeometry, limits: tuple[float, float]) -> None:
        """Show a stack; its mask is empty until `show_mask`, which may come before."""
        if self.geometry_zyx != geometry:
            self._outlines.clear()
            self.geometry_zyx = geometry
            self.labels.data = self._mask_values(geometry)
            self.image.data = values
            for layer in (self.image, self.labels):
                if tuple(layer.scale) != geometry.spacing_zyx:
                    layer.scale = geometry.spacing_zyx
            self.overlay.set_curtain(False)
            self.set_brush(self._brush_mm)
            self.set_hand(self._hand)
        else:
            self.image.data = values
        self.image.contrast_limits = limits

    def clear(self) -> None:
        """Take the stack from sight at once; napari's layers keep it until the next one comes.

        New layers would take napari half a second, hiding the old ones a tenth.
        """
        self.geometry_zyx = None
        self._outlines.clear()
        self._mask = None
        self.mouse.is_painting = False
        self.overlay.set_curtain(True)

    def show_mask(self, mask: MaskZYX, mask_look: MaskLook) -> None:
        """Show a mask on the stack's grid; what is painted goes into this very array."""
        self._mask = mask
        self._outlines.clear()
        if self.geometry_zyx is not None:
            self.labels.data = self._mask_values(self.geometry_zyx)
        self.set_look(mask_look)

    def set_look(self, mask_look: MaskLook) -> None:
        """Show the mask as proposed, being drawn, or accepted."""
        if mask_look is not self._look:
            self._look = mask_look
            self._apply_look()

    @property
    def mask_look(self) -> MaskLook:
        """How the mask is drawn."""
        return self._look

    def refresh_mask(self) -> None:
        """Show what somebody else did to the mask's array."""
        self._outlines.clear()
        self.labels.refresh(extent=False)

    def take_back(self, stroke: Stroke) -> None:
        """Undo a stroke that is nobody's."""
        values = self.labels.data.reshape(-1)
        # The oldest value last: a voxel that was painted twice stands twice.
        values[stroke.indices[::-1]] = stroke.old_values[::-1]
        self.refresh_mask()

    def outlines_on(self, index: int) -> tuple[FloatArray, ...]:
        """Return the mask's outlines on a slice; made once until the mask changes."""
        if not self.has_stack:
            return ()
        if index not in self._outlines:
            self._outlines[index] = outlines(self.labels.data[index])
        return self._outlines[index]

    def show_slice(self, index: int) -> None:
        """Show a slice."""
        self.model.dims.set_current_step(0, index)

    def show_limits(self, limits: tuple[float, float]) -> None:
        """Show these values black and white."""
        self.image.contrast_limits = limits

    def show_camera(self, camera: Camera) -> None:
        """Show a part of the slice."""
        model = self.model.scene.camera
        if model.zoom != camera.zoom:
            model.zoom = camera.zoom
        if tuple(model.center)[1:] != camera.centre_mm:
            model.center = (0.0, *camera.centre_mm)

    def show_scene(self, scene: Scene, camera: Camera | None) -> None:
        """Draw what lies over the picture."""
        self.overlay.show_scene(scene, camera, self.geometry_zyx)

    def set_hand(self, hand: Hand) -> None:
        """Say what the left button does here."""
        self._hand = hand
        self.mouse.is_painting = hand.paints and self.has_stack
        self.labels.mode = LAYER_MODES.get(hand, "pan_zoom")
        self.model.scene.camera.mouse_pan = self.model.scene.camera.mouse_zoom = False
        if not hand.paints:
            shape = Qt.CursorShape.ArrowCursor if hand is Hand.POINT else Qt.CursorShape.CrossCursor
            self.canvas.setCursor(shape)

    def set_brush(self, diameter_mm: float) -> None:
        """Set the brush's diameter (mm)."""
        self._brush_mm = diameter_mm
        if self.geometry_zyx is not None:
            self.labels.brush_size = max(1, round(diameter_mm / min(self.geometry_zyx.spacing_zyx[1:])))

    def eventFilter(self, _: QObject, event: Any) -> bool:  # noqa: N802
        """Keep the overlay as large as the canvas; Qt calls this."""
        if event.type() == QEvent.Type.Resize:
            self.overlay.resize(event.size())
            self.resized.emit(self.view)
        return False

    def resizeEvent(self, event: Any) -> None:  # noqa: N802
        """Ask for a canvas of the same size; until there is one the overlay has it. Qt calls this."""
        super().resizeEvent(event)
        if "canvas" in vars(self):
            self.outgrown.emit()
        else:
            self.overlay.resize(event.size())

    def fill(self) -> None:
        """Let the canvas be as large as the pane."""
        if "canvas" in vars(self) and self.qt_viewer.size() != self.size():
            # It would be drawn at once, and again when the camera has followed.
            self.canvas.setUpdatesEnabled(False)
            self.qt_viewer.resize(self.size())
            self.canvas.setUpdatesEnabled(True)

    def close_canvas(self) -> None:
        """Let go of napari's objects; the pane is of no use afterwards."""
        if "qt_viewer" not in vars(self):
            return
        self.canvas.removeEventFilter(self.mouse)
        self.canvas.removeEventFilter(self)
        self.qt_viewer.setParent(None)
        self.qt_viewer.close()
        if self.is_furnished:
            self.labels.events.paint.disconnect(self._report_stroke)
        # napari's objects refer to each other in rings; a pane that is kept must not keep them.
        for name in ("qt_viewer", "canvas", "overlay", "image", "labels", "model"):
            if name in vars(self):
                delattr(self, name)

    def _mask_values(self, geometry: VolumeGeometry) -> LabelsZYX:
        if self._mask is None or self._mask.shape != geometry.shape_zyx:
            return np.zeros(geometry.shape_zyx, dtype=np.uint8)
        # The same bytes: napari's labels are integers.
        return self._mask.view(np.uint8)

    def _apply_look(self) -> None:
        colours = {None: (0.0, 0.0, 0.0, 0.0), 0: (0.0, 0.0, 0.0, 0.0), 1: look.FILL[self._look]}
        self.labels.colormap = DirectLabelColormap(color_dict=colours)

    def _report_stroke(self, event: Any) -> None:
        if self.geometry_zyx is None:
            return
        stroke = stroke_of(self.view, self._hand, event.value, self.geometry_zyx.shape_zyx)
        if stroke is None:
            return
        n_rows, n_columns = self.geometry_zyx.shape_zyx[1:]
        for index in np.unique(stroke.indices // (n_rows * n_columns)):
            self._outlines.pop(int(index), None)
        self.stroke_finished.emit(stroke)
