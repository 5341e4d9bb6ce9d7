"""Sentences that a reader is told, each with a name and the values in it.

They are English. Whoever speaks another language finds by `Sentence.key` what is said and by
`Sentence.values` about what; the text itself is for logs, the command line and records.

Records keep the text alone; `recognised` finds again which sentence it is.

Public: `Sentence`, `sentence`, `sentence_of`, `recognised`, `SENTENCES`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from string import Formatter
from types import MappingProxyType
from typing import Final

SENTENCES: Final[Mapping[str, str]] = MappingProxyType(
    {
        # Opening and drafts.
        "signed_final": "this reading was signed by {by} on {on} and is final; amend it with a reason to"
        " change it",
        "open_elsewhere": "this reading is open in another window{holder}: it can be looked at here, not"
        " changed. Close it there, then open it again",
        "visit_left": "the visit was left; open it again to change it",
        "drafts_not_writable": "the drafts folder cannot be written ({detail}); the reading can be looked at,"
        " but nothing is kept of what is painted. Correct the folder's rights and open it again",
        "draft_not_kept": "the draft cannot be kept: {detail}; {what}. Make space or correct the folder's"
        " rights, then go on",
        "saving_not_writable": "the drafts folder cannot be written ({detail}); nothing was saved. Correct"
        " the folder's rights, then save again",
        "draft_unusable": "{detail}. It was kept as {name}; the reading begins anew.",
        "draft_of_another_grid": "Unsaved work is of another grid than the stack has now. It was kept as"
        " {name}; the reading begins anew.",
        "restored": "Changes restored: {n}, the last of {at}.",
        "restored_stroke_lost": "Changes restored: {n}, the last of {at}. The stroke that was being made"
        " when the program ended is lost.",
        "restored_damaged": "Changes restored: {n}, the last of {at}. The journal is damaged after that:"
        " {n_bytes} bytes cannot be read; they are kept beside it with the suffix {suffix}.",
        "stack_not_measurable": "the stack cannot be measured on: {detail}. Choose another stack of the"
        " visit, or read the visit as not evaluable",
        "no_regular_stack": "the visit of {visit} has no regular sagittal or axial stack; see: herntrack list"
        " stacks",
        # Slices that came after a stack was read.
        "stack_grown": "the reading was made on {n_read} of now {n_now} slices: its volume is that of the"
        " slices that were read. Look at those that came, then read the visit again",
        "stack_lost": "the reading was made on {n_read} slices, of which {n_gone} are not catalogued any"
        " more; ingest them again, or read the visit again",
        "stack_divided": "the {n_read} slices that the reading was made on lie otherwise in the series now:"
        " its volume is that of the slices that were read. Read the visit again",
        "sign_fewer_slices": "the reading was made on {n_read} of now {n_now} slices, so it cannot be signed;"
        " look at those that came, save the reading again, then sign",
        "proposal_fewer_slices": "the proposal was made on other slices than the stack has now ({n_read}; now"
        " {n_now}); make it anew (herntrack propose, or herntrack segment), then accept",
        # Workspaces, catalogues and files that are not there, or not as they were.
        "no_workspace": "{folder} is no workspace: it has no {file}; run herntrack init",
        "no_workspace_above": "no workspace in {folder} or above it; make one with: herntrack init DIR, or"
        " name one with -w DIR",
        "file_unreadable": "{path} cannot be read: {detail}",
        "no_catalogue": "{folder} has no {file}; run herntrack rebuild to make it from images and readings",
        "catalogue_empty": "the catalogue has no tables; run herntrack rebuild to make it anew",
        "catalogue_version": "the catalogue is at schema {revision}, this herntrack needs {needed};"
        " run herntrack db upgrade (or install a newer herntrack if the catalogue is newer)",
        "catalogue_read_only": "the catalogue may only be read here, and this command has something to write;"
        " ask for write permission on the workspace, or work on a copy of it",
        "workspace_read_only": "{what}, and the workspace may only be read here; run {command} where it may"
        " be written, or work on a copy of it",
        "workspace_not_written": "the workspace {folder} cannot be written ({detail}); list and report work"
        " on it, but what changes it needs write permission",
        "readings_not_written": "the readings folder cannot be written: {detail}; nothing was recorded. Make"
        " space or correct the folder's rights, then {again}",
        "catalogue_busy": "another process has been writing to the catalogue all the time; run the command"
        " again when it has ended",
        "catalogue_not_written": "the catalogue cannot be written: {detail}; see that its disk has free space"
        " and is still there, then do it again",
        "file_missing": "{path} is missing under root '{root}' ({folder}); if the folder was moved:"
        " herntrack roots move {root} NEWPATH",
        "frame_missing": "{path} has no frame {number} any more; ingest the folder again",
        "file_changed": "{path}: {detail}. The files changed since they were catalogued: ingest the folder"
        " again",
        "files_counted": "{n} files for a stack of {n_slices} slices",
        "not_read_yet": "the stack was not read; open it again",
        # Why a stack is no volume.
        "stack_irregular": "stack {stack} is no regular volume: {problems}. Export the missing slices or"
        " choose another stack",
        "single_slice": "a single slice at {place} mm along the normal: there is no centre-to-centre"
        " distance, so no volume",
        "uneven_step": "uneven step of {step} mm between {before} and {after} mm along the normal (typical"
        " {typical} mm)",
        "slices_missing": "{n} slice(s) missing at {places} mm, between {before} and {after} mm along the"
        " normal (step {typical} mm)",
        "more_uneven": "{n} more uneven step(s) between {first} and {last} mm",
        # Saving and signing.
        "saved_not_measured": "The reading is saved; its numbers could not be computed: {detail}",
        "replaced_is_signed": "reading {reading} was signed by {by} on {on} and is final; amend it with a"
        " reason first, then read again",
        "level_contradicted": "the level {level} is contradicted: {problem}",
        "level_proposed": "the level {level} is only proposed, so the reading cannot be signed; point at its"
        " disc and confirm it, then sign",
        "level_unconfirmed": "the level {level} is not confirmed, so the reading cannot be signed; point at"
        " its disc and confirm it, then sign",
        "sign_proposal": "a proposal is nobody's word; accept it first, then sign",
        "sign_replaced": "the reading was replaced by {newer}; sign that one",
        "sign_other_reader": "the reading was made by {by} and {reader} would sign it; a reader signs what"
        " they read",
        "sign_conflict": "two readings of the visit by {by} stand beside each other ({other} is the other);"
        " choose one of them, then sign",
        "sign_already": "the reading was signed by {by} on {on} already; there is nothing to do",
        "amend_other_reader": "the reading was made by {by} and {reader} would amend it; a reader amends what"
        " they read, and anybody may read the visit under their own name",
        # The worklist.
        "conflict_own": "{n} readings by {by} stand beside each other; choose one",
        "conflict_no_primary": "{readers} read it and no primary reader is set; choose one reading, or set"
        " one",
        "conflict_status": "{readers} do not agree ({said}); choose one reading",
        # Levels.
        "level_locked": "{level} of {visit} was confirmed by {by} on {on} {where}; it is locked. If that was"
        " wrong: --replace --reason TEXT",
        "level_contradicts": "{level} at {point} is not confirmed, {problem}. Look at both visits: correct"
        " the name here, or the other one (herntrack level confirm --replace --reason TEXT), or, if the"
        " alignment is wrong, say so (herntrack align --overrule failed)",
        "against_visit": "against the visit on {visit}: {detail}",
        "disc_on_other": "the follow-up's disc {level} lies on the baseline's {other} ({mm} mm), {own_mm} mm"
        " from its own",
        "disc_far": "the disc named {level} lies {mm} mm from where {level} is",
        "disc_is_other": "the disc named {level} is the one named {other} there ({mm} mm away)",
        "disc_order": "the disc named {lower} lies {rise} mm above {upper} there, which belongs above it"
        " ({mm} mm away)",
        "disc_apart": "the discs named {upper} and {lower} lie {mm} mm apart there; {low} to {high} mm are"
        " possible",
        # Carrying forward.
        "carried_forward": "Carried forward from {old_mm3} mm3 and outlined anew: {new_mm3} mm3. Proposed"
        " until accepted.",
        "nothing_found": "No fragment was found. {detail} Proposed until accepted.",
        "remnant_in_doubt": "nothing is proposed: there may be a remnant of up to {mm3} mm3 at {point} mm, or"
        " it is something else, such as a nerve root or ligament. Look there; then click in it (herntrack"
        " segment --at {point}), or read the visit as absent",
        "place_not_imaged": "only {inside} % of the baseline fragment's place lie in the follow-up stack, at"
        " least {needed} % are needed; choose a stack that covers it, or check the alignment",
        "read_already": "{by} has read this visit.",
        "proposal_up_to_date": "The proposal is up to date.",
        "proposal_clicked": "{by} clicked this visit; --again carries it forward anew.",
        "no_lesion_read": "no lesion of patient {patient} was read at its baseline; outline it first, for"
        " example with: {command}",
        "baseline_not_read": "the lesion was not read before; outline its baseline first",
        "nothing_to_carry": "the reading of {visit} says {status}: there is no outline to carry forward",
        "none_comparable": "no stack of the visit may be compared with the baseline's ({detail}); record it"
        " with: herntrack read unevaluable",
        "other_weighting": "the visit has no stack of the baseline's weighting ({weighting}; at best {best}),"
        " and a fragment looks otherwise there; outline it with herntrack segment",
        "not_aligned": "the visit on {visit} is not aligned with the baseline; run herntrack align --patient"
        " {patient}",
        "alignment_failed": "the alignment of {visit} has failed ({detail}); outline this visit with"
        " herntrack segment, or if you have looked and it is right: herntrack align --patient {patient}"
        " --visit {visit} --overrule good --reader NAME --reason TEXT",
        # What geometry does not suggest.
        "quiet_no_plane": "Nothing is suggested without a base plane; place one.",
        "quiet_empty": "Nothing is suggested for an empty outline.",
        "quiet_pfirrmann": "The Pfirrmann grade is not computed; judge the disc on T2.",
        "quiet_midline": "Not suggested: the midline is not known; confirm the level, or draw the line"
        " between the facets.",
        "quiet_zone": "Not suggested: the zones are bounded by the facets; draw the line between them.",
        "quiet_msu": "Not suggested: the line between the facet joints is not drawn; draw it on axial T2.",
        "quiet_beyond_facet": "Not suggested: its centre lies {offset} mm from the midline, beyond the"
        " facet's edge at {half} mm; subarticular or foraminal is told by the pedicles, which are not"
        " measured.",
        "quiet_line_elsewhere": "Not suggested: the line between the facets lies {mm} mm above or below the"
        " greatest extrusion, limit {limit} mm; draw it on the slice there.",
        "quiet_line_in_front": "Not suggested: the line between the facets does not lie behind the base"
        " plane; look at both.",
        # The facet line.
        "line_length": "the line is {mm} mm long, and facet joints lie {low} to {high} mm apart; draw it"
        " from the medial edge of one to that of the other",
        "line_not_across": "the line does not run from side to side; draw it in an axial view, from the"
        " medial edge of one facet joint to that of the other",
        "line_other_frame": "this stack has other coordinates than the one that is read; draw the line on a"
        " stack of the same examination",
        # One click.
        "click_outside": "the point ({point}) mm lies outside the stack, at slice {slice}, row {row}, column"
        " {column} of {shape}. The stack reaches over {ranges} mm (LPS): give the point in its coordinates,"
        " or name the stack that was clicked on",
        "clicks_contradict": "the point ({point}) mm is said to be in the fragment, and one {mm} mm from it"
        " not to be, which contradicts itself; give points at least {limit} mm apart",
        "click_in_air": "the point ({point}) mm shows no tissue: its intensity is {level}, as of air,"
        " and disc-like tissue has {low} to {high} there; click in the fragment",
        "click_as_bone": "A point lies in tissue of {level} HU, as bone has; look whether it is in the"
        " fragment.",
        "click_as_fat": "A point lies in tissue of {level} HU, as fat has; look whether it is in the"
        " fragment.",
        "click_as_dark": "A point lies where the image is as dark as cortical bone, ligament or gas; look"
        " whether it is in the fragment.",
        "click_as_bright": "A point lies in what is brightest around it, as fluid (on T2) or fat is; look"
        " whether it is in the fragment.",
        "click_as_large": "A point lies in tissue with nothing brighter within {mm} mm, as inside a vertebra,"
        " a muscle or fat, and a fragment borders on fluid or fat; look whether it is in the fragment.",
        "nothing_outlined": "nothing was outlined there; click in the fragment's middle",
        "click_before_plane": "a point lies {depth} mm in front of the base plane, where nothing counts as"
        " herniated; move the plane or click behind it",
        "plane_given_up": "The base plane {source} lies {depth} mm behind a point, so another one was"
        " proposed; look whether the point is in the fragment.",
        "alignment_to_check": "The alignment of {where} is to be checked: {detail}.",
        # What an alignment is worth.
        "align_too_few_places": "only {n} places with structure lie in both stacks, limit {limit}",
        "align_few_places": "only {n} places with structure lie in both stacks",
        "align_no_overlap": "{share} of the smaller stack lies in the other, limit {limit}",
        "align_small_overlap": "only {share} of the smaller stack lies in the other",
        "align_disagrees": "the pictures agree by {agreement}, limit {limit}",
        "align_agrees_less": "the pictures agree by {agreement} only, {usual} is usual",
        "align_regions_apart": "single regions would still move by {mm} mm, limit {limit} mm",
        "align_regions_move": "single regions would still move by {mm} mm: the back is bent otherwise, or the"
        " place is wrong",
        "align_turned": "a turn of {degrees} degrees is more than patients are turned",
        "align_other_vertebra": "another place, {mm} mm about one vertebra away, agrees nearly as well:"
        " {other} against {agreement}",
        "align_other_place": "another place, {mm} mm away, agrees nearly as well: {other} against"
        " {agreement}",
        "align_level_moved": "the level lies {mm} mm from where the whole spine puts it, limit {limit} mm",
        "align_whole_failed": "the alignment of the whole spine that it began from has failed",
        "align_called_good": "{by} calls it good: {reason}",
        "align_called_check": "{by} calls it check: {reason}",
        "align_called_failed": "{by} calls it failed: {reason}",
    }
)
"""The sentences, in English, by their names."""


class Sentence(str):
    """A sentence that knows what it says.

    Attributes
    ----------
    key : str
        Its name in `SENTENCES`.
    values : mapping from str to object
        What stands in its placeholders; a tuple is a list of words.
    """

    key: str
    values: Mapping[str, object]


def sentence(key: str, **values: object) -> Sentence:
    """Return a sentence with its values filled in.

    Raises
    ------
    KeyError
        If there is no such sentence, or a placeholder has no value.
    """
    told = {
        name: ", ".join(map(str, each)) if isinstance(each, tuple) else each for name, each in values.items()
    }
    made = Sentence(SENTENCES[key].format(**told))
    made.key, made.values = key, values
    return made


def sentence_of(error: BaseException) -> str:
    """Return what an error says; ``str(error)`` would forget which sentence it is."""
    told = error.args[0] if len(error.args) == 1 else None
    return told if isinstance(told, Sentence) else str(error)


def recognised(text: str) -> str:
    """Return a text from a record as the sentence that it is; one of nobody's making stays as it is.

    Parameters
    ----------
    text : str
        As `sentence` made it, perhaps years ago.

    Returns
    -------
    str
        A `Sentence` whose values are the words of the text, of all that it may be the one with the most
        words of its own; or the text.
    """
    if isinstance(text, Sentence):
        return text
    for key, pattern in _patterns():
        found = pattern.fullmatch(text)
        if found:
            made = Sentence(text)
            made.key, made.values = key, found.groupdict()
            return made
    return text


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Return what each sentence looks like, those with the most words of their own first."""
    found = []
    for key, template in SENTENCES.items():
        parts = list(Formatter().parse(template))
        pattern, seen = "", set()
        for literal, name, _, _ in parts:
            pattern += re.escape(literal)
            if name is not None:
                pattern += f"(?P={name})" if name in seen else f"(?P<{name}>.+?)"
                seen.add(name)
        own = sum(len(literal) for literal, _, _, _ in parts)
        found.append((own, key, re.compile(pattern, re.DOTALL)))
    return tuple((key, pattern) for _, key, pattern in sorted(found, key=lambda each: -each[0]))
