/*
 * The person who gives a lost majority up, as `drave recover` does it: a client that asks all
 * brokers that are left what they have, has the product judge it (client/recover), waits until the
 * plan was looked at, and does it; again and again, until nothing is lost any more. Later it gives
 * empty directories the places of the lost ones.
 *
 * Checked: no answer but those that can be. Whether the plan is true is looked at by plan_check.h.
 */
#ifndef SIM_LOSS_CARETAKER_H
#define SIM_LOSS_CARETAKER_H

#include "client/recover/recover_judgement.h"
#include "tests/sim/cluster.h"

struct caretaker;
/* In the process of the client. It does nothing yet. */
struct caretaker *caretaker_new(struct cluster *cluster);
/* Those (places, as bits) are lost for good; it begins to ask the others. */
void caretaker_begin(struct caretaker *caretaker, uint32_t lost);
/* The plan that is to be looked at; NULL: none waits for that. */
const struct recover_judgement *caretaker_plan(const struct caretaker *caretaker);
/* It was looked at. False: it is out of date already. */
void caretaker_go_on(struct caretaker *caretaker, bool accepted);
/* It is doing it. */
bool caretaker_acts(const struct caretaker *caretaker);
/* Who was given up, and is told that it was, as bits. */
uint32_t caretaker_given_up(const struct caretaker *caretaker);
/* How often it has found, one time after the other, that nothing is lost. */
unsigned caretaker_found_nothing(const struct caretaker *caretaker);
/* Nothing is lost any more: it rests. */
void caretaker_rest(struct caretaker *caretaker);
/* The lost ones are replaced, as soon as empty ones knock. */
void caretaker_replaces(struct caretaker *caretaker);
void caretaker_describe(const struct caretaker *caretaker);

#endif
