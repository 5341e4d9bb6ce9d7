"""Whether two written names may be one person's.

Names are compared by their words, in any order and case, after both alphabets were brought
to one coarse spelling: transliterations of one name (Shcherbakov, Scherbakov, Щербаков) end
alike. Coarse on purpose: a likeness only proposes, and a person decides.

Public: `NameLikeness`, `name_words`, `name_likeness`.
"""

# ruff: noqa: SIM905 - a list of words is read more easily as text
from __future__ import annotations

import re
import unicodedata
from enum import IntEnum
from functools import lru_cache

CYRILLIC_LETTERS = dict(
    zip(
        "абвгдеёжзийклмнопрстуфхцчшщъыьэюяәғқңөұүһіїєґў",
        "a b v g d e e zh z i i k l m n o p r s t u f kh ts ch sh shch _ y _ e yu ya"
        " a g k n o u u h i i e g u".split(),
        strict=True,
    )
)
"""Usual Latin spellings; ``_`` is for no letter."""

COARSER = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"q", "k"),
        (r"[yij]o", "e"),
        (r"shch|sch|sh|tch|ch|cz|sz", "c"),
        (r"zh|dzh|dj", "z"),
        (r"kh|gh|ph", "h"),
        (r"ts|tz", "c"),
        (r"x", "ks"),
        (r"w", "v"),
        (r"[jiy]+(?=[aeou])", ""),
        (r"([aou])e", r"\1"),
        (r"[yj]", "i"),
        (r"(.)\1+", r"\1"),
        (r"i$", ""),
    )
)
"""Brings the transliterations of one name together, in this order."""

PLACEHOLDERS = frozenset(
    "anonymous anonymized anonymised anonym anon unknown noname name nn test patient pseudonym pseudo"
    " deidentified removed none phantom volunteer неизвестный аноним тест пациент фантом".split()
)
"""Words that stand where a name was taken away."""

SHORTEST_FOR_TYPO = 5
"""A shorter word with another letter is another word (letters)."""

_WORD = re.compile(r"[^\W\d_]+")


class NameLikeness(IntEnum):
    """How alike two names are, the least first."""

    OTHER = 0
    UNKNOWN = 1
    """One of the two says nothing."""
    GIVEN_NAMES = 2
    """Two words are the same, another differs: perhaps a family name that changed."""
    SIMILAR = 3
    """Another alphabet, order or length, or one letter."""
    SAME = 4


@lru_cache(maxsize=65536)
def name_words(name: str) -> tuple[str, ...]:
    """Return the words of a name in one coarse spelling, sorted; none for a placeholder.

    Parameters
    ----------
    name : str
        As `herntrack.model.images.Person.name`: the first of several scripts counts.
    """
    words = _WORD.findall(name.split(" = ", maxsplit=1)[0].lower())
    if any(character.isdigit() for character in name) or PLACEHOLDERS.intersection(words):
        return ()
    folded = sorted(filter(None, map(_folded, words)))
    return tuple(folded) if sum(map(len, folded)) > 1 else ()


def name_likeness(first: str, second: str) -> NameLikeness:
    """Return how alike two names are."""
    one, other = name_words(first), name_words(second)
    if not one or not other:
        return NameLikeness.UNKNOWN
    if first.casefold() == second.casefold():
        return NameLikeness.SAME
    fewer, more = sorted((one, other), key=len)
    left = _unmatched(fewer, more)
    if not left and (len(fewer) > 1 or len(more) == 1):
        return NameLikeness.SIMILAR
    return NameLikeness.GIVEN_NAMES if len(fewer) - len(left) >= 2 else NameLikeness.OTHER


def _unmatched(fewer: tuple[str, ...], more: tuple[str, ...]) -> list[str]:
    """Return the words of the shorter name that the longer one lacks.

    An initial stands for any word that begins so; one word may differ in one letter.
    """
    rest = list(more)
    left = []
    for word in fewer:
        if word in rest:
            rest.remove(word)
        else:
            left.append(word)
    for word in tuple(left):
        short = next((each for each in rest if _is_initial(word, each) or _is_initial(each, word)), None)
        if short is not None:
            rest.remove(short)
            left.remove(word)
    if len(left) == 1 and any(_is_one_typo(left[0], each) for each in rest):
        return []
    return left


def _is_initial(one: str, other: str) -> bool:
    return len(one) == 1 and other.startswith(one)


def _folded(word: str) -> str:
    latin = "".join(CYRILLIC_LETTERS.get(letter, letter) for letter in word).replace("_", "")
    plain = unicodedata.normalize("NFKD", latin)
    text = "".join(letter for letter in plain if not unicodedata.combining(letter))
    for pattern, replacement in COARSER:
        text = pattern.sub(replacement, text)
    return text


def _is_one_typo(one: str, other: str) -> bool:
    """Return whether one letter was changed, left out, added, or swapped with its neighbour."""
    if min(len(one), len(other)) < SHORTEST_FOR_TYPO - 1 or max(len(one), len(other)) < SHORTEST_FOR_TYPO:
        return False
    if abs(len(one) - len(other)) > 1:
        return False
    begin = 0
    while begin < min(len(one), len(other)) and one[begin] == other[begin]:
        begin += 1
    ends = (one[begin + 1 :], other[begin + 1 :])
    return (
        ends[0] == ends[1]
        or one[begin + 1 :] == other[begin:]
        or one[begin:] == other[begin + 1 :]
        or (
            one[begin : begin + 2] == other[begin : begin + 2][::-1]
            and one[begin + 2 :] == other[begin + 2 :]
        )
    )
