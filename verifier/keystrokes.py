"""What a scanner gun typed, as the keyboard let it arrive, back to the text it read.

A gun is a keyboard. Under a Chinese input method its `:` arrives as `：`, its `.` as `。`, its `/` as `、` or `／`, its
`$` as `￥`; in full-width mode every character is widened; CapsLock flips the case of letters; and a gun ends what it
types with Enter or Tab, or breaks it where its buffer was full. No character that a licence code has is lost by any
of these, so all of it can be undone. Nothing here is a matter of trust: the seal decides.
"""

from __future__ import annotations

import unicodedata
from typing import Final

_FULL_WIDTH: Final = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
"""U+FF01..FF5E are the printable ASCII characters, widened."""
_PUNCTUATION: Final = {ord("。"): ".", ord("、"): "/", ord("￥"): "$", ord("¥"): "$", ord("｡"): ".", ord("､"): "/"}
_CAPITALS: Final = {code: code - 0x20 for code in range(ord("a"), ord("z") + 1)}
"""ASCII only: `str.upper` would make two letters of `ß`."""
_SPACES_AND_CONTROLS: Final = {"Cc", "Cf", "Zs", "Zl", "Zp"}


def undo_keyboard(typed: str) -> str:
    """Return the text a gun read, in capital letters and without any space, line end or control character.

    Idempotent, never longer than `typed`, and for the text of a licence code the identity but for letter case.

    Args:
        typed: What arrived in the field.
    """
    if typed.isascii() and typed.isprintable() and " " not in typed:
        return typed.upper()
    kept = "".join(character for character in typed if unicodedata.category(character) not in _SPACES_AND_CONTROLS)
    return kept.translate(_FULL_WIDTH).translate(_PUNCTUATION).translate(_CAPITALS)
