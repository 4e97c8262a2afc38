/*
 * What a client process knows of the cluster: connections to its brokers, and who leads which
 * partition.
 *
 * Happy path: producers and consumers ask for the leader of their partition and call it; when an
 * answer says that it is not the leader, or no answer comes, they ask for a refresh, which one
 * Metadata request to a random broker serves for all. Invariant: the leader epoch of a partition
 * never goes back here (KIP-320): older metadata is not believed.
 */
#ifndef SIM_KAFKA_CLIENT_H
#define SIM_KAFKA_CLIENT_H

#include "tests/sim/kafka_link.h"

enum { CLIENT_BROKERS_MAX = 8, CLIENT_PARTITIONS_MAX = 8, CLIENT_PORT = 9092 };

struct known_leader {
    int32_t node;      /* -1: unknown */
    int32_t epoch;     /* -1: unknown */
    int32_t before;    /* who led before; -1: nobody known */
    uint64_t since_us; /* when we heard that it leads */
};

struct kafka_client;
/* Brokers are n1 .. n<brokers>. `topic` has `partitions`; it is created by the client if it is
 * missing, with `replicas`. */
struct kafka_client *kafka_client_new(struct run *run, struct env *env, unsigned brokers,
                                      const char *topic, int32_t partitions, int16_t replicas);
/* Before it begins: the topic is compacted, so that its records need keys; its tombstones stay so
 * long. */
void kafka_client_compact(struct kafka_client *client, uint64_t delete_retention_ms);
bool kafka_client_compacts(const struct kafka_client *client);
/* Before it begins: the topic is made with that setting, as soon as the brokers take it. */
void kafka_client_set(struct kafka_client *client, const char *name, const char *value);
/* Before it begins: records have keys, also where the topic is not compacted. */
void kafka_client_give_keys(struct kafka_client *client);
/* Of the key of a record (history_key); -1: it has none. */
int32_t kafka_client_key_len(const struct kafka_client *client);
struct env *kafka_client_env(struct kafka_client *client);
struct run *kafka_client_run(struct kafka_client *client);
const char *kafka_client_topic(const struct kafka_client *client);
/* All zeros: not known, and kafka_client_version keeps to versions that do without. */
struct kp_uuid kafka_client_topic_id(const struct kafka_client *client);
unsigned kafka_client_brokers(const struct kafka_client *client);
/* True when the topic is known to have all its partitions. */
bool kafka_client_ready(const struct kafka_client *client);
struct known_leader kafka_client_leader(const struct kafka_client *client, int32_t partition);
/* Asks soon for new metadata, once for all that want it. */
void kafka_client_refresh(struct kafka_client *client);
/* Node -1: any. */
struct kafka_link *kafka_client_link(struct kafka_client *client, int32_t node);
/* Some broker to ask what any could answer: none that has left a question without an answer of
 * late, but where all have. */
int32_t kafka_client_some(struct kafka_client *client);
/* Whether that broker has answered such a question. */
void kafka_client_note(struct kafka_client *client, int32_t node, bool answered);
/* A version of that API, at random from `least` up. */
int kafka_client_version(struct kafka_client *client, enum kp_api_key key, int least);

#endif
