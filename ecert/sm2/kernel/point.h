/* Points of the curve y² = x³ - 3x + b, Jacobian (x = X/Z², y = Y/Z³; Z = 0 is infinity) and affine. */
#ifndef ECERT_POINT_H
#define ECERT_POINT_H

#include "sm2.h"

typedef struct {
    u256 x, y, z;
} jacobian;

/* Two sums that grow side by side. */
typedef struct {
    u256 x[2], y[2], z[2];
} two_points;

/* One addition of many: out = a + b. Where the x are equal, `equal` is set and `out` is left. `out` may be
 * an input of itself or of an earlier addition. */
typedef struct {
    const affine *a, *b;
    affine *out;
    bool equal;
} addition;

void point_double(jacobian *out, const jacobian *a);
void point_add(jacobian *out, const jacobian *a, const jacobian *b);
void point_add_affine(jacobian *out, const jacobian *a, const affine *b);
void two_points_add_affine(two_points *total, const affine *first, const affine *second);
/* None may be infinity. `products` has room for count + 1. */
void points_to_affine(affine *out, const jacobian *points, size_t count, u256 *products);
/* All additions share one inversion: 5 products and a square each. `products` has room for count + 1. */
void points_add(addition *additions, size_t count, u256 *products);

enum { DIGITS_MAX = 64 };
/* Signed digits of k, below n, least significant first: each in -2^(window-1)..2^(window-1). `rows` of them. */
void signed_digits(int16_t *digits, const u256 *k, unsigned window, unsigned rows);
unsigned rows_of(unsigned window);

#endif
