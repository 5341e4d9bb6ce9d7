"""Text of a header from its bytes and the character set the header states.

What is stated is believed where the bytes can be read so. Three mistakes of real exports are
recognised, because otherwise a name is shown as gibberish: Cyrillic in the code page of
Windows, of DOS or in KOI8 under a header that states Latin 1, ASCII or nothing; UTF-8 that is
not stated; and bytes that the stated set does not have. Latin text has its accented letters
among plain ones, Cyrillic in a wrong set has words of nothing but letters beyond ASCII; which
encoding such words are in is told by `herntrack.dicom.letter_pairs`. Where neither is clear
the stated reading stays. The bytes are kept beside the text, so nothing is lost by a mistake.

Encodings are those of DICOM PS3.3 C.12.1.1.2 as pydicom knows them; pydicom is loaded for
text beyond ASCII only.

Public: `DecodedText`, `decoded_text`, `text_values`, `shown_name`, `stated_sets`.
"""

from __future__ import annotations

import re
import unicodedata
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from herntrack.dicom.letter_pairs import pair_bits

ESCAPE = b"\x1b"
"""Begins a change of the character set within a value (PS3.5 6.1.2.5)."""

CYRILLIC_ENCODINGS = ("cp1251", "kz1048", "iso8859_5", "koi8_u", "cp866")
"""What Cyrillic is written in, the most usual first; of equal readings the first is named."""

LATIN_ENCODINGS = frozenset(("latin_1", "iso8859", "iso8859_2", "iso8859_3", "iso8859_4", "iso_ir_148"))
"""Sets that hospitals' software states although it writes another."""

STATED_CYRILLIC = "iso_ir_144"

LEAST_PURE_LETTERS = 3
"""Fewer letters in words without a plain one say nothing of the encoding."""

USUAL_ENCODINGS = frozenset(("cp1251", "kz1048"))
"""Of Windows, in Russian and Kazakh."""

LEAST_BITS_A_PAIR = 0.7
"""A reading whose letter pairs are less likely than this is no Cyrillic name (bits a pair)."""

LEAST_BITS_A_PAIR_ELSE = 1.5
"""The same for the rarer encodings: Hebrew without its set would pass for KOI8 else (bits a pair)."""

ENOUGH_BITS = 20.0
"""A long text in a rarer encoding needs no more than one in the usual ones (bits)."""

LEAST_MARGIN_BITS = 2.0
"""The best reading must be likelier than the next by this much, or nothing is decided (bits)."""

STATED_BONUS_BITS = 12.0
"""A stated Cyrillic set is believed unless another reading is likelier by more than this (bits)."""

WRONG_CASE_BITS = 6.0
"""Taken off for each word with a capital after a small letter (bits)."""

SMALL_WORD_BITS = 6.0
"""Taken off for each word without a capital where a value begins (bits)."""

DELIMITERS = frozenset(b"\t\n\f\r\\^=")
"""After these the first character set counts again (PS3.5 6.1.2.5.3)."""

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f]")
_WORD = re.compile(rb"[A-Za-z\x80-\xff]+")
_LETTERS = re.compile(r"[^\W\d_]+")
_ACCENTS = frozenset(map(chr, (*range(0x300, 0x305), *range(0x306, 0x30D), 0x323, 0x327, 0x328)))
_SIGNS = "\N{NO-BREAK SPACE}«»\N{NUMERO SIGN}\N{RIGHT SINGLE QUOTATION MARK}\N{EN DASH}\N{EM DASH}°"
_APOSTROPHES = "\N{MODIFIER LETTER APOSTROPHE}\N{MODIFIER LETTER TURNED COMMA}"
_ACCENTED = frozenset(map(chr, (*range(0xC0, 0x180), *range(0x218, 0x21C), *range(0x1E00, 0x1F00))))


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodedText:
    """A value's text.

    Parameters
    ----------
    text : str
        Without padding; several values are still joined by backslashes.
    read_as : str
        The stated set, or the encoding it was read with and why; empty for no text.
    """

    text: str
    read_as: str


@dataclass(frozen=True, slots=True)
class _Reading:
    """One way to read the bytes, and how likely its letters are (bits)."""

    encoding: str
    text: str
    bits: float
    bits_a_pair: float


def stated_sets(values: Sequence[str]) -> str:
    """Return the values of SpecificCharacterSet as one text, as `decoded_text` takes it."""
    return "\\".join(value.strip() for value in values)


@lru_cache(maxsize=4096)
def decoded_text(raw: bytes, character_set: str) -> DecodedText:
    """Return the text of a value.

    Parameters
    ----------
    raw : bytes
        The value of an element whose text depends on the character set (LO, PN, SH).
    character_set : str
        SpecificCharacterSet; several values joined by backslashes.
    """
    stripped = raw.rstrip(b"\0 ")
    if stripped.isascii() and ESCAPE not in stripped:
        return DecodedText(text=stripped.decode("ascii"), read_as="ASCII" if stripped else "")
    encodings = _python_encodings(character_set)
    name = _set_name(character_set)
    if ESCAPE in stripped or encodings[0] not in LATIN_ENCODINGS | {STATED_CYRILLIC}:
        text = _decoded(stripped, encodings)
        if text is not None:
            return DecodedText(text=text, read_as=name)
    return _reconsidered(stripped, encodings, name)


def text_values(raw: bytes, character_set: str) -> tuple[str, ...]:
    """Return the texts of a value without padding; none for an empty value."""
    whole = decoded_text(raw, character_set).text
    return tuple(text.replace("\0", "").strip() for text in whole.split("\\")) if whole else ()


def shown_name(text: str) -> str:
    """Return a person's name as it is to be shown.

    Parameters
    ----------
    text : str
        PatientName (PS3.5 6.2.1): components joined by ``^``, groups of other scripts by ``=``.
    """
    first = text.split("\\", maxsplit=1)[0]
    groups = (" ".join(group.replace("^", " ").split()) for group in first.split("="))
    return " = ".join(group for group in groups if group)


def _set_name(character_set: str) -> str:
    """Return the stated sets for a sentence; an empty one among several is the default (PS3.3 C.12.1.1.2)."""
    if not character_set.strip("\\"):
        return "nothing"
    return " + ".join(part or "ISO_IR 6" for part in character_set.split("\\"))


def _reconsidered(raw: bytes, encodings: Sequence[str], name: str) -> DecodedText:
    """Return the text of bytes beyond ASCII that the stated set may not be right for."""
    stated = _decoded(raw, encodings)
    if ESCAPE not in raw:
        utf8 = _as_utf8(raw)
        if utf8 is not None:
            return DecodedText(text=utf8, read_as=f"utf-8, stated {name}: every byte is well-formed UTF-8")
        cyrillic = _as_cyrillic(raw, stated if encodings[0] == STATED_CYRILLIC else None)
        if cyrillic is not None and cyrillic.encoding != STATED_CYRILLIC:
            return DecodedText(
                text=cyrillic.text,
                read_as=f"{cyrillic.encoding}, stated {name}: letter pairs as in Cyrillic names"
                f" ({cyrillic.bits_a_pair:+.1f} bits a pair)",
            )
    if stated is None:
        fallback = "latin_1" if encodings[0] not in LATIN_ENCODINGS else encodings[0]
        text = raw.decode(fallback, errors="replace").replace(ESCAPE.decode(), "")
        return DecodedText(text=text, read_as=f"{fallback}, stated {name}: not readable as stated")
    if name in {"nothing", "ISO_IR 6"}:
        return DecodedText(text=stated, read_as=f"latin_1, stated {name}: bytes beyond ASCII")
    return DecodedText(text=stated, read_as=name)


def _as_utf8(raw: bytes) -> str | None:
    """Return the text of well-formed UTF-8 whose words are each of one script."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return None
    if not all(_is_of_text(character) for character in text if character > "~"):
        return None
    # Two accented capitals of another encoding can be well-formed by chance: "RÓŻA" in Latin 2.
    return text if all(len(_scripts(word)) == 1 for word in _LETTERS.findall(text)) else None


def _is_of_text(character: str) -> bool:
    if "\N{COMBINING GRAVE ACCENT}" <= character <= "\N{COMBINING LATIN SMALL LETTER X}":
        return character in _ACCENTS
    return unicodedata.category(character)[0] in "LMNPZ"


def _scripts(word: str) -> set[str]:
    return {
        "LATIN" if character.isascii() or character in _ACCENTED else _script_of(character)
        for character in word
        if character not in _APOSTROPHES
    }


def _script_of(character: str) -> str:
    script = unicodedata.name(character, "").split(" ")[0]
    # Letters of phonetic alphabets and of African languages are no part of a European word.
    return "RARE LATIN" if script == "LATIN" else script


def _as_cyrillic(raw: bytes, stated: str | None) -> _Reading | None:
    """Return the Cyrillic reading of the bytes if there is a clear one."""
    if stated is None and not _is_unlike_latin(raw):
        return None
    readings = _cyrillic_readings(raw)
    if stated is not None:
        bits, n_pairs = _plausibility(stated)
        readings = [each for each in readings if each.text != stated]
        readings.append(_Reading(STATED_CYRILLIC, stated, bits + STATED_BONUS_BITS, bits / max(n_pairs, 1)))
    ranked = sorted(readings, key=lambda each: -each.bits)
    if not ranked:
        return None
    best, *others = ranked
    if not _is_likely(best):
        return None
    if not others or best.bits - others[0].bits >= LEAST_MARGIN_BITS:
        return best
    # The two differ in a few letters of Kazakh and Ukrainian: undecided, the more usual one is read.
    pair = {each.encoding: each for each in (best, others[0])}
    return pair["cp1251"] if pair.keys() == USUAL_ENCODINGS else None


def _is_likely(reading: _Reading) -> bool:
    is_usual = reading.encoding in USUAL_ENCODINGS or reading.bits >= ENOUGH_BITS
    return reading.bits_a_pair >= (LEAST_BITS_A_PAIR if is_usual else LEAST_BITS_A_PAIR_ELSE)


def _cyrillic_readings(raw: bytes) -> list[_Reading]:
    readings: dict[str, _Reading] = {}
    for encoding in CYRILLIC_ENCODINGS:
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if text in readings or _has_odd_sign(text):
            continue
        bits, n_pairs = _plausibility(text)
        readings[text] = _Reading(encoding, text, bits, bits / max(n_pairs, 1))
    return list(readings.values())


def _is_unlike_latin(raw: bytes) -> bool:
    """Return whether there are words of nothing but letters beyond ASCII, and no Latin ones with accents."""
    n_pure = 0
    for word in _WORD.findall(raw):
        n_beyond = sum(byte > 0x7F for byte in word)
        n_plain = len(word) - n_beyond
        if n_beyond and n_plain >= n_beyond:
            return False
        if not n_plain and n_beyond > 1:
            n_pure += n_beyond
    return n_pure >= LEAST_PURE_LETTERS


def _has_odd_sign(text: str) -> bool:
    """Return whether there is a sign that no name or description has: a frame, a control, a fraction."""
    for character in text:
        if character.isascii() or character in _SIGNS:
            continue
        if not unicodedata.name(character, "").startswith("CYRILLIC"):
            return True
    return False


def _plausibility(text: str) -> tuple[float, int]:
    """Return how likely a text's letters and capitals are (bits), and how many pairs there are."""
    bits, n_pairs = pair_bits(text)
    words = re.findall(r"[^\W\d_a-zA-Z]+", text)
    for word in words:
        if word != word.upper() and word[1:] != word[1:].lower():
            bits -= WRONG_CASE_BITS
    if words and words[0] == words[0].lower():
        bits -= SMALL_WORD_BITS
    return bits, n_pairs


def _decoded(raw: bytes, encodings: Sequence[str]) -> str | None:
    """Return the bytes in the stated encodings, None where they cannot be read so."""
    from pydicom import config
    from pydicom.charset import decode_bytes

    mode = config.settings.reading_validation_mode
    try:
        config.settings.reading_validation_mode = config.RAISE
        text = decode_bytes(raw, list(encodings), set(DELIMITERS))
    except (UnicodeError, LookupError, ValueError):
        return None
    finally:
        config.settings.reading_validation_mode = mode
    return None if _CONTROL.search(text) else text


@lru_cache(maxsize=64)
def _python_encodings(character_set: str) -> tuple[str, ...]:
    """Return the Python codecs of a character set, Latin 1 for one that nobody knows."""
    from pydicom.charset import convert_encodings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return tuple(convert_encodings(character_set.split("\\")))
