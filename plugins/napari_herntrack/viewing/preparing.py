"""Imports what the room needs, in a thread, before it is built: it takes one to two seconds.

Public: `import_views`, `import_reading`, `load_standard`.
"""

from __future__ import annotations

import ctypes
import json
import os
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

VISUALS = (
    "napari._vispy.layers.image",
    "napari._vispy.layers.labels",
    "napari._vispy.overlays.labels_polygon",
    "napari._vispy.overlays.labels_brush_stroke",
    "OpenGL.arrays.strings",
    "OpenGL.arrays.ctypesarrays",
    "OpenGL.arrays.nones",
    "OpenGL.arrays.ctypespointers",
    "OpenGL.arrays.lists",
)
"""What napari draws layers with; it imports them when the first canvas is made, and in drawing."""

READING = (
    # First: with it stacks are decoded without Python's lock, for which the window would wait.
    "herntrack.imaging.unlocked_decoder",
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
    # The line around a polygon that is being drawn; vispy makes none before there is a canvas.
    with suppress(RuntimeError):
        PolygonVisual(pos=np.eye(3, 2), border_method="agg", border_width=2.0)
    millimetres = ("mm", "mm", "mm")
    Image(np.zeros((2, 2, 2), dtype=np.int16), units=millimetres)
    Labels(np.zeros((2, 2, 2), dtype=np.uint8), units=millimetres)


def import_reading() -> None:
    """Import what opening a visit, the first click and the first save need."""
    import numpy as np

    from napari_herntrack.viewing.outline import outlines

    _open_library("SimpleITK")
    for name in READING:
        import_module(name)
    # scikit-image imports its functions when they are used.
    outlines(np.eye(2))


def _open_library(package: str) -> bool:
    """Let the system open a package's library before Python does, and say whether it could.

    SimpleITK's has 260 MB. Python keeps its lock while the system opens it, and the window stood still for
    0.05 to 0.3 s; it does not keep it for a function of C's own library, which does the same.
    """
    spec = find_spec(package)
    folders = () if spec is None else spec.submodule_search_locations or ()
    libraries = [path for folder in folders for path in Path(folder).glob(f"_{package}*.so")]
    # Only earlier than needed: a system that has no such function lets Python open it.
    with suppress(OSError, AttributeError, TypeError):
        open_library = ctypes.CDLL(None).dlopen
        open_library.restype = ctypes.c_void_p
        return bool(libraries) and all(open_library(os.fsencode(path), os.RTLD_NOW) for path in libraries)
    return False


def load_standard() -> None:
    """Let highdicom read which attributes DICOM's modules have, 22 MB of JSON; its first object needs them.

    Python's reader keeps Python's lock until all is read, and the window stood still for 0.3 s in the first
    save. While it calls a function for each object, the window has its turn.
    """
    # Only earlier than needed: a highdicom that has other names reads them itself.
    with suppress(ImportError, AttributeError):
        tables: Any = import_module("highdicom._standard_utils")
        reader = tables.json
        tables.json = SimpleNamespace(loads=lambda text: json.loads(text, object_hook=_unchanged))
        try:
            tables.get_module_attribute_map()
        finally:
            tables.json = reader


def _unchanged(found: dict[str, Any]) -> dict[str, Any]:
    return found
