"""Which readings are signed: nothing may take their place until they are amended.

Public: `signatures`, `standing_signatures`, `signed_of`, `refuse_if_signed`.
"""

from __future__ import annotations

from collections.abc import Iterable

from herntrack.errors import SignedReadingError
from herntrack.model.reading_decisions import ReadingSignature
from herntrack.model.sentences import sentence
from herntrack.readings.decisions import DecisionStore
from herntrack.workflows.workspace import Workspace


def signatures(workspace: Workspace) -> dict[str, ReadingSignature]:
    """Return the signature of every reading that is final now."""
    return standing_signatures(DecisionStore(workspace.readings_folder))


def signed_of(workspace: Workspace, reading_uids: Iterable[str]) -> list[ReadingSignature]:
    """Return the signatures among some readings, in their order."""
    known = signatures(workspace)
    return [known[uid] for uid in reading_uids if uid in known]


def refuse_if_signed(workspace: Workspace, reading_uids: Iterable[str]) -> None:
    """Refuse to replace readings that are final.

    Raises
    ------
    SignedReadingError
        If one of them is signed; the message says by whom and how to amend it.
    """
    for signature in signed_of(workspace, reading_uids):
        raise SignedReadingError(
            sentence(
                "replaced_is_signed",
                reading=signature.reading_uid,
                by=signature.decided_by,
                on=f"{signature.decided_at:%Y-%m-%d}",
            )
        )


def standing_signatures(store: DecisionStore) -> dict[str, ReadingSignature]:
    """Return the signature of every reading that is final now, by reading."""
    return {each.reading_uid: each for each in store.standing() if isinstance(each, ReadingSignature)}
