"""The title of a dock in the reader's language.

napari names a plugin's dock as its manifest does, in English and with the plugin's name in brackets, and
finds the dock again by that name; here only the words that are seen are others.
"""

from __future__ import annotations

from qtpy.QtCore import QObject
from qtpy.QtWidgets import QDockWidget, QLabel, QWidget


class DockTitle(QObject):  # type: ignore[misc]  # Qt has no types here
    """Writes the title of the dock that holds a widget.

    Parameters
    ----------
    widget : QWidget
        In a dock, sooner or later.
    """

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self._widget = widget
        self._words = ""
        self._known: QDockWidget | None = None

    def write(self, words: str = "") -> None:
        """Write a title, or the same again; does nothing while there is no dock."""
        self._words = words or self._words
        dock = self._widget.parent()
        while dock is not None and not isinstance(dock, QDockWidget):
            dock = dock.parent()
        if dock is None or not self._words:
            return
        if dock is not self._known:
            self._known = dock
            # napari makes the bar anew when the dock is taken out of the window, or put back.
            dock.topLevelChanged.connect(lambda _: self.write())
        dock.setWindowTitle(self._words)
        bar = dock.titleBarWidget()
        for label in [] if bar is None else bar.findChildren(QLabel):
            label.setText(self._words)
