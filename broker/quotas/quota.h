/*
 * How much whom: the words of Kafka's client quotas, and what one of them is about.
 *
 * A quota is of an entity (a user, a client id, both, or an address; each a name, or the default
 * for those that have none of their own), has a key (what is counted) and a value. KIP-13, KIP-124,
 * KIP-546, KIP-599, KIP-612. Failures: none. Pure.
 */
#ifndef BROKER_QUOTAS_QUOTA_H
#define BROKER_QUOTAS_QUOTA_H

#include "protocol/schema.h"

/* What is counted. Numbers are in the log of the metadata. */
enum quota_key {
    QUOTA_PRODUCED = 1, /* bytes a second */
    QUOTA_FETCHED,      /* bytes a second */
    QUOTA_TIME,         /* of the loop: 100 is all of it */
    QUOTA_MUTATIONS,    /* partitions made or deleted, a second */
    QUOTA_CONNECTIONS,  /* new ones, a second */
    QUOTA_KEYS
};

enum quota_type { QUOTA_USER, QUOTA_CLIENT, QUOTA_IP, QUOTA_TYPES };

enum {
    QUOTA_ENTITIES_MAX = 10000, /* all of them are written in one turn of the loop, as users are */
    QUOTA_NAME_MAX = 255,       /* bytes */
};

/* Texts are whose they are. */
struct quota_entity {
    unsigned types;                      /* bit t: it has a part of that type */
    struct kp_string names[QUOTA_TYPES]; /* null: the default, or there is no such part */
};

/* "producer_byte_rate", "user"; NULL: there is none of that number. */
const char *quota_key_name(int key);
const char *quota_type_name(int type);
/* 0, -1: there is none of that name. */
enum quota_key quota_key_of(struct kp_string name);
int quota_type_of(struct kp_string name);

/* Whether there are quotas of it: NULL, or what is wrong with it, for a sentence of its own. */
const char *quota_entity_fault(const struct quota_entity *entity);
/* Whether that may be the quota of a sound entity. */
const char *quota_value_fault(const struct quota_entity *entity, enum quota_key key, double value);

/* The order of tables and answers: by the parts there are, then by user, client and address; a
 * default before names. */
int quota_entity_compare(const struct quota_entity *one, const struct quota_entity *other);

#endif
