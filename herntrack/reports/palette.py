"""The report's colours, once for figures and pages.

Hues follow Okabe and Ito (2008): they stay apart for readers with a colour vision
deficiency. No meaning rests on colour alone; every mark also has a shape or a word.
On white, marks have a contrast of 3 or more and fills that hold white numbers one of 4.5 (WCAG 2.2);
the fill of what is indeterminate is light on purpose and has an edge.

Figures are drawn in the light colours; in a page each of them becomes a CSS variable, so
that the same drawing serves the dark theme and print.
"""

from __future__ import annotations

from herntrack.model.vocabulary import OutcomeClass, VisitState

PAPER = "#ffffff"
INK = "#1b2430"
MUTED = "#5d6876"
RULE = "#d9dee5"
WINDOW_SHADE = "#f4f6f9"
BAND = "#dde7f1"

OUTCOME_COLOURS = {
    OutcomeClass.RESORPTION: "#00845f",
    OutcomeClass.PERSISTENT_REDUCTION: "#0a6fb0",
    OutcomeClass.TRANSIENT_REDUCTION: "#3d9cd2",
    OutcomeClass.STABLE: "#6d7785",
    OutcomeClass.PROGRESSION: "#c24f00",
    OutcomeClass.INDETERMINATE: "#c8ced6",
}

STATE_COLOURS = {
    VisitState.BASELINE: INK,
    VisitState.ABSENT: "#00845f",
    VisitState.REDUCED: "#0a6fb0",
    VisitState.NO_CHANGE: "#6d7785",
    VisitState.ENLARGED: "#c24f00",
    VisitState.NOT_EVALUABLE: "#c8ced6",
}

UNREAD_COLOUR = "#edf0f3"

LIGHT_VARIABLES = {
    "paper": PAPER,
    "ink": INK,
    "muted": MUTED,
    "rule": RULE,
    "shade": WINDOW_SHADE,
    "band": BAND,
    "resorption": OUTCOME_COLOURS[OutcomeClass.RESORPTION],
    "persistent": OUTCOME_COLOURS[OutcomeClass.PERSISTENT_REDUCTION],
    "transient": OUTCOME_COLOURS[OutcomeClass.TRANSIENT_REDUCTION],
    "stable": OUTCOME_COLOURS[OutcomeClass.STABLE],
    "progression": OUTCOME_COLOURS[OutcomeClass.PROGRESSION],
    "indeterminate": OUTCOME_COLOURS[OutcomeClass.INDETERMINATE],
    "unread": UNREAD_COLOUR,
}
"""CSS variable -> colour on white."""

DARK_VARIABLES = {
    "paper": "#14181e",
    "ink": "#e6eaf0",
    "muted": "#9aa6b5",
    "rule": "#2f3742",
    "shade": "#1a2028",
    "band": "#22344a",
    "resorption": "#2fbf94",
    "persistent": "#4ba3e3",
    "transient": "#3f7096",
    "stable": "#8d97a5",
    "progression": "#f0833a",
    "indeterminate": "#5a6470",
    "unread": "#262d37",
}
"""CSS variable -> colour on the dark theme."""

COLOUR_VARIABLES = {colour: name for name, colour in LIGHT_VARIABLES.items()}
"""Light colour -> CSS variable; every light colour is different."""
