"""The room says the same in every language."""

from __future__ import annotations

import re
from string import Formatter

import pytest

from herntrack.alignment.records import Findings
from herntrack.alignment.verdict import judge
from herntrack.errors import ReadingError, VocabularyError
from herntrack.model.sentences import SENTENCES, recognised, sentence, sentence_of
from herntrack.model.vocabulary import (
    HerniationType,
    Level,
    Migration,
    MsuLocation,
    OutcomeClass,
    PfirrmannGrade,
    Plane,
    ReadingStatus,
    Side,
    Term,
    VisitState,
    Weighting,
    Zone,
)
from herntrack.reading_room.edits import Tool
from herntrack.reading_room.level_lock import LevelStatus
from herntrack.reading_room.suggestions import REASONS, Suggestion
from herntrack.segmentation.guards import Guard
from herntrack.volumetrics.comparability import Difference
from herntrack.volumetrics.decision import Ground
from herntrack.volumetrics.rules import load_rules
from herntrack.volumetrics.visits import (
    BASELINE_BELOW_LIMIT,
    BASELINE_NOT_EVALUABLE,
    NO_READING,
    POOR_QUALITY,
    READERS_UNRESOLVED,
    SEQUENCES_DISCORDANT,
)
from herntrack.workflows.listings.worklist import ReadingState
from napari_herntrack.texts import LANGUAGES, PLURALS, load_texts, plural_form, system_language

ENGLISH = load_texts("en")
OTHERS = [language for language in LANGUAGES if language != "en"]


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("language", OTHERS)
def test_every_language_has_the_same_keys_in_the_same_order(language: str) -> None:
    assert list(load_texts(language).entries) == list(ENGLISH.entries)


@pytest.mark.parametrize("language", OTHERS)
def test_every_text_has_the_same_placeholders(language: str) -> None:
    texts = load_texts(language)
    differing = {
        key for key, text in texts.entries.items() if placeholders(text) != placeholders(ENGLISH.entries[key])
    }
    assert differing == set()


@pytest.mark.parametrize("language", list(LANGUAGES))
def test_no_text_is_empty_or_has_stray_space(language: str) -> None:
    entries = load_texts(language).entries
    assert {key for key, text in entries.items() if not text or text != " ".join(text.split())} == set()


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_is_no_english_and_ends_as_english_does(language: str) -> None:
    texts = load_texts(language)
    for key, text in texts.entries.items():
        # Names of programs, units and grades stay Latin; a translated text has Cyrillic letters.
        if re.search(r"[A-Za-z]{3}", re.sub(r"\{\w+\}|\b[A-Z]+\b", "", ENGLISH.entries[key])):
            assert re.search(r"[\u0400-\u04ff]", text), key
        assert (text[-1] == ".") == (ENGLISH.entries[key][-1] == "."), key


GLOSSARY = {
    r"base plane": ("базов\\w+ плоскост", "негіз жазықтығ"),
    r"\bfragment": ("фрагмент", "фрагмент"),
    r"\bsagittal": ("сагиттальн", "сагитталды"),
    r"\baxial": ("аксиальн", "аксиалды"),
    r"Pfirrmann": ("Пфиррманн", "Пфиррманн"),
    r"\bforaminal": ("фораминальн", "фораминалды"),
    r"\bsubarticular": ("субартикулярн", "субартикулярлы"),
    r"sequestration": ("секвестрац", "секвестрац"),
    r"\bbulge": ("выбухани", "томпаю"),
    r"\boutlines?\b": ("контур|обвед|обвест", "контур"),
    r"\bstacks?\b": ("сери", "серия"),
    r"\bvisits?\b": ("визит", "визит"),
    r"\bbaseline": ("исходн", "бастапқы"),
    r"\bdrafts?\b": ("черновик", "қаралама"),
    r"\blevel\b": ("уров", "деңгей"),
    r"\balign(ment|ed)\b": ("совмещ", "беттестір"),
    r"\bweighting": ("взвешенност", "салмақтан"),
    r"\bslices?\b": ("срез", "кесінді"),
    r"\blesion": ("грыж", "жары"),
    r"\bblinded\b": ("слеп", "соқыр"),
    r"\bmidline": ("срединн", "орта сызы"),
    r"\bfacet": ("фасет", "фасет"),
    r"\bpedicle": ("ножк\\w+ дуг", "доға аяқша"),
    r"\bworkspace\b": ("рабоч\\w+ папк", "жұмыс қалтасы"),
}
"""A term of the room -> how it begins in Russian and in Kazakh, wherever it is said."""

ELSEWISE = {
    "said.nothing_to_carry",
    "said.other_weighting",
    "stacks.reload_tip",
    "tool.base_plane",
    "view.failed_blinded",
}
"""Texts that say it without the term."""


@pytest.mark.parametrize(("place", "language"), list(enumerate(OTHERS)))
def test_one_term_is_one_term(place: int, language: str) -> None:
    spoken = load_texts(language).entries
    differing = []
    for key, text in ENGLISH.entries.items():
        # Not the names of placeholders and commands.
        words = re.sub(r"\{\w+\}|herntrack [a-z ]+", "", text)
        for term, translations in GLOSSARY.items():
            is_said = re.search(translations[place], spoken[key], re.IGNORECASE)
            if re.search(term, words, re.IGNORECASE) and not is_said and key not in ELSEWISE:
                differing.append((key, term))
    assert differing == []


def test_what_is_kazakh_is_not_russian() -> None:
    russian, kazakh = load_texts("ru").entries, load_texts("kk").entries
    words = {key: re.sub(r"\{\w+\}", "", text) for key, text in russian.items()}
    alike = {key for key in words if len(words[key]) > 20 and russian[key] == kazakh[key]}
    assert alike == set()


@pytest.mark.parametrize("language", list(LANGUAGES))
@pytest.mark.parametrize(
    "kind",
    [
        HerniationType,
        Zone,
        Side,
        Migration,
        Plane,
        ReadingStatus,
        VisitState,
        OutcomeClass,
        ReadingState,
        Tool,
    ],
)
def test_every_word_of_the_field_is_translated(language: str, kind: type[Term]) -> None:
    texts = load_texts(language)
    words = [texts.word(term) for term in kind]
    assert len(set(words)) == len(words)
    if language != "en":
        assert all(re.search(r"[\u0400-\u04ff]", word) for word in words)


def test_levels_and_grades_are_the_same_everywhere() -> None:
    for term in (Level.L5_S1, MsuLocation.AB, PfirrmannGrade.IV):
        assert {load_texts(language).word(term) for language in LANGUAGES} == {term.value}


def test_whatever_the_engine_says_has_a_text() -> None:
    said = {
        "problem": {
            *map(str, Difference),
            POOR_QUALITY,
            SEQUENCES_DISCORDANT,
            READERS_UNRESOLVED,
            NO_READING,
            BASELINE_NOT_EVALUABLE,
            BASELINE_BELOW_LIMIT,
        },
        "outcome_reason": {ground.name.lower() for ground in Ground},
        "suggestion": set(REASONS),
    }
    for section, keys in said.items():
        assert set(ENGLISH.section(section)) == keys
    assert {ENGLISH.guard(guard.value) for guard in Guard} == set(ENGLISH.section("guard").values()) - {
        ENGLISH("guard.title"),
        ENGLISH("guard.none"),
    }
    assert {status.value for status in LevelStatus} <= set(ENGLISH.section("level"))
    rules = load_rules()
    for ground in Ground:
        text = ENGLISH(f"outcome_reason.{ground.name.lower()}", resorption=75, regain=50, landmark=70)
        # The same numbers as in the rule's own words.
        assert re.findall(r"\d+", text) == re.findall(r"\d+", ground.reason(rules))


def test_every_sentence_of_the_engine_is_said_in_every_language() -> None:
    assert set(ENGLISH.section("said")) == set(SENTENCES)
    for key, text in SENTENCES.items():
        # The room leaves out what is for the command line, and says nothing that it was not told.
        assert placeholders(ENGLISH.entries[f"said.{key}"]) <= placeholders(text), key


@pytest.mark.parametrize("language", OTHERS)
def test_a_sentence_is_told_with_its_words_and_values(language: str) -> None:
    texts = load_texts(language)
    error = ReadingError(sentence("nothing_to_carry", visit="2024-03-04", status=ReadingStatus.NOT_EVALUABLE))
    told = texts.said(sentence_of(error))
    assert "2024-03-04" in told
    assert texts.word(ReadingStatus.NOT_EVALUABLE) in told
    assert not re.search(r"[A-Za-z]{2}", told)
    nested = sentence("against_visit", visit="A", detail=sentence("disc_far", level="L5-S1", mm="20"))
    assert not re.search(r"[a-z]{2}", texts.said(nested))
    said = sentence("conflict_status", readers="R", said=tuple(sorted(ReadingStatus)))
    assert all(texts.word(status) in texts.said(said) for status in ReadingStatus)
    # What has no name is a technical detail, and said to be one; what was told is not told again.
    raw = texts.said("disk quota exceeded")
    assert raw.endswith("disk quota exceeded")
    assert re.match(r"[\u0400-\u04ff]", raw)
    assert texts.said(raw) == raw


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize(
    "findings",
    [
        {"n_blocks": 5, "overlap": 0.05, "agreement": 0.3, "residual_mm": 4.0},
        {"n_blocks": 50, "overlap": 0.2, "agreement": 0.7, "residual_mm": 2.0, "rotation_degrees": 30.0},
        {"runner_up": 0.85, "runner_up_mm": 30.0},
        {"runner_up": 0.85, "runner_up_mm": 70.0},
    ],
)
def test_why_an_alignment_is_doubted_is_told_from_its_record(
    language: str, findings: dict[str, float]
) -> None:
    good = {"n_blocks": 200, "overlap": 0.9, "agreement": 0.9, "residual_mm": 0.3, "rotation_degrees": 1.0}
    found = Findings(**{"runner_up": None, "runner_up_mm": None} | good | findings)  # type: ignore[arg-type]
    _, reasons = judge(found)
    assert reasons
    for reason in reasons:
        told = load_texts(language).said(recognised(str(reason)))
        assert not re.search(r"[A-Za-z]{2}", told), told
        assert sorted(re.findall(r"\d+", told)) == sorted(re.findall(r"\d+", reason))


def test_in_english_a_detail_stands_alone() -> None:
    assert ENGLISH.said("disk quota exceeded") == "disk quota exceeded"
    assert ENGLISH.said("") == ""


@pytest.mark.parametrize("language", list(LANGUAGES))
def test_every_contrast_has_a_name(language: str) -> None:
    texts = load_texts(language)
    assert len({texts.word(weighting) for weighting in Weighting}) == len(Weighting)


def test_a_suggestion_reads_as_in_the_core() -> None:
    for key, text in REASONS.items():
        numbers = dict.fromkeys(placeholders(text), 0.25)
        suggestion = Suggestion(
            name="zone", value=Zone.CENTRAL, reason=text.format(**numbers), key=key, numbers=numbers
        )
        in_core = re.sub(r"\b0 mm", "0.2 mm", suggestion.reason)
        assert ENGLISH.suggestion(suggestion) == in_core


@pytest.mark.parametrize(
    ("language", "n", "form"),
    [
        ("en", 0, "many"), ("en", 1, "one"), ("en", 2, "many"), ("en", 21, "many"),
        ("kk", 1, "one"), ("kk", 5, "many"),
        ("ru", 0, "many"), ("ru", 1, "one"), ("ru", 2, "few"), ("ru", 4, "few"), ("ru", 5, "many"),
        ("ru", 11, "many"), ("ru", 12, "many"), ("ru", 14, "many"), ("ru", 21, "one"), ("ru", 22, "few"),
        ("ru", 100, "many"), ("ru", 101, "one"), ("ru", 111, "many"), ("ru", 112, "many"), ("ru", 122, "few"),
    ],
)  # fmt: skip
def test_numbers_have_their_forms(language: str, n: int, form: str) -> None:
    assert plural_form(language, n) == form
    assert load_texts(language).counted("worklist.items", n).startswith(str(n))


@pytest.mark.parametrize("language", list(LANGUAGES))
def test_counted_texts_have_all_forms(language: str) -> None:
    entries = load_texts(language).entries
    counted = {key.rsplit(".", 1)[0] for key in entries if key.count(".") == 2}
    of_stacks = {f"stacks.{name}" for name in ("opening", "count", "count_of", "selected", "more_refused")}
    assert counted == {"worklist.items", "worklist.still_to_read"} | of_stacks
    assert all(f"{key}.{form}" in entries for key in counted for form in PLURALS)


def test_what_is_recorded_is_english() -> None:
    russian = load_texts("ru")
    key = "absent_reason.none_left"
    assert russian.recorded(key) == "No focal displacement remains."
    assert russian(key) != russian.recorded(key)


def test_the_language_is_that_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(variable, raising=False)
    assert system_language() == "en"
    monkeypatch.setenv("LANG", "kk_KZ.UTF-8")
    assert system_language() == "kk"
    monkeypatch.setenv("LC_ALL", "ru_RU.UTF-8")
    assert system_language() == "ru"
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    assert system_language() == "en"


def test_another_language_is_refused() -> None:
    with pytest.raises(VocabularyError, match="use one of: en, ru, kk"):
        load_texts("de")
    with pytest.raises(KeyError):
        ENGLISH("no.such")
    with pytest.raises(KeyError):
        ENGLISH("room.opening", wrong=1)
