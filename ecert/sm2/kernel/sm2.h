/* Verification of SM2 signatures: for public data only, no secret may enter. */
#ifndef ECERT_SM2_H
#define ECERT_SM2_H

#include <stddef.h>

#include "field.h"

typedef struct {
    u256 x, y; /* Montgomery form; never the point at infinity */
} affine;

/* What a signature turned out to be. Zero is none of them: memory that was only cleared says nothing. */
enum { SM2_FITS = 1, SM2_DOES_NOT_FIT = 2, SM2_MALFORMED = 3 };

extern const u256 GROUP_N;
extern const affine GROUP_G;

/* digest = SM3(head ‖ data); `head` is 32 bytes, or NULL for none. */
void sm3(uint8_t digest[32], const uint8_t head[32], const uint8_t *data, size_t length);

/* Reads base-41 text into base41_length(length) bytes; false where it is not such text. Prepared once before. */
void base41_prepare(void);
bool base41_read(uint8_t *out, const uint8_t *text, size_t length);
static inline size_t base41_length(size_t length) { return length / 3 * 2 + length % 3 / 2; }

/* Reads r and s in 1..n-1 and t = r + s mod n, not zero; false where there is no such signature. */
bool read_signature(u256 *r, u256 *s, u256 *t, const uint8_t *data, size_t length, bool raw);

/* Reads 04 ‖ x ‖ y; false where that is not a point of the curve. */
bool read_point(affine *out, const uint8_t bytes[65]);

/* Multiples of one point for signed digits of `window` bits: entries[row][j - 1] = j · 2^(window · row) · point, for
 * j in 1..2^(window-1). A product is then one addition for each row, and no doubling. */
typedef struct {
    unsigned window, rows;
    size_t references; /* who uses it; kept by the caller */
    affine entries[];
} table;

enum { WINDOW_MIN = 4, WINDOW_MAX = 13 };

size_t table_size(unsigned window);
/* NULL where there is no memory. */
table *table_build(const affine *point, unsigned window);

/* One signature to check: e is known, the rest was read. `multiples` is NULL for a key without a table. */
typedef struct {
    const affine *point;
    const table *multiples;
    u256 r, s, t, e;
} claim;

/* Checks (e + x(s·G + t·P)) mod n = r. */
bool claim_fits(const claim *claimed, const table *base);

/* Room for the work on many at once, some 1.6 MB of which most is never touched; freed with free(). */
typedef struct workspace workspace;
workspace *workspace_make(void);

/* The same for many: answers[i] becomes SM2_FITS or SM2_DOES_NOT_FIT. No pointer may be NULL. */
void claims_fit(workspace *space, const claim *const *claims, size_t count, const table *base,
                uint8_t *const *answers);

#endif
