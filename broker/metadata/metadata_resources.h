/*
 * The rows of what has settings and is no topic: groups, brokers, loggers. For readers: metadata.h.
 *
 * A row is there while something is set for it: nobody has to make one, and none is forgotten that
 * says nothing. What all take together is bounded (METADATA_RESOURCES_MAX_BYTES). Pure.
 * Invariant: rows are in the order in which they were made.
 */
#ifndef BROKER_METADATA_METADATA_RESOURCES_H
#define BROKER_METADATA_METADATA_RESOURCES_H

#include "broker/metadata/metadata.h"
#include "broker/metadata/metadata_configs.h"

struct resource_row;

enum { METADATA_RESOURCE_RINGS = 16, METADATA_RESOURCE_KINDS = 3 };

struct metadata_resources {
    uint64_t seed;
    struct resource_row **rows; /* by `created` */
    size_t count;
    struct resource_row *by_name[METADATA_RESOURCE_KINDS];
    size_t bytes;
    /* A row may go with its last setting, so what was repeated is remembered for all of them; the
     * first byte of a request's id says in which ring. */
    struct metadata_requests requests[METADATA_RESOURCE_RINGS];
};

/* Whether there are resources of that type here. */
bool metadata_resources_take(enum config_resource_type type);
/* Whether there is room for what the command sets; else `result` says why not. */
bool metadata_resources_fit(const struct metadata_resources *resources,
                            const struct command_set_configs *command,
                            struct metadata_result *result);
/* As the command says; made at `index` if it is new. NULL: a repeated request. One that has nothing
 * set any more goes with metadata_resources_settle. */
const struct metadata_resource *metadata_resources_change(struct metadata_resources *resources,
                                                          const struct command_set_configs *command,
                                                          log_index index);
void metadata_resources_settle(struct metadata_resources *resources,
                               const struct metadata_resource *resource);
/* Of an image: one more, behind all others; nothing of that type and name is there. */
void metadata_resources_put(struct metadata_resources *resources, enum config_resource_type type,
                            struct kp_string name, log_index created,
                            const struct command_config *configs, int32_t count);
/* The one that was made last; NULL: there is none. */
const struct metadata_resource *metadata_resources_last(const struct metadata_resources *resources);
void metadata_resources_close(struct metadata_resources *resources);

#endif
