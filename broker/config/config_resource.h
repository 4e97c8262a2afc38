/*
 * What has settings that can be changed while the cluster runs, and the settings that somebody has
 * made for one of them.
 */
#ifndef BROKER_CONFIG_CONFIG_RESOURCE_H
#define BROKER_CONFIG_CONFIG_RESOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Kafka's numbers (ConfigResource.Type), powers of two. */
enum config_resource_type {
    CONFIG_RESOURCE_TOPIC = 2,
    CONFIG_RESOURCE_BROKER = 4,
    CONFIG_RESOURCE_BROKER_LOGGER = 8,
    CONFIG_RESOURCE_CLIENT_METRICS = 16,
    CONFIG_RESOURCE_GROUP = 32,
};

struct config_pair {
    const char *name, *value;
};
/* What was set and nothing else; no name is there twice. */
struct config_set {
    const struct config_pair *pairs;
    size_t count;
};

/* A broker as resources name it: its id in digits, as it is printed. False: it is none. */
bool config_node_id(const char *name, size_t len, int32_t *node);

/* The value that is set for `name`, of the set; NULL: none is. */
const char *config_set_find(const struct config_set *set, const char *name);

#endif
