/* Writes and questions of the leader, and what has committed on its way to the state. */
#include "broker/coordinator/coordinator_partition.h"

#include <utlist.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "broker/coordinator/snapshot_records.h"
#include "broker/partition/partition_append.h"
#include "protocol/kafka_error.h"
#include "protocol/record/record_batch_builder.h"
#include "storage/entry.h"

/* A batch that waits for its commit, or to be told why there is none. */
struct written {
    struct partition_append append; /* first */
    struct coordinator_partition *owner;
    struct coordinator_write *write; /* NULL: it was late, whoever waited was told */
    uint64_t number;
    uint64_t until_ms;
    int16_t code; /* of a refused one */
    bool refused;
    struct written *next, *prev;
};

struct question {
    struct raft_group_read_index read_index; /* first */
    struct coordinator_partition *owner;
    struct coordinator_confirm *confirm;
    uint64_t behind; /* the number of the last write before it */
    bool confirmed;
    struct question *next, *prev;
};

struct coordinator_partition {
    struct coordinator_log log; /* first */
    struct coordinator_partition_spec spec;
    struct partition *partition; /* NULL: not open yet */
    void *state;
    bool leading;
    uint64_t writes;            /* so far: their numbers */
    struct written *waiting;    /* for their commits, in order */
    struct written *late;       /* they do, too, and nobody waits for them any more */
    struct written *refused;    /* to be told, in order */
    struct question *questions; /* as they came */
    struct env_timer *timer;    /* for the first one that waits */
    struct env_task tell;       /* those that are refused, and questions that need not wait */
};

/* ---- Writes ---- */

static int16_t code_of(int16_t error) {
    switch (error) {
    case KAFKA_NONE: return KAFKA_NONE;
    case KAFKA_NOT_LEADER_OR_FOLLOWER:
    case KAFKA_UNKNOWN_TOPIC_OR_PARTITION: return KAFKA_NOT_COORDINATOR;
    case KAFKA_MESSAGE_TOO_LARGE: return KAFKA_RECORD_LIST_TOO_LARGE;
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
    DL_DELETE(owner->waiting, written);
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
    DL_DELETE(owner->waiting, written);
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

/* As one batch; empty: it is too large for any. */
static struct slice batch_of(const struct coordinator_record *records, size_t count,
                             int64_t now_ms) {
    struct record_batch_options options = record_batch_plain();
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    for (size_t i = 0; i < count; i++) {
        const struct coordinator_record *record = &records[i];
        CHECK(record->key_len <= INT32_MAX && record->value_len <= INT32_MAX); /* clients' frames */
        record_batch_builder_append(builder, now_ms, record->key, (int32_t)record->key_len,
                                    record->tombstone ? NULL : record->value,
                                    record->tombstone ? -1 : (int32_t)record->value_len, NULL, 0);
    }
    uint8_t *bytes;
    size_t len;
    if (record_batch_builder_finish(builder, &bytes, &len) != ERR_NONE) return (struct slice){0};
    return slice_adopt(NULL, bytes, len);
}

/* Said before a batch is made of it. */
static bool is_too_large(const struct coordinator_partition *owner,
                         const struct coordinator_record *records, size_t count) {
    size_t left = partition_append_most(owner->partition);
    for (size_t i = 0; i < count; i++) {
        size_t bytes = records[i].key_len + records[i].value_len;
        if (bytes > left) return true;
        left -= bytes;
    }
    return false;
}

static int16_t append(struct coordinator_partition *owner, struct written *written,
                      const struct coordinator_record *records, size_t count) {
    if (!owner->leading) return KAFKA_NOT_COORDINATOR;
    if (is_too_large(owner, records, count)) return KAFKA_RECORD_LIST_TOO_LARGE;
    struct slice batch = batch_of(records, count, env_wall_ms(owner->spec.env));
    if (batch.len == 0) return KAFKA_RECORD_LIST_TOO_LARGE;
    return code_of(partition_append(owner->partition, batch, &written->append));
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
    written->code = append(owner, written, records, count);
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
    DL_APPEND(owner->waiting, written);
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
        DL_DELETE(owner->waiting, written);
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
    return owner->waiting == NULL ? UINT64_MAX : owner->waiting->number;
}

/* They are confirmed in their order, or nearly so: one that is not yet holds up those behind it.
 * Who is told may ask again, or take others out. */
static void answer_questions(struct coordinator_partition *owner) {
    struct question *question;
    while ((question = owner->questions) != NULL && question->confirmed &&
           question->behind < oldest_write(owner))
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

static const struct coordinator_log_type log_type = {.write = begin_write,
                                                     .write_cancel = write_cancel,
                                                     .in_doubt = in_doubt,
                                                     .confirm = begin_question,
                                                     .confirm_cancel = confirm_cancel};

/* ---- The applier ---- */

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
        owner->spec.type->apply(owner->state, &given, &place);
    }
    return error == ERR_EOF ? ERR_NONE : error;
}

static int apply(void *state, const struct record_batch *batch) {
    struct coordinator_partition *owner = state;
    struct record_iterator iterator;
    if (record_batch_is_control(batch)) return ERR_NONE;
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

static struct slice encode(const void *state) {
    const struct coordinator_partition *owner = state;
    return snapshot_records_encode(owner->spec.type, owner->state);
}

static int restore(void *state, uint32_t version, const uint8_t *bytes, size_t len) {
    struct coordinator_partition *owner = state;
    if (version != SNAPSHOT_RECORDS_VERSION) return ERR_VERSION;
    return snapshot_records_decode(owner->spec.type, owner->state, bytes, len);
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
                                                 .encode = encode,
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
