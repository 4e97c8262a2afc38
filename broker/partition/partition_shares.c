/*
 * The share-partitions of a partition as an applier: groups that share it, and what has become of
 * its records for each of them (broker/share/shares.h). Its commands are the leader's decisions.
 *
 * Invariants: commands are submitted by a leader alone, and end with its lead. They wait where the
 * disk has as little room as followers keep: producers are refused before, and groups do not begin
 * (partition_room_for_share), so what there is can still be read and acknowledged, by the groups
 * that are there, and each record only as often as it may be delivered.
 */
#include "broker/partition/partition_internal.h"

enum { SHARE_BEGIN_MOST = 1024 }; /* bytes that the command of one takes in the log, about */

static int submit(void *arg, struct slice *command) {
    struct partition *partition = arg;
    struct entry_spec spec = {
        .type = ENTRY_COMMAND,
        .max_timestamp = -1,
        .base_offset = partition_log_end_offset(raft_group_log(partition->group)),
        .raw = *command};
    log_index index;
    if (!partition->leading) return ERR_NOT_LEADER;
    if (!disk_space_for(log_store_room(shard_store(partition->shard)), DISK_ROOM_FOLLOWER,
                        command->len))
        return ERR_NO_SPACE;
    int error = raft_group_submit(partition->group, &spec, &index);
    /* Commands alone have filled it: append_queue_fill. */
    if (error == ERR_NONE && partition_log_lacks_record(raft_group_log(partition->group)))
        env_defer(partition->env, &partition->flush);
    return error;
}

static kafka_offset end(void *arg) {
    return ((const struct partition *)arg)->high_watermark;
}

static void letters(void *arg) {
    const struct partition *partition = arg;
    if (partition->carrier != NULL && partition->carrier->look != NULL)
        partition->carrier->look(partition->carrier->arg, raft_group_id(partition->group));
}

bool partition_room_for_share(const struct partition *partition) {
    struct disk_space *disk = log_store_room(shard_store(partition->shard));
    return disk_space_for(disk, DISK_ROOM_LEADER, partition->queue.bytes + SHARE_BEGIN_MOST);
}

int64_t partition_message_ttl_ms(const struct partition *partition) {
    return partition->settings.message_ttl_ms;
}

struct shares *partition_shares(struct partition *partition) {
    return partition->shares;
}

static int command(void *state, const uint8_t *bytes, size_t len, kafka_offset end_offset) {
    struct partition *partition = state;
    size_t count = shares_count(partition->shares);
    (void)end_offset;
    int error = shares_apply(partition->shares, bytes, len);
    if (shares_count(partition->shares) > count) partition->share_began = true;
    return error;
}

static void leading(void *state) {
    shares_leading(((struct partition *)state)->shares);
}

static void lost(void *state) {
    shares_lost(((struct partition *)state)->shares);
}

static bool encode(void *state, void **walk, struct snapshot_bytes *into) {
    if (*walk == NULL) *walk = shares_walk_new(((struct partition *)state)->shares);
    return shares_walk_step(*walk, into);
}

static void encode_rest(void *state, void *walk, struct snapshot_bytes *into) {
    (void)state;
    shares_walk_rest(walk, into);
}

static void encode_stop(void *state, void *walk) {
    (void)state;
    shares_walk_stop(walk);
}

static int restore(void *state, const uint8_t *bytes, size_t len, size_t *took) {
    return shares_decode(((struct partition *)state)->shares, bytes, len, took);
}

static void reset(void *state) {
    shares_reset(((struct partition *)state)->shares);
}

static void drop(void *state) {
    shares_free(((struct partition *)state)->shares);
}

static const struct applier_type type = {.mark = 0x52414853, /* "SHAR" */
                                         .version = 1,
                                         .numbered_only = true,
                                         .command_kind = SHARE_COMMAND,
                                         .command = command,
                                         .leading = leading,
                                         .lost = lost,
                                         .encode = encode,
                                         .encode_rest = encode_rest,
                                         .encode_stop = encode_stop,
                                         .restore = restore,
                                         .reset = reset,
                                         .free = drop};

struct applier share_applier(struct partition *partition) {
    struct shares_options options = {.env = partition->env,
                                     .submit = submit,
                                     .arg = partition,
                                     .end = end,
                                     .letters = letters,
                                     .book = &partition->counts->shares};
    partition->shares = shares_new(&options);
    return (struct applier){.type = &type, .state = partition};
}
