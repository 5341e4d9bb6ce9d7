"""One view: a napari viewer model, its canvas, and what is drawn over it.

A pane shows what it is told and says what the mouse did; it knows neither the other panes nor the
workspace. Its layers lie on the stack's own voxel grid, scaled to millimetres. It is made in steps, of
which none holds up the window for long: what comes before the last one is a dark place with words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from qtpy.QtCore import QEvent, QObject, QSize, Signal
from qtpy.QtWidgets import QWidget

from herntrack._typing import FloatArray, LabelsZYX, MaskZYX, VolumeZYX
from herntrack.model.geometry import VolumeGeometry
from napari_herntrack._qt.room.canvas import colours, made_canvas, made_layers
from napari_herntrack._qt.room.mouse import ViewMouse
from napari_herntrack._qt.room.overlay import SceneOverlay
from napari_herntrack._qt.room.pointer import Pointer
from napari_herntrack.viewing.outline import outlines
from napari_herntrack.viewing.room_state import Hand
from napari_herntrack.viewing.scale import Camera
from napari_herntrack.viewing.scene import MaskLook, Scene
from napari_herntrack.viewing.strokes import Stroke, stroke_of
from napari_herntrack.viewing.views import View

LAYER_MODES = {Hand.BRUSH: "paint", Hand.ERASER: "erase", Hand.POLYGON: "polygon"}
"""Hand -> mode of napari's labels layer; every other hand leaves the layer alone."""

N_PANE_STEPS = 8
"""Steps in which a pane is furnished."""


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
        self._look = self._shown_look = MaskLook.DRAFT
        self._mask: MaskZYX | None = None
        self._coming: object | None = None
        self._outlines: dict[int, tuple[FloatArray, ...]] = {}
        self.is_furnished = False
        self.setAccessibleName(str(view))
        self.mouse = ViewMouse(self)
        self.overlay = SceneOverlay(self)
        self._pointer = Pointer(self)

    def furnish(self) -> Iterator[None]:
        """Make canvas and layers, one step at a time; napari needs 20 to 60 ms for each."""
        self.model, self.image, self.labels = made_layers(str(self.view), self._look)
        self._shown_look = self._look
        yield
        self.qt_viewer = made_canvas(self.model, self)
        yield
        # Without a layout, which would resize all canvases in one piece.
        self.qt_viewer.setParent(self)
        yield
        # Drawn for the first time at once.
        self.qt_viewer.setGeometry(self.rect())
        self.qt_viewer.show()
        self._cover_canvas()
        yield
        # Shown although black: the first drawing compiles the shaders, better now than with a patient.
        self.model.layers.append(self.image)
        yield
        # The tools that napari draws over labels take as long as the layer itself.
        with self.model.layers.batched_update():
            self.model.layers.append(self.labels)
            yield
        yield
        self.labels.events.paint.connect(self._report_stroke)
        self.is_furnished = True
        self.set_hand(self._hand)
        yield

    def _cover_canvas(self) -> None:
        """Put what is drawn over the picture on the canvas, and let its mouse be the room's."""
        self.canvas = self.qt_viewer.canvas.native
        self.overlay.setParent(self.canvas)
        self.overlay.show()
        self.canvas.installEventFilter(self.mouse)
        self.canvas.installEventFilter(self)

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
    def hand(self) -> Hand:
        """What the left button does here."""
        return self._hand

    @property
    def has_stack(self) -> bool:
        """Whether a stack is shown."""
        return self.geometry_zyx is not None

    def show_volume(
        self,
        values: VolumeZYX,
        geometry: VolumeGeometry,
        limits: tuple[float, float],
        aim: Callable[[], None],
    ) -> Iterator[None]:
        """Show a stack, one step at a time; its mask is empty until `show_mask`, which may come before.

        Nothing is drawn before the last step, which calls `aim` to set slice and camera. If the pane is
        cleared in between, the steps that are left do nothing.
        """
        if self.geometry_zyx == geometry:
            self.image.data = values
            self.image.contrast_limits = limits
            aim()
            return
        self._coming = coming = object()
        self._outlines.clear()
        self.hold()
        try:
            mask = self._mask
            self.labels.data = self._mask_values(geometry)
            self.image.data = values
            for layer in (self.image, self.labels):
                if tuple(layer.scale) != geometry.spacing_zyx:
                    layer.scale = geometry.spacing_zyx
            self.image.contrast_limits = limits
            yield
            if self._coming is not coming:
                return
            if self._mask is not mask:
                self.labels.data = self._mask_values(geometry)
            self._apply_look()
            self.geometry_zyx = geometry
            self.set_brush(self._brush_mm)
            self.set_hand(self._hand)
            aim()
            self.overlay.set_curtain(False)
        finally:
            self._let_draw()

    def hold(self) -> None:
        """Leave what is in sight as it is until the next stack is there, or the pane is cleared."""
        if "canvas" in vars(self):
            self.canvas.setUpdatesEnabled(False)

    def _let_draw(self) -> None:
        if "canvas" in vars(self):
            self.canvas.setUpdatesEnabled(True)

    def clear(self) -> None:
        """Take the stack from sight at once; napari's layers keep it until the next one comes.

        New layers would take napari half a second, hiding the old ones a tenth.
        """
        self.geometry_zyx = self._coming = None
        self._outlines.clear()
        self._mask = None
        self.mouse.is_painting = False
        self.overlay.show_ring(None, 0.0)
        self.overlay.set_curtain(True)
        self._let_draw()

    def show_mask(self, mask: MaskZYX, mask_look: MaskLook) -> None:
        """Show a mask on the stack's grid; what is painted goes into this very array."""
        self._mask = mask
        self._outlines.clear()
        if self.geometry_zyx is not None:
            self.labels.data = self._mask_values(self.geometry_zyx)
        self.set_look(mask_look)

    def set_mask_visible(self, is_visible: bool) -> None:
        """Show the mask's voxels, or hide them."""
        with self._pointer.alone():
            self.labels.visible = is_visible
        self._pointer.show()

    def set_look(self, mask_look: MaskLook) -> None:
        """Show the mask as proposed, being drawn, or accepted."""
        self._look = mask_look
        if self.has_stack:
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
        self._pointer.show()

    def show_scene(self, scene: Scene, camera: Camera | None) -> None:
        """Draw what lies over the picture."""
        self.overlay.show_scene(scene, camera, self.geometry_zyx)

    def set_hand(self, hand: Hand) -> None:
        """Say what the left button does here."""
        self._hand = hand
        self.mouse.is_painting = hand.paints and self.has_stack
        with self._pointer.alone():
            self.labels.mode = LAYER_MODES.get(hand, "pan_zoom")
        self.model.scene.camera.mouse_pan = self.model.scene.camera.mouse_zoom = False
        self._pointer.show()

    def set_brush(self, diameter_mm: float) -> None:
        """Set the brush's diameter (mm)."""
        self._brush_mm = diameter_mm
        if self.geometry_zyx is not None:
            self.labels.brush_size = max(1, round(diameter_mm / min(self.geometry_zyx.spacing_zyx[1:])))
            self._pointer.show()

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
            may_draw = self.canvas.updatesEnabled()
            self.canvas.setUpdatesEnabled(False)
            self.qt_viewer.resize(self.size())
            self.canvas.setUpdatesEnabled(may_draw)

    def close_canvas(self) -> None:
        """Let go of napari's objects; the pane is of no use afterwards."""
        if "canvas" in vars(self):
            self.canvas.removeEventFilter(self.mouse)
            self.canvas.removeEventFilter(self)
        if "qt_viewer" in vars(self):
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
        """Let napari colour the mask; below the curtain that waits until there is a stack."""
        if self._shown_look is not self._look:
            self._shown_look = self._look
            self.labels.colormap = colours(self._look)

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
