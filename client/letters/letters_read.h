/*
 * Reads the letters of dead-letter topics: what is there when it begins, and is meant.
 *
 * Happy path: letters_read calls `take` with each record that the call's options mean (-o, -p,
 * --group, --reason), up to -n of them. Failures: topics and offsets that are not there, partitions
 * that cannot be read: said, with an exit code. Invariant: one record is held at a time.
 */
#ifndef CLIENT_LETTERS_LETTERS_READ_H
#define CLIENT_LETTERS_LETTERS_READ_H

#include "client/letters/letter.h"
#include "client/line/command.h"

/* False: enough, or it cannot go on. */
typedef bool letter_take(void *arg, const struct record_view *record,
                         const struct letter_facts *facts);

/* `most`: of letters; 0: all. *more: there may be others. */
int letters_read(const struct invocation *in, int64_t most, letter_take *take, void *arg,
                 bool *more);

#endif
