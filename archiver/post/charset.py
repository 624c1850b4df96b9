"""Bytes -> text: what a browser would take the document to be, or a refusal in one sentence.

Order of evidence as in the HTML standard, section 13.2.3 "Determining the character encoding": byte order mark, then the
transport's charset, then `<meta>`; without any of them UTF-8 when the bytes are UTF-8, else windows-1252.
"""

from __future__ import annotations

import codecs
import re

from archiver.errors import InputError

MAX_BYTES = 64 * 1024 * 1024

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16: its mark starts with the same two bytes
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_BINARY = (
    (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF87a", "a GIF picture"),
    (b"GIF89a", "a GIF picture"),
    (b"%PDF-", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive (or an office document)"),
    (b"\x1f\x8b", "gzip data"),
    (b"\x7fELF", "a program"),
)
_META = re.compile(rb"""<meta[^>]{0,500}?charset\s*=\s*["']?\s*([\w.:-]+)|<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]+)""", re.IGNORECASE)
_CONTROLS = bytes(b for b in range(32) if b not in b"\t\n\f\r\x1b")
_WIDER = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
}
"""Python's name -> the larger charset that pages mean by it (WHATWG Encoding standard, section 4.2)."""
_NO_CHARSETS = frozenset(("utf-7", "idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"))
"""Codecs of Python that are no charset of a document."""


def decode(raw: bytes, source: str, content_type: str = "") -> str:
    """The text of a document without byte order mark; NUL becomes U+FFFD (CommonMark 0.31 section 2.3).

    Raises InputError when the document is too large, is no text, or is not in the charset it is said to be in.
    """
    if len(raw) > MAX_BYTES:
        raise InputError(f"{source} is {len(raw):,} bytes long; a post may have {MAX_BYTES:,} at most")
    for magic, what in _BINARY:
        if raw.startswith(magic):
            raise InputError(f"{source} is {what}, not a post")
    for bom, name in _BOMS:
        if raw.startswith(bom):
            return _whole(raw[len(bom) :], name, source)
    label = _label(content_type) or _wide(raw)
    if not label:
        controls = len(raw) - len(raw.translate(None, _CONTROLS))
        if controls * 50 > len(raw):
            raise InputError(f"{source} is not text: {controls:,} of its {len(raw):,} bytes are control characters")
        label = _declared(raw)
    return _whole(raw, label, source) if label else _sniffed(raw)


def _label(content_type: str) -> str:
    """The charset parameter of a Content-Type (RFC 9110 section 8.3.1), as a name Python knows, or empty."""
    found = re.search(r"charset\s*=\s*[\"']?\s*([\w.:-]+)", content_type, re.IGNORECASE)
    return _known(found[1]) if found else ""


def _declared(raw: bytes) -> str:
    """The charset that the document names itself; only the first 4,096 bytes are looked at."""
    found = _META.search(raw[:4096])
    if not found:
        return ""
    name = _known((found[1] or found[2]).decode("ascii"))
    # HTML 13.2.3.2 step 15: a UTF-16 label that could be read as ASCII is wrong; the text is UTF-8.
    return "utf-8" if name.startswith(("utf-16", "utf-32")) else name


def _known(label: str) -> str:
    try:
        info = codecs.lookup(label)
    except (LookupError, ValueError):
        return ""
    if not info._is_text_encoding or info.name in _NO_CHARSETS:
        return ""
    return _WIDER.get(info.name, info.name)


def _wide(raw: bytes) -> str:
    """UTF-16 without a mark: nearly every second byte of the beginning is NUL."""
    head = raw[:2048]
    pairs = len(head) // 2
    if pairs < 4:
        return ""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if odd > pairs * 0.7 and even < pairs * 0.1:
        return "utf-16-le"
    if even > pairs * 0.7 and odd < pairs * 0.1:
        return "utf-16-be"
    return ""


def _whole(raw: bytes, encoding: str, source: str) -> str:
    try:
        return _clean(raw.decode(encoding))
    except UnicodeDecodeError as err:
        if encoding == "cp1252":
            return _clean(raw.decode("latin-1"))
        # A page with a few wrong bytes is shown by every browser.
        text = raw.decode(encoding, "replace")
        if text.count("\ufffd") * 20 <= len(text) + 20:
            return _clean(text)
        raise InputError(f"{source} is not {encoding.upper()} as it says: byte {err.start:,} cannot be read") from None


def _sniffed(raw: bytes) -> str:
    try:
        return _clean(raw.decode("utf-8"))
    except UnicodeDecodeError:
        return _whole(raw, "cp1252", "")


def _clean(text: str) -> str:
    return text.removeprefix("\ufeff").replace("\x00", "\ufffd")
