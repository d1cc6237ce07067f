/* A fuzzing harness over what takes bytes from outside: `clang -fsanitize=fuzzer,address,undefined fuzz_verify.c ../point.c
 * ../verify.c ../signature.c ../sm3.c ../text.c`, or AFL's clang; with -DSTANDALONE a main that changes a good input at random:
 * `fuzz_verify ROUNDS [SEED]`. What it asserts: no table, tables of two windows, and batches all give one answer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../sm2.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void insist(int holds, const char *what) {
    if (holds) return;
    fprintf(stderr, "broken: %s\n", what);
    abort();
}

/* G's tables, of the windows below, kept. */
static const table *base_of(unsigned window) {
    static table *kept[WINDOW_MAX + 1];
    if (!kept[window]) kept[window] = table_build(&GROUP_G, window);
    return kept[window];
}

/* One claim by tables of a window (0: none), alone and in a batch beside itself. */
static int answer(claim claimed, const affine *point, unsigned window) {
    table *multiples = window ? table_build(point, window) : NULL;
    const table *base = base_of(window ? window : WINDOW_MIN);
    workspace *space = workspace_make();
    uint8_t answers[2] = {0, 0}, *places[2] = {&answers[0], &answers[1]};
    insist(base && space && (multiples || !window), "memory");
    claimed.point = point;
    claimed.multiples = multiples;
    const claim *claims[2] = {&claimed, &claimed};
    claims_fit(space, claims, 2, base, places);
    int alone = claim_fits(&claimed, base) ? SM2_FITS : SM2_DOES_NOT_FIT;
    insist(alone == answers[0] && alone == answers[1], "alone and in a batch differ");
    free(space);
    free(multiples);
    return alone;
}

/* Read into exactly the room that it says it needs. */
static void read_text(const uint8_t *data, size_t size) {
    uint8_t *room = malloc(base41_length(size) + 1);
    insist(room != NULL, "memory");
    base41_prepare();
    base41_read(room, data, size);
    free(room);
}

/* raw? (1 byte) ‖ point (65) ‖ length of the signature (1) ‖ signature ‖ message */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    affine point = GROUP_G;
    claim claimed = {0};
    uint8_t digest[32];
    read_text(data, size);
    if (size < 67) return 0;
    bool on_curve = read_point(&point, data + 1);
    size_t length = data[66] < size - 67 ? data[66] : size - 67;
    sm3(digest, on_curve ? data + 2 : NULL, data + 67 + length, size - 67 - length);
    if (!read_signature(&claimed.r, &claimed.s, &claimed.t, data + 67, length, data[0] & 1)) return 0;
    u256_from_bytes(&claimed.e, digest);
    int first = answer(claimed, &point, 0);
    insist(first == answer(claimed, &point, 4) && first == answer(claimed, &point, 5), "windows differ");
    return 0;
}

#ifdef STANDALONE
static const char GOOD[] =
    "\x00\x04\x09\xf9\xdf\x31\x1e\x54\x21\xa1\x50\xdd\x7d\x16\x1e\x4b\xc5\xc6\x72\x17\x9f\xad\x18\x33\xfc\x07\x6b\xb0\x8f\xf3\x56\xf3\x50\x20"
    "\xcc\xea\x49\x0c\xe2\x67\x75\xa5\x2d\xc6\xea\x71\x8c\xc1\xaa\x60\x0a\xed\x05\xfb\xf3\x5e\x08\x4a\x66\x32\xf6\x07\x2d\xa9\xad\x13\x48"
    "\x30\x46\x02\x21\x00\xf5\xa0\x3b\x06\x48\xd2\xc4\x63\x0e\xea\xc5\x13\xe1\xbb\x81\xa1\x59\x44\xda\x38\x27\xd5\xb7\x41\x43\xac\x7e\xac\xee\xe7\x20\xb3"
    "\x02\x21\x00\xb1\xb6\xaa\x29\xdf\x21\x2f\xd8\x76\x31\x82\xbc\x0d\x42\x1c\xa1\xbb\x90\x38\xfd\x1f\x7f\x42\xd4\x84\x0b\x69\xc4\x85\xbb\xc1\xaa"
    "message digest";

int main(int count, char **arguments) {
    long rounds = count > 1 ? atol(arguments[1]) : 1000;
    srand(count > 2 ? (unsigned)atol(arguments[2]) : 1);
    for (long i = 0; i < rounds; i++) {
        size_t size = sizeof GOOD - 1;
        uint8_t *input = malloc(size); /* of its exact size: a byte read too far is seen */
        if (!input) return 1;
        memcpy(input, GOOD, size);
        if (i % 3 == 0) input[0] = 1;
        for (int changes = rand() % 4; changes > 0; changes--) input[(size_t)rand() % size] = (uint8_t)rand();
        if (i % 5 == 0) size = (size_t)rand() % (size + 1);
        uint8_t *exact = malloc(size ? size : 1);
        if (!exact) return 1;
        memcpy(exact, input, size);
        LLVMFuzzerTestOneInput(exact, size);
        free(exact);
        free(input);
    }
    printf("%ld inputs\n", rounds);
    return 0;
}
#endif
