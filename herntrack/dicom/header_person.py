"""Who a header says was imaged, and the dates it states.

Public: `person_of`, `date_of`.
"""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache

from herntrack.dicom.character_sets import decoded_text, shown_name
from herntrack.dicom.header_values import HeaderValues
from herntrack.model.images import Person


def person_of(values: HeaderValues) -> Person:
    """Return the person; every field is empty that the header leaves empty."""
    raw, character_set = values.name_bytes("PatientName"), values.character_set()
    name = decoded_text(raw, character_set)
    return Person(
        name=shown_name(name.text),
        name_bytes=raw.hex(),
        character_set=character_set,
        read_as=name.read_as,
        birth_date=date_of(values, "PatientBirthDate"),
        sex=values.text("PatientSex"),
    )


def date_of(values: HeaderValues, keyword: str) -> date | None:
    """Return a date, None where there is none or one that no calendar has."""
    return _calendar_date(values.text(keyword).replace(".", "")[:8])


# A folder has few dates and many images.
@lru_cache(maxsize=1024)
def _calendar_date(text: str) -> date | None:
    try:
        return datetime.strptime(text, "%Y%m%d").date()
    except ValueError:
        return None
