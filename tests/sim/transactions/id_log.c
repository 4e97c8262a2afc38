/* States of ids, one after the other; id_log.h has the rules. */
#include "tests/sim/transactions/id_log.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "broker/config/topic_name.h"
#include "protocol/coordinator_records/transaction_record.h"
#include "tests/sim/groups/offsets_log.h"

enum { IDS_MAX = 8, READ_MOST = 1 << 20, PARTITIONS_MOST = 64 };

/* Kafka's numbers. */
enum status { EMPTY, ONGOING, PREPARE_COMMIT, PREPARE_ABORT, COMPLETE_COMMIT, COMPLETE_ABORT };
static const char *const status_names[] = {"Empty",        "Ongoing",        "PrepareCommit",
                                           "PrepareAbort", "CompleteCommit", "CompleteAbort"};

struct state {
    enum status status;
    int64_t producer_id;
    int16_t epoch;
    uint64_t partitions; /* of the cluster's topic, as bits; the highest: some of another topic */
};

struct known_id {
    char name[32];
    bool is_there;
    struct state state;
};

struct id_log {
    struct run *run;
    struct offsets_log *log;
    struct known_id ids[IDS_MAX];
};

static struct known_id *id_of(struct id_log *log, struct kp_string name) {
    for (unsigned i = 0; i < IDS_MAX; i++) {
        struct known_id *id = &log->ids[i];
        if (id->name[0] == '\0' && name.len < (int32_t)sizeof id->name)
            memcpy(id->name, name.data, (size_t)name.len);
        if (strlen(id->name) == (size_t)name.len &&
            memcmp(id->name, name.data, (size_t)name.len) == 0)
            return id;
    }
    run_fail(log->run, "the log has an id that nobody uses: %.*s", (int)name.len, name.data);
}

static bool may_follow(const struct known_id *id, const struct state *next) {
    const struct state *now = &id->state;
    if (!id->is_there) return next->status == EMPTY;
    switch (now->status) {
    case ONGOING:
        return next->status == PREPARE_COMMIT || next->status == PREPARE_ABORT ||
               next->status == ONGOING;
    case PREPARE_COMMIT: return next->status == COMPLETE_COMMIT;
    case PREPARE_ABORT: return next->status == COMPLETE_ABORT;
    default: /* an abort of nothing: transaction.version 2 */
        return next->status == EMPTY || next->status == ONGOING || next->status == PREPARE_ABORT;
    }
}

static bool goes_on(const struct known_id *id, const struct state *next) {
    const struct state *now = &id->state;
    if (!id->is_there) return true;
    bool same = next->producer_id == now->producer_id && next->epoch == now->epoch;
    bool later = next->producer_id != now->producer_id || next->epoch >= now->epoch;
    bool raised = next->producer_id == now->producer_id && next->epoch == now->epoch + 1;
    uint64_t lost = now->partitions & ~next->partitions;
    switch (next->status) {
    case ONGOING: return same && (now->status != ONGOING || lost == 0);
    case PREPARE_COMMIT: return (same || raised) && next->partitions == now->partitions;
    case PREPARE_ABORT: return later && next->partitions == now->partitions;
    case COMPLETE_COMMIT:
    case COMPLETE_ABORT: return same;
    default: return later;
    }
}

static bool read_state(const struct logged_record *record, struct state *state) {
    struct kp_transaction_value value;
    struct kp_arena arena;
    kp_arena_init(&arena, READ_MOST);
    int error = record->tombstone
                    ? ERR_NOT_FOUND
                    : kp_record_value_decode(&kp_transaction_record_type, record->value,
                                             record->value_len, &arena, &value, NULL);
    if (error == ERR_NONE)
        *state = (struct state){.status = (enum status)value.status,
                                .producer_id = value.producer_id,
                                .epoch = value.producer_epoch};
    for (int32_t t = 0; error == ERR_NONE && t < value.topics.count; t++) {
        const struct kp_transaction_partitions *topic = &value.topics.items[t];
        bool ours = topic->topic.len == (int32_t)strlen(cluster_topic);
        for (int32_t p = 0; p < topic->partitions.count; p++)
            state->partitions |= UINT64_C(1)
                                 << (ours ? topic->partitions.items[p] : PARTITIONS_MOST - 1);
    }
    kp_arena_close(&arena);
    return error == ERR_NONE && state->status <= COMPLETE_ABORT;
}

static void logged(void *arg, const struct logged_record *record) {
    struct id_log *log = arg;
    struct kp_transaction_key key;
    struct state next = {.partitions = 0};
    if (!kp_is_transaction_key(record->key, record->key_len) ||
        kp_record_key_decode(&kp_transaction_record_type, record->key, record->key_len, &key) !=
            ERR_NONE ||
        !read_state(record, &next))
        run_fail(log->run, "offset %" PRId64 " of %s is no state of an id", record->offset,
                 TOPIC_TRANSACTION_STATE);
    struct known_id *id = id_of(log, key.transactional_id);
    if (!may_follow(id, &next) || !goes_on(id, &next))
        run_fail(log->run,
                 "%s is %s, producer %" PRId64 " epoch %d, partitions %" PRIx64
                 ", and offset %" PRId64 " of its coordinator's log says %s, producer %" PRId64
                 " epoch %d, partitions %" PRIx64,
                 id->name, id->is_there ? status_names[id->state.status] : "not there",
                 id->state.producer_id, id->state.epoch, id->state.partitions, record->offset,
                 status_names[next.status], next.producer_id, next.epoch, next.partitions);
    run_count(log->run, RARE_FENCES, next.status == PREPARE_ABORT && next.epoch > id->state.epoch);
    id->is_there = true;
    id->state = next;
}

struct id_log *id_log_new(struct cluster *cluster, struct env *env) {
    struct id_log *log = mem_zalloc(sizeof *log);
    log->run = cluster->run;
    log->log = offsets_log_new(cluster, env, TOPIC_TRANSACTION_STATE, logged, log);
    return log;
}

bool id_log_is_at_rest(const struct id_log *log) {
    if (!offsets_log_has_all(log->log)) return false;
    for (unsigned i = 0; i < IDS_MAX && !offsets_log_has_gaps(log->log); i++) {
        enum status status = log->ids[i].state.status;
        if (log->ids[i].is_there && status != EMPTY && status != COMPLETE_COMMIT &&
            status != COMPLETE_ABORT)
            return false;
    }
    return true;
}

void id_log_finish(struct id_log *log) {
    offsets_log_finish(log->log);
}
