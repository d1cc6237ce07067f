/* Signature values on the wire: strict DER, and 64 raw bytes. The same rules as ecert/sm2/signature.py. */
#include "sm2.h"

#include <string.h>

const u256 GROUP_N = {{0x53BBF40939D54123, 0x7203DF6B21C6052B, 0xFFFFFFFFFFFFFFFF, 0xFFFFFFFEFFFFFFFF}};

/* Reads one INTEGER of at most 33 bytes, positive and minimal; returns where it ends, or 0. */
static size_t read_integer(u256 *out, const uint8_t *data, size_t at, size_t end) {
    if (end - at < 3 || data[at] != 0x02) return 0;
    size_t length = data[at + 1];
    const uint8_t *body = data + at + 2;
    if (length == 0 || length > 33 || length > end - at - 2) return 0;
    if (body[0] & 0x80) return 0;
    if (length > 1 && body[0] == 0 && !(body[1] & 0x80)) return 0;
    if (length == 33 && body[0] != 0) return 0;
    uint8_t bytes[32] = {0};
    size_t skip = length == 33;
    memcpy(bytes + 32 - (length - skip), body + skip, length - skip);
    u256_from_bytes(out, bytes);
    return at + 2 + length;
}

static bool read_der(u256 *r, u256 *s, const uint8_t *data, size_t length) {
    if (length < 8 || length > 72 || data[0] != 0x30 || data[1] != length - 2) return false;
    size_t at = read_integer(r, data, 2, length);
    return at != 0 && read_integer(s, data, at, length) == length;
}

static bool in_range(const u256 *a) { return !u256_is_zero(a) && u256_less(a, &GROUP_N); }

bool read_signature(u256 *r, u256 *s, u256 *t, const uint8_t *data, size_t length, bool raw) {
    if (raw) {
        if (length != 64) return false;
        u256_from_bytes(r, data);
        u256_from_bytes(s, data + 32);
    } else if (!read_der(r, s, data, length)) {
        return false;
    }
    if (!in_range(r) || !in_range(s)) return false;
    add_modulo(t, r, s, &GROUP_N);
    return !u256_is_zero(t);
}
