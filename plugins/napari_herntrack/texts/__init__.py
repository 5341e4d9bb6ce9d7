"""What the reading room says, in its languages: one TOML file a language, the same keys in all.

A key names a section and a text, ``save.saved``. Words of the field have the section of their list:
`Texts.word`. What goes into a record is in English whatever the reader's language: `Texts.recorded`.

Public: `Texts`, `Told`, `load_texts`, `LANGUAGES`, `system_language`.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING

from herntrack.errors import VocabularyError
from herntrack.model.sentences import Sentence, recognised
from herntrack.model.vocabulary import Term

if TYPE_CHECKING:
    # Imported elsewhere before they are used: a dock that opens speaks before the engine is there.
    from herntrack.reading_room.live_numbers import LivePicture
    from herntrack.reading_room.suggestions import Suggestion

LANGUAGES: Mapping[str, str] = MappingProxyType(
    {
        "en": "English",
        "ru": "\u0420\u0443\u0441\u0441\u043a\u0438\u0439",
        "kk": "\u049a\u0430\u0437\u0430\u049b\u0448\u0430",
    }
)
"""Each language's own name, by its code."""

DEFAULT_LANGUAGE = "en"

PLURALS = ("one", "few", "many")
"""Forms of a text that depends on a number."""

_SECTIONS: Mapping[str, str] = MappingProxyType(
    {
        "Plane": "plane",
        "Weighting": "weighting",
        "HerniationType": "type",
        "Zone": "zone",
        "Side": "side",
        "Migration": "migration",
        "ReadingStatus": "status",
        "VisitState": "visit_state",
        "OutcomeClass": "outcome",
        "ReadingState": "reading_state",
        "Tool": "tool",
    }
)
"""Name of a vocabulary -> section of its words."""

_SHARES = frozenset(("share", "central", "lateral", "beyond"))
"""Numbers of a suggestion that are parts of a whole; the others are millimetres."""


class Told(str):
    """What is in the reader's language already."""


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of one language.

    Parameters
    ----------
    language : str
        Its code, one of `LANGUAGES`.
    entries : mapping from str to str
        Text by key; a text that depends on a number has a key for each of `PLURALS`.
    """

    language: str
    entries: Mapping[str, str]

    def __call__(self, key: str, **values: object) -> str:
        """Return a text with its placeholders filled in.

        Raises
        ------
        KeyError
            If there is no such text, or a placeholder has no value.
        """
        text = self.entries[key]
        return text.format(**values) if values else text

    def counted(self, key: str, n: int, **values: object) -> str:
        """Return a text that depends on a number, in the form the number asks for."""
        return self.entries[f"{key}.{plural_form(self.language, n)}"].format(n=n, **values)

    def word(self, term: Term) -> str:
        """Return a word of the field; one that is the same everywhere (a level, a grade) as it is."""
        section = _SECTIONS.get(type(term).__name__)
        return term.value if section is None else self.entries[f"{section}.{_plain(term.value)}"]

    def suggestion(self, suggestion: Suggestion) -> str:
        """Return why a descriptor is suggested."""
        shown = {
            name: f"{value:.0%}" if name in _SHARES else f"{value:.1f}"
            for name, value in suggestion.numbers.items()
        }
        return self.entries[f"suggestion.{suggestion.key}"].format(**shown)

    def outcome_reason(self, picture: LivePicture) -> str:
        """Return the rule that decided an outcome, in words; empty where nothing was decided."""
        if not picture.reason_key:
            return ""
        return self.entries[f"outcome_reason.{picture.reason_key}"].format(**picture.reason_numbers)

    def guard(self, name: str) -> str:
        """Return a warning by the name of its `herntrack.segmentation.guards.Guard`."""
        return self.entries[f"guard.{_plain(name)}"]

    def said(self, sentence: str) -> Told:
        """Return a sentence of the engine in this language, also one that a process or a record gave as text.

        One without a name is a technical detail and stays English, with a word before it that says so.
        """
        if isinstance(sentence, Told) or not sentence:
            return Told(sentence)
        sentence = recognised(sentence)
        if isinstance(sentence, Sentence):
            values = {name: self._value(value) for name, value in sentence.values.items()}
            return Told(self.entries[f"said.{sentence.key}"].format(**values))
        return Told(self.entries["room.detail"].format(detail=sentence))

    def _value(self, value: object) -> str:
        if isinstance(value, tuple):
            return ", ".join(self._value(each) for each in value)
        if isinstance(value, Term):
            return self.word(value)
        return str(self.said(value)) if isinstance(value, Sentence) else str(value)

    def section(self, name: str) -> dict[str, str]:
        """Return the texts of a section, in the order of the file, for example a list of reasons."""
        start = f"{name}."
        return {key.removeprefix(start): text for key, text in self.entries.items() if key.startswith(start)}

    def recorded(self, key: str) -> str:
        """Return a text as it goes into a record: in English."""
        return load_texts(DEFAULT_LANGUAGE).entries[key]


@cache
def load_texts(language: str) -> Texts:
    """Return the texts of a language.

    Raises
    ------
    VocabularyError
        If the room does not speak it.
    """
    if language not in LANGUAGES:
        raise VocabularyError(
            f"the reading room does not speak {language!r}; use one of: {', '.join(LANGUAGES)}"
        )
    content = files(__package__).joinpath(f"{language}.toml").read_text(encoding="utf-8")
    entries: dict[str, str] = {}
    for section, texts in tomllib.loads(content).items():
        for name, text in texts.items():
            if isinstance(text, dict):
                entries |= {f"{section}.{name}.{form}": text[form] for form in text}
            else:
                entries[f"{section}.{name}"] = text
    return Texts(language, MappingProxyType(entries))


def system_language() -> str:
    """Return the language of the person's environment if the room speaks it, else English."""
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        code = os.environ.get(variable, "").split("_")[0].split(".")[0].lower()
        if code in LANGUAGES:
            return code
        if code:
            break
    return DEFAULT_LANGUAGE


def plural_form(language: str, n: int) -> str:
    """Return which of `PLURALS` a number asks for (Unicode CLDR plural rules)."""
    if language != "ru":
        return "one" if n == 1 else "many"
    tens, ones = n % 100 // 10, n % 10
    if tens == 1 or ones == 0 or ones > 4:
        return "many"
    return "one" if ones == 1 else "few"


def _plain(value: str) -> str:
    return value.replace("'", "").replace(" ", "_").replace("-", "_")
