"""Who does what takes long: one job after the other, the reading frozen where it is worked on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QObject

from herntrack.workflows.workspace import Workspace
from napari_herntrack._qt.panels.jobs import Job, Jobs
from napari_herntrack._qt.panels.showing import Showing


class Crew(QObject):  # type: ignore[misc]  # Qt has no types here
    """Runs jobs and shows that they run.

    Parameters
    ----------
    workspace : Workspace
        The project.
    show : Showing
        Shows everything anew after each job.
    """

    def __init__(self, workspace: Workspace, show: Showing) -> None:
        super().__init__(show.panel)
        self.workspace = workspace
        self._show = show
        self._jobs, self._background = Jobs(self), Jobs(self)
        for jobs in (self._jobs, self._background):
            jobs.changed.connect(lambda _: self._show_busy())

    @property
    def is_busy(self) -> bool:
        """Whether something runs or waits that the open visit depends on."""
        return self._jobs.is_busy

    @property
    def is_at_work(self) -> bool:
        """Whether anything runs or waits."""
        return self._jobs.is_busy or self._background.is_busy

    def run(
        self,
        words: str,
        act: Callable[[], object],
        done: Callable[[Any], None],
        *,
        begin: Callable[[], object] | None = None,
        refused: Callable[[str], None] | None = None,
    ) -> None:
        """Run a job after those before it; afterwards the desk is free again.

        Parameters
        ----------
        words : str
            What it is called.
        act : callable
            Runs beside the window.
        done : callable
            Takes its result.
        begin : callable, optional
            Called just before, in the window's thread.
        refused : callable, optional
            Takes the sentence of a refusal, as the reader may hear it; by default the panel says it.
        """

        def thawed(take: Callable[[Any], None]) -> Callable[[Any], None]:
            def taken(result: Any) -> None:
                self._show.desk.busy_with = ""
                take(result)
                self._show.all()

            return taken

        self._jobs.add(
            Job(words=words, act=act, done=thawed(done), refused=thawed(self._told(refused)), begin=begin)
        )

    def afterwards(self, act: Callable[[], object]) -> None:
        """Do something quick in the window's thread once all that was asked for before has ended."""

        def done(_: object) -> None:
            act()

        self.run("", lambda: None, done)

    def run_aside(
        self,
        words: str,
        act: Callable[[], object],
        done: Callable[[Any], None],
        *,
        refused: Callable[[str], None] | None = None,
    ) -> None:
        """Run a job that nobody waits for."""
        self._background.add(Job(words=words, act=act, done=done, refused=self._told(refused)))

    def freeze(self, words: str) -> None:
        """Let nothing be changed on the open reading until the job ends."""
        self._show.desk.busy_with = words
        self._show.reasons()

    def close(self) -> None:
        """Start nothing more."""
        self._jobs.close()
        self._background.close()

    def _refuse(self, reason: str) -> None:
        self._show.panel.say(reason, is_error=True)

    def _told(self, refused: Callable[[str], None] | None) -> Callable[[str], None]:
        take = refused or self._refuse
        return lambda reason: take(self._show.desk.told(reason))

    def _show_busy(self) -> None:
        words = [jobs.words for jobs in (self._jobs, self._background) if jobs.words]
        self._show.panel.show_busy(" \N{MIDDLE DOT} ".join(words))
