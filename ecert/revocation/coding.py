"""Marks of a list in the fewest bytes, one encoding for each content, quick to read.

    count     varint: 7 bits a byte, lowest first, the high bit set on all but the last byte
    marks     the mark bytes that occur, ascending, the high bit set on all but the last
    lengths   when several occur: for each its code length in bits, one byte
    bits      remainders: for each gap its k lowest bits
              quotients: for each gap its other bits, as so many 0 and a 1
              codes: when several marks occur, for each index the Huffman code of its mark
              0 to a whole byte

A gap is the number of indices between a marked one and the one before it. That is Rice's coding, and k follows
from how dense the marks lie, so it is not written: gaps of a geometric distribution with mean m want the least
k with 2^k > 0.48125 m (Kiely, "Selecting the Golomb Parameter in Rice Coding", 2004). Lying apart in columns,
the three parts are split by `int`, `str.split` and `re`, and not bit by bit in Python. Code lengths are those
of `_lengths`, codes are canonical (as in RFC 1951, section 3.2.2). No marks at all are no bytes at all.
"""

from __future__ import annotations

import heapq
import re
from collections import Counter
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from ecert.errors import MalformedError, Reason
from ecert.licence.reference import StatusRef
from ecert.revocation.status import MARKS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_MORE: Final = 0x80
_MAX_COUNT_BYTES: Final = 4
_MAX_LENGTH: Final = 31


def _rice_bits(covered: int, count: int) -> int:
    return (covered * 77 // (count * 160)).bit_length()


def encode_marks(marks: Mapping[int, int], covered: int) -> bytes:
    """Write index → mark byte, each index below `covered` and each byte a mark other than 0."""
    if not marks:
        return b""
    indices = sorted(marks)
    states = [marks[index] for index in indices]
    codes = _codes(_lengths(Counter(states)))
    k = _rice_bits(covered, len(indices))
    gaps = [index - before - 1 for before, index in zip([-1, *indices], indices, strict=False)]
    bits = _remainders(gaps, k) + "".join(["0" * (gap >> k) + "1" for gap in gaps])
    if len(codes) > 1:
        bits += "".join([codes[state] for state in states])
    return _header(len(indices), codes) + _to_bytes(bits)


def _remainders(gaps: Iterable[int], k: int) -> str:
    if not k:
        return ""
    mask, form = (1 << k) - 1, f"0{k}b"
    return "".join([format(gap & mask, form) for gap in gaps])


def _header(count: int, codes: Mapping[int, str]) -> bytes:
    header = bytearray()
    while count >= _MORE:
        header.append(count & 0x7F | _MORE)
        count >>= 7
    header.append(count)
    *most, last = codes
    header.extend(mark | _MORE for mark in most)
    header.append(last)
    if most:
        header.extend(map(len, codes.values()))
    return bytes(header)


def _to_bytes(bits: str) -> bytes:
    size = (len(bits) + 7) // 8
    return int(bits.ljust(size * 8, "0"), 2).to_bytes(size, "big")


def _lengths(counts: Mapping[int, int]) -> dict[int, int]:
    """Return mark → Huffman code length, by mark.

    Two groups of least weight are joined until one is left; of equal weights, the one with the lower mark first.
    """
    lengths = dict.fromkeys(sorted(counts), 0)
    heap: list[tuple[int, list[int]]] = [(count, [mark]) for mark, count in counts.items()]
    heapq.heapify(heap)
    while len(heap) > 1:
        (weight, group), (other_weight, other_group) = heapq.heappop(heap), heapq.heappop(heap)
        joined = sorted(group + other_group)
        for mark in joined:
            lengths[mark] += 1
        heapq.heappush(heap, (weight + other_weight, joined))
    return lengths


def _codes(lengths: Mapping[int, int]) -> dict[int, str]:
    """Return mark → canonical code, as text of 0 and 1, in the order of `lengths`."""
    codes = dict.fromkeys(lengths, "")
    code = last = 0
    for mark, length in sorted(lengths.items(), key=lambda item: (item[1], item[0])):
        code <<= length - last
        codes[mark], last = format(code, f"0{length}b") if length else "", length
        code += 1
    return codes


def decode_marks(data: bytes, covered: int) -> dict[int, int]:
    """Read what `encode_marks` wrote, from hostile bytes.

    Args:
        data: The bytes.
        covered: How many licences the list covers, at most 2^20.

    Returns:
        Index → mark byte, indices ascending.

    Raises:
        MalformedError: STATUS_MALFORMED: not the one encoding of any marks; STATUS_INCOMPLETE: an index is
            not below `covered`.
    """
    if not data:
        return {}
    count, at = _read_count(data)
    if not 0 < count <= covered:
        raise _malformed(f"{count} marks among {covered} licences")
    lengths, at = _read_table(data, at)
    k = _rice_bits(covered, count)
    least = count * (k + 1)
    most = least + (StatusRef.CAPACITY >> k) + count * max(lengths.values()) + 7
    if not least <= (len(data) - at) * 8 <= most:
        raise _malformed("fewer or more bits than its marks can need")
    bits = _to_bits(data[at:])
    *zeros, rest = bits[count * k :].split("1", count)
    if len(zeros) != count:
        raise _malformed("cut short among the gaps")
    states, rest = _read_states(rest, count, lengths)
    if len(rest) > 7 or "1" in rest:  # noqa: PLR2004  (bits that fill the last byte)
        raise _malformed("bits are left over")
    indices = _indices(bits, map(len, zeros), count, k)
    if indices[-1] >= covered:
        raise MalformedError(Reason.STATUS_INCOMPLETE, f"a mark outside the {covered} licences covered")
    return dict(zip(indices, states, strict=True))


def _read_count(data: bytes) -> tuple[int, int]:
    """Return the count and where it ends."""
    count = 0
    for at, byte in enumerate(data[:_MAX_COUNT_BYTES]):
        count |= (byte & 0x7F) << 7 * at
        if byte < _MORE:
            if not byte:
                break
            return count, at + 1
    raise _malformed("the count is not one")


def _read_table(data: bytes, at: int) -> tuple[dict[int, int], int]:
    """Return mark → code length (0 when it is the only one), and where the table ends."""
    marks = []
    for byte in data[at : at + len(MARKS)]:
        marks.append(byte & ~_MORE)
        if byte < _MORE:
            break
    else:
        raise _malformed("the marks do not end")
    if not MARKS.keys() - {0} >= set(marks) or marks != sorted(set(marks)):
        raise _malformed("the marks are not marks in order")
    at += len(marks)
    if len(marks) == 1:
        return {marks[0]: 0}, at
    lengths = data[at : at + len(marks)]
    if len(lengths) != len(marks) or not _is_complete(lengths):
        raise _malformed("the code lengths are not those of a complete code")
    return dict(zip(marks, lengths, strict=True)), at + len(marks)


def _is_complete(lengths: bytes) -> bool:
    if not all(0 < length <= _MAX_LENGTH for length in lengths):
        return False
    return sum(1 << _MAX_LENGTH - length for length in lengths) == 1 << _MAX_LENGTH


def _to_bits(data: bytes) -> str:
    return format(int.from_bytes(data, "big"), f"0{len(data) * 8}b")


def _read_states(bits: str, count: int, lengths: Mapping[int, int]) -> tuple[list[int], str]:
    """Return the mark of every index, and the bits that follow them."""
    if len(lengths) == 1:
        return [*lengths] * count, bits
    marks = {code: mark for mark, code in _codes(lengths).items()}
    codes = re.findall("|".join(sorted(marks, key=len)), bits)[:count]
    text = "".join(codes)
    if len(codes) != count or not bits.startswith(text):
        raise _malformed("cut short among the marks")
    states = [marks[code] for code in codes]
    if _lengths(Counter(states)) != lengths:
        raise _malformed("the code is not the one for these marks")
    return states, bits[len(text) :]


def _indices(bits: str, quotients: Iterable[int], count: int, k: int) -> list[int]:
    if k:
        remainders = [int(bits[at : at + k], 2) for at in range(0, count * k, k)]
        steps = [(quotient << k) + rest + 1 for quotient, rest in zip(quotients, remainders, strict=True)]
    else:
        steps = [quotient + 1 for quotient in quotients]
    return list(accumulate(steps, initial=-1))[1:]


def _malformed(what: str) -> MalformedError:
    return MalformedError(Reason.STATUS_MALFORMED, f"not the marks of a status list: {what}")
