/* R = s·G + t·P, then (e + x(R)) mod n = r: one at a time, and many at once with shared inversions. */
#include <stdlib.h>
#include <string.h>

#include "point.h"

/* The x coordinates that R may have: x1 = r - e mod n, and x1 + n where that is below p. Montgomery form. */
static int wanted(u256 x[2], const claim *claimed) {
    u256 x1, e = claimed->e, high;
    reduce_once(&e, 0, &claimed->e, &GROUP_N);
    sub_modulo(&x1, &claimed->r, &e, &GROUP_N);
    field_from_number(&x[0], &x1);
    if (u256_add(&high, &x1, &GROUP_N) || !u256_less(&high, &FIELD_P)) return 1;
    field_from_number(&x[1], &high);
    return 2;
}

static bool has_wanted_x(const jacobian *point, const claim *claimed) {
    u256 x[2], zz, scaled;
    if (u256_is_zero(&point->z)) return false;
    int count = wanted(x, claimed);
    field_square(&zz, &point->z);
    for (int i = 0; i < count; i++) {
        field_mul(&scaled, &x[i], &zz);
        if (u256_equal(&scaled, &point->x)) return true;
    }
    return false;
}

static const affine *entry_of(const table *multiples, unsigned row, int digit) {
    size_t width = (size_t)1 << (multiples->window - 1);
    return &multiples->entries[row * width + (size_t)(digit < 0 ? -digit : digit) - 1];
}

/* Writes the points whose sum is k times the table's point; returns how many. */
static size_t gather(affine *out, const table *multiples, const u256 *k) {
    int16_t digits[DIGITS_MAX];
    const affine *entries[DIGITS_MAX];
    size_t count = 0;
    signed_digits(digits, k, multiples->window, multiples->rows);
    for (unsigned row = 0; row < multiples->rows; row++) {
        if (!digits[row]) continue;
        entries[row] = entry_of(multiples, row, digits[row]);
        __builtin_prefetch(entries[row]);
    }
    for (unsigned row = 0; row < multiples->rows; row++) {
        if (!digits[row]) continue;
        out[count] = *entries[row];
        if (digits[row] < 0) field_negate(&out[count].y, &out[count].y);
        count++;
    }
    return count;
}

/* Adds all points to the total; their sum grows in two halves. */
static void add_all(jacobian *total, const affine *points, size_t count) {
    size_t half = count / 2;
    if (half) {
        const affine *a = points, *b = points + half;
        two_points halves = {{a->x, b->x}, {a->y, b->y}, {FIELD_ONE, FIELD_ONE}};
        for (size_t i = 1; i < half; i++) two_points_add_affine(&halves, &a[i], &b[i]);
        for (int i = 0; i < 2; i++) {
            jacobian one = {halves.x[i], halves.y[i], halves.z[i]};
            point_add(total, total, &one);
        }
    }
    if (count % 2) point_add_affine(total, total, &points[count - 1]);
}

enum { NAF_WINDOW = 5, NAF_POINTS = 1 << (NAF_WINDOW - 2), NAF_DIGITS = 257 };

/* Odd signed digits below 2^(NAF_WINDOW-1), at least NAF_WINDOW - 1 zeros between two; returns how many places. */
static int sliding_digits(int8_t digits[NAF_DIGITS], const u256 *k) {
    u256 rest = *k; /* below n: adding a digit does not carry out of 256 bits */
    int count = 0;
    while (!u256_is_zero(&rest)) {
        int digit = 0;
        if (rest.v[0] & 1) {
            digit = (int)(rest.v[0] & ((1 << NAF_WINDOW) - 1));
            if (digit >= 1 << (NAF_WINDOW - 1)) digit -= 1 << NAF_WINDOW;
            u256 change = {{(limb)(digit < 0 ? -digit : digit), 0, 0, 0}};
            if (digit < 0) u256_add(&rest, &rest, &change);
            else u256_sub(&rest, &rest, &change);
        }
        digits[count++] = (int8_t)digit;
        for (int i = 0; i < 3; i++) rest.v[i] = rest.v[i] >> 1 | rest.v[i + 1] << 63;
        rest.v[3] >>= 1;
    }
    return count;
}

/* k · point without a table. */
static void multiply(jacobian *out, const affine *point, const u256 *k) {
    jacobian odd[NAF_POINTS], twice, negative;
    int8_t digits[NAF_DIGITS];
    odd[0] = (jacobian){point->x, point->y, FIELD_ONE};
    point_double(&twice, &odd[0]);
    for (int i = 1; i < NAF_POINTS; i++) point_add(&odd[i], &odd[i - 1], &twice);
    *out = (jacobian){FIELD_ONE, FIELD_ONE, {{0, 0, 0, 0}}};
    for (int i = sliding_digits(digits, k); i-- > 0;) {
        point_double(out, out);
        if (digits[i] > 0) point_add(out, out, &odd[digits[i] / 2]);
        if (digits[i] < 0) {
            negative = odd[-digits[i] / 2];
            field_negate(&negative.y, &negative.y);
            point_add(out, out, &negative);
        }
    }
}

bool claim_fits(const claim *claimed, const table *base) {
    jacobian total = {FIELD_ONE, FIELD_ONE, {{0, 0, 0, 0}}};
    affine points[2 * DIGITS_MAX];
    size_t count = gather(points, base, &claimed->s);
    if (claimed->multiples) count += gather(points + count, claimed->multiples, &claimed->t);
    else multiply(&total, claimed->point, &claimed->t);
    add_all(&total, points, count);
    return has_wanted_x(&total, claimed);
}

enum { GROUP = 128, TERMS_MAX = 2 * DIGITS_MAX };

/* What a group needs: the points of each claim, one claim after another, and one level of additions. */
struct workspace {
    size_t starts[GROUP], counts[GROUP];
    affine points[GROUP * TERMS_MAX];
    addition additions[GROUP * TERMS_MAX / 2];
    u256 products[GROUP * TERMS_MAX / 2 + 1];
};

workspace *workspace_make(void) { return malloc(sizeof(workspace)); }

/* Adds neighbours, for every claim at once. A claim where two x are equal gets the count 0, and is checked alone. */
static bool add_neighbours(workspace *space, size_t size) {
    size_t pairs = 0, at = 0;
    for (size_t i = 0; i < size; i++) {
        affine *points = space->points + space->starts[i];
        for (size_t j = 0; j + 1 < space->counts[i]; j += 2)
            space->additions[pairs++] = (addition){&points[j], &points[j + 1], &points[j / 2], false};
    }
    if (!pairs) return false;
    points_add(space->additions, pairs, space->products);
    for (size_t i = 0; i < size; i++) {
        affine *points = space->points + space->starts[i];
        size_t count = space->counts[i], half = count / 2;
        bool equal = false;
        for (size_t j = 0; j < half; j++) equal |= space->additions[at++].equal;
        if (count % 2) points[half] = points[count - 1];
        space->counts[i] = equal ? 0 : half + count % 2;
    }
    return true;
}

static bool affine_has_wanted_x(const affine *point, const claim *claimed) {
    u256 x[2];
    int count = wanted(x, claimed);
    return u256_equal(&x[0], &point->x) || (count == 2 && u256_equal(&x[1], &point->x));
}

static void check_group(workspace *space, const claim *const *claims, size_t size, const table *base,
                        uint8_t *const *answers) {
    size_t filled = 0;
    for (size_t i = 0; i < size; i++) {
        space->starts[i] = filled;
        if (claims[i]->multiples) {
            filled += gather(space->points + filled, claims[i]->multiples, &claims[i]->t);
            filled += gather(space->points + filled, base, &claims[i]->s);
        }
        space->counts[i] = filled - space->starts[i];
    }
    while (add_neighbours(space, size)) continue;
    for (size_t i = 0; i < size; i++) {
        bool fits = space->counts[i] == 1 ? affine_has_wanted_x(&space->points[space->starts[i]], claims[i])
                                          : claim_fits(claims[i], base);
        *answers[i] = fits ? SM2_FITS : SM2_DOES_NOT_FIT;
    }
}

void claims_fit(workspace *space, const claim *const *claims, size_t count, const table *base,
                uint8_t *const *answers) {
    for (size_t at = 0; at < count; at += GROUP)
        check_group(space, claims + at, count - at < GROUP ? count - at : GROUP, base, answers + at);
}
