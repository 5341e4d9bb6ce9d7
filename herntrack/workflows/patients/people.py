"""Who is who: one person under two PatientIDs, two people under one.

Nothing is merged here. A likeness is a proposal with its evidence and a grade; a person
decides (`herntrack.workflows.patients.merges`). Evidence is told without a name or a birth date.

Public: `SamePerson`, `Mixture`, `People`, `people_of`, `look_for_people`, `contradictions`,
`patient_names`, `names_of`, `persons_of`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import combinations

from herntrack.model.images import Person, Study
from herntrack.workflows.patients.person_names import NameLikeness, name_likeness, name_words
from herntrack.workflows.session import catalogue_of
from herntrack.workflows.workspace import Workspace

LARGEST_GROUP = 20
"""More patients with one birth date or one identifier are an export's placeholder, not one person."""

SEXES = frozenset("MF")
"""Words of PatientSex that can contradict each other (PS3.3 C.7.1.1)."""


class Grade(StrEnum):
    """How sure a proposal is."""

    STRONG = "strong"
    LIKELY = "likely"
    POSSIBLE = "possible"


@dataclass(frozen=True, slots=True, kw_only=True)
class SamePerson:
    """Two PatientIDs that may be one person's, with the evidence for and against."""

    patient_id: str
    other_patient_id: str
    grade: Grade
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixture:
    """A PatientID under which the studies say different people."""

    patient_id: str
    n_studies: int
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """What a person should decide or look at."""

    proposals: tuple[SamePerson, ...]
    mixtures: tuple[Mixture, ...]


@dataclass(frozen=True, slots=True)
class _Known:
    """What all studies of a patient say."""

    patient_id: str
    names: tuple[str, ...]
    birth_dates: frozenset[date]
    sexes: frozenset[str]


def people_of(workspace: Workspace) -> People:
    """Return the proposals for a workspace; see `look_for_people`."""
    with catalogue_of(workspace) as catalogue:
        return look_for_people(catalogue.images.studies())


def look_for_people(studies: Sequence[Study]) -> People:
    """Return who may be the same person, and who may be two.

    Parameters
    ----------
    studies : sequence of Study
        All studies, under the patients they are followed under.
    """
    of_patient: dict[str, list[Study]] = defaultdict(list)
    for study in studies:
        of_patient[study.patient_id].append(study)
    known = [_known(patient_id, members) for patient_id, members in sorted(of_patient.items())]
    proposals = [found for pair in _candidates(known) if (found := _proposal(*pair)) is not None]
    order = list(Grade)
    return People(
        proposals=tuple(
            sorted(
                proposals, key=lambda each: (order.index(each.grade), each.patient_id, each.other_patient_id)
            )
        ),
        mixtures=tuple(
            Mixture(patient_id=patient_id, n_studies=len(members), evidence=tuple(evidence))
            for patient_id, members in sorted(of_patient.items())
            if (evidence := _mixed(members))
        ),
    )


def contradictions(persons: Iterable[Person]) -> list[str]:
    """Return what cannot be of one person among what some headers say, without the values."""
    people = list(dict.fromkeys(persons))
    found = []
    births = {person.birth_date for person in people if person.birth_date is not None}
    if len(births) > 1:
        found.append(f"{len(births)} different birth dates")
    sexes = {person.sex.upper() for person in people} & SEXES
    if len(sexes) > 1:
        found.append("different sex (F and M)")
    names = list(dict.fromkeys(person.name for person in people if name_words(person.name)))
    if any(name_likeness(*pair) is NameLikeness.OTHER for pair in combinations(names, 2)):
        found.append("clearly different names")
    return found


def patient_names(studies: Iterable[Study]) -> dict[str, list[str]]:
    """Return the names under each patient, for a person who asked to see them."""
    names: dict[str, dict[str, None]] = defaultdict(dict)
    for study in studies:
        if study.person.name:
            names[study.patient_id][study.person.name] = None
    return {patient_id: list(found) for patient_id, found in names.items()}


def names_of(workspace: Workspace) -> dict[str, list[str]]:
    """Return the names under each patient of a workspace; see `patient_names`."""
    with catalogue_of(workspace) as catalogue:
        return patient_names(catalogue.images.studies())


def persons_of(workspace: Workspace, patient_id: str) -> list[dict[str, str | None]]:
    """Return what the files say of a patient, each different saying once, for a person who asked."""
    with catalogue_of(workspace) as catalogue:
        studies = catalogue.images.studies()
    people = dict.fromkeys(study.person for study in studies if study.patient_id == patient_id)
    return [
        {
            "name": person.name,
            "birth_date": None if person.birth_date is None else person.birth_date.isoformat(),
            "sex": person.sex,
            "read_as": person.read_as,
            "name_bytes": person.name_bytes,
        }
        for person in people
    ]


def _mixed(members: Sequence[Study]) -> list[str]:
    """Return what contradicts under one PatientID of the files; PatientIDs that were merged were decided."""
    by_stated: dict[str, list[Person]] = defaultdict(list)
    for study in members:
        by_stated[study.stated_patient_id].append(study.person)
    return list(dict.fromkeys(each for persons in by_stated.values() for each in contradictions(persons)))


def _known(patient_id: str, members: Sequence[Study]) -> _Known:
    people = [study.person for study in members]
    return _Known(
        patient_id,
        tuple(dict.fromkeys(person.name for person in people if name_words(person.name))),
        frozenset(person.birth_date for person in people if person.birth_date is not None),
        frozenset(person.sex.upper() for person in people) & SEXES,
    )


def _candidates(known: Sequence[_Known]) -> list[tuple[_Known, _Known]]:
    """Return the pairs that share a birth date or, but for its spelling, an identifier."""
    groups: dict[object, list[_Known]] = defaultdict(list)
    for each in known:
        groups["id", _plain_id(each.patient_id)].append(each)
        for birth in each.birth_dates:
            groups["birth", birth].append(each)
    pairs: dict[tuple[str, str], tuple[_Known, _Known]] = {}
    for members in groups.values():
        if len(members) <= LARGEST_GROUP:
            for one, other in combinations(members, 2):
                pairs[one.patient_id, other.patient_id] = one, other
    return list(pairs.values())


def _proposal(one: _Known, other: _Known) -> SamePerson | None:
    is_same_birth = bool(one.birth_dates & other.birth_dates)
    is_same_id = _plain_id(one.patient_id) == _plain_id(other.patient_id)
    likeness = max(
        (name_likeness(*names) for names in ((a, b) for a in one.names for b in other.names)),
        default=NameLikeness.UNKNOWN,
    )
    if (one.birth_dates and other.birth_dates and not is_same_birth) or likeness is NameLikeness.OTHER:
        return None
    is_other_sex = bool(one.sexes and other.sexes and not one.sexes & other.sexes)
    grade = _grade(likeness, is_same_birth=is_same_birth, is_same_id=is_same_id, is_other_sex=is_other_sex)
    if grade is None:
        return None
    evidence = [
        *(["identifiers differ only in zeros, case or signs"] if is_same_id else []),
        *([_LIKENESS_TEXT[likeness]] if likeness in _LIKENESS_TEXT else []),
        *(["same birth date"] if is_same_birth else []),
        *(["same sex"] if one.sexes & other.sexes else []),
        *(["but different sex"] if is_other_sex else []),
    ]
    return SamePerson(
        patient_id=one.patient_id, other_patient_id=other.patient_id, grade=grade, evidence=tuple(evidence)
    )


def _grade(
    likeness: NameLikeness, *, is_same_birth: bool, is_same_id: bool, is_other_sex: bool
) -> Grade | None:
    is_alike = likeness >= NameLikeness.SIMILAR
    if is_other_sex:
        return Grade.POSSIBLE if is_alike and is_same_birth else None
    if is_same_birth and (likeness is NameLikeness.SAME or (is_alike and is_same_id)):
        return Grade.STRONG
    if is_alike or (is_same_id and is_same_birth):
        return Grade.LIKELY
    return Grade.POSSIBLE if is_same_id or likeness is NameLikeness.GIVEN_NAMES else None


def _plain_id(patient_id: str) -> str:
    """Return an identifier without leading zeros, case, spaces and signs."""
    plain = re.sub(r"[\W_]+", "", patient_id.casefold())
    return re.sub(r"(?<![0-9])0+(?=[0-9])", "", plain)


_LIKENESS_TEXT = {
    NameLikeness.SAME: "same name",
    NameLikeness.SIMILAR: "similar names (alphabet, order, length or one letter)",
    NameLikeness.GIVEN_NAMES: "same given names, another family name",
}
