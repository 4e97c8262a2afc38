/*
 * SIGINT and SIGTERM: a command that is under way says how much was done, and ends.
 *
 * Happy path: interrupt_take, then loops ask interrupted(). Until it is called the system ends the
 * program. Invariant: a second signal ends it at once.
 */
#ifndef CLIENT_LINE_INTERRUPT_H
#define CLIENT_LINE_INTERRUPT_H

#include <stdbool.h>

void interrupt_take(void); /* again: nothing new */
bool interrupted(void);    /* one came */
/* Whether a signal ends the program at once, with EXIT_DONE: for what only shows, while it does not
 * write. Takes them. */
void interrupt_ends(bool at_once);

#endif
