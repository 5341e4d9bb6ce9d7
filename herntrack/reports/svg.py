"""A matplotlib figure as a clean piece of inline SVG.

matplotlib's own output has a prologue, metadata with a date, random ids and colours fixed
for white paper. Here it becomes an ``<svg>`` that may stand in a page beside others: ids
carry a prefix, colours are CSS variables with the light colour as fallback, text is text in
the page's font, and the same figure always gives the same bytes.
"""

from __future__ import annotations

import io
import re
import warnings

# The text parsed below was written by matplotlib a moment ago; it is no foreign XML.
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from cycler import cycler
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from herntrack.reports.palette import COLOUR_VARIABLES, INK, MUTED, RULE

FONT_STACK = "var(--sans, system-ui, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif)"
"""Replaces matplotlib's font, so that a figure reads like the page around it."""

FONT_STACK_IN_FILES = (FONT_STACK, "Arial, Helvetica, 'DejaVu Sans', sans-serif")
"""The page's font and what takes its place in a file of its own."""

LARGEST_SCALE = 1.12
"""How much a page may enlarge a drawing (no unit)."""

_VARIABLE = re.compile(r"var\(--[a-z]+, (#[0-9a-f]{6})\)")

_RC = {
    "svg.fonttype": "none",
    "svg.hashsalt": "herntrack",
    # A patient identifier with two dollar signs is no formula.
    "text.parse_math": False,
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "text.color": INK,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": MUTED,
    "axes.labelsize": 9.5,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    # A mark whose colour was forgotten is drawn in ink, not in matplotlib's blue.
    "axes.prop_cycle": cycler(color=[INK]),
    "grid.color": RULE,
    "grid.linewidth": 0.5,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": 9.0,
    "ytick.labelsize": 9.0,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 3.0,
    "ytick.major.size": 3.0,
    "legend.fontsize": 9.0,
    "legend.frameon": False,
}

_COLOUR = re.compile(r"#[0-9a-f]{6}\b")
_FONT = re.compile(r"(font-family:|font:[^;]*?px)\s*[^;]*")
"""The family in either of the two ways that matplotlib has written it."""

_REFERENCE = re.compile(r"url\(#([^)]+)\)")


@contextmanager
def drawing_style() -> Iterator[None]:
    """Apply the report's matplotlib settings for the time of one drawing.

    Identifiers may be written in a script that the measuring font lacks; the page's own
    font shows them, so matplotlib's warning about it says nothing.
    """
    with mpl.rc_context(_RC), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font", category=UserWarning)
        yield


def new_figure(width_inches: float, height_inches: float, *, is_fitted: bool = True) -> Figure:
    """Return an empty figure with a transparent ground and no link to any window.

    `is_fitted` leaves room for labels; without it the caller places the axes.
    """
    figure = Figure(figsize=(width_inches, height_inches), layout="constrained" if is_fitted else None)
    figure.patch.set_alpha(0.0)
    return figure


def inline_svg(figure: Figure, *, prefix: str, title: str, description: str) -> str:
    """Return a figure as an ``<svg>`` element for a page.

    Parameters
    ----------
    figure : Figure
        Drawn within `drawing_style`; call this within it too.
    prefix : str
        Begins every id; unique on the page.
    title, description : str
        What a screen reader says.
    """
    buffer = io.BytesIO()
    FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None, "Creator": None})
    root = ET.fromstring(buffer.getvalue())  # noqa: S314 - written above, not read from anywhere
    _strip_namespaces(root)
    for metadata in root.findall("metadata"):
        root.remove(metadata)
    _rename_ids(root, prefix)
    _use_page_style(root)
    _describe(root, prefix, title, description)
    return ET.tostring(root, encoding="unicode")


def standalone_svg(drawing: str, *, caption: str) -> str:
    """Return an inline drawing as a file of its own: light colours, common fonts, a size in points.

    Parameters
    ----------
    drawing : str
        What `inline_svg` returned.
    caption : str
        Added to the description, so that the file says what it shows.
    """
    text = _VARIABLE.sub(lambda match: match[1], drawing).replace(
        FONT_STACK_IN_FILES[0], FONT_STACK_IN_FILES[1]
    )
    root = ET.fromstring(text)  # noqa: S314 - drawn above, not read from anywhere
    root.set("xmlns", "http://www.w3.org/2000/svg")
    root.set("xmlns:xlink", "http://www.w3.org/1999/xlink")
    _, _, width, height = root.attrib["viewBox"].split()
    root.set("width", f"{width}pt")
    root.set("height", f"{height}pt")
    root.attrib.pop("style", None)
    for element in root.iter("use"):
        # Editors of drawings still look for the older name.
        element.set("xlink:href", element.attrib["href"])
    description = root.find("desc")
    if description is not None:
        description.text = f"{caption} {description.text or ''}".strip()
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _strip_namespaces(root: Any) -> None:
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        element.tail = None
        if element.tag not in {"text", "style", "title", "desc", "tspan"}:
            element.text = None
        for name in [name for name in element.attrib if "}" in name]:
            element.set(name.rpartition("}")[2], element.attrib.pop(name))


def _rename_ids(root: Any, prefix: str) -> None:
    used = {value[1:] for e in root.iter() for name, value in e.attrib.items() if name == "href"}
    used |= {name for e in root.iter() for v in e.attrib.values() for name in _REFERENCE.findall(v)}
    names: dict[str, str] = {}
    for element in root.iter():
        old = element.attrib.pop("id", None)
        if old in used:
            names[old] = f"{prefix}-{len(names) + 1}"
            element.set("id", names[old])
    for element in root.iter():
        for name, value in element.attrib.items():
            if name == "href":
                element.set(name, f"#{names[value[1:]]}")
            elif "url(#" in value:
                element.set(name, _REFERENCE.sub(lambda match: f"url(#{names[match[1]]})", value))


def _use_page_style(root: Any) -> None:
    for element in root.iter():
        if element.attrib.get("transform", "").startswith("rotate(-0 "):
            del element.attrib["transform"]
        style = element.attrib.get("style")
        if style is None:
            continue
        style = _COLOUR.sub(_variable_of, style)
        if element.tag == "text":
            style = _FONT.sub(lambda match: f"{match[1]} {FONT_STACK}", style)
        element.set("style", style)
    for definitions in root.findall("defs"):
        # Its rule would apply to the whole page; the page's own style sheet says it instead.
        for style_sheet in definitions.findall("style"):
            definitions.remove(style_sheet)
        if not len(definitions):
            root.remove(definitions)
    _, _, width, _ = root.attrib["viewBox"].split()
    # A small drawing in a wide page would have letters larger than the headings.
    root.set("style", f"max-width: {LARGEST_SCALE * float(width):.0f}pt")
    root.attrib.pop("width", None)
    root.attrib.pop("height", None)
    root.attrib.pop("version", None)


def _variable_of(match: re.Match[str]) -> str:
    colour = match[0]
    name = COLOUR_VARIABLES.get(colour)
    return f"var(--{name}, {colour})" if name else colour


def _describe(root: Any, prefix: str, title: str, description: str) -> None:
    root.set("role", "img")
    root.set("aria-labelledby", f"{prefix}-title {prefix}-desc")
    root.set("class", "figure")
    for position, (tag, text) in enumerate((("title", title), ("desc", description))):
        element = ET.Element(tag, {"id": f"{prefix}-{tag}"})
        element.text = text
        root.insert(position, element)
