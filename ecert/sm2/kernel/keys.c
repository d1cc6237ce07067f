#include "keys.h"

#include <stdlib.h>
#include <string.h>

#include "stable_abi.h"

/* What a key earns by its uses, asked at every 16th: a table of window 6 has 86 KiB and pays at once, one of window 8
 * 256 KiB, one of window 12 2.75 MiB. G has the largest: 5 MiB, once. */
enum { ASK_EVERY = 16, LARGE_WINDOW = 12, BASE_WINDOW = 13, BASE_USES = 512 };
static const struct { unsigned window; uint64_t uses; } STEPS[] = {{LARGE_WINDOW, 2048}, {8, 256}, {6, 16}};
enum { STEPS_COUNT = sizeof STEPS / sizeof *STEPS };
/* A table goes only where its key rested this many times longer than the newcomer rests between two uses: where keys
 * take turns, those with tables keep them, instead of all building tables for each other. */
enum { RESTED = 4 };

static key base, held = {.next = &held, .previous = &held};
static uint64_t now;
static size_t memory, memory_large, limit = (size_t)512 << 20;

static const uint8_t IDENTITY_AND_CURVE[] =
    "\x00\x80" "1234567812345678"
    "\xff\xff\xff\xfe\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xfc"
    "\x28\xe9\xfa\x9e\x9d\x9f\x5e\x34\x4d\x5a\x9e\x4b\xcf\x65\x09\xa7\xf3\x97\x89\xf5\x15\xab\x8f\x92\xdd\xbc\xbd\x41\x4d\x94\x0e\x93"
    "\x32\xc4\xae\x2c\x1f\x19\x81\x19\x5f\x99\x04\x46\x6a\x39\xc9\x94\x8f\xe3\x0b\xbf\xf2\x66\x0b\xe1\x71\x5a\x45\x89\x33\x4c\x74\xc7"
    "\xbc\x37\x36\xa2\xf4\xf6\x77\x9c\x59\xbd\xce\xe3\x6b\x69\x21\x53\xd0\xa9\x87\x7c\xc6\x2a\x47\x40\x02\xdf\x32\xe5\x21\x39\xf0\xa0";
enum { BEFORE_POINT = sizeof IDENTITY_AND_CURVE - 1 };

bool key_read(key *out, const uint8_t point[65]) {
    uint8_t data[BEFORE_POINT + 64];
    *out = (key){0};
    if (!read_point(&out->point, point)) return false;
    memcpy(data, IDENTITY_AND_CURVE, BEFORE_POINT);
    memcpy(data + BEFORE_POINT, point + 1, 64);
    sm3(out->z, NULL, data, sizeof data);
    return true;
}

void table_return(table *borrowed) {
    if (borrowed && --borrowed->references == 0) free(borrowed);
}

static table *borrow(table *multiples) {
    if (multiples) multiples->references++;
    return multiples;
}

table *table_borrow(key *known) { return borrow(known->multiples); }
table *base_borrow(void) { return borrow(base.multiples); }

static size_t large_part(unsigned window) { return window == LARGE_WINDOW ? table_size(window) : 0; }

void key_forget(key *known) {
    if (!known->multiples) return;
    memory -= table_size(known->multiples->window);
    memory_large -= large_part(known->multiples->window);
    known->previous->next = known->next;
    known->next->previous = known->previous;
    table_return(known->multiples);
    known->multiples = NULL;
    known->uses = 0;
}

static void keep(key *known, table *built) {
    uint64_t uses = known->uses;
    key_forget(known);
    known->uses = uses;
    built->references = 1;
    known->multiples = built;
    known->next = held.next;
    known->previous = &held;
    held.next->previous = known;
    held.next = known;
}

/* The key that rested longest; only large tables are asked where `large`. NULL for none. */
static key *longest_rested(const key *besides, bool large) {
    key *found = NULL;
    for (key *one = held.next; one != &held; one = one->next) {
        if (one == besides || (large && one->multiples->window != LARGE_WINDOW)) continue;
        if (!found || one->last < found->last) found = one;
    }
    return found;
}

/* Makes room for a table: all within the limit, large ones within half of it. */
static bool make_room(const key *known, unsigned window) {
    size_t size = table_size(window);
    uint64_t pause = (now - known->first) / known->uses + 1;
    for (;;) {
        bool large = large_part(window) && memory_large + size > limit / 2;
        if (!large && memory + size <= limit) return true;
        key *victim = longest_rested(known, large);
        if (!victim || now - victim->last < RESTED * pause) return false;
        key_forget(victim);
    }
}

static table *build(key *known, unsigned window) {
    known->building = true;
    void *state = PyEval_SaveThread();
    table *built = table_build(&known->point, window);
    PyEval_RestoreThread(state);
    known->building = false;
    return built;
}

/* The largest window that a key has earned and not yet got, and that there is room for; 0 for none. */
static unsigned earned(const key *known) {
    unsigned has = known->multiples ? known->multiples->window : 0;
    for (int i = 0; i < STEPS_COUNT && !known->building && STEPS[i].window > has; i++)
        if (known->uses >= STEPS[i].uses && make_room(known, STEPS[i].window)) return STEPS[i].window;
    return 0;
}

void key_use(key *known) {
    known->last = ++now;
    if (known->uses++ == 0) known->first = now;
    if (known->uses % ASK_EVERY) return;
    unsigned window = earned(known);
    if (!window) return;
    memory += table_size(window); /* taken before it is built: another thread may build meanwhile */
    memory_large += large_part(window);
    table *built = build(known, window);
    if (built) {
        keep(known, built);
    } else {
        memory -= table_size(window);
        memory_large -= large_part(window);
    }
}

bool base_prepare(void) {
    base.point = GROUP_G;
    if (!base.multiples) base.multiples = table_build(&base.point, 8);
    if (base.multiples) base.multiples->references = 1;
    return base.multiples != NULL;
}

void base_use(size_t times) {
    base.uses += times;
    if (base.uses < BASE_USES || base.building || base.multiples->window == BASE_WINDOW) return;
    table *built = build(&base, BASE_WINDOW);
    if (!built) return;
    table_return(base.multiples);
    base.multiples = built;
    built->references = 1;
}

size_t tables_memory(void) { return memory; }

size_t tables_count(void) {
    size_t count = 0;
    for (const key *one = held.next; one != &held; one = one->next) count++;
    return count;
}

void tables_limit(size_t bytes) {
    limit = bytes;
    while (memory > limit && held.previous != &held) key_forget(longest_rested(NULL, false));
}
