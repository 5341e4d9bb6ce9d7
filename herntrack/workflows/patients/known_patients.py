"""Whether a PatientID stands for anybody: who is followed under another one is told which.

Public: `require_patient`.
"""

from __future__ import annotations

from herntrack.catalogue.session import Catalogue
from herntrack.errors import RecordNotFoundError
from herntrack.readings.decisions import DecisionStore
from herntrack.workflows.patients.merged_rows import patients_followed_as
from herntrack.workflows.workspace import Workspace


def require_patient(workspace: Workspace, catalogue: Catalogue, patient_id: str) -> None:
    """Refuse a PatientID that nobody in the catalogue is followed under.

    Raises
    ------
    RecordNotFoundError
        If there is no such patient; of one that was merged the message names the patient it was merged into.
    """
    if patient_id in {patient.patient_id for patient in catalogue.images.patients()}:
        return
    into = patients_followed_as(DecisionStore(workspace.readings_folder).decisions()).get(patient_id)
    if into is not None:
        raise RecordNotFoundError(
            f"{patient_id} is merged into {into}; name that one, or take the merge back:"
            f" herntrack patient split {patient_id}"
        )
    raise RecordNotFoundError(f"no patient {patient_id!r}; herntrack list patients shows those there are")
