/*
 * The first names of many, in order: from which a page of an answer is made.
 *
 * Happy path: offer every name once, in any order; sort in steps; read `names`. Failures: none, but
 * an arena that is full. Invariants: it keeps `most` names and no more, the first of those offered;
 * offering costs little whatever the number (a heap whose top is the last of the kept).
 */
#ifndef BROKER_API_NAME_PAGE_H
#define BROKER_API_NAME_PAGE_H

#include "protocol/arena.h"

struct name_page {
    struct kp_string *names; /* a heap; in order, once it is sorted */
    size_t count, most;
    size_t unsorted; /* names[0 .. unsorted-1] are still a heap */
    char *spare;     /* memory of a copy that had to go */
};

/* False: the arena's limit is passed. */
bool name_page_init(struct name_page *page, struct kp_arena *arena, size_t most);
/* Whether it would be kept. */
bool name_page_wants(const struct name_page *page, struct kp_string name);
/* Puts in a name that is wanted; what it points to stays the caller's. */
void name_page_put(struct name_page *page, struct kp_string name);
/* The same for a name that does not stay: it is copied into `longest` bytes of the arena, the same
 * for each, of which no more are taken than are kept. False: the arena's limit is passed. */
bool name_page_put_copy(struct name_page *page, struct kp_arena *arena, struct kp_string name,
                        size_t longest);
/* One step of sorting; true while there is more to do. Nothing is put in after the first. */
bool name_page_sort(struct name_page *page);

/* Below 0: `a` comes first; by bytes, so by code points. */
int name_compare(struct kp_string a, struct kp_string b);

#endif
