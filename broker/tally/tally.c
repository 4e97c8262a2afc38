/*
 * A row for each partition of the cluster, in a table by its group; a queue of those that are to be
 * looked at; and sums, from which a row takes what it had counted before it counts anew.
 *
 * A row that stays restless (a replica lags: that changes without anybody's telling) waits in a
 * second list, and is in the queue again when the next look begins.
 */
#include "broker/tally/tally.h"

#include <string.h>

#include <uthash.h>
#include <utlist.h>

#include "base/mem.h"
#include "broker/producer/producer_state.h"
#include "storage/log/partition_log.h"

enum { ROWS_OF_A_STEP = 128 };

/* What a row has added to the sums. */
struct counted {
    bool leader, follower, leaderless, under_replicated, below_min_insync, away, behind, thin;
    uint8_t others, replicas;
    uint64_t records, stored, producers, unstable, segments;
};

struct topic {
    struct tally_topic shown; /* first */
    uint8_t id[METADATA_UUID_SIZE];
    char *name;
    size_t rows, here;
    struct lag_ends *ends; /* by number, so many */
    int32_t ends_count;
    struct topic *next, *prev;
    UT_hash_handle hh;
};

struct row {
    uint64_t group;
    struct topic *topic;
    int32_t index;
    bool marked, restless;
    struct counted counted;
    struct replica_lags lags;
    struct row *next, *prev;                       /* in the queue, or among the restless */
    struct row *next_leaderless, *prev_leaderless; /* if it is, as counted says; and the next */
    struct row *next_thin, *prev_thin;
    UT_hash_handle hh;
};

struct tally {
    struct tally_options options;
    bool begun;
    struct metadata_listener listener;
    struct partition_set_counter counter;
    struct leader_watch watch;
    struct row *rows, *queue, *restless, *again; /* again: who is looked at next for no reason */
    struct row *leaderless, *thin;
    size_t leaderless_count, thin_count;
    struct topic *topics, *topic_list, *topic_at;
    struct tally_sums sums;
    struct broker_lags lags;
    /* Of the first look: the topics that there were. */
    uint8_t (*first)[METADATA_UUID_SIZE];
    size_t first_count, first_at;
    int32_t first_partition;
};

/* ---- Rows ---- */

static void unqueue(struct tally *tally, struct row *row) {
    if (row->marked) DL_DELETE(tally->queue, row);
    if (row->restless) DL_DELETE(tally->restless, row);
    row->marked = row->restless = false;
}

static void mark_row(struct tally *tally, struct row *row) {
    if (row->marked) return;
    unqueue(tally, row);
    DL_APPEND(tally->queue, row);
    row->marked = true;
}

static struct row *row_of(const struct tally *tally, uint64_t group) {
    struct row *row;
    HASH_FIND(hh, tally->rows, &group, sizeof group, row);
    return row;
}

static void mark(void *arg, uint64_t group) {
    struct tally *tally = arg;
    struct row *row = row_of(tally, group);
    if (row != NULL) mark_row(tally, row);
}

static struct topic *find_or_add_topic(struct tally *tally, const struct metadata_topic *source) {
    struct topic *topic;
    HASH_FIND(hh, tally->topics, source->id, sizeof source->id, topic);
    if (topic != NULL) return topic;
    topic = mem_zalloc(sizeof *topic);
    topic->name = mem_strdup(source->name);
    topic->shown.name = topic->name;
    memcpy(topic->id, source->id, sizeof topic->id);
    HASH_ADD(hh, tally->topics, id, sizeof topic->id, topic);
    DL_APPEND(tally->topic_list, topic);
    return topic;
}

static void leave_topic(struct tally *tally, struct topic *topic) {
    if (--topic->rows > 0) return;
    if (tally->topic_at == topic) tally->topic_at = topic->next;
    HASH_DELETE(hh, tally->topics, topic);
    DL_DELETE(tally->topic_list, topic);
    mem_free(topic->name);
    mem_free(topic->ends);
    mem_free(topic);
}

static void add_row(struct tally *tally, const struct metadata_partition *source) {
    if (row_of(tally, source->group) != NULL) return;
    struct row *row = mem_zalloc(sizeof *row);
    row->group = source->group;
    row->index = source->index;
    row->topic = find_or_add_topic(tally, source->topic);
    row->topic->rows++;
    HASH_ADD(hh, tally->rows, group, sizeof row->group, row);
    mark_row(tally, row);
}

/* ---- Sums ---- */

static void list_trouble(struct tally *tally, struct row *row) {
    tally->leaderless_count += row->counted.leaderless;
    tally->thin_count += row->counted.thin;
    if (row->counted.leaderless)
        DL_APPEND2(tally->leaderless, row, prev_leaderless, next_leaderless);
    if (row->counted.thin) DL_APPEND2(tally->thin, row, prev_thin, next_thin);
}

static void unlist_trouble(struct tally *tally, struct row *row) {
    tally->leaderless_count -= row->counted.leaderless;
    tally->thin_count -= row->counted.thin;
    if (row->counted.leaderless)
        DL_DELETE2(tally->leaderless, row, prev_leaderless, next_leaderless);
    if (row->counted.thin) DL_DELETE2(tally->thin, row, prev_thin, next_thin);
}

/* `sign`: 1 adds, -1 (of what is unsigned: wraps around and back) takes away. */
static void move_sums(struct tally *tally, const struct row *row, uint64_t sign) {
    const struct counted *counted = &row->counted;
    struct tally_sums *sums = &tally->sums;
    struct tally_topic *topic = &row->topic->shown;
    sums->leader += sign * counted->leader;
    sums->follower += sign * counted->follower;
    sums->leaderless += sign * counted->leaderless;
    sums->under_replicated += sign * counted->under_replicated;
    sums->below_min_insync += sign * counted->below_min_insync;
    sums->away += sign * counted->away;
    sums->behind += sign * counted->behind;
    sums->producers += sign * counted->producers;
    sums->unstable += sign * counted->unstable;
    sums->segments += sign * counted->segments;
    topic->led += sign * counted->leader;
    topic->records += sign * counted->records;
    topic->stored += sign * counted->stored;
    row->topic->here += sign * (counted->leader || counted->follower);
    topic->here = row->topic->here > 0;
}

static void take_away(struct tally *tally, struct row *row) {
    move_sums(tally, row, UINT64_MAX);
    unlist_trouble(tally, row);
    replica_lags_take_away(&row->lags, &tally->lags);
    row->counted = (struct counted){0};
}

static void free_row(struct tally *tally, struct row *row) {
    take_away(tally, row);
    replica_lags_close(&row->lags, &tally->lags);
    unqueue(tally, row);
    if (tally->again == row) tally->again = row->hh.next;
    HASH_DELETE(hh, tally->rows, row);
    leave_topic(tally, row->topic);
    mem_free(row);
}

/* ---- One partition ---- */

static void count_led(struct tally *tally, struct row *row, struct partition *partition,
                      const struct metadata_partition *known) {
    struct counted *counted = &row->counted;
    int32_t in_sync = partition_in_sync_count(partition);
    counted->leader = true;
    counted->away = known->replicas[0].node != tally->options.node;
    counted->under_replicated = in_sync < (int32_t)known->replica_count;
    counted->below_min_insync = in_sync < partition_in_sync_wanted(partition);
    counted->records = (uint64_t)(partition_high_watermark(partition) -
                                  partition_start_offset(partition));
    counted->producers = producer_state_count(partition_producers(partition));
    counted->unstable = (uint64_t)(partition_high_watermark(partition) -
                                   partition_stable_offset(partition));
    counted->others = in_sync > 0 ? (uint8_t)(in_sync - 1) : 0;
    if (known->replica_count > 1)
        replica_lags_look(&row->lags, &tally->lags, partition_group(partition), known,
                          env_now_ms(tally->options.env));
}

/* What its leader has said of it. */
static bool count_known(const struct tally *tally, struct row *row) {
    struct leader leader = leader_table_get(tally->options.leaders, row->group);
    bool in_sync = false;
    row->counted.leaderless = leader.node == LEADER_NONE;
    if (leader.node == LEADER_NONE) return false;
    for (size_t i = 0; i < leader.in_sync_count; i++)
        in_sync = in_sync || leader.in_sync[i] == tally->options.node;
    row->counted.others = (uint8_t)(leader.in_sync_count - in_sync);
    return in_sync;
}

static bool holds(int32_t node, const struct metadata_partition *partition) {
    for (size_t i = 0; i < partition->replica_count; i++)
        if (partition->replicas[i].node == node) return true;
    return false;
}

static void take_flow(struct row *row, struct partition *partition) {
    struct partition_flow flow = partition_take_flow(partition), *sum = &row->topic->shown.flow;
    sum->produced_records += flow.produced_records;
    sum->produced_bytes += flow.produced_bytes;
    sum->fetched_records += flow.fetched_records;
    sum->fetched_bytes += flow.fetched_bytes;
}

/* Its partitions are as many as the metadata says: few are added at a time. */
static void note_ends(struct row *row, const struct metadata_topic *source,
                      const struct partition *partition) {
    struct topic *topic = row->topic;
    if (row->index >= topic->ends_count) {
        size_t room = (size_t)source->partition_count * sizeof *topic->ends;
        topic->ends = mem_realloc(topic->ends, room);
        for (int32_t i = topic->ends_count; i < source->partition_count; i++)
            topic->ends[i] = (struct lag_ends){.known = false};
        topic->ends_count = source->partition_count;
    }
    topic->ends[row->index] = (struct lag_ends){.known = false};
    if (partition == NULL) return;
    topic->ends[row->index] = (struct lag_ends){.known = true,
                                                .start = partition_start_offset(partition),
                                                .end = partition_high_watermark(partition)};
}

static void count_row(struct tally *tally, struct row *row) {
    const struct metadata_partition *known = metadata_partition_of_group(tally->options.metadata,
                                                                         row->group);
    struct partition *partition = partition_set_find_group(tally->options.partitions, row->group);
    struct counted *counted = &row->counted;
    take_away(tally, row);
    if (known == NULL) return; /* it goes */
    note_ends(row, known->topic, partition);
    bool leading = partition != NULL && partition_is_leading(partition), in_sync = true;
    counted->replicas = (uint8_t)known->replica_count;
    if (leading)
        count_led(tally, row, partition, known);
    else
        in_sync = count_known(tally, row);
    if (!leading) replica_lags_close(&row->lags, &tally->lags);
    if (holds(tally->options.node, known)) {
        counted->behind = !in_sync;
        counted->thin = counted->others < known->replica_count / 2 + 1;
    }
    if (partition != NULL) {
        const struct partition_log *log = raft_group_log(partition_group(partition));
        counted->follower = !leading;
        counted->stored = partition_log_committed_bytes(log);
        counted->segments = partition_log_segments(log);
        take_flow(row, partition);
    }
    move_sums(tally, row, 1);
    list_trouble(tally, row);
}

static void look_at(struct tally *tally, struct row *row) {
    unqueue(tally, row);
    count_row(tally, row);
    if (row->lags.count == 0) return;
    DL_APPEND(tally->restless, row);
    row->restless = true;
}

/* ---- Who tells of changes ---- */

static void on_closing(void *arg, uint64_t group, struct partition *partition) {
    struct tally *tally = arg;
    struct row *row = row_of(tally, group);
    if (row == NULL) return;
    take_flow(row, partition);
    mark_row(tally, row);
}

static void on_partition_added(void *arg, const struct metadata_partition *partition) {
    add_row(arg, partition);
}

static void on_partition_removed(void *arg, const struct metadata_partition *partition) {
    struct tally *tally = arg;
    struct row *row = row_of(tally, partition->group);
    if (row != NULL) free_row(tally, row);
}

static void on_replicas_changed(void *arg, const struct metadata_partition *partition) {
    mark(arg, partition->group);
}

static const struct metadata_events metadata_events = {.partition_added = on_partition_added,
                                                       .partition_removed = on_partition_removed,
                                                       .replicas_changed = on_replicas_changed};

/* From here on changes are told, and what there is is looked at once. */
static void begin(struct tally *tally) {
    const struct tally_options *options = &tally->options;
    tally->begun = true;
    tally->listener = (struct metadata_listener){.events = &metadata_events, .arg = tally};
    tally->counter = (struct partition_set_counter){mark, on_closing, tally};
    tally->watch = (struct leader_watch){.changed = mark, .arg = tally};
    metadata_listen(options->metadata, &tally->listener);
    partition_set_counted_by(options->partitions, &tally->counter);
    leader_table_watch(options->leaders, &tally->watch);
    size_t count = metadata_topic_count(options->metadata);
    tally->first = mem_alloc((count + 1) * sizeof *tally->first);
    for (const struct metadata_topic *topic = NULL;
         (topic = metadata_next_topic(options->metadata, topic)) != NULL;)
        memcpy(tally->first[tally->first_count++], topic->id, sizeof topic->id);
}

/* ---- A look ---- */

void tally_begin(struct tally *tally) {
    if (!tally->begun) begin(tally);
    broker_lags_begin(&tally->lags);
    while (tally->restless != NULL)
        mark_row(tally, tally->restless);
    if (tally->again == NULL) tally->again = tally->rows;
    for (int n = 0; n < TALLY_AGAIN && tally->again != NULL; n++) {
        mark_row(tally, tally->again);
        tally->again = tally->again->hh.next;
    }
    tally->topic_at = tally->topic_list;
}

/* Rows for some of the partitions that there were at first; how many it looked at. */
static int add_first_rows(struct tally *tally) {
    int n = 0;
    for (; n < ROWS_OF_A_STEP && tally->first_at < tally->first_count; n++) {
        const struct metadata_topic *topic = metadata_topic_with_id(tally->options.metadata,
                                                                    tally->first[tally->first_at]);
        int32_t count = topic == NULL ? 0 : topic->partition_count;
        for (; n < ROWS_OF_A_STEP && tally->first_partition < count; n++)
            add_row(tally, &topic->partitions[tally->first_partition++]);
        if (tally->first_partition < count) break;
        tally->first_partition = 0;
        tally->first_at++;
    }
    tally->topic_at = tally->topic_list;
    return n;
}

bool tally_step(struct tally *tally) {
    int n = tally->first_at < tally->first_count ? add_first_rows(tally) : 0;
    for (; n < ROWS_OF_A_STEP && tally->queue != NULL; n++)
        look_at(tally, tally->queue);
    return tally->queue != NULL || tally->first_at < tally->first_count;
}

/* ---- What came of it ---- */

const struct tally_sums *tally_sums(const struct tally *tally) {
    static const struct tally_sums none;
    return tally == NULL ? &none : &tally->sums;
}

struct broker_lag tally_lag(const struct tally *tally, int32_t node) {
    return broker_lags_of(&tally->lags, node);
}

struct tally_topic *tally_next_topic(struct tally *tally) {
    struct topic *topic = tally->topic_at;
    if (topic == NULL) return NULL;
    tally->topic_at = topic->next;
    return &topic->shown;
}

const struct lag_ends *tally_ends(const struct tally *tally, const struct metadata_topic *topic,
                                  int32_t *count) {
    struct topic *found;
    HASH_FIND(hh, tally->topics, topic->id, sizeof topic->id, found);
    *count = found == NULL ? 0 : found->ends_count;
    return found == NULL ? NULL : found->ends;
}

static struct tally_trouble trouble_of(const struct row *row) {
    return (struct tally_trouble){row->topic->name, row->index, row->counted.others,
                                  row->counted.replicas};
}

size_t tally_each_leaderless(const struct tally *tally, size_t most,
                             void (*each)(void *arg, const struct tally_trouble *trouble),
                             void *arg) {
    const struct row *row = tally->leaderless;
    for (size_t n = 0; row != NULL && n < most; row = row->next_leaderless, n++) {
        struct tally_trouble trouble = trouble_of(row);
        each(arg, &trouble);
    }
    return tally->leaderless_count;
}

size_t tally_each_thin(const struct tally *tally, size_t most,
                       void (*each)(void *arg, const struct tally_trouble *trouble), void *arg) {
    const struct row *row = tally->thin;
    for (size_t n = 0; row != NULL && n < most; row = row->next_thin, n++) {
        struct tally_trouble trouble = trouble_of(row);
        each(arg, &trouble);
    }
    return tally->thin_count;
}

/* ---- Life ---- */

struct tally *tally_new(const struct tally_options *options) {
    struct tally *tally = mem_zalloc(sizeof *tally);
    tally->options = *options;
    return tally;
}

void tally_free(struct tally *tally) {
    if (tally == NULL) return;
    if (tally->begun) {
        metadata_unlisten(tally->options.metadata, &tally->listener);
        partition_set_counted_by(tally->options.partitions, NULL);
        leader_table_unwatch(tally->options.leaders, &tally->watch);
    }
    while (tally->rows != NULL)
        free_row(tally, tally->rows);
    broker_lags_close(&tally->lags);
    mem_free(tally->first);
    mem_free(tally);
}
