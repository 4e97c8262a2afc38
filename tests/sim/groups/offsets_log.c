/* Fetching the log of coordinators, and replays of it; offsets_log.h has the rules. */
#include "tests/sim/groups/offsets_log.h"

#include <inttypes.h>
#include <string.h>
#include <uthash.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"
#include "broker/partition/partition.h"
#include "protocol/coordinator_records/coordinator_record.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/fetch.h"
#include "protocol/record/record_batch.h"
#include "storage/log/partition_log.h"
#include "tests/sim/cluster_end.h"
#include "tests/sim/decode.h"

enum {
    CALL_US = 1500000,
    PAUSE_US = 30000,
    COMPARE_US = 400000,
    BATCH_MOST = 1 << 20,
    PLACE_BYTES = 16,
};
static const uint32_t PLACED = 1u << 31;

/* What a replica knew when it had applied all below an offset. */
struct noted {
    unsigned place;
    int64_t below;
    struct slice state;
    struct noted *next;
};

struct log_partition {
    struct offsets_log *log;
    struct kafka_call call;
    struct env_timer *timer;
    int32_t index;
    struct logged_record *records; /* by offset; with keys and values of their own; no key: a gap */
    size_t count, room;
    int64_t gap_end;    /* behind the last record that was found to be gone; 0: none was */
    int64_t exact_from; /* replays up to here or beyond know all that counts */
    int64_t cleaned;    /* some replica was seen to be cleaned below this offset */
    struct noted *noted;
};

struct offsets_log {
    struct cluster *cluster;
    const char *topic;
    struct env *env;
    void (*each)(void *arg, const struct logged_record *record);
    void *arg;
    struct log_partition partitions[CLUSTER_OFFSETS_PARTITIONS];
    struct event compare;
};

static struct run *run_of(const struct log_partition *partition) {
    return partition->log->cluster->run;
}

/* ---- A replay from zero ---- */

struct latest {
    const struct logged_record *record;
    UT_hash_handle hh;
};

/* The newest record of each key. */
static struct latest *replay(const struct log_partition *partition, int64_t below,
                             struct latest *rows) {
    struct latest *all = NULL, *row;
    for (int64_t offset = 0; offset < below; offset++) {
        const struct logged_record *record = &partition->records[offset];
        if (record->key == NULL) continue; /* a later one of its key is there */
        HASH_FIND(hh, all, record->key, record->key_len, row);
        if (row != NULL) HASH_DEL(all, row);
        if (record->tombstone) continue;
        row = &rows[offset];
        row->record = record;
        HASH_ADD_KEYPTR(hh, all, record->key, record->key_len, row);
    }
    return all;
}

static const char *name_of(const uint8_t *key, size_t len) {
    const struct kp_record_type *type = kp_record_type_of(key, len);
    return type == NULL ? "unknown" : type->name;
}

static void judge_one(const struct log_partition *partition, const struct noted *noted,
                      struct latest **all, const uint8_t *key, size_t key_len, const uint8_t *value,
                      size_t value_len) {
    struct latest *row;
    HASH_FIND(hh, *all, key, key_len, row);
    if (row == NULL)
        run_fail(run_of(partition),
                 "n%u, with all below offset %" PRId64
                 " of %s-%d applied, has a record of type %s that a replay from zero has not",
                 noted->place + 1, noted->below, partition->log->topic, partition->index,
                 name_of(key, key_len));
    if (row->record->value_len != value_len || memcmp(row->record->value, value, value_len) != 0)
        run_fail(run_of(partition),
                 "n%u, with all below offset %" PRId64
                 " of %s-%d applied, has something else of type %s than offset %" PRId64,
                 noted->place + 1, noted->below, partition->log->topic, partition->index,
                 name_of(key, key_len), row->record->offset);
    HASH_DEL(*all, row);
}

/* The part of the coordinator in what partition_applied_state gives (broker/partition/appliers.c):
 * 8 bytes; then of each applier its mark, version and length, 4 bytes each, and its bytes. */
static void find_records(const struct slice *state, const uint8_t **at, size_t *len) {
    const uint8_t *next = (const uint8_t *)state->data + 8,
                  *end = (const uint8_t *)state->data + state->len;
    *at = NULL;
    *len = 0;
    while (state->len > 8 && next < end) {
        if (memcmp(next, "COOR", 4) == 0) {
            *at = next + 12;
            *len = le32(next + 8);
        }
        next += 12 + le32(next + 8);
    }
}

static void judge(const struct log_partition *partition, const struct noted *noted) {
    struct latest *rows = mem_zalloc(((size_t)noted->below + 1) * sizeof *rows);
    struct latest *all = replay(partition, noted->below, rows);
    const uint8_t *at;
    size_t len;
    find_records(&noted->state, &at, &len);
    /* broker/coordinator/snapshot_records.h; no transaction writes to this topic. */
    for (size_t i = 0; i + 8 <= len;) {
        uint32_t lengths = le32(at + i);
        size_t key_len = lengths & ~PLACED, value_len = le32(at + i + 4);
        i += 8 + (lengths & PLACED ? PLACE_BYTES : 0);
        judge_one(partition, noted, &all, at + i, key_len, at + i + key_len, value_len);
        i += key_len + value_len;
    }
    if (all != NULL)
        run_fail(run_of(partition),
                 "n%u, with all below offset %" PRId64
                 " of %s-%d applied, lacks a record of type %s, of offset %" PRId64
                 ", that a replay from zero has",
                 noted->place + 1, noted->below, partition->log->topic, partition->index,
                 name_of(all->record->key, all->record->key_len), all->record->offset);
    run_count(run_of(partition), RARE_REPLAYS_COMPARED, 1);
    mem_free(rows);
}

/* Those for which enough has been read. */
static void judge_noted(struct log_partition *partition) {
    struct noted **at = &partition->noted;
    while (*at != NULL) {
        struct noted *noted = *at;
        if (noted->below > (int64_t)partition->count) {
            at = &noted->next;
            continue;
        }
        if (noted->below >= partition->exact_from) judge(partition, noted);
        *at = noted->next;
        slice_unref(&noted->state);
        mem_free(noted);
    }
}

/* Restored, by a start or by files, and nothing committed since: the watermark is older than what
 * was applied. Nobody knows whether it is while another log takes the place of its own. */
static bool is_beyond_its_watermark(struct partition *partition) {
    struct partition_log *log = raft_group_log(partition_group(partition));
    uint64_t applied = raft_group_applied_index(partition_group(partition));
    int64_t behind = partition_log_offset_behind(log, applied);
    return applied > partition_log_last_index(log) || behind < 0 ||
           behind > partition_high_watermark(partition);
}

/* What that broker knows now. */
static void compare(struct offsets_log *log, unsigned place) {
    for (int32_t p = 0; p < CLUSTER_OFFSETS_PARTITIONS; p++) {
        struct partition *partition = cluster_partition(log->cluster, place, log->topic, p);
        if (partition == NULL || cluster_is_out(log->cluster, place)) continue;
        if (partition_high_watermark(partition) == partition_start_offset(partition) ||
            is_beyond_its_watermark(partition))
            continue;
        struct noted *noted = mem_zalloc(sizeof *noted);
        *noted = (struct noted){.place = place,
                                .below = partition_high_watermark(partition),
                                .state = partition_applied_state(partition),
                                .next = log->partitions[p].noted};
        log->partitions[p].noted = noted;
        judge_noted(&log->partitions[p]);
    }
}

static void compare_some(struct event *event) {
    struct offsets_log *log = CONTAINER_OF(event, struct offsets_log, compare);
    struct world *world = log->cluster->run->world;
    compare(log, (unsigned)world_below(world, log->cluster->count));
    world_schedule(world, event, world_now_us(world) + 1 + world_below(world, COMPARE_US));
}

bool offsets_log_has_all(const struct offsets_log *log) {
    for (int32_t p = 0; p < CLUSTER_OFFSETS_PARTITIONS; p++) {
        if (log->partitions[p].noted != NULL) return false;
        for (unsigned i = 0; i < log->cluster->count; i++) {
            struct partition *partition = cluster_partition(log->cluster, i, log->topic, p);
            if (cluster_is_out(log->cluster, i)) continue;
            /* It may serve clients all the same, and lead what nobody else has. */
            if (!log->cluster->brokers[i].ready) return false;
            if (partition != NULL &&
                partition_high_watermark(partition) > (int64_t)log->partitions[p].count)
                return false;
        }
    }
    return true;
}

/* ---- What was cleaned ---- */

static void look_at_cleaned(struct log_partition *partition) {
    struct cluster *cluster = partition->log->cluster;
    for (unsigned i = 0; i < cluster->count; i++) {
        struct partition *replica = cluster_partition(cluster, i, partition->log->topic,
                                                      partition->index);
        if (replica == NULL || cluster_is_out(cluster, i)) continue;
        struct partition_log *log = raft_group_log(partition_group(replica));
        int64_t cleaned = partition_log_offset_behind(log, partition_log_first_index(log) - 1);
        if (cleaned > partition->cleaned) partition->cleaned = cleaned;
    }
}

/* Records up to `end` are gone, or some of a batch that ends there. A later record of each of those
 * keys stands below `watermark`: what is cleaned was applied. */
static void take_gap(struct log_partition *partition, int64_t end, int64_t watermark) {
    if (end > partition->gap_end) partition->gap_end = end;
    if (watermark > partition->exact_from) partition->exact_from = watermark;
}

static struct logged_record *add_slot(struct log_partition *partition) {
    partition->records = mem_grow(partition->records, partition->count, &partition->room,
                                  sizeof *partition->records);
    struct logged_record *slot = &partition->records[partition->count++];
    *slot = (struct logged_record){.key = NULL};
    return slot;
}

static void fill_gap(struct log_partition *partition, int64_t end) {
    while ((int64_t)partition->count < end)
        add_slot(partition);
}

bool offsets_log_has_gaps(const struct offsets_log *log) {
    bool gaps = false;
    for (int32_t p = 0; p < CLUSTER_OFFSETS_PARTITIONS; p++)
        gaps = gaps || log->partitions[p].gap_end > 0;
    return gaps;
}

void offsets_log_finish(struct offsets_log *log) {
    bool all_here = true;
    for (unsigned i = 0; i < log->cluster->count; i++) {
        compare(log, i);
        all_here = all_here && !cluster_is_out(log->cluster, i);
    }
    for (int32_t p = 0; p < CLUSTER_OFFSETS_PARTITIONS; p++) {
        struct log_partition *partition = &log->partitions[p];
        look_at_cleaned(partition);
        run_count(run_of(partition), RARE_OFFSETS_CLEANED, partition->cleaned > 0);
        run_count(run_of(partition), RARE_OFFSETS_GAPS, partition->gap_end > 0);
        if (all_here && partition->gap_end > partition->cleaned)
            run_fail(run_of(partition),
                     "%s-%d has a gap below offset %" PRId64
                     ", but no replica is cleaned beyond %" PRId64,
                     log->topic, p, partition->gap_end, partition->cleaned);
    }
}

/* ---- Reading ---- */

static uint8_t *copy_of(const uint8_t *bytes, int32_t len) {
    uint8_t *copy = mem_alloc(len > 0 ? (size_t)len : 0);
    if (len > 0) memcpy(copy, bytes, (size_t)len);
    return copy;
}

static void take_record(struct log_partition *partition, const struct record *record,
                        int64_t last) {
    if (record->offset < (int64_t)partition->count) return; /* the batch begins before it */
    if (record->key == NULL)
        run_fail(run_of(partition), "%s-%d has a record without a key at offset %" PRId64,
                 partition->log->topic, partition->index, record->offset);
    fill_gap(partition, record->offset);
    struct logged_record *kept = add_slot(partition);
    *kept = (struct logged_record){.key = copy_of(record->key, record->key_len),
                                   .key_len = (size_t)record->key_len,
                                   .value = copy_of(record->value, record->value_len),
                                   .value_len = record->value_len < 0 ? 0
                                                                      : (size_t)record->value_len,
                                   .tombstone = record->value == NULL,
                                   .ends_batch = record->offset == last,
                                   .offset = record->offset};
    if (partition->gap_end == 0) partition->log->each(partition->log->arg, kept);
}

static void take_batch(struct log_partition *partition, const struct record_batch *batch,
                       int64_t watermark) {
    struct record_iterator iterator;
    struct record record;
    int64_t last = record_batch_last_offset(batch);
    if (batch->base_offset > (int64_t)partition->count)
        take_gap(partition, batch->base_offset, watermark);
    if (batch->record_count <= last - batch->base_offset) take_gap(partition, last + 1, watermark);
    int error = record_batch_check_crc(batch);
    if (error == ERR_NONE) error = record_iterator_open(&iterator, batch, BATCH_MOST);
    if (error != ERR_NONE)
        run_fail(run_of(partition), "%s-%d has a batch that cannot be read", partition->log->topic,
                 partition->index);
    while (record_iterator_next(&iterator, &record) == ERR_NONE)
        take_record(partition, &record, last);
    fill_gap(partition, last + 1);
    record_iterator_close(&iterator);
}

static void fetched(struct kafka_call *call, int error, const void *answer) {
    struct log_partition *partition = CONTAINER_OF(call, struct log_partition, call);
    const struct kp_fetch_response *response = answer;
    struct record_batch batch;
    size_t at = 0, before = partition->count;
    const struct kp_fetch_response_partition *one =
        error == ERR_NONE && response->responses.count == 1
            ? &response->responses.items[0].partitions.items[0]
            : NULL;
    if (one != NULL && one->error_code == KAFKA_OFFSET_OUT_OF_RANGE)
        run_fail(run_of(partition), "offset %zu of %s-%d is out of range", partition->count,
                 partition->log->topic, partition->index);
    /* The last batch may be cut off. */
    while (one != NULL && one->error_code == KAFKA_NONE && one->records.len > 0 &&
           record_batch_next(one->records.data, (size_t)one->records.len, &at, &batch, NULL) ==
               ERR_NONE)
        take_batch(partition, &batch, one->high_watermark);
    look_at_cleaned(partition);
    judge_noted(partition);
    env_timer_start(partition->timer, partition->count > before ? 1000 : PAUSE_US);
}

static void fetch(void *arg) {
    struct log_partition *partition = arg;
    struct cluster *cluster = partition->log->cluster;
    struct kp_fetch_request request;
    struct kp_fetch_request_topic topic;
    struct kp_fetch_request_partition asked;
    int32_t node;

    cluster_coordinators(cluster, partition->log->topic, partition->index, &node);
    if (node < 0) {
        env_timer_start(partition->timer, PAUSE_US);
        return;
    }
    kp_set_fallbacks(&kp_fetch_request_schema, &request);
    kp_set_fallbacks(&kp_fetch_request_topic_schema, &topic);
    kp_set_fallbacks(&kp_fetch_request_partition_schema, &asked);
    asked.partition = partition->index;
    asked.current_leader_epoch = -1;
    asked.fetch_offset = (int64_t)partition->count;
    asked.partition_max_bytes = 16384;
    topic.topic = kp_string_of(partition->log->topic);
    topic.partitions.items = &asked;
    topic.partitions.count = 1;
    request.replica_id = -1;
    request.max_bytes = 16384;
    request.session_epoch = -1;
    request.topics.items = &topic;
    request.topics.count = 1;
    partition->call.done = fetched;
    kafka_link_call(kafka_client_link(cluster->client, node), &partition->call, KP_FETCH, 11,
                    &request, CALL_US);
}

/* ---- Life ---- */

struct offsets_log *offsets_log_new(struct cluster *cluster, struct env *env, const char *topic,
                                    void (*each)(void *arg, const struct logged_record *record),
                                    void *arg) {
    struct offsets_log *log = mem_zalloc(sizeof *log);
    *log = (struct offsets_log){.cluster = cluster,
                                .topic = topic,
                                .env = env,
                                .each = each,
                                .arg = arg,
                                .compare.run = compare_some};
    for (int32_t p = 0; p < CLUSTER_OFFSETS_PARTITIONS; p++) {
        struct log_partition *partition = &log->partitions[p];
        partition->log = log;
        partition->index = p;
        partition->timer = env_timer_new(env, fetch, partition);
        env_timer_start(partition->timer, PAUSE_US);
    }
    world_schedule(cluster->run->world, &log->compare, 0);
    return log;
}
