/* Numbers of 256 bits, and the field of the SM2 prime in Montgomery form with R = 2^256.
 *
 * p = 2^256 - 2^224 - 2^96 + 2^64 - 1, so -1/p mod 2^64 = 1: a reduction step multiplies by nothing, it shifts and adds.
 * Every element is held in full reduction, 0..p-1. For public data only: nothing here takes care to run in constant time.
 */
#ifndef ECERT_FIELD_H
#define ECERT_FIELD_H

#include <stdbool.h>
#include <stdint.h>

typedef unsigned long long limb;
typedef struct {
    limb v[4]; /* least significant first */
} u256;

#define INLINE inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 8")

#ifndef __has_builtin
#define __has_builtin(name) 0
#endif

#if __has_builtin(__builtin_addcll) && __has_builtin(__builtin_subcll)
static inline limb add_carry(limb a, limb b, limb *carry) { return __builtin_addcll(a, b, *carry, carry); }
static inline limb sub_borrow(limb a, limb b, limb *borrow) { return __builtin_subcll(a, b, *borrow, borrow); }
#else
static inline limb add_carry(limb a, limb b, limb *carry) {
    unsigned __int128 sum = (unsigned __int128)a + b + *carry;
    *carry = (limb)(sum >> 64);
    return (limb)sum;
}
static inline limb sub_borrow(limb a, limb b, limb *borrow) {
    unsigned __int128 difference = (unsigned __int128)a - b - *borrow;
    *borrow = (limb)(difference >> 64) & 1;
    return (limb)difference;
}
#endif

static const u256 FIELD_P = {{0xFFFFFFFFFFFFFFFF, 0xFFFFFFFF00000000, 0xFFFFFFFFFFFFFFFF, 0xFFFFFFFEFFFFFFFF}};
static const u256 FIELD_ONE = {{0x0000000000000001, 0x00000000FFFFFFFF, 0x0000000000000000, 0x0000000100000000}};
static const u256 FIELD_R2 = {{0x0000000200000003, 0x00000002FFFFFFFF, 0x0000000100000001, 0x0000000400000002}};

static inline bool u256_is_zero(const u256 *a) { return (a->v[0] | a->v[1] | a->v[2] | a->v[3]) == 0; }

static inline bool u256_equal(const u256 *a, const u256 *b) {
    return ((a->v[0] ^ b->v[0]) | (a->v[1] ^ b->v[1]) | (a->v[2] ^ b->v[2]) | (a->v[3] ^ b->v[3])) == 0;
}

/* out = a + b mod 2^256; returns the carry. */
static inline limb u256_add(u256 *out, const u256 *a, const u256 *b) {
    limb carry = 0;
    UNROLL
    for (int i = 0; i < 4; i++) out->v[i] = add_carry(a->v[i], b->v[i], &carry);
    return carry;
}

/* out = a - b mod 2^256; returns the borrow. */
static inline limb u256_sub(u256 *out, const u256 *a, const u256 *b) {
    limb borrow = 0;
    UNROLL
    for (int i = 0; i < 4; i++) out->v[i] = sub_borrow(a->v[i], b->v[i], &borrow);
    return borrow;
}

static inline bool u256_less(const u256 *a, const u256 *b) {
    u256 ignored;
    return u256_sub(&ignored, a, b) != 0;
}

static inline void u256_from_bytes(u256 *out, const uint8_t bytes[32]) {
    UNROLL
    for (int i = 0; i < 4; i++) {
        limb word = 0;
        for (int j = 0; j < 8; j++) word = word << 8 | bytes[8 * (3 - i) + j];
        out->v[i] = word;
    }
}

static inline void u256_to_bytes(uint8_t bytes[32], const u256 *a) {
    for (int i = 0; i < 32; i++) bytes[i] = (uint8_t)(a->v[3 - i / 8] >> (56 - 8 * (i % 8)));
}

/* out = carry·2^256 + a, reduced once by `modulus`; the value must be below twice the modulus. */
static inline void reduce_once(u256 *out, limb carry, const u256 *a, const u256 *modulus) {
    u256 less;
    limb borrow = u256_sub(&less, a, modulus);
    limb keep = 0 - (borrow & (carry ^ 1)); /* all ones where a alone is below the modulus */
    UNROLL
    for (int i = 0; i < 4; i++) out->v[i] = (a->v[i] & keep) | (less.v[i] & ~keep);
}

static inline void add_modulo(u256 *out, const u256 *a, const u256 *b, const u256 *modulus) {
    u256 sum;
    limb carry = u256_add(&sum, a, b);
    reduce_once(out, carry, &sum, modulus);
}

static inline void sub_modulo(u256 *out, const u256 *a, const u256 *b, const u256 *modulus) {
    u256 difference, masked;
    limb mask = 0 - u256_sub(&difference, a, b);
    UNROLL
    for (int i = 0; i < 4; i++) masked.v[i] = modulus->v[i] & mask;
    u256_add(out, &difference, &masked);
}

static inline void field_add(u256 *out, const u256 *a, const u256 *b) { add_modulo(out, a, b, &FIELD_P); }
static inline void field_sub(u256 *out, const u256 *a, const u256 *b) { sub_modulo(out, a, b, &FIELD_P); }

/* One step of the reduction: r = (r + r0·p) / 2^64. The sum may pass 2^256 on the way, the result does not. */
static inline void reduce_step(limb r[4]) {
    limb m = r[0], low = m << 32, high = m >> 32, carry = 0, borrow = 0;
    r[0] = add_carry(r[1], m, &carry);
    r[1] = add_carry(r[2], 0, &carry);
    r[2] = add_carry(r[3], 0, &carry);
    r[3] = m + carry;
    r[0] = sub_borrow(r[0], low, &borrow);
    r[1] = sub_borrow(r[1], high, &borrow);
    r[2] = sub_borrow(r[2], low, &borrow);
    r[3] = r[3] - high - borrow;
}

/* out = t / 2^256 mod p, for t below p·2^256. */
static inline void field_reduce(u256 *out, const limb t[8]) {
    limb r[4] = {t[0], t[1], t[2], t[3]}, carry = 0;
    u256 sum;
    UNROLL
    for (int i = 0; i < 4; i++) reduce_step(r);
    UNROLL
    for (int i = 0; i < 4; i++) sum.v[i] = add_carry(r[i], t[4 + i], &carry);
    reduce_once(out, carry, &sum, &FIELD_P);
}

/* r = (r + a · b + m · p) / 2^64 with m = r0 after the product; r stays below 2p, r[4] is 0 or 1. */
static INLINE void multiply_step(limb r[5], limb a, const u256 *b) {
    limb carry = 0, borrow = 0, low[4], high[4];
    UNROLL
    for (int j = 0; j < 4; j++) {
        unsigned __int128 product = (unsigned __int128)a * b->v[j];
        low[j] = (limb)product;
        high[j] = (limb)(product >> 64);
    }
    low[1] = add_carry(low[1], high[0], &carry);
    low[2] = add_carry(low[2], high[1], &carry);
    low[3] = add_carry(low[3], high[2], &carry);
    high[3] += carry;
    carry = 0;
    UNROLL
    for (int j = 0; j < 4; j++) r[j] = add_carry(r[j], low[j], &carry);
    r[4] += high[3] + carry;
    limb m = r[0], down = m << 32, up = m >> 32;
    carry = 0;
    r[0] = add_carry(r[1], m, &carry);
    r[1] = add_carry(r[2], 0, &carry);
    r[2] = add_carry(r[3], 0, &carry);
    r[3] = add_carry(r[4], m, &carry);
    r[0] = sub_borrow(r[0], down, &borrow);
    r[1] = sub_borrow(r[1], up, &borrow);
    r[2] = sub_borrow(r[2], down, &borrow);
    r[3] = sub_borrow(r[3], up, &borrow);
    r[4] = carry - borrow;
}

static INLINE void field_mul(u256 *out, const u256 *a, const u256 *b) {
    limb r[5] = {0};
    UNROLL
    for (int i = 0; i < 4; i++) multiply_step(r, a->v[i], b);
    u256 sum = {{r[0], r[1], r[2], r[3]}};
    reduce_once(out, r[4], &sum, &FIELD_P);
}

static INLINE void field_square(u256 *out, const u256 *a) {
    limb t[8], carry = 0, low[6], high[6];
    static const int left[6] = {0, 0, 0, 1, 1, 2}, right[6] = {1, 2, 3, 2, 3, 3};
    UNROLL
    for (int i = 0; i < 6; i++) {
        unsigned __int128 product = (unsigned __int128)a->v[left[i]] * a->v[right[i]];
        low[i] = (limb)product;
        high[i] = (limb)(product >> 64);
    }
    t[1] = low[0];
    t[2] = add_carry(low[1], high[0], &carry);
    t[3] = add_carry(low[2], high[1], &carry);
    t[4] = add_carry(low[4], high[2], &carry);
    t[5] = add_carry(low[5], high[4], &carry);
    t[6] = high[5] + carry;
    carry = 0;
    t[3] = add_carry(t[3], low[3], &carry);
    t[4] = add_carry(t[4], high[3], &carry);
    t[5] = add_carry(t[5], 0, &carry);
    t[6] += carry;
    t[7] = t[6] >> 63;
    UNROLL
    for (int i = 6; i > 1; i--) t[i] = t[i] << 1 | t[i - 1] >> 63;
    t[1] <<= 1;
    carry = 0;
    UNROLL
    for (int i = 0; i < 4; i++) {
        unsigned __int128 product = (unsigned __int128)a->v[i] * a->v[i];
        t[2 * i] = add_carry(i ? t[2 * i] : 0, (limb)product, &carry);
        t[2 * i + 1] = add_carry(t[2 * i + 1], (limb)(product >> 64), &carry);
    }
    field_reduce(out, t);
}

static inline void field_double(u256 *out, const u256 *a) { field_add(out, a, a); }

static inline void field_negate(u256 *out, const u256 *a) {
    static const u256 zero = {{0, 0, 0, 0}};
    field_sub(out, &zero, a);
}

static inline void field_from_number(u256 *out, const u256 *a) { field_mul(out, a, &FIELD_R2); }

/* out = a^(p-2) = 1/a; zero for zero. */
void field_invert(u256 *out, const u256 *a);

#endif
