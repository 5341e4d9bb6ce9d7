"""Walking over the data elements of a header in memory, without making anything of them.

`Layout` steps from element to element by their lengths and cuts out the few values that
are asked for. Files of one series share most of their header byte for byte; after two of
them a layout knows which elements are an image's own, and steps over all between these by
one comparison. Such a step begins and ends at elements, so equal bytes are walked equally:
nothing is guessed. Whatever a reader could take in two ways raises `Unusual`.

Public: `Layout`, `Walked`, `STOP`, `REFUSED`.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType
from typing import NamedTuple

from herntrack.dicom.elements import (
    LONG_VRS,
    SHORT_VRS,
    UNDEFINED_BYTES,
    Encoding,
    Unusual,
    implicit_element,
)

STOP = b"stop"
"""In place of a VR: the walk ends before this element."""

REFUSED = b"refused"
"""In place of a VR: an element that has no place here."""

SERIES = b"\x20\x00\x0e\x00"
"""Series Instance UID: what differs between files of one series is an image's own."""

MANY_OWN = 48
"""With more elements of an image's own, what was learnt of them is forgotten: it is of many scanners."""

PATIENCE = 4
"""After so many files in a row, each of another series, what differs between series is taken for an image's
own: the files are in no order."""


class Step(NamedTuple):
    """A step over elements that are expected: some that images share, then one of an image's own.

    Parameters
    ----------
    content : bytes
        The shared elements as file after file has them, then the head of the own one, or the whole of
        it as it was in the file before if its head does not tell its length.
    n_content : int
        Bytes of that.
    n_value : int
        Bytes of the own element's value that follow.
    is_wanted : bool
        Whether that value is wanted.
    n_shared : int
        Bytes of the shared elements.
    keys : tuple of bytes
        The first four bytes of each of these.
    """

    content: bytes
    n_content: int
    n_value: int
    is_wanted: bool
    n_shared: int
    keys: tuple[bytes, ...]


NOTHING: Mapping[bytes, bytes] = MappingProxyType({})


class Walked(NamedTuple):
    """What a walk found.

    Parameters
    ----------
    own : dict
        Wanted values by the first four bytes of their element.
    shared : mapping
        More of them: the same object for file after file whose values are the same.
    end : int
        Where the walk ended; beyond the end of the data if the last element is cut off.
    """

    own: dict[bytes, bytes]
    shared: Mapping[bytes, bytes]
    end: int


class Layout:
    """The walk over headers of one encoding, faster over headers like those before.

    Parameters
    ----------
    encoding : Encoding
        `EXPLICIT` or `IMPLICIT`.
    special : mapping of bytes to bytes
        By the first four bytes of an element: its VR if its value is wanted, `STOP` or `REFUSED`; all
        other elements are stepped over.
    group : bytes
        The two bytes every element begins with; empty if any may come.
    """

    def __init__(self, encoding: Encoding, special: Mapping[bytes, bytes], *, group: bytes = b"") -> None:
        self._element, self._n_key = encoding
        self._special = special
        self._group = group
        self._steps: list[Step] = []
        self._learnt: dict[bytes, bytes] = {}
        self._own: set[bytes] = set()
        self._shared: Mapping[bytes, bytes] = NOTHING
        self._n_renewed = 0

    def walk(self, data: bytes, position: int, found: dict[bytes, bytes]) -> int:
        """Walk to the end of the data or to an element at which to stop.

        Parameters
        ----------
        data : bytes
            The header; it may be cut off anywhere.
        position : int
            Where an element begins.
        found : dict
            Takes the wanted values by the first four bytes of their element.

        Returns
        -------
        int
            Where the walk ended; beyond the end of the data if the last element is cut off.

        Raises
        ------
        Unusual
            If the bytes are not plain, or end within the head of an element.
        """
        own, shared, end = self.walked(data, position)
        found.update(shared)
        found.update(own)
        return end

    def walked(self, data: bytes, position: int) -> Walked:
        """Walk as `walk` does, and tell an image's own values from those it shares with the one before."""
        try:
            own: dict[bytes, bytes] = {}
            expected_end = self._follow(data, position, own)
            if expected_end is not None:
                return Walked(own, self._shared, self._walk(data, expected_end, own, []))
            own, marks = {}, list[int]()
            end = self._walk(data, position, own, marks)
        except (IndexError, struct.error):
            raise Unusual("the data end within an element's head") from None
        if end <= len(data):
            self._learn(data, [*marks, end])
        return Walked(own, NOTHING, end)

    def _follow(self, data: bytes, position: int, own: dict[bytes, bytes]) -> int | None:
        """Step over what is expected and return where that led; None if it is not what is there."""
        starts_with = data.startswith
        changed: dict[int, dict[bytes, bytes]] = {}
        for number, step in enumerate(self._steps):
            content, n_content, n_value, is_wanted, n_shared, _ = step
            if starts_with(content, position):
                position += n_content
                if is_wanted:
                    own[content[n_shared : n_shared + 4]] = data[position : position + n_value]
                position += n_value
                continue
            end = self._step(number, data, position, own, changed)
            if end is None:
                return None
            position = end
        return position if self._steps and self._is_renewed(changed) else None

    def _step(
        self,
        number: int,
        data: bytes,
        position: int,
        own: dict[bytes, bytes],
        changed: dict[int, dict[bytes, bytes]],
    ) -> int | None:
        """Step over these elements although their bytes are others; return where that led."""
        content, n_content, _, is_wanted, n_shared, keys = self._steps[number]
        if data.startswith(content[:n_shared], position):
            position += n_shared
        else:
            elements = self._elements(keys, data, position)
            if elements is None:
                return None
            changed[number] = elements
            position += sum(map(len, elements.values()))
        if n_content == n_shared:
            return position
        if not data.startswith(content[n_shared : n_shared + self._n_key], position):
            return None
        begin, end = self._element(data, position)
        if is_wanted:
            own[content[n_shared : n_shared + 4]] = data[begin:end]
        return end

    def _elements(self, keys: Sequence[bytes], data: bytes, position: int) -> dict[bytes, bytes] | None:
        """Return these elements with the bytes they have here; None if others are here."""
        elements, starts_with, learnt = {}, data.startswith, self._learnt
        for key in keys:
            content = learnt[key]
            if not starts_with(content, position):
                if not starts_with(key, position):
                    return None
                _, end = self._element(data, position)
                if end > len(data):
                    return None
                if key in self._special:
                    self._check(data, position, self._special[key])
                content = data[position:end]
            elements[key] = content
            position += len(content)
        return elements

    def _is_renewed(self, changed: Mapping[int, dict[bytes, bytes]]) -> bool:
        """Expect what changed as it is now, if another series has begun; False if there is more to learn."""
        self._n_renewed = self._n_renewed + 1 if changed else 0
        if not changed:
            return True
        other = {
            key: content
            for each in changed.values()
            for key, content in each.items()
            if content is not self._learnt[key]
        }
        if self._n_renewed > PATIENCE or not self._is_other_series(other):
            return False
        self._learnt |= other
        for number, each in changed.items():
            step = self._steps[number]
            content, head = b"".join(each.values()), step.content[step.n_shared :]
            self._steps[number] = step._replace(
                content=content + head, n_content=len(content) + len(head), n_shared=len(content)
            )
        self._shared = {**self._shared, **self._wanted(other)}
        return True

    def _is_other_series(self, elements: Mapping[bytes, bytes]) -> bool:
        return elements.get(SERIES, self._learnt.get(SERIES)) != self._learnt.get(SERIES)

    def _walk(self, data: bytes, position: int, found: dict[bytes, bytes], marks: list[int]) -> int:
        """Walk element by element; `marks` takes where each began."""
        special, group, element, n_bytes = self._special, self._group, self._element, len(data)
        while position < n_bytes:
            key = data[position : position + 4]
            wanted = special.get(key)
            if wanted is STOP and self._is_readable(data, position):
                return position
            if group and not key.startswith(group):
                raise Unusual("an element of another group")
            marks.append(position)
            begin, end = element(data, position)
            if wanted is not None:
                self._check(data, position, wanted)
                found[key] = data[begin:end]
            position = end
        return position

    def _is_readable(self, data: bytes, position: int) -> bool:
        """Return whether an element to stop at is one: its head is whole and its VR one that there is."""
        if self._element is implicit_element:
            return True
        vr = data[position + 4 : position + 6]
        return position + 12 <= len(data) and (vr in LONG_VRS or vr in SHORT_VRS)

    def _check(self, data: bytes, position: int, wanted: bytes) -> None:
        """Refuse an element that is not written as it is everywhere else."""
        if self._element is implicit_element:
            is_usual = wanted is not REFUSED and data[position + 4 : position + 8] != UNDEFINED_BYTES
        else:
            is_usual = data[position + 4 : position + 6] == wanted
        if not is_usual:
            raise Unusual("an element in an unusual VR or place")

    def _learn(self, data: bytes, marks: Sequence[int]) -> None:
        """Expect the next header to be like this one, but for what is an image's own."""
        elements = {data[begin : begin + 4]: data[begin:end] for begin, end in pairwise(marks)}
        self._steps = []
        if len(elements) != len(marks) - 1:
            # An element that comes twice would have two values.
            return
        if len(self._own) > MANY_OWN:
            self._own.clear()
        if self._n_renewed > PATIENCE or not self._is_other_series(elements):
            self._own |= {key for key, content in self._learnt.items() if elements.get(key) != content}
        self._learnt, self._n_renewed = elements, 0
        self._shared = self._wanted({key: each for key, each in elements.items() if key not in self._own})
        shared: dict[bytes, bytes] = {}
        for key, content in elements.items():
            if key in self._own:
                self._steps.append(self._step_to(shared, content))
                shared = {}
            else:
                shared[key] = content
        self._steps.append(self._step_to(shared, b""))

    def _step_to(self, shared: Mapping[bytes, bytes], own: bytes) -> Step:
        """Return the step over elements that images share and one of an image's own, if there is one."""
        head, n_value = own, 0
        if own:
            begin, end = self._element(own, 0)
            # Where its head does not say where it ends, no more than the whole of it may be stepped over.
            if own[begin - 4 : begin] != UNDEFINED_BYTES:
                head, n_value = own[:begin], end - begin
        content = b"".join(shared.values())
        return Step(
            content=content + head,
            n_content=len(content) + len(head),
            n_value=n_value,
            is_wanted=own[:4] in self._special,
            n_shared=len(content),
            keys=tuple(shared),
        )

    def _wanted(self, elements: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
        """Return the values of these elements that are wanted."""
        return {
            key: element[self._element(element, 0)[0] :]
            for key, element in elements.items()
            if key in self._special
        }
