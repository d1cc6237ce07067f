#include "point.h"

#include <stdlib.h>
#include <string.h>

const affine GROUP_G = {
    {{0x61328990F418029E, 0x3E7981EDDCA6C050, 0xD6A1ED99AC24C3C3, 0x91167A5EE1C13B05}},
    {{0xC1354E593C2D0DDD, 0xC1F5E5788D3295FA, 0x8D4CFB066E2A48F8, 0x63CD65D481D735BD}},
};
static const u256 CURVE_B = {{0x90D230632BC0DD42, 0x71CF379AE9B537AB, 0x527981505EA51C3C, 0x240FE188BA20E2C8}};

bool read_point(affine *out, const uint8_t bytes[65]) {
    u256 x, y, left, right;
    u256_from_bytes(&x, bytes + 1);
    u256_from_bytes(&y, bytes + 33);
    if (bytes[0] != 4 || !u256_less(&x, &FIELD_P) || !u256_less(&y, &FIELD_P)) return false;
    field_from_number(&out->x, &x);
    field_from_number(&out->y, &y);
    field_square(&left, &out->y);
    field_square(&right, &out->x);
    for (int i = 0; i < 3; i++) field_sub(&right, &right, &FIELD_ONE);
    field_mul(&right, &right, &out->x);
    field_add(&right, &right, &CURVE_B);
    return u256_equal(&left, &right);
}

static void square_times(u256 *out, const u256 *a, int times) {
    *out = *a;
    while (times-- > 0) field_square(out, out);
}

/* out = a^(2^k · e) · b where a = x^e: how the exponent's runs of ones are put together. */
static void append(u256 *out, const u256 *a, int k, const u256 *b) {
    u256 shifted;
    square_times(&shifted, a, k);
    field_mul(out, &shifted, b);
}

void field_invert(u256 *out, const u256 *a) {
    u256 x = *a, x2, x4, x8, x16, x30, x31, x32, t;
    append(&x2, &x, 1, &x);
    append(&x4, &x2, 2, &x2);
    append(&x8, &x4, 4, &x4);
    append(&x16, &x8, 8, &x8);
    append(&t, &x16, 8, &x8);
    append(&t, &t, 4, &x4);
    append(&x30, &t, 2, &x2);
    append(&x31, &x30, 1, &x);
    append(&x32, &x31, 1, &x);
    append(&t, &x31, 33, &x32); /* FFFFFFFE FFFFFFFF */
    for (int i = 0; i < 3; i++) append(&t, &t, 32, &x32);
    append(&t, &t, 64, &x32); /* 00000000 FFFFFFFF */
    append(&t, &t, 30, &x30);
    append(out, &t, 2, &x); /* FFFFFFFD */
}

void point_double(jacobian *out, const jacobian *a) {
    u256 delta, gamma, beta, alpha, t;
    field_square(&delta, &a->z);
    field_square(&gamma, &a->y);
    field_mul(&beta, &a->x, &gamma);
    field_sub(&alpha, &a->x, &delta);
    field_add(&t, &a->x, &delta);
    field_mul(&alpha, &alpha, &t);
    field_double(&t, &alpha);
    field_add(&alpha, &alpha, &t);
    field_mul(&t, &a->y, &a->z);
    field_double(&out->z, &t);
    field_double(&beta, &beta);
    field_double(&beta, &beta); /* 4β */
    field_square(&out->x, &alpha);
    field_sub(&out->x, &out->x, &beta);
    field_sub(&out->x, &out->x, &beta);
    field_sub(&beta, &beta, &out->x);
    field_mul(&beta, &alpha, &beta);
    field_double(&gamma, &gamma);
    field_square(&gamma, &gamma);
    field_double(&gamma, &gamma); /* 8γ² */
    field_sub(&out->y, &beta, &gamma);
}

/* The sum of (x1, y1) and a point whose h = U2 - X1 and r = S2 - Y1 are given; z1 is the product of both Z. */
static void finish(jacobian *out, const u256 *x1, const u256 *y1, const u256 *z1, const u256 *h, const u256 *r) {
    u256 hh, hhh, v, t;
    field_square(&hh, h);
    field_mul(&hhh, &hh, h);
    field_mul(&v, x1, &hh);
    field_mul(&t, y1, &hhh);
    field_mul(&out->z, z1, h);
    field_square(&out->x, r);
    field_sub(&out->x, &out->x, &hhh);
    field_sub(&out->x, &out->x, &v);
    field_sub(&out->x, &out->x, &v);
    field_sub(&v, &v, &out->x);
    field_mul(&v, &v, r);
    field_sub(&out->y, &v, &t);
}

void point_add_affine(jacobian *out, const jacobian *a, const affine *b) {
    if (u256_is_zero(&a->z)) {
        *out = (jacobian){b->x, b->y, FIELD_ONE};
        return;
    }
    u256 zz, h, r;
    field_square(&zz, &a->z);
    field_mul(&h, &b->x, &zz);
    field_mul(&r, &zz, &a->z);
    field_mul(&r, &r, &b->y);
    field_sub(&h, &h, &a->x);
    field_sub(&r, &r, &a->y);
    if (!u256_is_zero(&h)) {
        finish(out, &a->x, &a->y, &a->z, &h, &r);
    } else if (u256_is_zero(&r)) {
        point_double(out, a);
    } else {
        *out = (jacobian){FIELD_ONE, FIELD_ONE, {{0, 0, 0, 0}}};
    }
}

/* The field's operations on two lanes at once: neither waits for the other, and the processor does both together. */
static INLINE void mul_two(u256 out[2], const u256 a[2], const u256 b[2]) {
    for (int i = 0; i < 2; i++) field_mul(&out[i], &a[i], &b[i]);
}
static INLINE void square_two(u256 out[2], const u256 a[2]) {
    for (int i = 0; i < 2; i++) field_square(&out[i], &a[i]);
}
static INLINE void sub_two(u256 out[2], const u256 a[2], const u256 b[2]) {
    for (int i = 0; i < 2; i++) field_sub(&out[i], &a[i], &b[i]);
}

void two_points_add_affine(two_points *total, const affine *first, const affine *second) {
    u256 bx[2] = {first->x, second->x}, by[2] = {first->y, second->y}, h[2], r[2], hh[2], hhh[2], v[2], t[2];
    square_two(hh, total->z);
    mul_two(h, bx, hh);
    mul_two(r, hh, total->z);
    mul_two(r, r, by);
    sub_two(h, h, total->x);
    sub_two(r, r, total->y);
    if (u256_is_zero(&h[0]) || u256_is_zero(&h[1]) || u256_is_zero(&total->z[0]) || u256_is_zero(&total->z[1])) {
        const affine *added[2] = {first, second};
        for (int i = 0; i < 2; i++) { /* infinity, a doubling: one lane after the other */
            jacobian one = {total->x[i], total->y[i], total->z[i]};
            point_add_affine(&one, &one, added[i]);
            total->x[i] = one.x, total->y[i] = one.y, total->z[i] = one.z;
        }
        return;
    }
    square_two(hh, h);
    mul_two(hhh, hh, h);
    mul_two(v, total->x, hh);
    mul_two(t, total->y, hhh);
    mul_two(total->z, total->z, h);
    square_two(total->x, r);
    sub_two(total->x, total->x, hhh);
    sub_two(total->x, total->x, v);
    sub_two(total->x, total->x, v);
    sub_two(v, v, total->x);
    mul_two(v, v, r);
    sub_two(total->y, v, t);
}

void point_add(jacobian *out, const jacobian *a, const jacobian *b) {
    if (u256_is_zero(&a->z) || u256_is_zero(&b->z)) {
        *out = u256_is_zero(&a->z) ? *b : *a;
        return;
    }
    u256 zz1, zz2, u1, s1, h, r, z;
    field_square(&zz1, &a->z);
    field_square(&zz2, &b->z);
    field_mul(&u1, &a->x, &zz2);
    field_mul(&h, &b->x, &zz1);
    field_mul(&s1, &a->y, &zz2);
    field_mul(&s1, &s1, &b->z);
    field_mul(&r, &b->y, &zz1);
    field_mul(&r, &r, &a->z);
    field_sub(&h, &h, &u1);
    field_sub(&r, &r, &s1);
    if (!u256_is_zero(&h)) {
        field_mul(&z, &a->z, &b->z);
        finish(out, &u1, &s1, &z, &h, &r);
    } else if (u256_is_zero(&r)) {
        point_double(out, a);
    } else {
        *out = (jacobian){FIELD_ONE, FIELD_ONE, {{0, 0, 0, 0}}};
    }
}

void points_to_affine(affine *out, const jacobian *points, size_t count, u256 *products) {
    u256 inverse, zi, zz;
    products[0] = FIELD_ONE;
    for (size_t i = 0; i < count; i++) field_mul(&products[i + 1], &products[i], &points[i].z);
    field_invert(&inverse, &products[count]);
    for (size_t i = count; i-- > 0;) {
        field_mul(&zi, &inverse, &products[i]);
        field_mul(&inverse, &inverse, &points[i].z);
        field_square(&zz, &zi);
        field_mul(&out[i].x, &points[i].x, &zz);
        field_mul(&zz, &zz, &zi);
        field_mul(&out[i].y, &points[i].y, &zz);
    }
}

void points_add(addition *additions, size_t count, u256 *products) {
    u256 inverse, h, slope, x, y;
    products[count] = FIELD_ONE;
    for (size_t i = count; i-- > 0;) {
        field_sub(&h, &additions[i].b->x, &additions[i].a->x);
        additions[i].equal = u256_is_zero(&h);
        field_mul(&products[i], &products[i + 1], additions[i].equal ? &FIELD_ONE : &h);
    }
    field_invert(&inverse, &products[0]);
    for (size_t i = 0; i < count; i++) { /* first to last: what is written may be read by those before it only */
        if (additions[i].equal) continue;
        const affine *a = additions[i].a, *b = additions[i].b;
        field_sub(&h, &b->x, &a->x);
        field_sub(&slope, &b->y, &a->y);
        field_mul(&x, &inverse, &products[i + 1]);
        field_mul(&inverse, &inverse, &h);
        field_mul(&slope, &slope, &x);
        field_square(&x, &slope);
        field_sub(&x, &x, &a->x);
        field_sub(&x, &x, &b->x);
        field_sub(&y, &a->x, &x);
        field_mul(&y, &y, &slope);
        field_sub(&additions[i].out->y, &y, &a->y);
        additions[i].out->x = x;
    }
}

unsigned rows_of(unsigned window) { return (256 + window - 1) / window; }

void signed_digits(int16_t *digits, const u256 *k, unsigned window, unsigned rows) {
    static const u256 half = {{0xA9DDFA049CEAA091, 0xB901EFB590E30295, 0xFFFFFFFFFFFFFFFF, 0x7FFFFFFF7FFFFFFF}};
    u256 small = *k;
    bool negative = u256_less(&half, k); /* n - k is then below n/2, and no carry leaves the last row */
    if (negative) u256_sub(&small, &GROUP_N, k);
    limb mask = ((limb)1 << window) - 1, carry = 0;
    for (unsigned row = 0; row < rows; row++) {
        unsigned bit = row * window, word = bit / 64, shift = bit % 64;
        limb digit = small.v[word] >> shift;
        if (shift + window > 64 && word < 3) digit |= small.v[word + 1] << (64 - shift);
        digit = (digit & mask) + carry;
        carry = digit > (limb)1 << (window - 1);
        int value = carry ? (int)digit - (1 << window) : (int)digit;
        digits[row] = (int16_t)(negative ? -value : value);
    }
}

size_t table_size(unsigned window) {
    return sizeof(table) + (size_t)rows_of(window) * ((size_t)1 << (window - 1)) * sizeof(affine);
}

enum { CHUNK = 256, DOUBLINGS = 268 };

/* powers[i] = 2^i · point. */
static void powers_of_two(affine *powers, const affine *point, size_t count) {
    jacobian points[DOUBLINGS];
    u256 products[DOUBLINGS + 1];
    points[0] = (jacobian){point->x, point->y, FIELD_ONE};
    for (size_t i = 1; i < count; i++) point_double(&points[i], &points[i - 1]);
    points_to_affine(powers, points, count, products);
}

/* One level of every row: what fills entries[0..filled) of a row, plus its last, becomes entries[filled..2·filled-1).
 * The two never have equal x: they are different small multiples, and n is a prime far larger than either. */
static void double_rows(table *built, size_t filled) {
    addition additions[CHUNK];
    u256 products[CHUNK + 1];
    size_t width = (size_t)1 << (built->window - 1), count = 0;
    for (unsigned row = 0; row < built->rows; row++) {
        affine *entries = built->entries + row * width;
        for (size_t i = 0; i + 1 < filled; i++) {
            additions[count++] = (addition){&entries[filled - 1], &entries[i], &entries[filled + i], false};
            if (count < CHUNK) continue;
            points_add(additions, count, products);
            count = 0;
        }
    }
    points_add(additions, count, products);
}

table *table_build(const affine *point, unsigned window) {
    affine powers[DOUBLINGS];
    table *built = malloc(table_size(window));
    if (!built) return NULL;
    size_t width = (size_t)1 << (window - 1);
    *built = (table){window, rows_of(window), 0};
    powers_of_two(powers, point, (size_t)built->rows * window);
    for (unsigned bit = 0; bit < window; bit++) {
        for (unsigned row = 0; row < built->rows; row++)
            built->entries[row * width + ((size_t)1 << bit) - 1] = powers[row * window + bit];
        if (bit && bit + 1 < window) double_rows(built, (size_t)1 << bit);
    }
    return built;
}
