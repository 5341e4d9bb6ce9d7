"""A sentence keeps what it says beside its English words."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from string import Formatter

import pytest

from herntrack.errors import DraftError, ReadingError
from herntrack.model.sentences import SENTENCES, Sentence, recognised, sentence, sentence_of
from herntrack.model.vocabulary import ReadingStatus

ROOT = Path(__file__).resolve().parents[3]


def test_a_sentence_is_its_english_text_and_knows_its_name_and_values() -> None:
    said = sentence("conflict_own", n=2, by="reader-1")
    assert said == "2 readings by reader-1 stand beside each other; choose one"
    assert (said.key, dict(said.values)) == ("conflict_own", {"n": 2, "by": "reader-1"})
    assert json.loads(json.dumps({"note": said})) == {"note": str(said)}
    assert copy.deepcopy(said).key == "conflict_own"


@pytest.mark.parametrize("key", list(SENTENCES))
def test_a_sentence_is_recognised_in_the_text_of_a_record(key: str) -> None:
    names = {name for _, name, _, _ in Formatter().parse(SENTENCES[key]) if name is not None}
    said = sentence(key, **{name: f"<{name}>" for name in names})
    found = recognised(str(said))
    assert isinstance(found, Sentence)
    assert (found.key, dict(found.values)) == (key, {name: f"<{name}>" for name in names})
    assert recognised(said) is said


def test_a_readers_own_words_are_no_sentence_of_ours() -> None:
    text = "seen on both sides, call it L5-S1"
    assert recognised(text) is text


def test_words_in_a_list_are_written_one_after_the_other() -> None:
    said = sentence("conflict_status", readers="A and B", said=(ReadingStatus.ABSENT, ReadingStatus.PRESENT))
    assert said == "A and B do not agree (absent, present); choose one reading"


def test_an_error_gives_its_sentence_back() -> None:
    said = sentence_of(ReadingError(sentence("baseline_not_read")))
    assert isinstance(said, Sentence)
    assert said.key == "baseline_not_read"
    plain = sentence_of(DraftError("the disk is full"))
    assert (plain, isinstance(plain, Sentence)) == ("the disk is full", False)
    assert sentence_of(OSError(28, "No space left")) == "[Errno 28] No space left"


def test_a_value_that_lacks_is_no_sentence() -> None:
    with pytest.raises(KeyError):
        sentence("conflict_own", n=2)
    with pytest.raises(KeyError):
        sentence("no_such")


def test_every_name_is_used_and_every_used_name_is_there() -> None:
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "herntrack").rglob("*.py")]
    sources += [path.read_text(encoding="utf-8") for path in (ROOT / "plugins").rglob("*.py")]
    whole = "\n".join(source for source in sources if "SENTENCES: Final" not in source)
    called = set(re.findall(r"\bsentence\(\s*\"(\w+)\"", whole))
    assert called <= set(SENTENCES)
    assert {key for key in SENTENCES if f'"{key}"' not in whole} == set()


@pytest.mark.parametrize("key", list(SENTENCES))
def test_placeholders_have_names(key: str) -> None:
    assert all(name is None or name.isidentifier() for _, name, _, _ in Formatter().parse(SENTENCES[key]))
