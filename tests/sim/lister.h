/*
 * Settings that are changed by several at once: a topic whose cleanup.policy, a list, is emptied,
 * and to which two connections then append one element each, at one broker, without waiting for
 * each other. When it is not known what came of the emptying, it is another topic's turn.
 *
 * Checked: when both are told that it is done, the table of that broker has both.
 */
#ifndef SIM_LISTER_H
#define SIM_LISTER_H

#include "tests/sim/cluster.h"

/* In the client's process. */
struct lister *lister_new(struct cluster *cluster);
void lister_finish(struct lister *lister); /* changes nothing more */

#endif
