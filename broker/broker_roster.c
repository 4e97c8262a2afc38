/*
 * Who belongs to the cluster, as the metadata says it: who is let in, who is dialled, who is told
 * that it was admitted.
 *
 * Happy path: behind each batch of applied commands that changed the roster, group 0 gets its
 * members and every broker of it is a peer. Where cluster.nodes has a broker, the address there
 * counts: whoever writes it knows where that broker went before it could say so itself. Failures:
 * an address that does not answer is dialled again for ever. One that was removed is a peer no
 * more. One that was replaced, or given up, is cut off, so that its hello is judged anew; when it
 * is ourselves we end: another directory has our id, or what we have of the metadata is not what
 * the others go by.
 *
 * Replica ids of group 0 are given in the order of its commands. So who says that it has one which
 * our table has not given yet knows a newer table. While nobody whom we know leads the metadata, it
 * is let in, and its messages of group 0 are heard: it may be the one from whom we are to get that
 * table. Else the table comes by itself, and no word is taken; but nobody is told either that he
 * belongs here no more, for he would end: the row that we have is one before his. Nor does
 * anybody hear it from one that was given up and knows more than was known when that was done: the
 * ids behind that were given once more, to those that it meets.
 */
#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "base/mutant.h"
#include "broker/broker_internal.h"
#include "broker/metadata/metadata_roster.h"
#include "storage/little_endian.h"

static enum forming_standing standing_of(void *arg, int32_t node,
                                         const uint8_t directory[CLUSTER_UUID_SIZE],
                                         replica_id replica) {
    const struct broker *broker = arg;
    const struct roster_broker *row = metadata_roster_of(broker->metadata, node);
    bool led = broker->metadata_group != NULL && metadata_group_leader(broker->metadata_group) >= 0;
    if (row != NULL && (memcmp(row->directory, directory, METADATA_UUID_SIZE) == 0 ||
                        MUTANT(MUTANT_RETURNED_LET_IN)))
        return row->given_up ? FORMING_GIVEN_UP : FORMING_BELONGS;
    if (row == NULL && metadata_roster_is_retired(broker->metadata, node)) return FORMING_REMOVED;
    if (replica >= metadata_next_replica(broker->metadata))
        return led ? FORMING_LATER : FORMING_AHEAD;
    if (metadata_roster_is_of_another_past(broker->metadata, directory, replica))
        return FORMING_LATER;
    return row == NULL ? FORMING_UNKNOWN : FORMING_OTHER_DIRECTORY;
}

void broker_open_roster(struct broker *broker) {
    metadata_roster_begin(broker->metadata, &broker->record);
    cluster_forming_follow(broker->forming, standing_of, broker);
    broker->roster_changed = true;
}

void broker_roster_changed(struct broker *broker) {
    broker->roster_changed = true;
}

static bool is_in_file(const struct broker *broker, int32_t node) {
    for (size_t i = 0; i < broker->settings->node_count; i++)
        if (broker->settings->nodes[i].node == node) return true;
    return false;
}

static void dial(struct broker *broker, const struct roster_broker *row) {
    bool told = row->host[0] != '\0' && row->port > 0 && row->port <= UINT16_MAX;
    if (told && !is_in_file(broker, row->node))
        peers_add(shard_peers(broker->shard), row->node, row->host, row->port);
}

static void let_go(struct broker *broker, int32_t node) {
    if (node == broker->settings->node_id)
        log_event(&broker->log, LOGGED_REMOVED_FROM_CLUSTER,
                  "this broker was removed from the cluster; stop it");
    else
        peers_remove(shard_peers(broker->shard), node, "it was removed from the cluster");
}

/* Against what it was when the roster was followed last. */
static void follow_former(struct broker *broker, const struct cluster_node *former) {
    const struct roster_broker *row = metadata_roster_of(broker->metadata, former->node);
    if (row == NULL)
        let_go(broker, former->node);
    else if (row->node != broker->settings->node_id && row->given_up)
        peers_break(shard_peers(broker->shard), row->node, "the metadata goes on without it");
    else if (row->node != broker->settings->node_id &&
             memcmp(row->directory, former->directory, METADATA_UUID_SIZE) != 0)
        peers_break(shard_peers(broker->shard), row->node,
                    "another data directory has taken its place");
}

/* Whatever the others go by, it is not what this directory has. */
static void end_if_given_up(struct broker *broker) {
    const struct roster_broker *own = metadata_roster_of(broker->metadata,
                                                         broker->settings->node_id);
    if (own == NULL) return;
    if (metadata_roster_is_retired_directory(broker->metadata, data_dir_uuid(broker->dir)))
        env_fatal(broker->env,
                  "another data directory has taken the place of this one as broker %" PRId32
                  ", for good; leave this one stopped",
                  own->node);
    if (own->given_up &&
        memcmp(own->directory, data_dir_uuid(broker->dir), METADATA_UUID_SIZE) == 0)
        env_fatal(
            broker->env,
            "the metadata goes on without this broker (drave recover); keep this data directory "
            "aside, start it with an empty data.dir, and then: drave broker replace %" PRId32,
            own->node);
}

bool broker_is_in_roster(const struct broker *broker) {
    const struct roster_broker *row = metadata_roster_of(broker->metadata,
                                                         broker->settings->node_id);
    return (row != NULL &&
            memcmp(row->directory, data_dir_uuid(broker->dir), METADATA_UUID_SIZE) == 0) ||
           MUTANT(MUTANT_WIPED_REPLICA_VOTES) || MUTANT(MUTANT_REPLACED_OPENS_EARLY);
}

void broker_follow_roster(struct broker *broker) {
    if (!broker->roster_changed) return;
    broker->roster_changed = false;
    end_if_given_up(broker);
    size_t count = metadata_roster_count(broker->metadata);
    struct cluster_node *follows = mem_alloc((count + 1) * sizeof *follows);
    int32_t nodes[ROSTER_MAX];
    for (size_t i = 0; i < count; i++) {
        const struct roster_broker *row = metadata_roster_at(broker->metadata, i);
        nodes[i] = follows[i].node = row->node;
        memcpy(follows[i].directory, row->directory, METADATA_UUID_SIZE);
        applicants_forget(&broker->applicants, row->directory);
        dial(broker, row);
    }
    if (shard_is_asking(broker->shard)) peers_knock(shard_peers(broker->shard));
    for (size_t i = 0; i < broker->follows_count; i++)
        follow_former(broker, &broker->follows[i]);
    metadata_group_follow_roster(broker->metadata_group);
    isolation_set_brokers(broker->isolation, nodes, count);
    mem_free(broker->follows);
    broker->follows = follows;
    broker->follows_count = count;
    drains_look(broker->drains);
    metadata_servers_look(broker->metadata_servers);
}

void broker_tell_admitted(struct broker *broker, int32_t node) {
    if (broker->metadata == NULL || broker->closed) return;
    const struct roster_broker *row = metadata_roster_of(broker->metadata, node);
    if (row == NULL || row->replica <= broker->record.node_count) return;
    uint8_t bytes[8 + CLUSTER_RECORD_MAX];
    struct cluster_record beginning = broker->record;
    beginning.joined_replica = 0;
    le_put_u64(bytes, row->replica);
    size_t len = 8 + cluster_record_encode(&beginning, bytes + 8);
    broker_messages_send(broker->messages, node, BROKER_MESSAGE_ADMITTED,
                         slice_copy(NULL, bytes, len));
}

void broker_heard_admitted(struct broker *broker, const struct slice *payload) {
    if (payload->len < 8) return;
    cluster_forming_admitted(broker->forming, payload->data + 8, payload->len - 8,
                             le_get_u64(payload->data));
    env_defer(broker->env, &broker->forming_task);
}

void broker_introduce(struct broker *broker, int32_t node) {
    if (broker->record.joined_replica == 0 || broker->closed) return;
    uint8_t bytes[CLUSTER_RECORD_MAX];
    size_t len = cluster_record_encode(&broker->record, bytes);
    broker_messages_send(broker->messages, node, BROKER_MESSAGE_RECORD,
                         slice_copy(NULL, bytes, len));
}

static void drop_early(struct broker *broker, size_t i) {
    slice_unref(&broker->early[i].payload);
    for (broker->early_count--; i < broker->early_count; i++)
        broker->early[i] = broker->early[i + 1];
}

/* The newest of each broker; of too many the first one goes. */
static void keep_early(struct broker *broker, int32_t node, const struct slice *payload) {
    if (payload->len > CLUSTER_RECORD_MAX || broker->closed) return;
    for (size_t i = 0; i < broker->early_count; i++)
        if (broker->early[i].node == node) drop_early(broker, i);
    if (broker->early_count == EARLY_RECORDS_MAX) drop_early(broker, 0);
    broker->early[broker->early_count++] = (struct early_record){
        node, slice_copy(NULL, payload->data, payload->len)};
}

void broker_forget_early_records(struct broker *broker) {
    while (broker->early_count > 0)
        drop_early(broker, broker->early_count - 1);
}

void broker_hear_early_records(struct broker *broker) {
    for (size_t i = 0; i < broker->early_count; i++)
        broker_heard_record(broker, broker->early[i].node, &broker->early[i].payload);
    broker_forget_early_records(broker);
}

void broker_heard_record(struct broker *broker, int32_t node, const struct slice *payload) {
    struct cluster_record record;
    if (broker->metadata_group == NULL) {
        keep_early(broker, node, payload);
        return;
    }
    if (cluster_record_decode(payload->data, payload->len, &record) != ERR_NONE ||
        strcmp(record.id, broker->record.id) != 0 || record.joined_replica == 0 ||
        record.joined.node != node)
        return;
    metadata_group_hear_of(broker->metadata_group, record.joined_replica, node);
}
