/*
 * How many connections each address has (KIP-308): none may have more than its share of them all.
 *
 * Happy path: enter, and leave with what it returned. Failures: an address that has as many as it
 * may. Invariant: an address is here while it has connections. The set begins as NULL.
 */
#ifndef BROKER_ARRIVAL_ADDRESS_COUNTS_H
#define BROKER_ARRIVAL_ADDRESS_COUNTS_H

#include <stddef.h>
#include <stdint.h>

struct address_count;

/* `peer`: address and port, "10.0.0.1:4711", "[::1]:4711". NULL: it has `most` (0: no limit)
 * already. */
struct address_count *address_counts_enter(struct address_count **counts, const char *peer,
                                           uint32_t most);
void address_counts_leave(struct address_count **counts, struct address_count *address);

#endif
