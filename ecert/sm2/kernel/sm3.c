/* SM3 (GM/T 0004). */
#include "sm2.h"

#include <string.h>

#define ROTATE(x, n) ((uint32_t)(x) << (n) | (uint32_t)(x) >> (32 - (n)))
#define SPREAD0(x) ((x) ^ ROTATE(x, 9) ^ ROTATE(x, 17))
#define SPREAD1(x) ((x) ^ ROTATE(x, 15) ^ ROTATE(x, 23))
#define PARITY(x, y, z) ((x) ^ (y) ^ (z))
#define MAJORITY(x, y, z) (((x) & (y)) | (((x) | (y)) & (z)))
#define CHOICE(x, y, z) ((((y) ^ (z)) & (x)) ^ (z))

#define ROUND(a, b, c, d, e, f, g, h, t, ff, gg)                                  \
    do {                                                                          \
        uint32_t a12 = ROTATE(a, 12), ss1 = ROTATE(a12 + (e) + round_constant[t], 7); \
        (d) += ff(a, b, c) + (ss1 ^ a12) + (w[t] ^ w[(t) + 4]);                   \
        (h) += gg(e, f, g) + ss1 + w[t];                                          \
        (b) = ROTATE(b, 9);                                                       \
        (f) = ROTATE(f, 19);                                                      \
        (h) = SPREAD0(h);                                                         \
    } while (0)

#define FOUR_ROUNDS(t, ff, gg)                                \
    do {                                                      \
        ROUND(a, b, c, d, e, f, g, h, t, ff, gg);             \
        ROUND(d, a, b, c, h, e, f, g, (t) + 1, ff, gg);       \
        ROUND(c, d, a, b, g, h, e, f, (t) + 2, ff, gg);       \
        ROUND(b, c, d, a, f, g, h, e, (t) + 3, ff, gg);       \
    } while (0)

/* The constant of round t, rotated left by t. */
static const uint32_t round_constant[64] = {
#define FIRST(t) ROTATE(0x79CC4519u, t)
#define LATER(t) ROTATE(0x7A879D8Au, (t) % 32)
    0x79CC4519u, FIRST(1), FIRST(2), FIRST(3), FIRST(4), FIRST(5), FIRST(6), FIRST(7),
    FIRST(8), FIRST(9), FIRST(10), FIRST(11), FIRST(12), FIRST(13), FIRST(14), FIRST(15),
    LATER(16), LATER(17), LATER(18), LATER(19), LATER(20), LATER(21), LATER(22), LATER(23),
    LATER(24), LATER(25), LATER(26), LATER(27), LATER(28), LATER(29), LATER(30), LATER(31),
    0x7A879D8Au, LATER(33), LATER(34), LATER(35), LATER(36), LATER(37), LATER(38), LATER(39),
    LATER(40), LATER(41), LATER(42), LATER(43), LATER(44), LATER(45), LATER(46), LATER(47),
    LATER(48), LATER(49), LATER(50), LATER(51), LATER(52), LATER(53), LATER(54), LATER(55),
    LATER(56), LATER(57), LATER(58), LATER(59), LATER(60), LATER(61), LATER(62), LATER(63),
#undef FIRST
#undef LATER
};

static uint32_t load_word(const uint8_t *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void compress(uint32_t state[8], const uint8_t *block) {
    uint32_t w[68];
    for (int i = 0; i < 16; i++) w[i] = load_word(block + 4 * i);
    for (int i = 16; i < 68; i++) {
        uint32_t x = w[i - 16] ^ w[i - 9] ^ ROTATE(w[i - 3], 15);
        w[i] = SPREAD1(x) ^ ROTATE(w[i - 13], 7) ^ w[i - 6];
    }
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (int t = 0; t < 16; t += 4) FOUR_ROUNDS(t, PARITY, PARITY);
    for (int t = 16; t < 64; t += 4) FOUR_ROUNDS(t, MAJORITY, CHOICE);
    state[0] ^= a, state[1] ^= b, state[2] ^= c, state[3] ^= d;
    state[4] ^= e, state[5] ^= f, state[6] ^= g, state[7] ^= h;
}

void sm3(uint8_t digest[32], const uint8_t head[32], const uint8_t *data, size_t length) {
    uint32_t state[8] = {0x7380166Fu, 0x4914B2B9u, 0x172442D7u, 0xDA8A0600u,
                         0xA96F30BCu, 0x163138AAu, 0xE38DEE4Du, 0xB0FB0E4Eu};
    uint64_t bits = ((uint64_t)length + (head ? 32 : 0)) * 8;
    uint8_t block[128];
    size_t filled = 0;
    if (head) {
        size_t first = length < 32 ? length : 32;
        memcpy(block, head, 32);
        if (first) memcpy(block + 32, data, first);
        filled = 32 + first;
        length -= first;
        if (filled == 64) compress(state, block), filled = 0;
        if (first) data += first;
    }
    for (; length >= 64; length -= 64, data += 64) compress(state, data);
    if (length) memcpy(block + filled, data, length);
    filled += length;
    size_t padded = filled < 56 ? 64 : 128;
    memset(block + filled, 0, padded - filled);
    block[filled] = 0x80;
    for (int i = 0; i < 8; i++) block[padded - 1 - (size_t)i] = (uint8_t)(bits >> (8 * i));
    for (size_t at = 0; at < padded; at += 64) compress(state, block + at);
    for (int i = 0; i < 32; i++) digest[i] = (uint8_t)(state[i / 4] >> (24 - 8 * (i % 4)));
}
