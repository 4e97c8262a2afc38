/*
 * What this broker is giving to others: one thing for each broker that has asked lately, and not
 * for longer than it asks for more.
 *
 * Happy path: a question comes, and giving_list_of finds what its broker has asked for before, or
 * makes a new one; what was not asked for within `kept_ms` is ended. Failures: none. Invariant: one
 * for each broker, so who asks for many things at a time gets the last.
 */
#ifndef BROKER_HEALING_GIVING_LIST_H
#define BROKER_HEALING_GIVING_LIST_H

#include "broker/cluster/broker_messages.h"

/* The first field of the owner's struct. */
struct giving {
    struct broker_caller caller; /* whose question is open, or was the last */
    void *exchange;              /* giving_list_open's */
    uint64_t used_ms;
    struct giving *next, *prev;
};

struct giving_list {
    struct env *env;
    void *exchange;
    size_t size; /* of the owner's struct */
    uint64_t kept_ms;
    void (*begin)(struct giving *giving); /* NULL: zeros are all that it needs */
    void (*end)(struct giving *giving);   /* all but its memory */
    struct giving *first;                 /* ours, as what follows */
    struct env_timer *forget;
};

/* The fields above `first` were set. */
void giving_list_open(struct giving_list *list);
struct giving *giving_list_of(struct giving_list *list, struct broker_caller caller);
void giving_list_close(struct giving_list *list);

#endif
