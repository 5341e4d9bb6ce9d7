"""What the rules ask of a header, however it was read."""

from __future__ import annotations

from typing import Protocol


class HeaderValues(Protocol):
    """The values of one header by DICOM keyword; what is absent, empty or undecodable is empty or None."""

    def has(self, keyword: str) -> bool:
        """Return whether the element is there, with or without a value."""

    def text(self, keyword: str) -> str:
        """Return the first value as text without padding."""

    def texts(self, keyword: str) -> tuple[str, ...]:
        """Return all values as text without padding."""

    def name_bytes(self, keyword: str) -> bytes:
        """Return a person's name as the file has it, padding included."""

    def character_set(self) -> str:
        """Return the stated character sets, joined by backslashes."""

    def integer(self, keyword: str) -> int | None:
        """Return the first value as a whole number."""

    def real(self, keyword: str) -> float | None:
        """Return the first value as a number."""

    def reals(self, keyword: str, length: int) -> tuple[float, ...] | None:
        """Return that many finite numbers, None if there are fewer or more."""

    def unsigned(self, keyword: str) -> int:
        """Return a count that must be there; raises whatever its decoding raises."""

    def meta_text(self, keyword: str) -> str:
        """Return a value of the file meta information as text."""

    def transfer_syntax(self) -> str:
        """Return the transfer syntax UID, stated or found."""

    def is_native(self, syntax: str) -> bool:
        """Return whether a transfer syntax stores pixels as they are."""

    def class_name(self, uid: str) -> str:
        """Return the registered name of a SOP class."""
