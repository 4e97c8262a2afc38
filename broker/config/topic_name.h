/* Which names topics may have: Kafka's rule (1 to 249 letters, digits, '.', '_', '-'; not "." or
 * ".."); and which are the broker's own. */
#ifndef BROKER_CONFIG_TOPIC_NAME_H
#define BROKER_CONFIG_TOPIC_NAME_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum { TOPIC_NAME_MAX = 249 }; /* bytes */

/* ERR_INVALID with the sentence why not. */
int topic_name_check(const char *name, size_t len, struct error_text *why);
/* Whether names differ only in '.' and '_', which Kafka's metrics cannot tell apart. */
bool topic_names_collide(const char *a, size_t a_len, const char *b, size_t b_len);

/* Consumer groups and their offsets are in it. */
#define TOPIC_CONSUMER_OFFSETS "__consumer_offsets"
/* Transactional ids and their transactions. */
#define TOPIC_TRANSACTION_STATE "__transaction_state"
/* Made by itself, and written by its coordinators alone; clients read it. */
bool topic_name_is_internal(const char *name, size_t len);

#endif
