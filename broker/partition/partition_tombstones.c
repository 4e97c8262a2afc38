/*
 * Tombstones of a compacted partition: how far they may go, and the leader's command that says so
 * (tombstone_marks.h). Who is how clean is asked by broker/cleaner/tombstone_marking.h.
 *
 * Happy path: wanted -> all members asked -> marked -> applied by all -> delete.retention.ms later
 * each replica takes tombstones out at its next cleaning. Failures: a mark that cannot be submitted
 * is wanted again. Invariants: nothing goes that lies behind a mark, or where this replica itself
 * is not clean (one that joined later, say); a mark is not beyond what was committed before its
 * command.
 */
#include "base/mutant.h"
#include "broker/partition/partition_internal.h"
#include "storage/little_endian.h"
#include "storage/log/log_cleaning.h"

/* ---- How far ---- */

kafka_offset partition_clean_to(const struct partition *partition) {
    return log_clean_to(raft_group_log(partition->group));
}

kafka_offset partition_tombstones_below(const struct partition *partition) {
    kafka_offset clean_to = partition_clean_to(partition),
                 past = tombstone_marks_past(&partition->tombstones, env_wall_ms(partition->env),
                                             partition->settings.delete_retention_ms);
    if (MUTANT(MUTANT_TOMBSTONE_WITHOUT_MARK)) return clean_to;
    return past < clean_to ? past : clean_to;
}

kafka_offset partition_wants_mark(const struct partition *partition) {
    struct tombstone_mark last = tombstone_marks_last(&partition->tombstones);
    int64_t pause_ms = partition->settings.delete_retention_ms / TOMBSTONE_MARKS_STEPS,
            now_ms = env_wall_ms(partition->env);
    if (!partition->leading || !partition->settings.cleanup_compact) return 0;
    if (last.offset > 0 && now_ms - last.at_ms < pause_ms) return 0;
    kafka_offset clean_to = partition_clean_to(partition);
    return clean_to > last.offset && clean_to > partition->log_start ? clean_to : 0;
}

bool partition_members(const struct partition *partition, const struct raft_group_member **members,
                       size_t *count) {
    struct raft_group_configuration now;
    *members = partition->members;
    *count = partition->member_count;
    raft_group_configuration(partition->group, &now);
    for (size_t i = 0; i < now.count; i++) {
        size_t at = 0;
        while (at < *count && partition->members[at].replica != now.servers[i].replica)
            at++;
        if (at == *count) return false;
    }
    return true;
}

void partition_mark_tombstones(struct partition *partition, kafka_offset offset) {
    struct tombstone_mark mark = {.offset = offset, .at_ms = env_wall_ms(partition->env)};
    kafka_offset wanted = partition_wants_mark(partition);
    if (wanted < offset) return;
    struct entry_spec spec = {
        .type = ENTRY_COMMAND,
        .max_timestamp = -1,
        .base_offset = partition_log_end_offset(raft_group_log(partition->group)),
        .raw = tombstone_mark_encode(&mark)};
    log_index index;
    if (raft_group_submit(partition->group, &spec, &index) != ERR_NONE) slice_unref(&spec.raw);
}

/* ---- As an applier: equal on every replica that has applied the same entries ---- */

static int command(void *state, const uint8_t *bytes, size_t len, kafka_offset end_offset) {
    struct partition *partition = state;
    struct tombstone_mark mark;
    int error = tombstone_mark_decode(bytes, len, &mark);
    if (error != ERR_NONE) return error;
    if (mark.offset > end_offset) return ERR_MALFORMED;
    tombstone_marks_add(&partition->tombstones, mark);
    return ERR_NONE;
}

static bool encode(void *state, void **walk, struct snapshot_bytes *into) {
    const struct tombstone_marks *marks = &((const struct partition *)state)->tombstones;
    (void)walk;
    for (size_t i = 0; i < marks->count; i++) {
        uint8_t bytes[TOMBSTONE_MARK_SIZE];
        le_put_u64(bytes, (uint64_t)marks->marks[i].offset);
        le_put_u64(bytes + 8, (uint64_t)marks->marks[i].at_ms);
        snapshot_bytes_put(into, bytes, sizeof bytes);
    }
    return true;
}

static int restore(void *state, const uint8_t *bytes, size_t len, size_t *took) {
    struct partition *partition = state;
    *took = len;
    if (len % TOMBSTONE_MARK_SIZE != 0 || len / TOMBSTONE_MARK_SIZE > TOMBSTONE_MARKS_MAX)
        return ERR_MALFORMED;
    for (size_t at = 0; at < len; at += TOMBSTONE_MARK_SIZE) {
        struct tombstone_mark mark = {.offset = (int64_t)le_get_u64(bytes + at),
                                      .at_ms = (int64_t)le_get_u64(bytes + at + 8)};
        tombstone_marks_add(&partition->tombstones, mark);
    }
    return ERR_NONE;
}

static void reset(void *state) {
    struct partition *partition = state;
    partition->tombstones = (struct tombstone_marks){0};
}

static const struct applier_type type = {.mark = 0x424d4f54, /* "TOMB" */
                                         .version = 1,
                                         .numbered_only = true,
                                         .command_kind = TOMBSTONES_COMMAND,
                                         .command = command,
                                         .encode = encode,
                                         .restore = restore,
                                         .reset = reset};

struct applier tombstone_applier(struct partition *partition) {
    return (struct applier){.type = &type, .state = partition};
}
