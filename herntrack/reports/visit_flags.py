"""What a row of changes.csv may be flagged with: the closed list for its data dictionary.

Some flags say why a visit cannot be compared (`herntrack.volumetrics.visits`), some how its protocol
differs from the baseline's (`herntrack.volumetrics.comparability`), the others stand here.
"""

from __future__ import annotations

from enum import StrEnum, unique

from herntrack.volumetrics.comparability import Difference
from herntrack.volumetrics.outcome import OutcomeFlag
from herntrack.volumetrics.visits import (
    BASELINE_BELOW_LIMIT,
    BASELINE_NOT_EVALUABLE,
    NO_READING,
    POOR_QUALITY,
    READERS_UNRESOLVED,
    SEQUENCES_DISCORDANT,
)


@unique
class VisitFlag(StrEnum):
    """What is to be known of a visit besides why and how far it can be compared.

    ``OTHER_READER_OR_PROTOCOL``: compared with the larger error. ``OTHER_READER``: read by another
    reader than the baseline. ``PROTOCOL_MIXED``: its protocol is not the baseline's; the flags after it say
    why. ``BASELINE_VISIT_UNREAD``: the lesion's first reading, though the patient's day 0 is an earlier
    visit. ``PROPOSED``: it rests on a proposal which no reader has accepted.
    ``VOLUME_ESTIMATES_DISAGREE``: the partial-volume estimate differs from the count beyond the error of
    both. ``STACK_CHANGED_SINCE_READ``: read on other slices than its stack has now. ``NOT_READ``: nobody
    has read it for this lesion.
    """

    OTHER_READER_OR_PROTOCOL = "other_reader_or_protocol"
    OTHER_READER = "other_reader"
    PROTOCOL_MIXED = "protocol_mixed"
    BASELINE_VISIT_UNREAD = "baseline_visit_unread"
    PROPOSED = OutcomeFlag.PROPOSED.value
    VOLUME_ESTIMATES_DISAGREE = "volume_estimates_disagree"
    STACK_CHANGED_SINCE_READ = "stack_changed_since_read"
    NOT_READ = "not_read"


VISIT_FLAGS = (
    POOR_QUALITY,
    READERS_UNRESOLVED,
    NO_READING,
    BASELINE_NOT_EVALUABLE,
    BASELINE_BELOW_LIMIT,
    SEQUENCES_DISCORDANT,
    *(str(flag) for flag in VisitFlag),
    *(str(difference) for difference in Difference),
)
"""Every flag of a visit."""
