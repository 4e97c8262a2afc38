/*
 * Requests of any served API and version that are right in form, with fields by chance: out of the
 * tables from which the broker decodes them. Names are mostly those of topics that exist, so that
 * what stands behind the lookup is reached.
 */
#ifndef TESTS_GARBAGE_MESSAGES_H
#define TESTS_GARBAGE_MESSAGES_H

#include "protocol/messages/api_table.h"
#include "tests/garbage/chance.h"

/* The topics that exist, and belong to garbage: "garbage-0" up to GARBAGE_TOPICS - 1
 * (tests/integration/garbage.py makes them). */
enum { GARBAGE_TOPICS = 8 };

/* Appends the whole frame, with its length, to the writer; false: this message has no form in this
 * version, take another. */
bool message_by_chance(struct chance *chance, const struct kp_api *api, int version,
                       struct kp_writer *frame);

#endif
