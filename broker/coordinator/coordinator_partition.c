/* Writes and questions of the leader, and what has committed on its way to the state. */
#include "broker/coordinator/coordinator_partition.h"

#include <utlist.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "broker/coordinator/coordinator_batch.h"
#include "broker/coordinator/snapshot_records.h"
#include "broker/partition/partition_append.h"
#include "protocol/kafka_error.h"
#include "protocol/record/transaction_marker.h"
#include "storage/entry.h"

/* A batch that waits for its commit, or to be told why there is none. */
struct written {
    struct partition_append append; /* first */
    struct coordinator_partition *owner;
    struct coordinator_write *write; /* NULL: it was late, whoever waited was told */
    uint64_t number, until_ms;
    int16_t code;        /* of a refused one */
    bool refused, holds; /* questions behind it wait for it: it is of no transaction */
    struct written *next, *prev, *next_holding, *prev_holding;
};

struct question {
    struct raft_group_read_index read_index; /* first */
    struct coordinator_partition *owner;
    struct coordinator_confirm *confirm;
    uint64_t behind; /* the number of the last write before it */
    bool confirmed;
    struct question *next, *prev;
};

/* The state on its way into a snapshot: what is applied meanwhile goes there, too. */
struct encoding {
    struct coordinator_partition *owner;
    struct snapshot_bytes *into;
    void *walk; /* the state's */
    struct encoding *next, *prev;
};

struct coordinator_partition {
    struct coordinator_log log; /* first */
    struct coordinator_partition_spec spec;
    struct partition *partition; /* NULL: not open yet */
    void *state;
    bool leading;
    uint64_t writes;            /* so far: their numbers */
    struct written *waiting;    /* for their commits, in order */
    struct written *holding;    /* those of them that hold up questions, in order */
    struct written *late;       /* they do, too, and nobody waits for them any more */
    struct written *refused;    /* to be told, in order */
    struct question *questions; /* as they came */
    struct env_timer *timer;    /* for the first one that waits */
    struct encoding *encodings; /* snapshots that are put together */
    struct env_task tell;       /* those that are refused, and questions that need not wait */
};

/* ---- Writes ---- */

static int16_t code_of(int16_t error) {
    switch (error) {
    case KAFKA_NONE: return KAFKA_NONE;
    case KAFKA_NOT_LEADER_OR_FOLLOWER:
    case KAFKA_UNKNOWN_TOPIC_OR_PARTITION: return KAFKA_NOT_COORDINATOR;
    case KAFKA_MESSAGE_TOO_LARGE: return KAFKA_RECORD_LIST_TOO_LARGE;
    case KAFKA_UNKNOWN_PRODUCER_ID: return KAFKA_INVALID_PRODUCER_ID_MAPPING;
    case KAFKA_INVALID_PRODUCER_EPOCH:
    case KAFKA_INVALID_PRODUCER_ID_MAPPING:
    case KAFKA_INVALID_TXN_STATE:
    case KAFKA_TRANSACTION_ABORTABLE:
    case KAFKA_CONCURRENT_TRANSACTIONS: return error;
    default: return KAFKA_COORDINATOR_NOT_AVAILABLE;
    }
}

static void answer_questions(struct coordinator_partition *owner);

static void start_timer(struct coordinator_partition *owner) {
    if (owner->waiting == NULL)
        env_timer_stop(owner->timer);
    else
        env_timer_start(owner->timer,
                        env_ms_until(owner->spec.env, owner->waiting->until_ms) * UINT64_C(1000));
}

/* What is of a transaction may wait long for another broker, before it is in the log: meanwhile
 * others go on. */
static void waiting_append(struct coordinator_partition *owner, struct written *written) {
    DL_APPEND(owner->waiting, written);
    written->holds = written->write->transaction == NULL;
    if (written->holds) DL_APPEND2(owner->holding, written, prev_holding, next_holding);
}

static void waiting_remove(struct coordinator_partition *owner, struct written *written) {
    DL_DELETE(owner->waiting, written);
    if (written->holds) DL_DELETE2(owner->holding, written, prev_holding, next_holding);
}

/* It is in no list any more. */
static void written_end(struct written *written, int16_t code) {
    struct coordinator_partition *owner = written->owner;
    struct coordinator_write *write = written->write;
    mem_free(written);
    write->inside = NULL;
    write->done(write, code);
    answer_questions(owner);
}

/* When it has not committed, `lost` follows, and there are others whose end is still to come. */
static void late_end(struct written *written, int16_t error) {
    struct coordinator_partition *owner = written->owner;
    DL_DELETE(owner->late, written);
    mem_free(written);
    if (error == KAFKA_NONE && owner->late == NULL && owner->spec.type->settled != NULL)
        owner->spec.type->settled(owner->state);
}

static void on_appended(struct partition_append *append, int16_t error) {
    struct written *written = (struct written *)append;
    struct coordinator_partition *owner = written->owner;
    if (written->write == NULL) {
        late_end(written, error);
        return;
    }
    bool first = owner->waiting == written;
    int16_t code = code_of(error);
    waiting_remove(owner, written);
    if (first) start_timer(owner);
    /* It was to hand the lead over, which may fail: then no `lost` comes. */
    if (code == KAFKA_NOT_COORDINATOR && partition_is_leading(owner->partition))
        code = KAFKA_COORDINATOR_NOT_AVAILABLE;
    written_end(written, code);
}

static void first_is_late(struct coordinator_partition *owner) {
    struct written *written = owner->waiting;
    struct coordinator_write *write = written->write;
    if (partition_append_take_back(&written->append)) return;
    waiting_remove(owner, written);
    DL_APPEND(owner->late, written);
    written->write = NULL;
    write->inside = NULL;
    write->done(write, KAFKA_COORDINATOR_NOT_AVAILABLE);
    answer_questions(owner);
}

/* All of them wait for equally long. */
static void on_late(void *arg) {
    struct coordinator_partition *owner = arg;
    while (owner->waiting != NULL && owner->waiting->until_ms <= env_now_ms(owner->spec.env))
        first_is_late(owner);
    start_timer(owner);
}

static bool in_doubt(const struct coordinator_log *log) {
    return ((const struct coordinator_partition *)log)->late != NULL;
}

static void tell_refused(struct coordinator_partition *owner) {
    while (owner->refused != NULL) {
        struct written *written = owner->refused;
        DL_DELETE(owner->refused, written);
        written_end(written, written->code);
    }
}

static void tell(struct env_task *task) {
    struct coordinator_partition *owner = CONTAINER_OF(task, struct coordinator_partition, tell);
    tell_refused(owner);
    answer_questions(owner);
}

static int16_t append(struct coordinator_partition *owner, struct written *written,
                      const struct coordinator_record *records, size_t count,
                      const struct coordinator_transaction *transaction) {
    if (!owner->leading) return KAFKA_NOT_COORDINATOR;
    struct slice batch = coordinator_batch(records, count, transaction,
                                           partition_append_most(owner->partition),
                                           env_wall_ms(owner->spec.env));
    if (batch.len == 0) return KAFKA_RECORD_LIST_TOO_LARGE;
    if (transaction == NULL)
        return code_of(partition_append(owner->partition, batch, &written->append));
    struct append_transaction of = {.id = transaction->transactional_id,
                                    .knows_abortable = transaction->knows_abortable,
                                    .adds = transaction->adds};
    return code_of(partition_append_in_transaction(owner->partition, batch, &of, &written->append));
}

static void begin_write(struct coordinator_log *log, const struct coordinator_record *records,
                        size_t count, struct coordinator_write *write) {
    struct coordinator_partition *owner = CONTAINER_OF(log, struct coordinator_partition, log);
    struct written *written = mem_zalloc(sizeof *written);
    CHECK(count > 0); /* a decision that changes nothing writes nothing */
    written->append.done = on_appended;
    written->owner = owner;
    written->write = write;
    written->number = ++owner->writes;
    written->until_ms = env_now_ms(owner->spec.env) + owner->spec.write_timeout_ms;
    write->inside = written;
    written->code = append(owner, written, records, count, write->transaction);
    written->refused = written->code != KAFKA_NONE;
    if (MUTANT(MUTANT_DECISION_TOLD_EARLY) && !written->refused) {
        partition_append_cancel(&written->append);
        written->refused = true;
    }
    if (written->refused) {
        DL_APPEND(owner->refused, written);
        env_defer(owner->spec.env, &owner->tell);
        return;
    }
    waiting_append(owner, written);
    if (owner->waiting == written) start_timer(owner);
}

static void write_cancel(struct coordinator_write *write) {
    struct written *written = write->inside;
    if (written == NULL) return; /* it is over */
    struct coordinator_partition *owner = written->owner;
    if (written->refused) {
        DL_DELETE(owner->refused, written);
    } else {
        bool first = owner->waiting == written;
        partition_append_cancel(&written->append);
        waiting_remove(owner, written);
        if (first) start_timer(owner);
    }
    write->inside = NULL;
    mem_free(written);
    env_defer(owner->spec.env, &owner->tell); /* questions may have waited for it alone */
}

/* ---- Questions ---- */

static void question_end(struct question *question, int16_t code) {
    struct coordinator_confirm *confirm = question->confirm;
    DL_DELETE(question->owner->questions, question);
    mem_free(question);
    confirm->inside = NULL;
    confirm->done(confirm, code);
}

static uint64_t oldest_write(const struct coordinator_partition *owner) {
    return owner->holding == NULL ? UINT64_MAX : owner->holding->number;
}

/* They are confirmed in their order, or nearly so: one that is not holds up those behind it. Who is
 * told may ask again, or take others out. None is told when writes end with the lead: by `lost`. */
static void answer_questions(struct coordinator_partition *owner) {
    struct question *question;
    while ((question = owner->questions) != NULL && question->confirmed &&
           question->behind < oldest_write(owner) && partition_is_leading(owner->partition))
        question_end(question, KAFKA_NONE);
}

static void on_confirmed(struct raft_group_read_index *read_index, int error) {
    struct question *question = (struct question *)read_index;
    struct coordinator_partition *owner = question->owner;
    question->confirmed = true;
    if (error != ERR_NONE) question_end(question, KAFKA_NOT_COORDINATOR);
    answer_questions(owner);
}

static void begin_question(struct coordinator_log *log, struct coordinator_confirm *confirm) {
    struct coordinator_partition *owner = CONTAINER_OF(log, struct coordinator_partition, log);
    if (!owner->leading) {
        confirm->inside = NULL;
        confirm->done(confirm, KAFKA_NOT_COORDINATOR);
        return;
    }
    struct question *question = mem_zalloc(sizeof *question);
    question->owner = owner;
    question->confirm = confirm;
    question->behind = owner->writes;
    question->read_index.done = on_confirmed;
    confirm->inside = question;
    DL_APPEND(owner->questions, question);
    if (MUTANT(MUTANT_GROUP_READ_UNCONFIRMED)) {
        question->confirmed = true;
        answer_questions(owner);
        return;
    }
    raft_group_read_index(partition_group(owner->partition), &question->read_index);
}

static void confirm_cancel(struct coordinator_confirm *confirm) {
    struct question *question = confirm->inside;
    if (question == NULL) return; /* it is over */
    struct coordinator_partition *owner = question->owner;
    if (!question->confirmed)
        raft_group_read_index_cancel(partition_group(owner->partition), &question->read_index);
    DL_DELETE(owner->questions, question);
    confirm->inside = NULL;
    mem_free(question);
    env_defer(owner->spec.env, &owner->tell); /* others may have waited for it alone */
}

static int32_t epoch(const struct coordinator_log *log) {
    return (int32_t)partition_leader_epoch(((const struct coordinator_partition *)log)->partition);
}

static const struct coordinator_log_type log_type = {.write = begin_write,
                                                     .write_cancel = write_cancel,
                                                     .in_doubt = in_doubt,
                                                     .confirm = begin_question,
                                                     .confirm_cancel = confirm_cancel,
                                                     .epoch = epoch};

/* ---- The applier ---- */

/* It ends a transaction, or it is a control batch that is none of ours. */
static int apply_marker(struct coordinator_partition *owner, const struct record_batch *batch) {
    struct transaction_marker marker;
    if (owner->spec.type->ended == NULL) return ERR_NONE;
    int error = transaction_marker_read(batch, &marker);
    if (error == ERR_NOT_FOUND) return ERR_NONE;
    if (error != ERR_NONE) return error;
    owner->spec.type->ended(owner->state, marker.producer_id, marker.commit);
    for (struct encoding *encoding = owner->encodings; encoding != NULL; encoding = encoding->next)
        snapshot_records_put_end(encoding->into, marker.producer_id, marker.commit);
    return ERR_NONE;
}

static int apply_records(struct coordinator_partition *owner, const struct record_batch *batch,
                         struct record_iterator *iterator) {
    struct record record;
    int error;
    while ((error = record_iterator_next(iterator, &record)) == ERR_NONE) {
        if (record.key == NULL) continue;
        struct coordinator_record given = {.key = record.key,
                                           .key_len = (size_t)record.key_len,
                                           .value = record.value,
                                           .tombstone = record.value == NULL};
        given.value_len = given.tombstone ? 0 : (size_t)record.value_len;
        struct coordinator_place place = {.offset = record.offset,
                                          .timestamp_ms = record.timestamp_ms,
                                          .producer_id = batch->producer_id,
                                          .producer_epoch = batch->producer_epoch};
        given.stood = &place;
        owner->spec.type->apply(owner->state, &given, &place);
        struct encoding *encoding;
        DL_FOREACH(owner->encodings, encoding) snapshot_records_put(encoding->into, &given);
    }
    return error == ERR_EOF ? ERR_NONE : error;
}

static int apply(void *state, const struct record_batch *batch) {
    struct coordinator_partition *owner = state;
    struct record_iterator iterator;
    if (record_batch_is_control(batch)) return apply_marker(owner, batch);
    int error = record_iterator_open(&iterator, batch, ENTRY_BODY_MAX);
    if (error != ERR_NONE) return error;
    error = apply_records(owner, batch, &iterator);
    record_iterator_close(&iterator);
    return error;
}

static void opened(void *state, struct partition *partition) {
    ((struct coordinator_partition *)state)->partition = partition;
}

static void leading(void *state) {
    struct coordinator_partition *owner = state;
    owner->leading = true;
    owner->spec.type->leading(owner->state);
    owner->spec.leading(owner->spec.arg, owner);
}

static void lost(void *state) {
    struct coordinator_partition *owner = state;
    CHECK(owner->waiting == NULL && owner->late == NULL); /* appends have ended before */
    owner->leading = false;
    env_defer_cancel(owner->spec.env, &owner->tell);
    while (owner->questions != NULL) {
        struct question *question = owner->questions;
        if (!question->confirmed)
            raft_group_read_index_cancel(partition_group(owner->partition), &question->read_index);
        question_end(question, KAFKA_NOT_COORDINATOR);
    }
    tell_refused(owner);
    owner->spec.type->lost(owner->state);
    tell_refused(owner);
    owner->spec.not_leading(owner->spec.arg, owner);
}

static void passed_over(void *state) {
    struct coordinator_partition *owner = state;
    owner->spec.not_leading(owner->spec.arg, owner);
}

static bool unsettled(const void *state) {
    const struct coordinator_partition *owner = state;
    return owner->spec.type->unsettled && owner->spec.type->unsettled(owner->state);
}

static void put_record(void *arg, const struct coordinator_record *record) {
    snapshot_records_put(arg, record);
}

static void encoding_end(struct encoding *encoding) {
    DL_DELETE(encoding->owner->encodings, encoding);
    mem_free(encoding);
}

static bool encode(void *state, void **walk, struct snapshot_bytes *into) {
    struct coordinator_partition *owner = state;
    struct encoding *encoding = *walk;
    if (encoding == NULL) {
        encoding = mem_zalloc(sizeof *encoding);
        encoding->owner = owner;
        encoding->into = into;
        DL_APPEND(owner->encodings, encoding);
        *walk = encoding;
    }
    if (!owner->spec.type->records(owner->state, &encoding->walk, SNAPSHOT_RECORDS_STEP, put_record,
                                   into))
        return false;
    encoding_end(encoding);
    return true;
}

static void encode_stop(void *state, void *walk) {
    struct coordinator_partition *owner = state;
    struct encoding *encoding = walk;
    if (encoding->walk != NULL) owner->spec.type->records_stop(owner->state, encoding->walk);
    encoding_end(encoding);
}

static int restore(void *state, const uint8_t *bytes, size_t len, size_t *took) {
    struct coordinator_partition *owner = state;
    return snapshot_records_restore(owner->spec.type, owner->state, bytes, len, took);
}

static void reset(void *state) {
    struct coordinator_partition *owner = state;
    if (owner->state != NULL) owner->spec.type->free(owner->state);
    owner->state = owner->spec.state_new(owner->spec.state_arg, &owner->log, owner->spec.index);
}

static void free_partition(void *state) {
    struct coordinator_partition *owner = state;
    owner->spec.gone(owner->spec.arg, owner);
    CHECK(owner->waiting == NULL && owner->questions == NULL); /* `lost` came, if it led */
    CHECK(owner->encodings == NULL);                           /* encode_stop was called */
    tell_refused(owner);
    owner->spec.type->free(owner->state);
    env_defer_cancel(owner->spec.env, &owner->tell);
    env_timer_free(owner->timer);
    mem_free(owner);
}

static const struct applier_type applier_type = {.mark = 0x524f4f43, /* "COOR" */
                                                 .version = SNAPSHOT_RECORDS_VERSION,
                                                 .apply = apply,
                                                 .opened = opened,
                                                 .leading = leading,
                                                 .lost = lost,
                                                 .passed_over = passed_over,
                                                 .unsettled = unsettled,
                                                 .encode = encode,
                                                 .encode_stop = encode_stop,
                                                 .restore = restore,
                                                 .reset = reset,
                                                 .free = free_partition};

/* ---- Life ---- */

struct coordinator_partition *coordinator_partition_new(
    const struct coordinator_partition_spec *spec) {
    struct coordinator_partition *owner = mem_zalloc(sizeof *owner);
    owner->log.type = &log_type;
    owner->spec = *spec;
    owner->tell.run = tell;
    owner->timer = env_timer_new(spec->env, on_late, owner);
    reset(owner);
    return owner;
}

struct applier coordinator_partition_applier(struct coordinator_partition *partition) {
    return (struct applier){.type = &applier_type, .state = partition};
}

int32_t coordinator_partition_index(const struct coordinator_partition *partition) {
    return partition->spec.index;
}

void *coordinator_partition_state(const struct coordinator_partition *partition) {
    return partition->state;
}

bool coordinator_partition_is_leading(const struct coordinator_partition *partition) {
    return partition->leading;
}

bool coordinator_partition_is_electing(const struct coordinator_partition *partition) {
    return partition->partition != NULL && partition_is_electing(partition->partition);
}
