/*
 * The frames that are sent, in an order that mixes the APIs, each from the seed and its number
 * alone:
 *
 *   cuts      each golden request, and some by chance for each API and version, cut at every length
 *   claims    each golden request with a count of 2^31 - 1, -2^31 and both in compact form at every
 *             place
 *   unserved  keys and versions that no broker serves
 *   chance    `count` frames for each API and version: a right header, and a body that is noise, a
 *             golden or made one that is damaged, or a made one that is right in form
 */
#ifndef TESTS_GARBAGE_FRAMES_H
#define TESTS_GARBAGE_FRAMES_H

#include "protocol/messages/api_table.h"
#include "tests/garbage/mutate.h"

struct frame {
    const struct kp_api *api; /* NULL: not served */
    int version;
    struct bytes bytes; /* with the length; the frame's owner frees it, and may use it again */
};

struct frames;
/* `folder`: that of the golden frames. Ends the program when they are not there. */
struct frames *frames_new(uint64_t seed, uint64_t count, const char *folder);
void frames_free(struct frames *frames);
/* The next; false after the last. */
bool frames_next(struct frames *frames, struct frame *frame);

#endif
