"""A signature freezes a reading; an amendment with a reason opens it again; who may sign what."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from herntrack.cli.app import main
from herntrack.errors import DraftError, ReadingError, SignedReadingError
from herntrack.model.reading_decisions import ReadingAmendment, ReadingSignature
from herntrack.model.vocabulary import (
    Level,
    ReadingStatus,
)
from herntrack.reading_room.level_lock import LevelLock, LevelStatus
from herntrack.readings.decisions import DecisionStore
from herntrack.workflows.listings.worklist import ReadingState
from herntrack.workflows.reading.readings import read_without_mask
from herntrack.workflows.reading.sign_off import amend_reading, sign_reading
from herntrack.workflows.rebuild import rebuild
from herntrack.workflows.reporting.classify import classify
from herntrack.workflows.reporting.measure import measure
from herntrack.workflows.signatures import signatures
from tests.integration.read_room import CONFIRMED, READER, Room, followup_rows, saved


def test_a_signed_reading_is_final_until_it_is_amended(room: Room) -> None:
    session = room.open()
    session.propose(room.visits[0].mask)
    with pytest.raises(ReadingError, match="save it, then sign"):
        session.sign(CONFIRMED)
    reading = saved(session).reading
    signature = session.sign(CONFIRMED)
    with pytest.raises(DraftError, match="was signed by reader-1"):
        session.mask.brush(8, [[100, 100]], radius_mm=4.0)
    session.close()
    again = room.open()
    assert "final; amend it with a reason" in again.refusal
    assert np.array_equal(again.mask.mask, room.visits[0].mask)
    again.close()
    with pytest.raises(SignedReadingError, match="amend it with a reason first"):
        read_without_mask(
            room.workspace,
            lesion_uid=room.lesion_uid,
            visit_date=room.visits[0].visit_date,
            reader=READER,
            status=ReadingStatus.ABSENT,
            reason="by the command line",
        )
    with pytest.raises(SignedReadingError, match="already"):
        sign_reading(room.workspace, reading.reading_uid, reader=READER, level_lock=CONFIRMED)
    with pytest.raises(ReadingError, match="why"):
        amend_reading(room.workspace, reading.reading_uid, reader=READER, reason=" ")
    with pytest.raises(ReadingError, match="a reader amends what they read"):
        amend_reading(room.workspace, reading.reading_uid, reader="reader-2", reason="not mine")
    amended = amend_reading(room.workspace, reading.reading_uid, reader=READER, reason="wrong slice")
    with pytest.raises(ReadingError, match="is not signed"):
        amend_reading(room.workspace, reading.reading_uid, reader=READER, reason="twice")
    # The new version holds the same mask and says why; the signed one stays as it was.
    assert amended.reading.supersedes == (reading.reading_uid,)
    assert amended.reading.source == "amended: wrong slice"
    assert room.states()[0] is ReadingState.READ
    opened = room.open()
    assert opened.refusal == ""
    assert np.array_equal(opened.mask.mask, room.visits[0].mask)
    opened.mask.clear(opened.mask.outlined_slices[0])
    newer = saved(opened).reading
    assert newer.supersedes == (amended.reading.reading_uid,)
    opened.sign(CONFIRMED)
    opened.close()
    assert room.states()[0] is ReadingState.SIGNED
    decisions = DecisionStore(room.workspace.readings_folder).decisions()
    assert decisions[:2] == [signature, amended.amendment]
    assert isinstance(decisions[0], ReadingSignature)
    assert isinstance(decisions[1], ReadingAmendment)
    assert set(signatures(room.workspace)) == {newer.reading_uid}
    measure(room.workspace)
    classify(room.workspace)
    before = followup_rows(room.workspace)
    rebuild(room.workspace)
    measure(room.workspace)
    classify(room.workspace)
    assert followup_rows(room.workspace) == before


def test_an_absent_reading_is_amended_from_the_command_line(
    room: Room, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    session = room.open(2)
    session.say(ReadingStatus.ABSENT, "none left")
    reading = saved(session).reading
    session.sign(CONFIRMED)
    session.close()
    command = ["herntrack", "-w", str(room.workspace.folder), "read", "amend", "--json"]
    told = ["--reading", reading.reading_uid, "--reader", READER, "--reason", "the wrong visit"]
    monkeypatch.setattr("sys.argv", [*command, *told])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    amended = json.loads(capsys.readouterr().out)
    assert (amended["status"], amended["reason"]) == ("absent", "none left")
    assert amended["supersedes"] == [reading.reading_uid]
    assert room.states()[2] is ReadingState.READ


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda: {"level_lock": LevelLock(level=Level.L5_S1, status=LevelStatus.PROPOSED)}, "only proposed"),
        (lambda: {"level_lock": LevelLock(level=Level.L5_S1, status=LevelStatus.UNKNOWN)}, "not confirmed"),
        (
            lambda: {"level_lock": LevelLock(level=Level.L4_L5, status=LevelStatus.CONFIRMED)},
            "level shown is L4-L5",
        ),
        (lambda: {"reader": "reader-2"}, "a reader signs what they read"),
    ],
)
def test_what_may_not_be_signed_says_why(room: Room, change: Callable[[], dict[str, Any]], told: str) -> None:
    session = room.open()
    session.propose(room.visits[0].mask)
    uid = saved(session).reading.reading_uid
    session.close()
    with pytest.raises(SignedReadingError, match=told):
        sign_reading(room.workspace, uid, **({"reader": READER, "level_lock": CONFIRMED} | change()))
    assert signatures(room.workspace) == {}
