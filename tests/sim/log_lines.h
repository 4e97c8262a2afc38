/*
 * What the product says of itself on its log that no sound cluster says: a run in which a machine
 * says it fails.
 *
 * A replica that stops ("this replica stops"), and a message of a peer that breaks a rule ("dropped
 * a message"), are the product's last defence against a bug or against damage. Where the scenario
 * did no damage, there was a bug.
 */
#ifndef SIM_LOG_LINES_H
#define SIM_LOG_LINES_H

#include "tests/sim/run.h"

/* `asked_for`: the scenario took something from that machine's disk, or gave it back an old one. */
void log_line_judge(struct run *run, const struct node *node, const char *line, bool asked_for);

#endif
