"""Who may be the same person, and who may be two."""

# ruff: noqa: RUF001 - names in Cyrillic on purpose
from __future__ import annotations

from datetime import date

import pytest

from herntrack.model.images import Person, Study
from herntrack.workflows.patients.people import Grade, contradictions, look_for_people, patient_names
from herntrack.workflows.patients.person_names import NameLikeness, name_likeness, name_words

BIRTH = date(1970, 2, 3)


def study(
    patient_id: str, name: str = "", *, birth: date | None = BIRTH, sex: str = "F", number: int = 1
) -> Study:
    return Study(
        study_instance_uid=f"1.2.{abs(hash((patient_id, number))) % 10**9}",
        patient_id=patient_id,
        study_date=date(2024, 1, number),
        stated_patient_id=patient_id,
        person=Person(name=name, birth_date=birth, sex=sex),
    )


@pytest.mark.parametrize(
    ("one", "other", "likeness"),
    [
        ("Иванова Анна", "иванова анна", NameLikeness.SAME),
        ("Иванова Анна", "Ivanova Anna", NameLikeness.SIMILAR),
        ("Иванова Анна", "ANNA IVANOVA", NameLikeness.SIMILAR),
        ("Иванова Анна Петровна", "Иванова Анна", NameLikeness.SIMILAR),
        ("Иванова Анна Петровна", "Иванова А П", NameLikeness.SIMILAR),
        ("Щербакова Юлия", "Shcherbakova Yuliya", NameLikeness.SIMILAR),
        ("Щербакова Юлия", "Scherbakova Julia", NameLikeness.SIMILAR),
        ("Соловьёв Пётр", "Solovyov Pyotr", NameLikeness.SIMILAR),
        ("Соловьёв Пётр", "Соловьев Петр", NameLikeness.SIMILAR),
        ("Құсайынов Әділхан", "Kusaiynov Adilkhan", NameLikeness.SIMILAR),
        ("Müller Jürgen", "Mueller Juergen", NameLikeness.SIMILAR),
        ("Wang XiaoDong = 王 小东", "wang xiaodong", NameLikeness.SIMILAR),
        ("Ivanova Anna", "Ivanowa Anna", NameLikeness.SIMILAR),
        ("Ivanova Anna", "Ivanvoa Anna", NameLikeness.SIMILAR),
        ("Сидорова Анна Петровна", "Иванова Анна Петровна", NameLikeness.GIVEN_NAMES),
        ("Иванова Анна", "Петрова Анна", NameLikeness.OTHER),
        ("Иванова Анна", "Иванова Ольга", NameLikeness.OTHER),
        ("Ким Ян", "Лим Ян", NameLikeness.OTHER),
        ("Anonymous", "Anonymous", NameLikeness.UNKNOWN),
        ("T 001", "T 001", NameLikeness.UNKNOWN),
        ("", "Ivanova Anna", NameLikeness.UNKNOWN),
    ],
)
def test_likeness_of_names(one: str, other: str, likeness: NameLikeness) -> None:
    assert name_likeness(one, other) is likeness
    assert name_likeness(other, one) is likeness


def test_words_of_a_name_do_not_depend_on_their_order() -> None:
    assert name_words("Anna Ivanova") == name_words("ИВАНОВА АННА") == ("ana", "ivanova")


@pytest.mark.parametrize(
    ("one", "other", "grade", "evidence"),
    [
        (study("A", "Иванова Анна"), study("B", "Иванова Анна"), Grade.STRONG, "same name"),
        (study("A", "Иванова Анна"), study("B", "Ivanova Anna"), Grade.LIKELY, "similar names"),
        (study("007", "Иванова Анна"), study("7", "Ivanova Anna"), Grade.STRONG, "identifiers differ only"),
        (study("ab-12"), study("AB 12"), Grade.LIKELY, "identifiers differ only"),
        (study("ab-12", birth=None), study("AB12", birth=None), Grade.POSSIBLE, "identifiers differ only"),
        (
            study("A", "Сидорова Анна Петровна"),
            study("B", "Иванова Анна Петровна"),
            Grade.POSSIBLE,
            "same given names",
        ),
        (
            study("A", "Иванова Анна"),
            study("B", "Иванова Анна", sex="M"),
            Grade.POSSIBLE,
            "but different sex",
        ),
    ],
)
def test_one_person_under_two_identifiers_is_proposed(
    one: Study, other: Study, grade: Grade, evidence: str
) -> None:
    (proposal,) = look_for_people([one, other]).proposals
    assert {proposal.patient_id, proposal.other_patient_id} == {one.patient_id, other.patient_id}
    assert proposal.grade is grade
    assert any(text.startswith(evidence) for text in proposal.evidence)
    told = " ".join(proposal.evidence)
    assert "Анна" not in told
    assert "1970" not in told


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (study("A", "Иванова Анна"), study("B", "Петрова Ольга")),
        (study("A", "Иванова Анна"), study("B", "Иванова Анна", birth=date(1971, 2, 3))),
        (study("A", "Иванова Анна", birth=None), study("B", "Иванова Анна", birth=None)),
        (study("007", "Иванова Анна"), study("7", "Петрова Ольга")),
        (study("A1", "Anonymous"), study("A2", "Anonymous")),
        (study("A"), study("B")),
        (study("A10"), study("A1")),
    ],
)
def test_others_are_not_proposed(one: Study, other: Study) -> None:
    assert look_for_people([one, other]).proposals == ()


def test_an_export_with_one_birth_date_for_all_is_no_family_of_proposals() -> None:
    assert look_for_people([study(f"P{n}x", "Иванова Анна") for n in range(30)]).proposals == ()


@pytest.mark.parametrize(
    ("second", "evidence"),
    [
        (study("A", "Иванова Анна", sex="M", number=2), ("different sex (F and M)",)),
        (study("A", "Иванова Анна", birth=date(1999, 1, 1), number=2), ("2 different birth dates",)),
        (study("A", "Петрова Ольга", number=2), ("clearly different names",)),
    ],
)
def test_two_people_under_one_identifier_are_noticed(second: Study, evidence: tuple[str, ...]) -> None:
    (mixture,) = look_for_people([study("A", "Иванова Анна"), second]).mixtures
    assert (mixture.patient_id, mixture.n_studies, mixture.evidence) == ("A", 2, evidence)


def test_spellings_and_gaps_under_one_identifier_are_no_contradiction() -> None:
    people = [study("A", "Иванова Анна").person, study("A", "IVANOVA ANNA").person, Person(sex="O")]
    assert contradictions(people) == []
    assert look_for_people([study("A", "Иванова Анна"), study("A", "", birth=None, number=2)]).mixtures == ()


def test_names_are_gathered_for_who_asks() -> None:
    studies = [study("A", "Иванова Анна"), study("A", "IVANOVA ANNA", number=2), study("B")]
    assert patient_names(studies) == {"A": ["Иванова Анна", "IVANOVA ANNA"]}
