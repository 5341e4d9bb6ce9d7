"""Whether a stack shows the lumbar spine, by what its header says.

Four texts may say it: the series' description, the protocol's name, BodyPartExamined and the
study's description. A text that names the lumbar spine and nothing else, or other regions and
not the lumbar spine, is taken at its word; one that names several ("chest/abd/pel, T-L spine")
counts only where no other contradicts it, because the series may be any part of it. Texts that
contradict each other leave it open: BodyPartExamined is often what the console had as default.
Abdomen and pelvis say nothing, since the lumbar spine lies in both.

The place of the slices alone never decides: a head is as high as a lumbar spine. It is only
said whether a sagittal field could hold five vertebrae.

Public: `lumbar_of`.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

from herntrack.model.geometry import VolumeGeometry
from herntrack.model.images import InstanceHeader, Series
from herntrack.model.vocabulary import Plane

LUMBAR_FIELD_MM = (140.0, 520.0)
"""Heights of sagittal fields in use for the lumbar spine; L1 to S1 is 160-220 mm high (mm)."""

_START = r"(?<![^\W_])"
"""No letter or digit before: words are joined by underscores, blanks and dashes."""

_END = r"(?![^\W\d_])"
"""No letter after."""

_SPINE = rf"[\s.-]*sp(?:ine|ina)?{_END}"

_SEVERAL_REGIONS = (
    rf"{_START}(?:t-?l|t/l|c-?t-?l|c/t/l){_SPINE}",
    rf"(?:whole|total|entire|full|complete)[\s-]*spine|ganzwirbels\w*|{_START}gws{_END}",
    r"rachis (?:entier|complet)|columna (?:completa|total)|(?:весь|всего) позвоночник\w*",
)
"""Words for several parts of the spine, the lumbar one among them."""

_LUMBAR_WORDS = (
    # Latin roots in English, German, French, Italian, Spanish, Portuguese, Romanian, Hungarian
    r"(?<!p)lumb(?!us|ia)\w*",
    r"lomb(?:a|o|e)(?!rd)\w*",
    rf"{_START}(?:l|ls|l/s|l-s){_SPINE}",
    rf"{_START}(?:lws|lwk|lwz|lsws){_END}|lendenwirbel\w*|lendenwervel\w*",
    # discs: L4-L5, L5/S1, L3-4
    rf"{_START}l\s?[1-5]\s?[-/]\s?(?:l?\s?[2-6]|s\s?1){_END}",
    # Russian, Ukrainian, Kazakh, each also as typed in Latin letters
    rf"пояснич\w*|{_START}(?:пкоп|поясн){_END}|попереков\w*",
    r"бел\s*[-\u2013]?\s*(?:омыртк|сегизкоз|болим)\w*|белдеме\w*",
    rf"po[jy]asni[ct]\w*|{_START}bel\s+om[iy\u0131]rt\w*",
    # Polish, Czech, Slovak, Turkish, Swedish, Danish, Finnish, Greek
    r"ledzwi\w*|bedern\w*|driekov\w*|lomber\w*|landrygg\w*|lænder\w*|lanneranka\w*|οσφυ\w*",
    # Chinese and Japanese, Korean, Arabic
    r"腰椎|腰骶|요추|قطني",
)
"""Words for the lumbar spine, without accents; the Cyrillic short i is without its breve."""

_OTHER_WORDS = (
    rf"{_START}(?:brain|cerebr|cran(?:e|i)|skull|schaedel|schadel|kopf|hirn|cabeza)\w*",
    rf"{_START}(?:head(?!\s*(?:first|in))\w*|мозг\w*|голов\w*|череп\w*|ми{_END})",
    rf"{_START}(?:orbit|sella|hypoph|pituit|hipofis|sinus|temporal bone)\w*",
    r"cervi[ckx]\w*|zervik\w*|halswirbel\w*|шеин\w*|моиын\w*",
    rf"{_START}(?:c|c-t|c/t){_SPINE}",
    rf"{_START}(?:hws|hwk|cwk|шоп|neck|hals|cou|cuello){_END}",
    rf"thora[ckx]\w*|torac\w*|torax|{_START}(?:brustwirbel|chest|lung|грудн|кеуде|легк)\w*",
    rf"{_START}(?:bws|гоп){_END}",
    rf"{_START}(?:t|d){_SPINE}|dorsal[\s-]+spine|(?:rachis|columna|colonne)[\s-]+dorsal\w*",
    rf"{_START}(?:knee|knie|genou|rodilla|колен|тизе)\w*",
    rf"{_START}(?:shoulder|schulter|epaule|hombro|плеч)\w*|{_START}иык{_END}",
    rf"{_START}(?:hips?{_END}|(?:huft|hanche|cadera|тазобедр|femur|thigh)\w*)",
    rf"{_START}(?:ankle|sprunggelenk|cheville|tobillo|голеностоп|calf|tibia|tibfib)\w*",
    rf"{_START}(?:(?:foot|feet)(?!\s*(?:first|in)){_END}|fuss\w*|pied{_END}|стоп[аыу]{_END})",
    rf"{_START}(?:elbow|wrist|handgelenk|poignet|forearm|кист[иь]|локт|запяст)\w*|{_START}hand{_END}",
    rf"{_START}(?:breast|mamm|молочн|heart|cardiac|herz|prostat|uterus|простат)\w*",
    rf"{_START}(?:sacroil\w*|si-?joints?|sij|isg|кпс|крестцово-подвзд\w*)",
)
"""Words for regions in which no lumbar spine is, spelled like those above."""

_KAZAKH = str.maketrans(
    "\u049b\u04e9\u0456\u04d9\u04b1\u04af\u04a3", "\u043a\u043e\u0438\u0430\u0443\u0443\u043d"
)
"""Kazakh letters, and what they are typed as without a Kazakh keyboard."""

_LUMBAR = re.compile("|".join((*_SEVERAL_REGIONS, *_LUMBAR_WORDS)))
_OTHER = re.compile("|".join((*_SEVERAL_REGIONS, *_OTHER_WORDS)))


class _Said(NamedTuple):
    """What one text says: the words found, empty where there are none."""

    lumbar: str
    other: str


def lumbar_of(series: Series, header: InstanceHeader, geometry: VolumeGeometry) -> tuple[bool | None, str]:
    """Return whether a stack shows the lumbar spine and why it is believed.

    Parameters
    ----------
    series : Series
        The series of the stack.
    header : InstanceHeader
        Any image of the stack.
    geometry : VolumeGeometry
        The stack's grid.

    Returns
    -------
    tuple of bool or None, and str
        None where nothing says so or texts contradict each other, and the words that decided,
        for example ``BodyPartExamined 'lspine'``.
    """
    texts = (
        ("series description", series.series_description),
        ("protocol", series.protocol_name),
        ("BodyPartExamined", series.body_part_examined),
        ("study description", header.study_description),
    )
    lumbar, other, mixed = [], [], []
    for name, text in texts:
        said = _said(text) if text else _Said("", "")
        if said.lumbar and said.other:
            mixed.append(f"{name} {said.lumbar!r} beside {said.other!r}")
        elif said.lumbar:
            lumbar.append(f"{name} {said.lumbar!r}")
        elif said.other:
            other.append(f"{name} {said.other!r}")
    if lumbar and other:
        return None, f"contradictory: {', '.join(lumbar)} against {', '.join(other)}"
    if other:
        return False, ", ".join(other)
    if lumbar or mixed:
        return True, ", ".join(lumbar or mixed) + _field(geometry, ", but ", is_wanted=False)
    return None, "nothing says so" + _field(geometry, ", although ", is_wanted=True)


@lru_cache(maxsize=4096)
def _said(text: str) -> _Said:
    # Accents are dropped, so that words are found with and without them.
    spelled = unicodedata.normalize("NFKD", text.casefold().replace("_", " "))
    plain = "".join(letter for letter in spelled if not unicodedata.combining(letter))
    plain = plain.translate(_KAZAKH)
    lumbar, other = _LUMBAR.search(plain), _OTHER.search(plain)
    return _Said(lumbar.group().strip() if lumbar else "", other.group().strip() if other else "")


def _field(geometry: VolumeGeometry, joint: str, *, is_wanted: bool) -> str:
    """Return a clause on the height of a sagittal field, empty if it is not as asked for."""
    if geometry.plane is not Plane.SAGITTAL:
        return ""
    _, n_rows, n_columns = geometry.shape_zyx
    along_z = abs(geometry.affine_lps[2, 1:3])
    height = float(along_z[0] * n_rows + along_z[1] * n_columns)
    fits = LUMBAR_FIELD_MM[0] <= height <= LUMBAR_FIELD_MM[1]
    if fits is not is_wanted:
        return ""
    verb = "could be" if fits else "is unusual for"
    return f"{joint}a sagittal field {height:.0f} mm high {verb} the lumbar spine"
