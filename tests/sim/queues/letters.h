/*
 * The topic of dead letters of the groups that have them (queue_has_letters): it is made before the
 * groups are; and in the end it has what it should (letter_book.h).
 */
#ifndef SIM_QUEUES_LETTERS_H
#define SIM_QUEUES_LETTERS_H

#include "tests/sim/queues/letter_book.h"

extern const char letters_topic[];

struct letters;
struct letters *letters_new(struct cluster *cluster, struct env *env, int16_t replicas);
struct letter_book *letters_book(struct letters *letters);
bool letters_are_made(const struct letters *letters); /* the topic is there */
/* It is the same on every replica. */
bool letters_are_done(const struct letters *letters);
/* When all is done, and the logs of the partitions have been read: reads those of the letters. */
void letters_judge(struct letters *letters);

#endif
