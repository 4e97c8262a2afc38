/*
 * Judging hellos and forming the cluster; the states are drawn in cluster_forming.h.
 *
 * What a hello can mean, by who has a record:
 *   we no,  they no    lists must be equal; heard; when all are heard, the record is made
 *   we no,  they yes   it names us: we take it. It has our id with another directory, or does not
 *                      have us: we wait until they say that we take its place, or are admitted. It
 *                      is not of our list: refused, since anybody can send a record
 *   we yes, they no    they belong to the cluster: let in, and told. They do not: refused (one that
 *                      nobody has admitted yet, or an empty one under an id that another has)
 *   we yes, they yes   the same, and they belong to it, or came later than we know: let in. Another
 *                      one: refused, another cluster
 */
#include "broker/cluster/cluster_forming.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/mutant.h"

struct cluster_forming {
    const struct broker_settings *settings;
    uint8_t directory[CLUSTER_UUID_SIZE];
    char list[FORMING_LIST_MAX];
    enum forming_state state;
    struct cluster_record record;
    struct error_text refusal;
    uint64_t directories_refused;
    struct cluster_record outside; /* of the cluster that does not have us; node_count 0: none */
    enum forming_standing (*standing)(void *arg, int32_t node,
                                      const uint8_t directory[CLUSTER_UUID_SIZE],
                                      replica_id replica);
    void *standing_arg;
    struct heard {
        bool heard;
        uint8_t directory[CLUSTER_UUID_SIZE];
    } heard[BROKER_NODES_MAX]; /* beside settings->nodes */
};

void cluster_forming_list(const struct broker_settings *settings, char into[FORMING_LIST_MAX]) {
    int wrote = snprintf(into, FORMING_LIST_MAX, "%s metadata.voters=%" PRIu32,
                         settings->nodes_text, settings->metadata_voters);
    CHECK(wrote > 0 && wrote < FORMING_LIST_MAX); /* cluster.nodes was read, and fits */
}

static void forming_finish(struct cluster_forming *forming, const struct cluster_record *record) {
    CHECK(forming->state == FORMING_WAITING); /* whoever calls has looked */
    forming->record = *record;
    forming->state = FORMING_DONE;
}

/* Makes the record if everybody was heard. */
static void form_if_all_heard(struct cluster_forming *forming) {
    const struct broker_settings *settings = forming->settings;
    struct cluster_node nodes[BROKER_NODES_MAX];
    if (forming->state != FORMING_WAITING || cluster_forming_is_outside(forming)) return;
    for (size_t i = 0; i < settings->node_count; i++) {
        bool own = settings->nodes[i].node == settings->node_id;
        if (!own && !forming->heard[i].heard) return;
        nodes[i].node = settings->nodes[i].node;
        memcpy(nodes[i].directory, own ? forming->directory : forming->heard[i].directory,
               CLUSTER_UUID_SIZE);
    }
    struct cluster_record record;
    cluster_record_make(&record, nodes, settings->node_count, settings->metadata_voters);
    forming_finish(forming, &record);
}

struct cluster_forming *cluster_forming_new(const struct broker_settings *settings,
                                            const uint8_t directory[CLUSTER_UUID_SIZE],
                                            const struct cluster_record *record) {
    struct cluster_forming *forming = mem_zalloc(sizeof *forming);
    forming->settings = settings;
    memcpy(forming->directory, directory, CLUSTER_UUID_SIZE);
    cluster_forming_list(settings, forming->list);
    if (record != NULL)
        forming_finish(forming, record);
    else
        form_if_all_heard(forming);
    return forming;
}

void cluster_forming_free(struct cluster_forming *forming) {
    mem_free(forming);
}

/* ---- Judging ---- */

static size_t place_of(const struct cluster_forming *forming, int32_t node) {
    size_t place = 0;
    while (place < forming->settings->node_count && forming->settings->nodes[place].node != node)
        place++;
    return place;
}

/* An empty one under an id that is taken. */
static int directory_unknown(int32_t node, struct error_text *why) {
    return error_set(
        why, ERR_NOT_FOUND,
        "broker %" PRId32
        " is a broker of this cluster with another data directory, and this one does not hold what "
        "that one promised; it takes no part, and the other brokers go on without it. Give it its own directory "
        "back (data.dir), or if that is lost: drave broker replace %" PRId32,
        node, node);
}

static int was_replaced(int32_t node, struct error_text *why) {
    return error_set(why, ERR_DENIED,
                     "broker %" PRId32
                     " is a broker of this cluster with another data directory, which took the "
                     "place of this one for good; stop it, and leave the id to the other one",
                     node);
}

static int was_removed(int32_t node, struct error_text *why) {
    return error_set(why, ERR_DENIED,
                     "broker %" PRId32
                     " was removed from the cluster and never comes back; stop it, and give a new "
                     "broker an empty data.dir and another node.id",
                     node);
}

static int was_given_up(int32_t node, struct error_text *why) {
    return error_set(
        why, ERR_DENIED,
        "broker %" PRId32
        " was given up while it was away (drave recover): the metadata goes on without "
        "what it has of it. Stop it, keep its data directory aside, start it with an "
        "empty data.dir, and then: drave broker replace %" PRId32,
        node, node);
}

static int not_admitted(int32_t node, struct error_text *why) {
    return error_set(why, ERR_NOT_FOUND,
                     "broker %" PRId32 " is not admitted yet: drave broker add %" PRId32, node,
                     node);
}

/* Without a cluster of our own we believe those whom our list names, and nobody else. */
static int not_listed(const struct cluster_forming *forming, const struct peer_hello *hello,
                      struct error_text *why) {
    return error_set(why, ERR_INVALID,
                     "broker %" PRId32 " is not in the cluster.nodes of broker %" PRId32
                     ", which belongs to no cluster yet",
                     hello->node, forming->settings->node_id);
}

/* It belongs to the cluster by its own word, and our metadata is behind. */
static int not_known(const struct cluster_forming *forming, const struct peer_hello *hello,
                     struct error_text *why) {
    return error_set(why, ERR_INVALID,
                     "broker %" PRId32 " has not heard of broker %" PRId32
                     " yet; it reads on in the metadata, and this is tried again",
                     forming->settings->node_id, hello->node);
}

static int other_cluster(const struct cluster_forming *forming, const struct peer_hello *hello,
                         const char *their_id, struct error_text *why) {
    return error_set(why, ERR_INVALID,
                     "broker %" PRId32 " belongs to cluster %s and broker %" PRId32
                     " to another one; correct cluster.nodes or data.dir of the one that is wrong",
                     hello->node, their_id, forming->settings->node_id);
}

static int lists_differ(const struct cluster_forming *forming, const struct peer_hello *hello,
                        struct error_text *why) {
    return error_set(why, ERR_INVALID,
                     "cluster.nodes differ: broker %" PRId32 " has %.300s, and broker %" PRId32
                     " another list; make them equal on every broker",
                     hello->node, hello->nodes, forming->settings->node_id);
}

static int judge_unformed_pair(struct cluster_forming *forming, const struct peer_hello *hello,
                               struct error_text *why) {
    size_t place = place_of(forming, hello->node);
    const uint8_t *same_as = memcmp(hello->directory, forming->directory, CLUSTER_UUID_SIZE) == 0
                                 ? forming->directory
                                 : NULL;
    for (size_t i = 0; i < forming->settings->node_count; i++)
        if (i != place && forming->heard[i].heard &&
            memcmp(forming->heard[i].directory, hello->directory, CLUSTER_UUID_SIZE) == 0)
            same_as = forming->heard[i].directory;
    if (same_as != NULL)
        return error_set(
            why, ERR_INVALID,
            "broker %" PRId32
            " has a copy of the data directory of another broker; give it an empty data.dir",
            hello->node);
    forming->heard[place].heard = true;
    memcpy(forming->heard[place].directory, hello->directory, CLUSTER_UUID_SIZE);
    form_if_all_heard(forming);
    return ERR_NONE;
}

/* We have no record and heard of one. */
static int meet_record(struct cluster_forming *forming, const struct cluster_record *record) {
    if (cluster_record_names(record, forming->settings->node_id, forming->directory) ||
        MUTANT(MUTANT_WIPED_REPLICA_VOTES)) {
        forming_finish(forming, record);
        return ERR_NONE;
    }
    forming->outside = *record;
    forming->outside.joined_replica = 0; /* that is another newcomer */
    return ERR_NONE;
}

static enum forming_standing standing_of(const struct cluster_forming *forming,
                                         const struct peer_hello *hello, replica_id replica) {
    if (MUTANT(MUTANT_WIPED_REPLICA_VOTES)) return FORMING_BELONGS;
    if (forming->standing != NULL)
        return forming->standing(forming->standing_arg, hello->node, hello->directory, replica);
    if (cluster_record_names(&forming->record, hello->node, hello->directory))
        return FORMING_BELONGS;
    return cluster_record_replica(&forming->record, hello->node) != 0 ? FORMING_OTHER_DIRECTORY
                                                                      : FORMING_UNKNOWN;
}

/* We have a record, and theirs is none, or the same. */
static int judge_standing(struct cluster_forming *forming, const struct peer_hello *hello,
                          replica_id replica, struct error_text *why) {
    switch (standing_of(forming, hello, replica)) {
    case FORMING_BELONGS:
    case FORMING_AHEAD: return ERR_NONE;
    case FORMING_LATER: return not_known(forming, hello, why);
    case FORMING_UNKNOWN:
        return hello->record_len == 0 ? not_admitted(hello->node, why)
                                      : not_known(forming, hello, why);
    case FORMING_REMOVED: return was_removed(hello->node, why);
    case FORMING_GIVEN_UP: forming->directories_refused++; return was_given_up(hello->node, why);
    case FORMING_OTHER_DIRECTORY: break;
    }
    if (hello->record_len == 0) return directory_unknown(hello->node, why);
    forming->directories_refused++;
    return was_replaced(hello->node, why);
}

int cluster_forming_judge(struct cluster_forming *forming, const struct peer_hello *hello,
                          struct error_text *refusal) {
    struct cluster_record theirs;
    bool formed = forming->state == FORMING_DONE, they_formed = hello->record_len > 0;
    if (forming->state == FORMING_REFUSED) {
        *refusal = forming->refusal;
        return ERR_INVALID;
    }
    if (they_formed &&
        (cluster_record_decode(hello->record, hello->record_len, &theirs) != ERR_NONE ||
         (!cluster_record_names(&theirs, hello->node, hello->directory) &&
          !MUTANT(MUTANT_WIPED_REPLICA_VOTES))))
        return error_set(refusal, ERR_INVALID,
                         "the cluster record of broker %" PRId32
                         " makes no sense (its own directory is not in it); its data "
                         "directory may be a copy of another broker's",
                         hello->node);
    if (formed && they_formed && strcmp(theirs.id, forming->record.id) != 0)
        return other_cluster(forming, hello, theirs.id, refusal);
    if (formed)
        return judge_standing(forming, hello, they_formed ? theirs.joined_replica : 0, refusal);
    bool listed = place_of(forming, hello->node) < forming->settings->node_count;
    if (they_formed)
        return listed ? meet_record(forming, &theirs) : not_listed(forming, hello, refusal);
    if (!listed || strcmp(hello->nodes, forming->list) != 0)
        return lists_differ(forming, hello, refusal);
    return judge_unformed_pair(forming, hello, refusal);
}

void cluster_forming_follow(struct cluster_forming *forming,
                            enum forming_standing (*standing)(
                                void *arg, int32_t node, const uint8_t directory[CLUSTER_UUID_SIZE],
                                replica_id replica),
                            void *arg) {
    forming->standing = standing;
    forming->standing_arg = arg;
}

void cluster_forming_admitted(struct cluster_forming *forming, const void *data, size_t len,
                              replica_id replica) {
    struct cluster_record record;
    if (forming->state != FORMING_WAITING || !cluster_forming_is_outside(forming) ||
        cluster_record_decode(data, len, &record) != ERR_NONE ||
        strcmp(record.id, forming->outside.id) != 0 || replica <= record.node_count)
        return;
    struct cluster_node own = {.node = forming->settings->node_id};
    memcpy(own.directory, forming->directory, CLUSTER_UUID_SIZE);
    cluster_record_join(&forming->outside, &own, replica);
    forming_finish(forming, &forming->outside);
}

bool cluster_forming_is_outside(const struct cluster_forming *forming) {
    return forming->state == FORMING_WAITING && forming->outside.node_count > 0;
}

bool cluster_forming_would_replace(const struct cluster_forming *forming) {
    return cluster_forming_is_outside(forming) &&
           cluster_record_replica(&forming->outside, forming->settings->node_id) != 0;
}

void cluster_forming_refused(struct cluster_forming *forming, const char *sentence) {
    if (forming->state == FORMING_REFUSED) return;
    error_set(&forming->refusal, ERR_DENIED, "%s", sentence);
    forming->state = FORMING_REFUSED;
}

void cluster_forming_heard_record(struct cluster_forming *forming, const void *data, size_t len) {
    struct cluster_record record;
    if (forming->state != FORMING_WAITING || cluster_record_decode(data, len, &record) != ERR_NONE)
        return;
    meet_record(forming, &record);
}

/* ---- What has come of it ---- */

enum forming_state cluster_forming_state(const struct cluster_forming *forming) {
    return forming->state;
}

const struct cluster_record *cluster_forming_record(const struct cluster_forming *forming) {
    return forming->state == FORMING_DONE ? &forming->record : NULL;
}

const char *cluster_forming_refusal(const struct cluster_forming *forming) {
    return forming->refusal.text;
}

uint64_t cluster_forming_directories_refused(const struct cluster_forming *forming) {
    return forming->directories_refused;
}

void cluster_forming_waits_for(const struct cluster_forming *forming, char *into, size_t size) {
    size_t used = 0;
    into[0] = '\0';
    for (size_t i = 0; i < forming->settings->node_count; i++) {
        const struct broker_node_address *node = &forming->settings->nodes[i];
        if (node->node == forming->settings->node_id || forming->heard[i].heard || used >= size)
            continue;
        char address[HOST_PORT_TEXT];
        int wrote = snprintf(into + used, size - used, "%s%" PRId32 " (%s)", used == 0 ? "" : ", ",
                             node->node, host_port_text(node->host, node->port, address));
        CHECK(wrote > 0); /* the format is ours */
        used += (size_t)wrote;
    }
}
