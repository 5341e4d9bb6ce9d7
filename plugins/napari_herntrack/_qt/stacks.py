"""The dock widget that lists a workspace's stacks and opens them as layers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.layers import Layer
from napari.qt.threading import create_worker
from qtpy.QtCore import QSize, Qt
from qtpy.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QStyle,
    QVBoxLayout,
    QWidget,
)

from herntrack.workflows.workspace import Workspace
from napari_herntrack._qt.dock_title import DockTitle
from napari_herntrack._qt.person import chosen_texts, reader_name
from napari_herntrack._qt.stack_table import StackTable
from napari_herntrack.layers import METADATA_KEY, LayerData
from napari_herntrack.worker import ListedWorkspace, Refusal, list_workspace, read_stacks

if TYPE_CHECKING:
    import napari

    from napari_herntrack.texts import Texts

PREFERRED_SIZE = QSize(640, 520)
"""Wide enough for what a stack is chosen by; the description may need scrolling (pixels)."""

MOST_REASONS = 3
"""Refusals that are spelled out; the others are counted, and the table has the reason of each."""


class StacksWidget(QWidget):  # type: ignore[misc]  # Qt has no types here
    """Lists the stacks of a workspace and opens those that are selected.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer
        Gets the layers.

    Notes
    -----
    It speaks the language that was chosen in the reading room, or else that of the environment.
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._viewer = napari_viewer
        self._texts = chosen_texts()
        self._title = DockTitle(self)
        self._workspace: Workspace | None = None
        self._worker: Any = None
        self._busy_with = ""
        self._refused: list[str] = []
        self._is_outdated = False
        self._hides_for_reader = False
        self._build()
        self.speak(self._texts)
        self._connect()
        self.list_stacks(None)

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the size that the dock asks for."""
        return PREFERRED_SIZE

    def showEvent(self, event: Any) -> None:  # noqa: N802
        """Title the dock, which there is by now; Qt calls this."""
        super().showEvent(event)
        self._title.write()

    def speak(self, texts: Texts) -> None:
        """Speak a language from now on; what was said before is taken back."""
        self._texts = texts
        self._title.write(texts("stacks.title"))
        self.workspace_label.setText(texts("room.workspace"))
        self.folder_line.setPlaceholderText(texts("stacks.folder_hint"))
        self.folder_line.setAccessibleName(texts("stacks.folder"))
        self.browse_button.setText(texts("stacks.browse"))
        self.reload_button.setText(texts("stacks.reload"))
        self.filter_line.setPlaceholderText(texts("stacks.filter_hint"))
        self.filter_line.setAccessibleName(texts("stacks.filter"))
        self.open_button.setText(texts("stacks.open"))
        self.research_label.setText(texts("room.research_only"))
        self.table.speak(texts)
        self._say(texts("blinding.stacks_hidden") if self._hides_for_reader else "")
        self._explain()

    def list_stacks(self, folder: Path | None) -> None:
        """List the stacks of a workspace; None stands for the default one."""
        if self._worker is None:
            words = self._texts("stacks.listing")
            self._run(words, list_workspace, folder, reader_name(), returned=self._show_listing)

    def list_again(self) -> None:
        """List the same workspace again, because the reader may see less, or more, than before."""
        # Not a moment longer than it takes to find out.
        self.table.set_rows([])
        self._is_outdated = self._worker is not None
        if not self._is_outdated:
            self.list_stacks(None if self._workspace is None else self._workspace.folder)

    def open_selected(self) -> None:
        """Open the selected stacks, one after the other, beside the window's own work."""
        uids = self.table.selected_uids()
        if self._worker is not None or self._workspace is None or not uids:
            return
        self._refused = []
        present = {_stack_uid(layer): layer for layer in self._viewer.layers}
        for uid in uids:
            if uid in present:
                self._bring_forward(present[uid])
        missing = [uid for uid in uids if uid not in present]
        if missing:
            self._run(
                self._texts.counted("stacks.opening", len(missing)),
                read_stacks,
                self._workspace,
                missing,
                yielded=self._take,
            )
        self._explain()

    def _build(self) -> None:
        self.workspace_label = QLabel()
        self.folder_line = QLineEdit()
        self.browse_button, self.reload_button = QPushButton(), QPushButton()
        self._controls = (
            (self.folder_line, "stacks.folder_tip"),
            (self.browse_button, "stacks.browse_tip"),
            (self.reload_button, "stacks.reload_tip"),
        )
        self.filter_line = QLineEdit()
        self.filter_line.setClearButtonEnabled(True)
        self.count_label = _plain_label()
        self.table = StackTable(self._texts)
        self.open_button = QPushButton()
        self.hint_label = _plain_label()
        self.progress_bar = QProgressBar()
        self.progress_bar.setRange(0, 0)
        self.progress_bar.setTextVisible(False)
        self.warning_icon = QLabel()
        icon = self.style().standardIcon(QStyle.StandardPixmap.SP_MessageBoxWarning)
        self.warning_icon.setPixmap(icon.pixmap(16, 16))
        self.warning_icon.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.message_label = _plain_label()
        self.message_label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.research_label = _plain_label()
        layout = QVBoxLayout(self)
        # Beside the reading room a dock has 300 pixels: the folder has a line of its own.
        layout.addLayout(_line(self.workspace_label, self.folder_line))
        layout.addLayout(_line(self.browse_button, self.reload_button, self.count_label))
        layout.addWidget(self.filter_line)
        layout.addWidget(self.table, stretch=1)
        layout.addLayout(_line(self.open_button, self.hint_label))
        layout.addWidget(self.progress_bar)
        layout.addLayout(_line(self.warning_icon, self.message_label))
        layout.addWidget(self.research_label)

    def _connect(self) -> None:
        self.folder_line.returnPressed.connect(self._list_typed)
        self.browse_button.clicked.connect(self._browse)
        self.reload_button.clicked.connect(self._list_typed)
        self.filter_line.textChanged.connect(self._filter)
        self.table.selection_changed.connect(self._explain)
        self.table.open_requested.connect(self.open_selected)
        self.open_button.clicked.connect(self.open_selected)
        # After napari's own listeners, which make the range that is corrected here.
        self._viewer.layers.events.inserted.connect(self._fit_slider, position="last")
        self._viewer.layers.events.removed.connect(self._fit_slider, position="last")

    def _list_typed(self) -> None:
        text = self.folder_line.text().strip()
        self.list_stacks(Path(text).expanduser() if text else None)

    def _browse(self) -> None:
        title = self._texts("stacks.browse_tip")
        chosen = QFileDialog.getExistingDirectory(self, title, self.folder_line.text())
        if chosen:
            self.folder_line.setText(chosen)
            self._list_typed()

    def _filter(self, text: str) -> None:
        self.table.set_filter(text)
        self._explain()

    def _run(self, what: str, work: Callable[..., Any], *arguments: object, **signals: Any) -> None:
        """Start work in a thread; only one piece of work runs at a time."""
        self._say("")
        self._busy_with = what
        self._worker = create_worker(work, *arguments)
        for name, slot in signals.items():
            getattr(self._worker, name).connect(slot)
        self._worker.finished.connect(self._finish)
        self._explain()
        self._worker.start()

    def _finish(self) -> None:
        self._worker = None
        self._explain()
        if self._is_outdated:
            self.list_again()

    def _show_listing(self, outcome: ListedWorkspace | Refusal) -> None:
        if isinstance(outcome, Refusal):
            # What was listed before may be of another folder than the line now names.
            self._workspace = None
            self.table.set_rows([])
            self._hides_for_reader = False
            said = (self._texts.said(outcome.reason), self._texts("stacks.no_workspace"))
            self._say("\n".join(said), is_warning=True)
            return
        self._workspace = outcome.workspace
        self._hides_for_reader = outcome.is_blinded
        self.folder_line.setText(str(outcome.workspace.folder))
        self.table.set_rows(outcome.rows)
        if outcome.is_blinded:
            self._say(self._texts("blinding.stacks_hidden"))
        elif not outcome.rows:
            self._say(self._texts("stacks.empty"))

    def _take(self, outcome: LayerData | Refusal) -> None:
        if isinstance(outcome, Refusal):
            self._refused.append(self._texts.said(outcome.reason))
            reasons = self._refused[:MOST_REASONS]
            if len(self._refused) > MOST_REASONS:
                n_more = len(self._refused) - MOST_REASONS
                reasons.append(self._texts.counted("stacks.more_refused", n_more))
            self._say("\n".join(reasons), is_warning=True)
            return
        layer = Layer.create(*outcome)
        self._viewer.add_layer(layer)
        layer.events.visible.connect(self._fit_slider)
        self._bring_forward(layer)

    def _bring_forward(self, layer: Layer) -> None:
        """Show one stack alone: two grids of their own have no space in common to be laid over each other."""
        others = [other for other in self._viewer.layers if _stack_uid(other) and other is not layer]
        for other in others:
            other.visible = False
        layer.visible = True
        self._fit_slider()
        self._viewer.layers.selection.active = layer
        axis = self._viewer.dims.ndim - layer.ndim
        self._viewer.dims.set_point(axis, layer.scale[0] * (layer.data.shape[0] // 2))
        self._viewer.reset_view(layers=[layer])
        if not self._refused:
            left, right, top, bottom = layer.metadata[METADATA_KEY]["edge_letters"]
            edges = {"left": left, "right": right, "top": top, "bottom": bottom}
            said = [self._texts("stacks.opened", name=layer.name, **edges)]
            if others:
                said.append(self._texts("stacks.others_hidden"))
            self._say(" ".join(said))

    def _fit_slider(self, _event: object = None) -> None:
        """Let the slider run over what is shown.

        napari's runs over hidden layers too, in steps of the finest: beside a thin CT one
        slice of an MR would take nine steps.
        """
        shown = [layer for layer in self._viewer.layers if layer.visible]
        if any(_stack_uid(layer) for layer in shown):
            extent = self._viewer.layers.get_extent(shown)
            ranges = tuple(zip(*extent.world, extent.step, strict=True))
            if len(ranges) == self._viewer.dims.ndim:
                self._viewer.dims.range = ranges

    def _explain(self) -> None:
        """Say what can be done now, and if nothing, why."""
        n_selected = len(self.table.selected_uids())
        is_busy = self._worker is not None
        if is_busy:
            hint = f"{self._busy_with}\N{HORIZONTAL ELLIPSIS}"
        elif not self.table.n_rows:
            hint = self._texts("stacks.none_listed")
        elif not n_selected:
            hint = self._texts("stacks.select")
        else:
            hint = self._texts.counted("stacks.selected", n_selected)
        self.hint_label.setText(hint)
        self.open_button.setEnabled(n_selected > 0 and not is_busy)
        self.open_button.setToolTip(hint)
        for control, words in self._controls:
            control.setEnabled(not is_busy)
            control.setToolTip(hint if is_busy else self._texts(words))
        self.progress_bar.setVisible(is_busy)
        n_rows, n_shown = self.table.n_rows, self.table.n_shown
        key = "stacks.count" if n_shown == n_rows else "stacks.count_of"
        self.count_label.setText(self._texts.counted(key, n_rows, shown=n_shown))

    def _say(self, sentence: str, *, is_warning: bool = False) -> None:
        self.message_label.setText(sentence)
        self.message_label.setVisible(bool(sentence))
        self.warning_icon.setVisible(is_warning)


def _stack_uid(layer: Layer) -> str:
    """Return the stack a layer shows, or an empty string for a layer that is not ours."""
    return str(layer.metadata.get(METADATA_KEY, {}).get("stack_uid", ""))


def _plain_label() -> QLabel:
    """Return a label that wraps, and that shows text from files as it is instead of as markup."""
    label = QLabel()
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    return label


def _line(*widgets: QWidget) -> QHBoxLayout:
    layout = QHBoxLayout()
    for widget in widgets:
        is_wide = isinstance(widget, QLineEdit) or (isinstance(widget, QLabel) and widget.wordWrap())
        layout.addWidget(widget, stretch=1 if is_wide else 0)
    return layout
