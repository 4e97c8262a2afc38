/*
 * The partitions of this broker. See the header.
 *
 * What a partition here can be, by the command that made it and what this directory knows (bootstrap only in the first row):
 *   created above the durable mark, nothing stored     new here: bootstrapped
 *   created above the durable mark, something stored   a crash came between its first entry and the mark: opened as it is
 *   created at or below the mark, something stored     opened as it is
 *   created at or below the mark, nothing stored       lost: opened empty, never bootstrapped, brought up by its leader
 * The first two are one case for group_open, which bootstraps only an empty log.
 */
#include "broker/partition_set.h"

#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "broker/broker_settings.h"
#include "broker/topic_settings.h"
#include "storage/journal.h"

#include <uthash.h>

struct row {
    uint64_t group;
    struct partition_set *set;
    struct partition *partition; /* NULL: its log is damaged */
    struct group_member members[METADATA_REPLICAS_MAX];
    size_t member_count;
    UT_hash_handle hh;
};

/* A group whose files are here, or that waits to be opened or removed. */
struct noted {
    uint64_t group;
    UT_hash_handle hh;
};

struct partition_set {
    struct shard *shard;
    struct log *log;
    const struct broker_settings *settings;
    struct leader_table *leaders;
    struct check_pool *checks;       /* of batches that all partitions are sent */
    const struct metadata *metadata; /* of the last reconcile */
    struct row *rows;
    struct noted *stored, *added, *removed;
    struct journal_waiter waiter;
    uint64_t marked;         /* given to journal_mark */
    uint64_t waits_for_mark; /* what the waiter will mark; 0: it does not wait */
    bool bootstrapped;       /* since the waiter began to wait */
};

static void note(struct noted **notes, uint64_t group) {
    struct noted *noted;
    HASH_FIND(hh, *notes, &group, sizeof group, noted);
    if (noted != NULL) return;
    noted = mem_zalloc(sizeof *noted);
    noted->group = group;
    HASH_ADD(hh, *notes, group, sizeof group, noted);
}

/* True if it was noted. */
static bool unnote(struct noted **notes, uint64_t group) {
    struct noted *noted;
    HASH_FIND(hh, *notes, &group, sizeof group, noted);
    if (noted == NULL) return false;
    HASH_DELETE(hh, *notes, noted);
    mem_free(noted);
    return true;
}

static void unnote_all(struct noted **notes) {
    while (*notes != NULL)
        unnote(notes, (*notes)->group);
}

static void note_stored(void *arg, uint64_t group) {
    struct partition_set *set = arg;
    if (group != METADATA_GROUP) note(&set->stored, group);
}

/* ---- The durable mark ---- */

static void on_bootstraps_durable(struct journal_waiter *waiter) {
    struct partition_set *set = (struct partition_set *)((char *)waiter - offsetof(struct partition_set, waiter));
    journal_mark(log_store_journal(shard_store(set->shard)), set->waits_for_mark);
    set->marked = set->waits_for_mark;
    set->waits_for_mark = 0;
}

/* Everything up to `applied` is open; the mark may say so when what was bootstrapped is durable. */
static void move_mark(struct partition_set *set, uint64_t applied) {
    struct journal *journal = log_store_journal(shard_store(set->shard));
    if (set->waits_for_mark != 0 || applied <= set->marked) return; /* the next reconcile moves it */
    if (!set->bootstrapped) {
        journal_mark(journal, applied);
        set->marked = applied;
        return;
    }
    set->bootstrapped = false;
    set->waits_for_mark = applied;
    set->waiter.durable = on_bootstraps_durable;
    journal_wait(journal, &set->waiter);
}

struct partition_set *partition_set_new(struct shard *shard, const struct broker_settings *settings,
                                        struct leader_table *leaders) {
    struct partition_set *set = mem_zalloc(sizeof *set);
    set->shard = shard;
    set->log = shard_log(shard);
    set->settings = settings;
    set->leaders = leaders;
    struct check_pool_options checks = {.memory_bytes = settings->produce_check_memory_bytes,
                                        .inline_us = settings->produce_check_inline_us};
    set->checks = check_pool_new(shard_env(shard), &checks);
    set->marked = journal_durable_mark(log_store_journal(shard_store(shard)));
    log_store_each_group(shard_store(shard), note_stored, set);
    return set;
}

static void free_row(struct partition_set *set, struct row *row, bool deleted) {
    HASH_DELETE(hh, set->rows, row);
    if (row->partition != NULL) partition_close(row->partition, deleted);
    mem_free(row);
}

void partition_set_close(struct partition_set *set) {
    while (set->rows != NULL)
        free_row(set, set->rows, false);
    set->metadata = NULL; /* nothing is found any more */
}

void partition_set_free(struct partition_set *set) {
    if (set == NULL) return;
    partition_set_close(set);
    check_pool_free(set->checks);
    unnote_all(&set->stored);
    unnote_all(&set->added);
    unnote_all(&set->removed);
    mem_free(set);
}

/* ---- Who leads ---- */

static void announce(struct row *row, struct partition *partition) {
    struct group *group = partition_group(partition);
    int32_t in_sync[METADATA_REPLICAS_MAX];
    size_t count = 0;
    in_sync[count++] = row->set->settings->node_id;
    for (size_t i = 0; i < row->member_count; i++)
        if (row->members[i].node != row->set->settings->node_id && group_member_in_sync(group, row->members[i].replica))
            in_sync[count++] = row->members[i].node;
    leader_table_lead(row->set->leaders, row->group, partition_leader_epoch(partition), in_sync, count);
}

static void on_leading(void *arg, struct partition *partition, uint32_t term) {
    (void)term;
    announce(arg, partition);
}

static void on_lost(void *arg, struct partition *partition) {
    struct row *row = arg;
    (void)partition;
    leader_table_lost(row->set->leaders, row->group);
}

static void on_in_sync_changed(void *arg, struct partition *partition) {
    if (partition_is_leading(partition)) announce(arg, partition);
}

static const struct partition_events partition_events = {on_leading, on_lost, on_in_sync_changed};

/* ---- Opening and closing ---- */

static void open_partition(struct partition_set *set, const struct metadata_partition *source) {
    struct row *row = mem_zalloc(sizeof *row);
    row->group = source->group;
    row->set = set;
    row->member_count = source->replica_count;
    uint64_t replica = 0;
    for (size_t i = 0; i < source->replica_count; i++) {
        row->members[i] = (struct group_member){
            .replica = source->replicas[i].replica, .node = source->replicas[i].node, .voter = true};
        if (source->replicas[i].node == set->settings->node_id) replica = source->replicas[i].replica;
    }
    CHECK(replica != 0); /* partition_set_added notes only those with a replica here */
    HASH_ADD(hh, set->rows, group, sizeof row->group, row);
    struct partition_spec spec = {.group = source->group,
                                  .topic = source->topic->name,
                                  .index = source->index,
                                  .replica = replica,
                                  .members = row->members,
                                  .member_count = row->member_count,
                                  .bootstrap = source->created >
                                               journal_durable_mark(log_store_journal(shard_store(set->shard)))};
    spec.checks = set->checks;
    topic_settings_partition(set->settings, source->topic, &spec.settings);
    set->bootstrapped = set->bootstrapped || spec.bootstrap;
    note(&set->stored, source->group);
    struct error_text why;
    if (partition_open(set->shard, &spec, &partition_events, row, &row->partition, &why) != ERR_NONE) {
        row->partition = NULL;
        log_error(set->log,
                  "partition %s-%" PRId32 " cannot be opened: %s; it stays closed on this broker, the others go on",
                  source->topic->name, source->index, why.text);
    }
}

static void remove_group(struct partition_set *set, uint64_t group) {
    struct row *row;
    HASH_FIND(hh, set->rows, &group, sizeof group, row);
    leader_table_forget(set->leaders, group);
    if (row != NULL) free_row(set, row, true);
    if (!unnote(&set->stored, group)) return;
    int error = log_store_remove_group(shard_store(set->shard), group);
    if (error != ERR_NONE && error != ERR_NOT_FOUND)
        log_error(set->log, "the files of the deleted group %" PRIu64 " cannot be removed (%s)", group,
                  error_phrase(error));
}

static bool is_ours(const struct partition_set *set, const struct metadata_partition *partition) {
    for (size_t i = 0; i < partition->replica_count; i++)
        if (partition->replicas[i].node == set->settings->node_id) return true;
    return false;
}

void partition_set_added(struct partition_set *set, const struct metadata_partition *partition) {
    if (is_ours(set, partition)) note(&set->added, partition->group);
}

void partition_set_removed(struct partition_set *set, const struct metadata_partition *partition) {
    unnote(&set->added, partition->group);
    note(&set->removed, partition->group);
}

void partition_set_configs_changed(struct partition_set *set, const struct metadata_topic *topic) {
    struct partition_settings settings;
    topic_settings_partition(set->settings, topic, &settings);
    for (int32_t p = 0; p < topic->partition_count; p++) {
        struct partition *partition = partition_set_find_group(set, topic->partitions[p].group);
        if (partition != NULL) partition_set_settings(partition, &settings);
    }
}

void partition_set_reconcile(struct partition_set *set, const struct metadata *metadata, uint64_t applied) {
    set->metadata = metadata;
    while (set->removed != NULL) {
        uint64_t group = set->removed->group;
        unnote(&set->removed, group);
        remove_group(set, group);
    }
    while (set->added != NULL) {
        uint64_t group = set->added->group;
        unnote(&set->added, group);
        const struct metadata_partition *partition = metadata_partition_of_group(metadata, group);
        CHECK(partition != NULL); /* `removed` takes it out of `added` */
        open_partition(set, partition);
    }
    move_mark(set, applied);
}

/* ---- Finding ---- */

struct partition *partition_set_find_group(struct partition_set *set, uint64_t group) {
    struct row *row;
    HASH_FIND(hh, set->rows, &group, sizeof group, row);
    return row == NULL ? NULL : row->partition;
}

struct partition *partition_set_find(struct partition_set *set, const char *topic, size_t topic_len, int32_t index) {
    if (set->metadata == NULL) return NULL;
    const struct metadata_topic *found = metadata_topic_named(set->metadata, topic, topic_len);
    const struct metadata_partition *partition = found == NULL ? NULL : metadata_partition_at(found, index);
    return partition == NULL ? NULL : partition_set_find_group(set, partition->group);
}

size_t partition_set_count(const struct partition_set *set) {
    return HASH_COUNT(set->rows);
}
