/* Public keys in use, and which of them have tables. Every function here is called under the GIL. */
#ifndef ECERT_KEYS_H
#define ECERT_KEYS_H

#include "sm2.h"

typedef struct key {
    affine point;
    uint8_t z[32]; /* for the default user ID */
    uint64_t uses, first, last; /* since it came, or lost its table; instants count uses of any key */
    table *multiples;
    bool building;
    struct key *next, *previous; /* among those with tables */
} key;

/* False where the bytes are not a point of the curve. */
bool key_read(key *out, const uint8_t point[65]);
/* Gives back a key's table. */
void key_forget(key *known);

/* Counts a use, and builds the table that the key has earned; that releases the GIL. */
void key_use(key *known);
/* G in use `times` more. */
void base_use(size_t times);
/* Builds G's first table; false where there is no memory. */
bool base_prepare(void);

/* What is borrowed stays until it is returned, whatever happens to its key. Either may be NULL. */
table *table_borrow(key *known);
table *base_borrow(void);
void table_return(table *borrowed);

/* Bytes in tables of keys, how many have one, and the bound in bytes. */
size_t tables_memory(void);
size_t tables_count(void);
void tables_limit(size_t bytes);

#endif
