/*
 * A resource that has settings (topic:NAME, group:NAME, broker:ID, brokers, logger:ID), and what
 * the cluster says of it: of drave config alone.
 *
 * Happy path: configs_begin, then describe or change, as often as wanted, then session_end.
 * Failures are exit codes, said: a word that names no resource with an example, a setting that is
 * none with the nearest name, what is refused with the broker's sentence.
 */
#ifndef CLIENT_CONFIG_CONFIG_RESOURCE_H
#define CLIENT_CONFIG_CONFIG_RESOURCE_H

#include "client/session/topic_session.h"
#include "protocol/messages/describe_configs.h"

enum { CONFIG_OF_TOPIC = 2, CONFIG_OF_BROKER = 4, CONFIG_OF_LOGGER = 8, CONFIG_OF_GROUP = 32 };
enum { CONFIG_SOURCE_DEFAULT = 5 };

/* One call: what its first word names, and what the cluster says of that. */
struct configs {
    struct session session;
    const struct invocation *in;
    int8_t type;
    const char *name; /* "" for all brokers */
    const char *host; /* NULL: any broker */
    int port;
    struct kp_describe_configs_response_resource found;
};

/* When it does not return EXIT_DONE, nothing is to be ended. */
int configs_begin(struct configs *configs, const struct invocation *in);
/* What is set by this resource itself; all else stands behind it. */
int8_t configs_own_source(const struct configs *configs);
const char *configs_source_name(int8_t source);

/* Fills configs->found. */
int configs_describe(struct configs *configs);
/* The same, and says which of the words from the second on is no setting. */
int configs_describe_named(struct configs *configs);
/* The setting whose name is the first `len` bytes; NULL, and said: it is not there. */
const struct kp_describe_configs_response_config *configs_find(struct configs *configs,
                                                               const char *name, size_t len);
/* What holds where nobody has said anything; NULL: not known. */
const char *configs_default(struct configs *configs,
                            const struct kp_describe_configs_response_config *config);
/* What would hold if the resource itself said nothing; NULL: not known. */
const char *configs_behind(struct configs *configs,
                           const struct kp_describe_configs_response_config *config);

/* Asks for the changes in the words from the second on: K=V sets, K+=V appends to a list, K-=V
 * subtracts from it, K unsets. Nothing is changed if `check`. */
int configs_change(struct configs *configs, bool check);

#endif
