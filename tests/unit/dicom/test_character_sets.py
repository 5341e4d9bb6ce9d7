"""Texts come out as they were meant, in both directions: nothing is guessed that is right as stated."""

# ruff: noqa: RUF001, SIM905 - names in Cyrillic on purpose
from __future__ import annotations

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.data import get_charset_files

from herntrack.dicom.character_sets import decoded_text, shown_name, text_values

CYRILLIC = """
Гаршин^Всеволод^Михайлович Бунина^Вера^Николаевна КУПРИН^АЛЕКСАНДР^ИВАНОВИЧ Лескова^Екатерина Ремизов^Алексей
Щукина^Юлия Цветаева^Марина Мандельштам^Осип Хлебников^Велимир Ходасевич^Владислав Шкловский^Виктор
Замятин^Евгений Булгакова^Елена^Сергеевна Платонова^Мария Зощенко^Михаил Ильф^Илья Эрдман^Николай Хармс^Даниил
Ахмадулина^Белла Жуковский Фет^Афанасий Тютчев^Фёдор Объедков^Пётр Ёлкин^Семён Мусоргский-Корсаков^Глеб
""".split()

KAZAKH = """
Құсайынов^Әділхан Байтұрсынұлы^Ахмет Бірімжанов^Ғалымбек Өтеміс^Мәжит Дулатұлы^Міржақып Үмбетова^Күлшара
ҚАЛИҰЛЫ^НҰРҒИСА Есенғали^Раушанов Іңкәр^Жәңгір
""".split()

LATIN = """
Müller^Jürgen Ångström^Åsa Göteborg Öz^Özgür Sjöö^Örjan Žižka Æsir^Þórður Guðmundsdóttir^Björk Núñez^Íñigo
Lefèvre^Éloïse D'Aubigné^François Gonçalves^João Größmann^Jörg MÜLLER^JÜRGEN GÖTEBORG ÅSTRÖM^ÅKE Ãguas^Inês Ö
Hämäläinen^Päivi Yrjänä^Väinö Mäyrä ÄIJÄLÄ Õunapuu Bjørnsson^Øyvind ØSTERGÅRD Œuvre Çelik^Gülşen Ýmir Ée Íó
""".split()


@pytest.mark.parametrize("stated", ["", "ISO_IR 6", "ISO_IR 100", "ISO_IR 148", "ISO_IR 144"])
@pytest.mark.parametrize("name", CYRILLIC)
def test_cyrillic_of_windows_is_recognised(name: str, stated: str) -> None:
    decoded = decoded_text(name.encode("cp1251"), stated)
    assert decoded.text == name
    assert decoded.read_as.startswith(f"cp1251, stated {stated or 'nothing'}: ")


@pytest.mark.parametrize("encoding", ["koi8_u", "cp866", "iso8859_5"])
@pytest.mark.parametrize("name", [name for name in CYRILLIC if name.count("^") == 2])
def test_full_names_in_rarer_encodings_are_recognised(name: str, encoding: str) -> None:
    decoded = decoded_text(name.encode(encoding), "ISO_IR 100")
    assert (decoded.text, decoded.read_as.split(",")[0]) == (name, encoding)


@pytest.mark.parametrize("stated", ["", "ISO_IR 100"])
@pytest.mark.parametrize("name", KAZAKH)
def test_kazakh_of_windows_is_recognised(name: str, stated: str) -> None:
    decoded = decoded_text(name.encode("kz1048"), stated)
    assert (decoded.text, decoded.read_as.split(",")[0]) == (name, "kz1048")


@pytest.mark.parametrize("name", [*CYRILLIC, *KAZAKH, *LATIN])
@pytest.mark.parametrize("stated", ["", "ISO_IR 100", "ISO_IR 144"])
def test_utf_8_that_is_not_stated_is_recognised(name: str, stated: str) -> None:
    if not name.isascii():
        assert decoded_text(name.encode(), stated).text == name


@pytest.mark.parametrize("name", LATIN)
@pytest.mark.parametrize(
    ("stated", "encoding"),
    [
        *(("ISO_IR 100", "latin-1"), ("", "latin-1"), ("ISO_IR 6", "latin-1"), ("ISO_IR 101", "iso8859_2")),
        *(("ISO_IR 148", "iso8859_9"), ("ISO_IR 192", "latin-1"), ("ISO_IR 192", "utf-8")),
    ],
)
def test_latin_names_stay_latin(name: str, stated: str, encoding: str) -> None:
    try:
        raw = name.encode(encoding)
    except UnicodeEncodeError:
        return
    assert decoded_text(raw, stated).text == name


@pytest.mark.parametrize("name", CYRILLIC)
def test_cyrillic_that_is_stated_is_believed(name: str) -> None:
    decoded = decoded_text(name.encode("iso8859_5"), "ISO_IR 144")
    assert (decoded.text, decoded.read_as) == (name, "ISO_IR 144")


@pytest.mark.parametrize(
    ("stated", "encoding", "name"),
    [
        ("ISO_IR 126", "iso8859_7", "Διονυσίου^Ελένη"),
        ("ISO_IR 100", "iso8859_7", "Διονυσίου^Ελένη"),
        ("ISO_IR 138", "iso8859_8", "שרון^דבורה"),
        ("ISO_IR 100", "iso8859_8", "שרון^דבורה"),
        ("ISO_IR 127", "iso8859_6", "قباني^لنزار"),
        ("ISO_IR 100", "iso8859_6", "قباني^لنزار"),
    ],
)
def test_other_alphabets_are_not_taken_for_cyrillic(stated: str, encoding: str, name: str) -> None:
    raw = name.encode(encoding)
    expected = name if stated != "ISO_IR 100" else raw.decode("latin-1")
    assert decoded_text(raw, stated).text == expected


@pytest.mark.parametrize("name", ["RÓŻA", "POSPÍŠIL", "KRÍŽIK", "KSIĘŻYK", "CHOCHÓŁ"])
def test_accented_capitals_that_happen_to_be_utf_8_are_read_as_stated(name: str) -> None:
    raw = name.encode("iso8859_2")
    assert raw.decode("utf-8") != name
    assert decoded_text(raw, "ISO_IR 101").text == name


def test_where_accented_words_stand_beside_the_others_the_stated_reading_stays() -> None:
    raw = "Müller^".encode("latin-1") + "Иванова^Анна^Петровна".encode("cp1251")
    assert decoded_text(raw, "ISO_IR 100").read_as == "ISO_IR 100"


def test_a_name_too_short_to_tell_stays_as_stated() -> None:
    decoded = decoded_text("Ли".encode("cp1251"), "ISO_IR 100")
    assert (decoded.text, decoded.read_as) == ("Ëè", "ISO_IR 100")


def test_bytes_that_the_stated_set_does_not_have_are_shown_and_said() -> None:
    decoded = decoded_text(b"A\xff\xfeB", "ISO_IR 192")
    assert decoded == decoded_text(b"A\xff\xfeB ", "ISO_IR 192")
    assert decoded.text == "AÿþB"
    assert decoded.read_as == "latin_1, stated ISO_IR 192: not readable as stated"


def test_every_character_set_file_of_pydicom_comes_out_right() -> None:
    known = {
        "chrArab": "قباني لنزار",
        "chrFren": "Buc Jérôme",
        "chrFrenMulti": "Buc Jérôme",
        "chrGerm": "Äneas Rüdiger",
        "chrGreek": "Διονυσιος",
        "chrH31": "Yamada Tarou = 山田 太郎 = やまだ たろう",
        "chrH32": "ﾔﾏﾀﾞ ﾀﾛｳ = 山田 太郎 = やまだ たろう",
        "chrHbrw": "שרון דבורה",
        "chrI2": "Hong Gildong = 洪 吉洞 = 홍 길동",
        "chrJapMulti": "やまだ たろう",
        "chrJapMultiExplicitIR6": "やまだ たろう",
        "chrKoreanMulti": "김희중",
        "chrRuss": "Люкceмбypг",
        "chrX1": "Wang XiaoDong = 王 小東",
        "chrX2": "Wang XiaoDong = 王 小东",
    }
    found = {}
    for path in get_charset_files("*.dcm"):
        dataset = pydicom.dcmread(path, force=True)
        element = dataset.get_item("PatientName")
        if element is not None:
            sets = dataset.get("SpecificCharacterSet") or ""
            decoded = decoded_text(element.value, sets if isinstance(sets, str) else "\\".join(sets))
            assert "stated" not in decoded.read_as
            found[path.replace("\\", "/").rsplit("/", 1)[1].removesuffix(".dcm")] = shown_name(decoded.text)
    assert found == known


@given(
    st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E)), st.sampled_from(["", "ISO_IR 144", "X"])
)
def test_ascii_is_never_guessed(text: str, stated: str) -> None:
    decoded = decoded_text(text.encode(), stated)
    assert decoded.text == text.rstrip(" ")
    assert decoded.read_as == ("ASCII" if decoded.text else "")


@given(
    st.binary(max_size=20),
    st.sampled_from(["", "ISO_IR 100", "ISO_IR 192", "GB18030", "ISO_IR 87", "cp1251"]),
)
def test_any_bytes_are_read_somehow(raw: bytes, stated: str) -> None:
    assert isinstance(decoded_text(raw, stated).text, str)
    assert all(value == value.strip() for value in text_values(raw, stated))


def test_a_name_is_shown_without_carets_and_with_its_groups() -> None:
    assert shown_name("Adams^John Robert Quincy^^Rev.^B.A.") == "Adams John Robert Quincy Rev. B.A."
    assert shown_name("Hong^Gildong==홍^길동") == "Hong Gildong = 홍 길동"
    assert shown_name("A^B\\C^D") == "A B"
    assert shown_name("^^") == ""
