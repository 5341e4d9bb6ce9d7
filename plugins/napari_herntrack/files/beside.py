"""Reads files beside napari's window.

napari calls readers in the window's thread and wants their layers at once, which for a folder of images
means seconds without an answer. So a reader says that there is nothing yet, in the way that napari
knows (`NOTHING_YET`), and the layers come as they are ready; the progress stands in napari's activity
dock. Without a window, as in a script, everything is read at once.

Public: `window`, `add_when_read`, `NOTHING_YET`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from herntrack.errors import HerntrackError

FullLayerData: TypeAlias = tuple[Any, dict[str, Any], str]
"""Data, attributes and layer type, as napari's readers return them."""

Read: TypeAlias = tuple[list[FullLayerData], list[str]]
"""Layers, and why others could not be shown."""

NOTHING_YET: list[Any] = [(None,)]
"""napari's sign for a file that was read and has no layers."""

MOST_PROBLEMS = 3
"""So many reasons are told."""


def window() -> Any:
    """Return the viewer whose window is open; None without one, and in another thread than its own."""
    if threading.current_thread() is not threading.main_thread():
        return None
    from napari import current_viewer

    return current_viewer()


def add_when_read(
    viewer: Any, what: str, read: Callable[[], Read], *, done: Callable[[], object] = lambda: None
) -> None:
    """Read beside the window, then add each layer to a viewer.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Gets the layers.
    what : str
        Stands beside the progress.
    read : callable
        Runs in a thread.
    done : callable
        Called in the window's thread at the end, whether or not anything was read.
    """
    from napari.layers import Layer
    from napari.qt.threading import create_worker
    from napari.utils.notifications import show_warning

    def take(found: FullLayerData | str) -> None:
        if isinstance(found, str):
            show_warning(found)
        else:
            viewer.add_layer(Layer.create(*found))

    # Without a window the layers have no place to go to; napari stops its workers when it closes one.
    worker = create_worker(_read, read, _progress={"desc": what})
    worker.yielded.connect(take)
    worker.finished.connect(done)
    worker.start()


def _read(read: Callable[[], Read]) -> Iterator[FullLayerData | str]:
    """Yield layers and sentences; an error that leaves a worker would open a window with a traceback."""
    try:
        layers, problems = read()
    except (HerntrackError, OSError) as error:
        yield str(error)
        return
    yield from layers
    yield from problems[:MOST_PROBLEMS]
