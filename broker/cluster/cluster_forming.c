/*
 * Judging hellos and forming the cluster; the states are drawn in cluster_forming.h.
 *
 * What a hello can mean, by who has a record:
 *   we no,  they no    lists must be equal; heard; when all are heard, the record is made
 *   we no,  they yes   it names us: we take it. It does not: our directory is not of this cluster,
 *                      we end
 *   we yes, they no    it names them: let in, they take it. It does not: refused (an empty or
 *                      foreign directory)
 *   we yes, they yes   the same: let in. Another one: refused, another cluster
 */
#include "broker/cluster/cluster_forming.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
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
    if (forming->state != FORMING_WAITING) return;
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

/* The sentence for a directory that the record does not name; the same on both sides. */
static int directory_unknown(int32_t node, struct error_text *why) {
    return error_set(
        why, ERR_DENIED,
        "broker %" PRId32
        " was a broker of this cluster with another data directory, and this one does not hold what "
        "that one promised; it takes no part, and the other brokers go on without it. Give it its own directory "
        "back (data.dir); an empty one cannot take its place",
        node);
}

static int formed_without(int32_t node, struct error_text *why) {
    return error_set(
        why, ERR_DENIED,
        "the cluster was formed without broker %" PRId32
        "; its brokers go on without it. Correct that broker's node.id or cluster.nodes",
        node);
}

static int other_cluster(const struct cluster_forming *forming, const struct peer_hello *hello,
                         const char *their_id, struct error_text *why) {
    return error_set(why, ERR_INVALID,
                     "broker %" PRId32 " belongs to cluster %s and broker %" PRId32
                     " to another one; correct cluster.nodes or data.dir of the one that is wrong",
                     hello->node, their_id, forming->settings->node_id);
}

/* The ids in a list, as far as they are written like ids; for lists of formed clusters, whose
 * addresses may change one by one. */
static size_t ids_of(const char *list, int32_t *ids, size_t room) {
    size_t count = 0;
    while (*list != '\0' && *list != ' ' && count < room) {
        char *end;
        long id = strtol(list, &end, 10);
        if (end == list || *end != '@') break;
        ids[count++] = (int32_t)id;
        list = end + strcspn(end, ", ");
        if (*list == ',') list++;
    }
    return count;
}

static bool lists_agree(const struct cluster_forming *forming, const struct peer_hello *hello,
                        bool formed) {
    if (!formed) return strcmp(hello->nodes, forming->list) == 0;
    int32_t ours[BROKER_NODES_MAX + 1], theirs[BROKER_NODES_MAX + 1];
    size_t our_count = ids_of(forming->list, ours, BROKER_NODES_MAX + 1);
    size_t their_count = ids_of(hello->nodes, theirs, BROKER_NODES_MAX + 1);
    return our_count == their_count && memcmp(ours, theirs, our_count * sizeof ours[0]) == 0;
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
static int meet_record(struct cluster_forming *forming, const struct cluster_record *record,
                       struct error_text *why) {
    if (cluster_record_names(record, forming->settings->node_id, forming->directory) ||
        MUTANT(MUTANT_WIPED_REPLICA_VOTES)) {
        forming_finish(forming, record);
        return ERR_NONE;
    }
    if (cluster_record_replica(record, forming->settings->node_id) != 0)
        directory_unknown(forming->settings->node_id, &forming->refusal);
    else
        formed_without(forming->settings->node_id, &forming->refusal);
    forming->state = FORMING_REFUSED;
    *why = forming->refusal;
    return ERR_INVALID;
}

/* We have a record, they have none. */
static int judge_newcomer(struct cluster_forming *forming, const struct peer_hello *hello,
                          struct error_text *why) {
    if (cluster_record_names(&forming->record, hello->node, hello->directory) ||
        MUTANT(MUTANT_WIPED_REPLICA_VOTES))
        return ERR_NONE;
    forming->directories_refused++;
    return cluster_record_replica(&forming->record, hello->node) != 0
               ? directory_unknown(hello->node, why)
               : formed_without(hello->node, why);
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
    if (formed && !they_formed) {
        int error = judge_newcomer(forming, hello, refusal);
        if (error != ERR_NONE) return error;
    }
    if (place_of(forming, hello->node) == forming->settings->node_count ||
        !lists_agree(forming, hello, formed || they_formed))
        return lists_differ(forming, hello, refusal);
    if (!formed && they_formed) return meet_record(forming, &theirs, refusal);
    if (!formed && !they_formed) return judge_unformed_pair(forming, hello, refusal);
    return ERR_NONE;
}

void cluster_forming_refused(struct cluster_forming *forming, const char *sentence) {
    if (forming->state != FORMING_WAITING) return;
    error_set(&forming->refusal, ERR_DENIED, "%s", sentence);
    forming->state = FORMING_REFUSED;
}

void cluster_forming_heard_record(struct cluster_forming *forming, const void *data, size_t len) {
    struct cluster_record record;
    struct error_text why;
    if (forming->state != FORMING_WAITING || cluster_record_decode(data, len, &record) != ERR_NONE)
        return;
    meet_record(forming, &record, &why);
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
