/*
 * The cluster as one broker tells it: brokers, controller, topics, partitions; what the commands
 * show and decide by.
 */
#ifndef CLIENT_KAFKA_CLUSTER_VIEW_H
#define CLIENT_KAFKA_CLUSTER_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "client/kafka/admin_client.h"
#include "protocol/messages/metadata.h"

enum cluster_state {
    CLUSTER_SILENT,  /* no broker answers */
    CLUSTER_ANSWERS, /* one does, but it knows no metadata leader, or not of as many brokers as
                        wanted */
    CLUSTER_USABLE   /* topics can be created */
};
/* A short try, without a word. `brokers`: how many the cluster must list to be usable. */
enum cluster_state cluster_state(const char *bootstrap, int brokers);

/* As cluster_metadata below, but without a word: ERR_* of admin_request, with the sentence in
 * `why`. */
int cluster_ask(struct admin_client *admin, struct kp_arena *arena, const char *topic,
                struct kp_metadata_response *response, struct error_text *why);

/* The same for several topics; those that do not exist have an error of their own. */
int cluster_ask_topics(struct admin_client *admin, struct kp_arena *arena, char *const *topics,
                       size_t count, struct kp_metadata_response *response, struct error_text *why);

/* Metadata of all topics (`topic` NULL) or of one, never creating it. The answer lives in the
 * arena. On failure the sentence was said and an exit code is returned; 0 otherwise. */
int cluster_metadata(struct admin_client *admin, struct kp_arena *arena, const char *topic,
                     struct kp_metadata_response *response);

/* What a topic is wanted for: one that is missing is advised to be made, but not in order to be
 * changed or deleted. */
enum cluster_topic_use { TOPIC_TO_USE, TOPIC_TO_CHANGE };

/* The same for a topic that must exist: EXIT_REFUSED with the nearest name, and the create command
 * where it helps, if it does not. */
int cluster_topic(struct admin_client *admin, struct kp_arena *arena, const char *topic,
                  enum cluster_topic_use use, struct kp_metadata_response *response,
                  const struct kp_metadata_response_topic **found);

/* Says that it does not exist; EXIT_REFUSED. */
int cluster_topic_missing(struct admin_client *admin, struct kp_arena *arena, const char *topic,
                          enum cluster_topic_use use);

/* The number of partitions of a topic that must exist, asked over connections of its own. `only`
 * must be one of them; -1: whichever. */
int cluster_partitions(const struct invocation *in, const char *topic, int32_t only,
                       int32_t *count);

/* Says that the topic, which has `count` partitions, has no partition `wanted`; EXIT_REFUSED. */
int cluster_no_such_partition(const char *topic, int32_t count, int32_t wanted);

/* The broker's address in the answer; NULL: not listed. */
const struct kp_metadata_response_broker *cluster_broker(
    const struct kp_metadata_response *response, int32_t node);

/* Of replica_nodes and isr_nodes. */
bool cluster_has_node(const int32_t *nodes, int32_t count, int32_t node);

/* What the answer says of a topic, and of its partition (`topic` NULL: NULL); NULL: not listed. */
const struct kp_metadata_response_topic *cluster_find_topic(
    const struct kp_metadata_response *metadata, const char *name);
const struct kp_metadata_response_partition *cluster_find_partition(
    const struct kp_metadata_response_topic *topic, int32_t partition);

/* Says why a partition does not move and what helps ("2 of 3 replicas are down: brokers 2, 3; start
 * 1 of them"), into `text`; empty when nothing is wrong with it. */
void cluster_partition_trouble(const struct kp_metadata_response *response,
                               const struct kp_metadata_response_partition *partition, char *text,
                               size_t room);

/* "topic": a field of text as a terminated copy in the arena; "" for null. */
const char *cluster_text(struct kp_arena *arena, struct kp_string string);

/* ---- The metadata tree ---- */

enum { DRAIN_TEXT = 160 };

/* Those that the cluster knows, each as /brokers/ids/<id> tells it; `brokers`, an array, gets them
 * by id. ERR_* of admin_request, with the sentence in `why`. */
int cluster_brokers_ask(struct admin_client *admin, struct kp_arena *arena, json_t *brokers,
                        struct error_text *why);
/* What is left of a broker that is drained: "3 replicas and its vote on the metadata are left,
 * about 12 s"; false: it is not. */
bool cluster_drain_text(const json_t *broker, char text[DRAIN_TEXT]);

#endif
