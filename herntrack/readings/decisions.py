"""The append-only store of what people decided beside readings.

::

    readings/
      decisions/<decision uid>.json

A decision is taken back by a later one.

Public: `DecisionStore`.
"""

from __future__ import annotations

from pathlib import Path

from herntrack.model.decisions import Decision, standing_decisions
from herntrack.readings.decision_json import decision_from_json, decision_to_json
from herntrack.readings.record_folder import Problem, RecordFolder
from herntrack.readings.store_layout import DECISIONS_FOLDER


class DecisionStore:
    """Decisions of one workspace.

    Parameters
    ----------
    readings_folder : Path
        The store of readings, which holds the decisions too; need not exist.
    """

    def __init__(self, readings_folder: Path) -> None:
        self._records = RecordFolder(
            folder=readings_folder / DECISIONS_FOLDER,
            parsed=decision_from_json,
            uid_of=lambda decision: decision.decision_uid,
            add_again="record it again",
            when_damaged="it does not count until it is restored from a backup",
        )

    def add(self, decision: Decision) -> None:
        """Record a decision; raises `ReadingError` as `RecordFolder.add` does."""
        self._records.add(decision.decision_uid, decision_to_json(decision))

    def decisions(self) -> list[Decision]:
        """Return every decision that can be read, the oldest first."""
        return sorted(self._records.records(), key=lambda each: (each.decided_at, each.decision_uid))

    def standing(self) -> list[Decision]:
        """Return the latest decision about each subject, the oldest first."""
        return standing_decisions(self.decisions())

    def problems(self) -> list[Problem]:
        """Return what is wrong with each record that is not as it was written."""
        return self._records.problems()
