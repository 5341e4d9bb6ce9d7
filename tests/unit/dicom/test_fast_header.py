"""The fast reader says what pydicom says, or nothing."""

# ruff: noqa: RUF001 - names in Cyrillic on purpose

from __future__ import annotations

import logging
import struct
from pathlib import Path

import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.charset import python_encoding
from pydicom.data import get_charset_files
from pydicom.datadict import dictionary_VR, keyword_for_tag
from pydicom.filereader import ENCODED_VR
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pydicom.valuerep import EXPLICIT_VR_LENGTH_32

from herntrack.dicom import elements
from herntrack.dicom.fast_header import PlainReader, read_plain_header
from herntrack.dicom.headers import ScannedImage, SetAside, read_header
from herntrack.dicom.plain_values import ASCII_CHARACTER_SETS, META_WANTED, WANTED
from tests.unit.dicom.plain_files import LONG, PLAIN, element, item, plain_file, seeds, sequence

IMPLICIT = str(ImplicitVRLittleEndian)
EXPLICIT = str(ExplicitVRLittleEndian)
MUTED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@pytest.fixture(autouse=True)
def _quiet_pydicom() -> None:
    logging.getLogger("pydicom").setLevel(logging.CRITICAL)


def agreed(path: Path, reader: PlainReader | None = None) -> ScannedImage | None:
    """Return what the fast reader says, after pydicom has said the same."""
    fast = read_plain_header(str(path), path.stat().st_size, reader or PlainReader())
    if fast is None:
        return None
    try:
        thorough = read_header(path)
    except SetAside as refusal:
        pytest.fail(f"{path.name}: pydicom sets it aside: {refusal.code}: {refusal.reason}")
    # repr also tells 1 from 1.0 and text from an enumeration.
    assert repr(fast) == repr(thorough)
    return fast


def fast(content: bytes, tmp_path: Path, reader: PlainReader | None = None) -> ScannedImage | None:
    path = tmp_path / "file"
    path.write_bytes(content)
    return agreed(path, reader)


def test_plain_files_are_read_without_pydicom(tmp_path: Path) -> None:
    for content in seeds():
        assert fast(content, tmp_path) is not None


def test_every_real_file_is_read_alike(shared_dicom: Path) -> None:
    files = [path for path in sorted(shared_dicom.rglob("*")) if path.is_file()]
    reader = PlainReader()
    n_fast = sum(agreed(path, reader) is not None for path in files)
    n_images = 0
    for path in files:
        try:
            read_header(path)
        except SetAside:
            continue
        n_images += 1
    # All but exotic encodings, missing identifiers and text beyond ASCII.
    assert n_fast >= 0.8 * n_images


def test_every_file_of_pydicom_is_read_alike() -> None:
    folder = Path(pydicom.__file__).parent / "data"
    reader = PlainReader()
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    assert sum(agreed(path, reader) is not None for path in files) > 10


def test_the_tables_are_those_of_the_standard() -> None:
    for keyword, (tag, vr) in {**WANTED, **META_WANTED}.items():
        assert (keyword_for_tag(tag), dictionary_VR(tag)) == (keyword, vr)
    assert {vr.decode() for vr in elements.LONG_VRS} == set(EXPLICIT_VR_LENGTH_32) == LONG
    known = {vr for vr in ENCODED_VR if len(vr) == 2}
    assert known == elements.SHORT_VRS | elements.LONG_VRS
    ascii_text = bytes(range(0x20, 0x7F))
    for name in ASCII_CHARACTER_SETS:
        assert ascii_text.decode(python_encoding[name]) == ascii_text.decode("ascii")
    for key in elements.IMPLICIT_SEQUENCES:
        group, number = struct.unpack("<HH", key)
        assert dictionary_VR(group << 16 | number) == "SQ"


@pytest.mark.parametrize(
    ("tag", "vr", "value"),
    [
        pytest.param(0x00100020, "LO", b"T\t1 ", id="a control character"),
        pytest.param(0x00100010, "PN", b"A^B\0C", id="a NUL within a name"),
        pytest.param(0x00100010, "LO", b"A^B ", id="a name in another VR"),
        pytest.param(0x00100040, "CS", "М ".encode("cp1251"), id="a code beyond ASCII"),
        pytest.param(0x00080005, "CS", b"NO SUCH SET ", id="an unknown character set"),
        pytest.param(0x00080018, "UI", b"", id="no identifier"),
        pytest.param(0x0020000D, "UI", b"", id="no study identifier"),
        pytest.param(0x00080016, "UI", b"1.2.840.10008.5.1.4.1.1.7\0", id="another object"),
        pytest.param(0x00200032, "DS", b"1\\2\\nan", id="a place that is no number"),
        pytest.param(0x00200032, "DS", b"1\\2\\1e999", id="a place beyond all limits"),
        pytest.param(0x00200032, "DS", b"1\\2 ", id="a place with two numbers"),
        pytest.param(0x00200037, "DS", b"1\\0\\0\\1\\0\\0", id="directions that are not perpendicular"),
        pytest.param(0x00180080, "DS", b"1_000 ", id="a number as only Python writes it"),
        pytest.param(0x00180080, "SH", b"3500", id="a number in another VR"),
        pytest.param(0x00180080, "UN", b"3500", id="a number in an unknown VR"),
        pytest.param(0x00200013, "IS", b"1.5 ", id="a whole number that is none"),
        pytest.param(0x00280010, "US", b"\3\0\3\0", id="two numbers of rows"),
        pytest.param(0x00280010, "US", b"\xff\xff", id="more rows than the file is long"),
        pytest.param(0x00280008, "IS", b"2 ", id="several frames"),
        pytest.param(0x00189087, "FD", struct.pack("<d", float("inf")), id="an infinite b value"),
        pytest.param(0x00189087, "FD", struct.pack("<d", 6.7e155), id="a b value that is a mistake"),
        pytest.param(0x00180080, "DS", b"1e16", id="a time that is a mistake"),
        pytest.param(0x00180050, "ZZ", b"4 ", id="a VR that is none"),
    ],
)
def test_whatever_is_unusual_is_left_to_pydicom(tmp_path: Path, tag: int, vr: str, value: bytes) -> None:
    assert fast(plain_file({tag: (vr, value)}), tmp_path) is None


@pytest.mark.parametrize(
    ("tag", "vr", "value"),
    [
        pytest.param(0x00100020, "LO", b" T 1\0", id="padding"),
        pytest.param(0x00081030, "LO", b"  ", id="a blank text"),
        pytest.param(0x00081030, "LO", b"\\b", id="an empty first text of two"),
        pytest.param(0x00080008, "CS", b"A\\ \\B", id="an empty text among others"),
        pytest.param(0x00200013, "IS", b"  ", id="a blank number"),
        pytest.param(0x00200013, "IS", b"+07\0", id="a signed and padded number"),
        pytest.param(0x00180080, "DS", b" 3.5E+3 ", id="an exponent"),
        pytest.param(0x00180050, "DS", b"", id="no number"),
        pytest.param(0x00189087, "FD", bytes(8), id="a b value of 0"),
        pytest.param(0x00180080, "DS", b"1e15", id="the largest number"),
        pytest.param(0x00200032, "DS", b"-0\\.5\\ 5. ", id="numbers in every form"),
        pytest.param(0x00080020, "DA", b"2024.01.15", id="an old date"),
        pytest.param(0x00080020, "DA", b"20241399", id="a day that there is not"),
        pytest.param(
            0x00080005, "CS", b"ISO 2022 IR 13\\ISO 2022 IR 87", id="a second character set that is not used"
        ),
    ],
)
def test_every_form_of_a_value_is_read_alike(tmp_path: Path, tag: int, vr: str, value: bytes) -> None:
    assert fast(plain_file({tag: (vr, value)}), tmp_path) is not None


@pytest.mark.parametrize(
    ("character_set", "encoding", "name", "shown"),
    [
        ("ISO_IR 144", "iso8859_5", "Иванова^Анна^Петровна", "Иванова Анна Петровна"),
        ("ISO_IR 192", "utf-8", "Әуезова^Гүлнәр", "Әуезова Гүлнәр"),
        ("ISO_IR 100", "cp1251", "Иванова^Анна^Петровна", "Иванова Анна Петровна"),
        ("", "cp1251", "ИВАНОВА^АННА", "ИВАНОВА АННА"),
        ("ISO_IR 6", "cp1251", "Смирнов^Игорь", "Смирнов Игорь"),
        ("ISO_IR 100", "utf-8", "Смирнов^Игорь", "Смирнов Игорь"),
        ("ISO_IR 100", "latin-1", "Müller^Jürgen", "Müller Jürgen"),
        ("", "latin-1", "Ångström^Åsa", "Ångström Åsa"),
        ("\\ISO 2022 IR 87", "iso2022_jp", "Yamada^Tarou=山田^太郎", "Yamada Tarou = 山田 太郎"),
    ],
)
def test_names_beyond_ascii_are_read_without_pydicom_and_alike(
    tmp_path: Path, character_set: str, encoding: str, name: str, shown: str
) -> None:
    raw, sets = name.encode(encoding), character_set.encode()
    changed = {
        0x00080005: ("CS", sets + b" " * (len(sets) % 2)) if sets else None,
        0x00100010: ("PN", raw + b" " * (len(raw) % 2)),
        0x00100020: ("LO", "№ 7".encode("cp1251") + b" "),
        0x00081030: ("LO", raw.replace(b"^", b"-").ljust(48)),
        0x00100030: ("DA", b"19700230"),
        0x00100040: ("CS", b"F "),
    }
    for syntax in ("1.2.840.10008.1.2.1", IMPLICIT):
        image = fast(plain_file(changed, syntax=syntax), tmp_path)
        assert image is not None
        assert image.person.name == shown
        assert bytes.fromhex(image.person.name_bytes).rstrip() == raw
        assert (image.person.character_set, image.person.sex) == (character_set, "F")
        assert image.person.birth_date is None
        assert image.study_description.startswith(name.split("^", maxsplit=1)[0])


def test_every_character_set_file_of_pydicom_is_read_alike(tmp_path: Path) -> None:
    n_named = 0
    for path in map(Path, get_charset_files("*.dcm")):
        dataset = pydicom.dcmread(path, force=True)
        element_ = dataset.get_item("PatientName")
        if element_ is None:
            continue
        n_named += 1
        sets = dataset.get("SpecificCharacterSet") or ""
        stated = (sets if isinstance(sets, str) else "\\".join(sets)).encode()
        padded = stated + b" " * (len(stated) % 2)
        content = plain_file({0x00080005: ("CS", padded), 0x00100010: ("PN", element_.value)})
        image = fast(content, tmp_path)
        assert image is not None
        expected = " = ".join(group for group in str(dataset.PatientName).split("=") if group)
        assert image.person.name == " ".join(expected.replace("^", " ").split())
    assert n_named == 15


def test_sequences_are_stepped_over(tmp_path: Path) -> None:
    # In each a value that would be wanted at the top level.
    inner = element(0x00100020, "LO", b"WRONG ")
    short = element(0x00100020, "LO", b"WRONG ", implicit=True)
    explicit = (
        sequence(0x00081140, item(inner), item(inner, is_defined=True), item(b"")),
        sequence(0x00081140, item(sequence(0x00400260, item(inner)))),
        sequence(0x00191040, item(short), vr="UN"),
        element(0x00081140, "SQ", item(inner)),
    )
    for each in explicit:
        image = fast(plain_file(more={int.from_bytes(each[:2], "little") << 16 | 0x1140: each}), tmp_path)
        assert image is not None
        assert image.patient_id == "T-001"
    implicit = sequence(0x00081140, item(short), item(short, is_defined=True), implicit=True)
    assert fast(plain_file(more={0x00081140: implicit}, syntax=IMPLICIT), tmp_path) is not None


def test_a_header_longer_than_what_is_read_first_is_read_on(tmp_path: Path) -> None:
    for n_bytes in (10_000, 16_000, 16_384, 40_000, 500_000):
        block = element(0x00291010, "OB", bytes(n_bytes))
        assert fast(plain_file(more={0x00291010: block}), tmp_path) is not None


def test_an_element_that_comes_twice_counts_the_second_time(tmp_path: Path) -> None:
    again = element(0x7FDF0010, "LO", b"x ") + element(0x00100020, "LO", b"T-002 ")
    image = fast(plain_file(more={0x7FDF0010: again}), tmp_path)
    assert image is not None
    assert image.patient_id == "T-002"


def test_a_file_that_lacks_its_own_values_says_nothing_about_its_series(tmp_path: Path) -> None:
    reader = PlainReader()
    assert fast(plain_file({0x00200032: ("DS", b"")}), tmp_path, reader) is None
    assert fast(plain_file(), tmp_path, reader) is not None


def test_a_truncated_file_is_left_to_pydicom_although_its_series_is_known(tmp_path: Path) -> None:
    reader = PlainReader()
    whole = plain_file({0x00280010: ("US", b"\x40\x01"), 0x7FE00010: ("OW", bytes(1280))})
    assert fast(whole, tmp_path, reader) is not None
    assert fast(whole[:1270], tmp_path, reader) is None


def test_a_file_that_is_gone_or_empty_is_left_to_pydicom(tmp_path: Path) -> None:
    assert PlainReader().read(str(tmp_path / "gone"), 10) is None
    assert fast(b"", tmp_path) is None


def test_series_after_series_the_known_runs_are_kept_and_right(tmp_path: Path) -> None:
    """A reader that learnt from one series reads the next ones, and those of another device."""
    reader = PlainReader()
    for series in range(6):
        more = {0x00191000 + k: element(0x00191000 + k, "LO", b"v%d" % (k + series // 3)) for k in range(30)}
        for index in range(12):
            changed = {
                0x00080018: ("UI", b"1.2.%d.%d" % (series, index)),
                0x0008103E: ("LO", b"series %d" % series),
                0x00200013: ("IS", b"%d" % index),
                0x00200032: ("DS", b"0\\0\\%d" % index),
            }
            image = fast(plain_file(changed, more=more if series % 2 else None), tmp_path, reader)
            assert image is not None
            assert (image.series.series_description, image.header.instance_number) == (
                f"series {series}",
                index,
            )


def test_known_runs_do_not_hide_what_follows_them(tmp_path: Path) -> None:
    """An element that comes twice in some files of a series, within and after a known run."""
    reader = PlainReader()
    twice = {0x7FDF0010: element(0x7FDF0010, "LO", b"x ") + element(0x00100020, "LO", b"T-002 ")}
    for index in range(40):
        content = plain_file({0x00200013: ("IS", b"%d" % index)}, more=twice if index % 3 == 2 else None)
        image = fast(content, tmp_path, reader)
        assert image is not None
        assert image.patient_id == ("T-002" if index % 3 == 2 else "T-001")


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT])
def test_a_sequence_of_an_image_s_own_is_walked_to_its_end(tmp_path: Path, syntax: str) -> None:
    """Its head is the same in every file and does not say where it ends."""
    reader, is_implicit = PlainReader(), syntax == IMPLICIT
    for index in range(8):
        inner = element(0x00081155, "UI", b"1." * index + b"2\0", implicit=is_implicit)
        own = sequence(0x00081140, *[item(inner)] * index, implicit=is_implicit)
        image = fast(plain_file(more={0x00081140: own}, syntax=syntax), tmp_path, reader)
        assert image is not None
        damaged = own.replace(b"\xfe\xff\xdd\xe0", b"\xfe\xff\xdd\xe1")
        assert fast(plain_file(more={0x00081140: damaged}, syntax=syntax), tmp_path, reader) is None


texts = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=12).map(str.encode)
odd_texts = st.binary(max_size=8) | texts
numbers = st.one_of(
    st.integers(-(10**9), 10**10).map(lambda n: b"%d" % n),
    st.floats(width=32).map(lambda x: repr(x).encode()),
    odd_texts,
)
many = st.lists(numbers, max_size=7).map(b"\\".join)
VALUES = {"US": st.binary(min_size=2, max_size=2) | st.binary(max_size=5), "FD": st.binary(max_size=9)}
VALUES |= {"DS": many, "IS": many, "UI": st.text("0123456789.\0 \\", max_size=20).map(str.encode) | texts}


def value_of(tag: int, vr: str) -> st.SearchStrategy[tuple[str, bytes] | None]:
    known = st.just(PLAIN.get(tag))
    changed = st.tuples(st.just(vr), VALUES.get(vr, odd_texts))
    other_vr = st.tuples(st.sampled_from(sorted(elements.SHORT_VRS)).map(bytes.decode), odd_texts)
    return known | changed | other_vr


changes = st.sampled_from(sorted(WANTED.values())).flatmap(
    lambda wanted: st.tuples(st.just(wanted[0]), value_of(*wanted))
)
private_tags = st.integers(0, 0xFF).map(lambda n: 0x00191000 + n)
vrs = st.sampled_from(sorted(elements.SHORT_VRS | elements.LONG_VRS)).map(bytes.decode)


@st.composite
def nested(draw: st.DrawFn, *, implicit: bool, depth: int = 0) -> bytes:
    """Return the content of an item: a few elements, some of them sequences."""
    parts = []
    for _ in range(draw(st.integers(0, 3))):
        tag = draw(private_tags | st.sampled_from([0x00081150, 0x00081155, 0x00100020, 0x00080005]))
        if depth < 2 and draw(st.booleans()):
            items = draw(st.lists(nested(implicit=implicit, depth=depth + 1), max_size=2))
            packed = [item(each, is_defined=draw(st.booleans())) for each in items]
            parts.append(sequence(tag, *packed, implicit=implicit))
        else:
            parts.append(element(tag, draw(vrs), draw(odd_texts), implicit=implicit))
    return b"".join(parts)


words = st.text("ИвановАнЁё-ҚұАннаMülÅöé^= \\\\", max_size=10)
encodings = st.sampled_from(
    ["cp1251", "kz1048", "koi8_u", "cp866", "iso8859_5", "latin-1", "utf-8", "gb18030"]
)
foreign_texts = st.tuples(words, encodings).map(lambda pair: pair[0].encode(pair[1], "ignore")) | st.binary(
    max_size=9
)
character_sets = st.sampled_from(
    [
        *(b"ISO_IR 6 ", b"ISO_IR 100", b"ISO_IR 144", b"ISO_IR 192", b"GB18030 ", b"ISO_IR 13 "),
        *(b"\\ISO 2022 IR 87 ", b"ISO 2022 IR 6\\ISO 2022 IR 144", b"ISO_IR 999", b"ISO-IR 144", b"latin1"),
        b"WINDOWS-1251",
    ]
)


@st.composite
def named_headers(draw: st.DrawFn) -> bytes:
    """Return a file with texts in any encoding under any character set."""
    changed: dict[int, tuple[str, bytes] | None] = {0x00080005: None}
    if draw(st.booleans()):
        changed[0x00080005] = ("CS", draw(character_sets))
    for tag, vr in ((0x00100010, "PN"), (0x00100020, "LO"), (0x00081030, "LO"), (0x00181210, "SH")):
        if draw(st.booleans()):
            changed[tag] = (vr, draw(foreign_texts))
    return plain_file(changed, syntax=draw(st.sampled_from(["1.2.840.10008.1.2.1", IMPLICIT])))


@settings(max_examples=300, deadline=None, suppress_health_check=MUTED)
@given(named_headers())
def test_texts_in_any_encoding_are_read_alike_or_left_to_pydicom(tmp_path: Path, content: bytes) -> None:
    fast(content, tmp_path)


@st.composite
def headers(draw: st.DrawFn) -> bytes:
    """Return a file: changed values, private blocks, sequences; sometimes damaged."""
    syntax = draw(st.sampled_from(["1.2.840.10008.1.2.1", IMPLICIT, "1.2.840.10008.1.2.4.70"]))
    implicit = syntax == IMPLICIT
    more = {}
    for tag in draw(st.lists(private_tags, max_size=3)):
        more[tag] = element(tag, draw(vrs), draw(odd_texts), implicit=implicit)
    for tag in draw(st.lists(st.sampled_from([0x00081140, 0x00081110, 0x00191040, 0x00400275]), max_size=2)):
        inner_implicit = implicit or draw(st.booleans())
        items = [
            item(draw(nested(implicit=inner_implicit)), is_defined=draw(st.booleans())) for _ in range(2)
        ]
        vr = draw(st.sampled_from(["SQ", "UN", "OB"]))
        more[tag] = sequence(tag, *items, vr=vr, implicit=implicit)
    content = plain_file(dict(draw(st.lists(changes, max_size=3))), more=more, syntax=syntax)
    return draw(damaged(content))


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """Return the file as it is, cut off, or with some bytes changed."""
    how = draw(st.sampled_from(["not", "not", "cut", "flipped", "inserted"]))
    if how == "cut":
        return content[: draw(st.integers(0, len(content)))]
    if how == "flipped":
        bytes_ = bytearray(content)
        for _ in range(draw(st.integers(1, 3))):
            bytes_[draw(st.integers(128, len(content) - 1))] ^= 1 << draw(st.integers(0, 7))
        return bytes(bytes_)
    if how == "inserted":
        place = draw(st.integers(132, len(content)))
        return content[:place] + draw(st.binary(min_size=1, max_size=8)) + content[place:]
    return content


@settings(max_examples=400, deadline=None, suppress_health_check=MUTED)
@given(headers())
def test_made_headers_are_read_alike_or_left_to_pydicom(tmp_path: Path, content: bytes) -> None:
    fast(content, tmp_path)


@settings(max_examples=60, deadline=None, suppress_health_check=MUTED)
@given(st.lists(headers(), min_size=2, max_size=4), st.lists(st.integers(0, 3), min_size=12, max_size=40))
def test_what_was_read_before_changes_nothing(
    tmp_path: Path, contents: list[bytes], order: list[int]
) -> None:
    reader = PlainReader()
    path = tmp_path / "file"
    alone = []
    for content in contents:
        path.write_bytes(content)
        alone.append(read_plain_header(str(path), len(content), PlainReader()))
    for number in order:
        place = number % len(contents)
        path.write_bytes(contents[place])
        kept = read_plain_header(str(path), len(contents[place]), reader)
        assert repr(kept) == repr(alone[place])
