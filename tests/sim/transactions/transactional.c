/* One step after the other; transactional.h has the rules. */
#include "tests/sim/transactions/transactional.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/add_offsets_to_txn.h"
#include "protocol/messages/end_txn.h"
#include "protocol/messages/init_producer_id.h"
#include "tests/sim/offset_calls.h"
#include "tests/sim/produce_call.h"
#include "tests/sim/transactions/transaction_calls.h"

enum {
    BACKOFF_US = 30000,
    PATIENCE_US = 3000000,
    IMPATIENT_US = 60000,
    RECORDS_MOST = 4, /* of a transaction */
    SENDS_MOST = 4,   /* of a record, about */
    VALUE_LEN = HISTORY_VALUE_MIN + 20,
};

enum step {
    INIT,
    REST,
    READ_OFFSET,
    ADD,
    PRODUCE,
    ADD_OFFSETS,
    COMMIT_OFFSETS,
    END,
};
static const char *const step_names[] = {"InitProducerId",     "",        "OffsetFetch",
                                         "AddPartitionsToTxn", "Produce", "AddOffsetsToTxn",
                                         "TxnOffsetCommit",    "EndTxn"};

struct transactional {
    struct kafka_call call; /* first */
    struct transactional_options options;
    struct run *run;
    struct env_timer *timer;
    struct kafka_link *links[CLIENT_BROKERS_MAX + 1]; /* by node id */
    bool lives, busy;
    bool dropped; /* what is under way is of the process before */
    bool finishing, finished;
    uint64_t held_until_us;
    int32_t coordinator, group_coordinator; /* -1: not known */
    int32_t asked;                          /* for them, last */
    struct transactional_name name;
    bool knows_itself; /* it has an epoch, and says so when it asks for the next */
    enum step step;
    int32_t sequences[HISTORY_PARTITIONS_MAX]; /* of the epoch */
    bool leftover;  /* something of this epoch may still arrive, and be taken for what it is not */
    bool adds_late; /* ... and begin a transaction, of which we know nothing */
    /* The transaction; NULL: none is open. */
    struct book_transaction *transaction;
    int32_t targets[RECORDS_MOST]; /* where its records go */
    unsigned target_count, target_at, added;
    uint64_t added_us; /* when the first partition was about to be added; 0: not yet */
    bool commits, has_offsets;
    uint64_t init_sent; /* as the book knows it */
    unsigned sends;     /* of what is under way */
    uint8_t *bytes;     /* of its next record; NULL: not made yet */
    size_t len;
    unsigned producer;
    uint64_t number;
};

static uint64_t draw(struct transactional *self, uint64_t limit) {
    return world_below(self->run->world, limit);
}

static void later(struct transactional *self, uint64_t typical_us) {
    env_timer_start(self->timer, typical_us / 2 + draw(self, typical_us + 1));
}

static void go(struct transactional *self, enum step step) {
    self->step = step;
    self->sends = 0;
    later(self, 2000);
}

/* ---- Ends ---- */

static void forget_record(struct transactional *self) {
    mem_free(self->bytes);
    self->bytes = NULL;
}

static void end(struct transactional *self) {
    self->lives = false;
    self->transaction = NULL;
    forget_record(self);
    env_timer_stop(self->timer);
}

static void finish(struct transactional *self) {
    self->finished = true;
    end(self);
}

void transactional_kill(struct transactional *self) {
    run_say(self->run, "%s is killed", self->options.name);
    self->dropped = self->busy;
    for (unsigned node = 1; node <= kafka_client_brokers(self->options.client); node++)
        kafka_link_break(self->links[node]);
    end(self);
}

/* ---- What answers say in general ---- */

/* Nobody else has taken the id, and the transaction is younger than it may be. */
static bool is_healthy(const struct transactional *self) {
    uint64_t now_us = world_now_us(self->run->world);
    bool young = self->added_us == 0 ||
                 now_us < self->added_us + (uint64_t)self->options.timeout_ms * 1000;
    return young && !self->adds_late &&
           book_is_newest(self->options.book, self->options.id, self->name.producer_id,
                          self->name.epoch);
}

static void is_fenced(struct transactional *self) {
    if (is_healthy(self))
        run_fail(self->run,
                 "%s with epoch %d is fenced by %s, and nobody is newer, nor has its transaction "
                 "lasted too long",
                 self->options.name, self->name.epoch, step_names[self->step]);
    run_count(self->run, RARE_PRODUCERS_FENCED, 1);
    run_say(self->run, "%s with epoch %d is fenced", self->options.name, self->name.epoch);
    if (self->step == END && self->commits && self->sends == 1)
        book_was_refused(self->options.book, self->transaction);
    end(self);
}

static void give_up_record(struct transactional *self);

/* Perhaps its transaction has only lasted too long: then it may go on behind the end. */
static void may_be_late(struct transactional *self) {
    if (is_healthy(self))
        run_fail(self->run,
                 "%s with epoch %d has an old epoch, %s says, and nobody is newer, nor has its "
                 "transaction lasted too long",
                 self->options.name, self->name.epoch, step_names[self->step]);
    give_up_record(self);
}

/* Whether what was asked is done; if it is not, what follows is under way. */
static bool is_done(struct transactional *self, int16_t code) {
    if (code == KAFKA_NONE) return true;
    run_say(self->run, "%s: %s gets %s", self->options.name, step_names[self->step],
            kafka_error_name(code));
    if (code == KAFKA_INVALID_PRODUCER_EPOCH || code == KAFKA_PRODUCER_FENCED) {
        if (self->name.raises && (self->step == PRODUCE || self->step == COMMIT_OFFSETS))
            may_be_late(self);
        else
            is_fenced(self);
        return false;
    }
    bool again = kafka_error_retriable(code) || code == KAFKA_CONCURRENT_TRANSACTIONS ||
                 code == KAFKA_STORAGE_ERROR || code == KAFKA_UNSTABLE_OFFSET_COMMIT;
    if (!again)
        run_fail(self->run, "%s, producer %" PRId64 " epoch %d, gets %s for %s", self->options.name,
                 self->name.producer_id, self->name.epoch, kafka_error_name(code),
                 step_names[self->step]);
    run_count(self->run, RARE_UNSTABLE_OFFSETS, code == KAFKA_UNSTABLE_OFFSET_COMMIT);
    run_count(self->run, RARE_CONCURRENT, code == KAFKA_CONCURRENT_TRANSACTIONS);
    if (draw(self, 4) > 0) self->coordinator = self->group_coordinator = -1;
    kafka_client_refresh(self->options.client);
    later(self, BACKOFF_US);
    return false;
}

/* False: it is of an earlier process, or never came; then it is asked again. */
static bool has_come(struct transactional *self, int error) {
    self->busy = false;
    if (self->dropped) {
        self->dropped = false;
        return false;
    }
    if (error == ERR_NONE) return true;
    run_count(self->run, RARE_UNKNOWN_RESULTS, 1);
    bool mistaken = self->step == END || self->step == COMMIT_OFFSETS;
    if (mistaken && !self->name.raises) self->leftover = true;
    if (self->step == ADD || self->step == ADD_OFFSETS) self->adds_late = true;
    self->coordinator = self->group_coordinator = -1;
    kafka_client_refresh(self->options.client);
    later(self, BACKOFF_US);
    return false;
}

/* Now and then it is soon tired of waiting. */
static struct calling calling(struct transactional *self, int32_t node,
                              void (*done)(struct kafka_call *call, int error,
                                           const void *answer)) {
    bool hurries = self->step != INIT && draw(self, 8) == 0;
    if (node < 0) node = 1 + (int32_t)draw(self, kafka_client_brokers(self->options.client));
    self->call.done = done;
    self->busy = true;
    self->sends++;
    return (struct calling){self->options.client, self->links[node], &self->call,
                            hurries ? IMPATIENT_US / 2 + draw(self, IMPATIENT_US) : PATIENCE_US};
}

/* ---- Coordinators ---- */

static bool is_of_group(const struct transactional *self) {
    return self->step == READ_OFFSET || self->step == COMMIT_OFFSETS;
}

static void found(struct kafka_call *call, int error, const void *answer) {
    struct transactional *self = (struct transactional *)call;
    int32_t node = -1;
    if (!self->dropped) kafka_client_note(self->options.client, self->asked, error == ERR_NONE);
    if (!has_come(self, error)) return;
    int16_t code = coordinator_answer(call, answer, &node);
    if (!is_done(self, code)) return;
    if (is_of_group(self))
        self->group_coordinator = node;
    else
        self->coordinator = node;
    later(self, 1000);
}

static void find(struct transactional *self) {
    unsigned sends = self->sends;
    self->asked = kafka_client_some(self->options.client);
    struct calling how = calling(self, self->asked, found);
    self->sends = sends;
    bool of_group = is_of_group(self);
    find_call(&how, of_group ? self->options.group : self->options.name, of_group);
}

/* ---- InitProducerId ---- */

static void take_identity(struct transactional *self, int64_t producer_id, int16_t epoch) {
    self->name.producer_id = producer_id;
    self->name.epoch = epoch;
    self->knows_itself = true;
    self->leftover = self->adds_late = false;
    memset(self->sequences, 0, sizeof self->sequences);
    run_say(self->run, "%s is producer %" PRId64 " epoch %d", self->options.name, producer_id,
            epoch);
    book_given(self->options.book, self->options.id, producer_id, epoch);
}

static void inited(struct kafka_call *call, int error, const void *answer) {
    struct transactional *self = (struct transactional *)call;
    const struct kp_init_producer_id_response *response = answer;
    if (error == ERR_NONE)
        book_init_answered(self->options.book, self->options.id, self->init_sent,
                           response->error_code == KAFKA_NONE);
    if (!has_come(self, error) || !is_done(self, response->error_code)) return;
    take_identity(self, response->producer_id, response->producer_epoch);
    go(self, REST);
}

static void init(struct transactional *self) {
    struct calling how = calling(self, self->coordinator, inited);
    self->init_sent = book_init_sent(self->options.book, self->options.id);
    init_call(&how, &self->name, self->options.timeout_ms, self->knows_itself);
}

/* ---- Beginning ---- */

static void begin(struct transactional *self) {
    self->transaction = book_begin(self->options.book, self->options.id);
    self->target_count = 1 + (unsigned)draw(self, RECORDS_MOST);
    for (unsigned i = 0; i < self->target_count; i++)
        self->targets[i] = (int32_t)draw(self, (uint64_t)self->options.partitions);
    self->target_at = self->added = 0;
    self->added_us = 0;
    self->has_offsets = false;
    self->commits = draw(self, 10) < 7;
    if (self->name.raises) self->added = self->target_count;
    go(self, self->name.raises ? PRODUCE : ADD);
}

static void rest(struct transactional *self) {
    if (self->leftover && draw(self, 4) == 0) self->knows_itself = false; /* as another process */
    if (self->leftover)
        go(self, INIT);
    else if (self->options.group != NULL && (self->finishing || draw(self, 3) > 0))
        go(self, READ_OFFSET);
    else if (self->finishing)
        finish(self);
    else
        begin(self);
}

static void offset_read(struct kafka_call *call, int error, const void *answer) {
    struct transactional *self = (struct transactional *)call;
    int64_t offset = -1;
    if (!has_come(self, error) || !is_done(self, offset_fetch_answer(call, answer, &offset)))
        return;
    if (self->finishing) {
        book_final_offset(self->options.book, self->options.id, offset);
        finish(self);
        return;
    }
    begin(self);
    int64_t from = offset < 0 ? 0 : offset;
    self->has_offsets = true;
    book_works_on(self->transaction, from, from + 1 + (int64_t)draw(self, 3));
}

static void read_offset(struct transactional *self) {
    struct calling how = calling(self, self->group_coordinator, offset_read);
    stable_offset_call(&how, self->options.group);
}

/* ---- Partitions ---- */

static void partitions_added(struct kafka_call *call, int error, const void *answer) {
    struct transactional *self = (struct transactional *)call;
    if (!has_come(self, error) || !is_done(self, add_partitions_answer(answer))) return;
    go(self, PRODUCE);
}

/* All that are left, or the next one. */
static void add(struct transactional *self) {
    int32_t partitions[RECORDS_MOST];
    int32_t count = 0;
    if (self->sends == 0)
        self->added = draw(self, 2) == 0 ? self->target_count : self->target_at + 1;
    for (unsigned i = self->target_at; i < self->added; i++) {
        bool twice = false;
        for (int32_t k = 0; k < count; k++)
            twice = twice || partitions[k] == self->targets[i];
        if (!twice) partitions[count++] = self->targets[i];
    }
    if (self->added_us == 0) self->added_us = world_now_us(self->run->world);
    struct calling how = calling(self, self->coordinator, partitions_added);
    add_partitions_call(&how, &self->name, partitions, count);
}

/* ---- Records ---- */

static void record_over(struct transactional *self) {
    forget_record(self);
    self->target_at++;
    if (self->target_at == self->target_count)
        go(self, !self->has_offsets ? END : self->name.raises ? COMMIT_OFFSETS : ADD_OFFSETS);
    else
        go(self, self->target_at < self->added ? PRODUCE : ADD);
}

/* It may be there, or come. */
static void give_up_record(struct transactional *self) {
    forget_record(self);
    self->leftover = !self->name.raises;
    self->commits = false;
    go(self, END);
}

static void produced(struct kafka_call *call, int error, const void *answer) {
    struct transactional *self = (struct transactional *)call;
    int32_t partition = self->targets[self->target_at];
    bool tired = self->sends >= SENDS_MOST && draw(self, 2) == 0;
    if (has_come(self, error)) {
        const struct kp_produce_response_partition *told = produce_answer(self->run, answer,
                                                                          partition);
        if (is_done(self, told->error_code)) {
            run_say(self->run, "%s: transaction %u has offset %" PRId64 " of partition %d",
                    self->options.name, self->transaction->number, told->base_offset, partition);
            history_acknowledged(book_history(self->options.book), self->producer, self->number,
                                 told->base_offset);
            self->options.acknowledged(self->options.arg, partition, told->base_offset,
                                       self->producer, self->number);
            self->sequences[partition]++;
            record_over(self);
            return;
        }
    }
    if (self->lives && self->step == PRODUCE && self->bytes != NULL && tired) give_up_record(self);
}

static void make_record(struct transactional *self, int32_t partition) {
    struct record_batch_options options = record_batch_plain();
    self->producer = book_record(self->options.book, self->transaction, partition, &self->number);
    options.producer_id = self->name.producer_id;
    options.producer_epoch = self->name.epoch;
    options.base_sequence = self->sequences[partition];
    options.transactional = true;
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    produce_append(self->options.client, builder, self->producer, self->number, VALUE_LEN);
    int error = record_batch_builder_finish(builder, &self->bytes, &self->len);
    CHECK(error == ERR_NONE); /* one record */
}

static void produce(struct transactional *self) {
    int32_t partition = self->targets[self->target_at];
    struct known_leader leader = kafka_client_leader(self->options.client, partition);
    if (leader.node < 0) {
        kafka_client_refresh(self->options.client);
        later(self, BACKOFF_US);
        return;
    }
    if (self->bytes == NULL) make_record(self, partition);
    if (self->added_us == 0) self->added_us = world_now_us(self->run->world);
    history_sent(book_history(self->options.book), self->producer, self->number);
    struct calling how = calling(self, leader.node, produced);
    transactional_produce_call(&how, &self->name, partition, self->bytes, self->len);
}

/* ---- Offsets ---- */

static void offsets_added(struct kafka_call *call, int error, const void *answer) {
    struct transactional *self = (struct transactional *)call;
    const struct kp_add_offsets_to_txn_response *response = answer;
    if (has_come(self, error) && is_done(self, response->error_code)) go(self, COMMIT_OFFSETS);
}

static void add_offsets(struct transactional *self) {
    struct calling how = calling(self, self->coordinator, offsets_added);
    add_offsets_call(&how, &self->name, self->options.group);
}

static void offsets_committed(struct kafka_call *call, int error, const void *answer) {
    struct transactional *self = (struct transactional *)call;
    if (has_come(self, error) && is_done(self, commit_in_transaction_answer(answer))) go(self, END);
}

static void commit_offsets(struct transactional *self) {
    struct calling how = calling(self, self->group_coordinator, offsets_committed);
    commit_in_transaction_call(&how, &self->name, self->options.group, self->transaction->to);
}

/* ---- Ending ---- */

static void ended(struct kafka_call *call, int error, const void *answer) {
    struct transactional *self = (struct transactional *)call;
    const struct kp_end_txn_response *response = answer;
    if (!has_come(self, error) || !is_done(self, response->error_code)) return;
    run_say(self->run, "%s: transaction %u is %s", self->options.name, self->transaction->number,
            self->commits ? "committed" : "aborted");
    run_count(self->run, self->commits ? RARE_TRANSACTIONS_COMMITTED : RARE_TRANSACTIONS_ABORTED,
              1);
    if (self->has_offsets)
        run_count(self->run, self->commits ? RARE_OFFSETS_COMMITTED_IN : RARE_OFFSETS_ABORTED_IN,
                  1);
    if (self->commits) book_was_committed(self->options.book, self->transaction);
    if (self->name.raises) take_identity(self, response->producer_id, response->producer_epoch);
    self->transaction = NULL;
    self->added_us = 0;
    self->step = REST;
    later(self, self->options.interval_us);
}

static void end_transaction(struct transactional *self) {
    struct calling how = calling(self, self->coordinator, ended);
    if (self->commits) book_commit_asked(self->transaction);
    end_call(&how, &self->name, self->commits);
}

/* ---- Life ---- */

static bool knows_whom_to_ask(const struct transactional *self) {
    if (self->step == REST || self->step == PRODUCE) return true;
    return (is_of_group(self) ? self->group_coordinator : self->coordinator) >= 0;
}

static void step(void *arg) {
    struct transactional *self = arg;
    uint64_t now_us = world_now_us(self->run->world);
    if (!self->lives || self->busy) return;
    if (now_us < self->held_until_us || !kafka_client_ready(self->options.client)) {
        later(self, now_us < self->held_until_us ? self->held_until_us - now_us : BACKOFF_US);
        return;
    }
    if (!knows_whom_to_ask(self)) {
        find(self);
        return;
    }
    switch (self->step) {
    case INIT: init(self); break;
    case REST: rest(self); break;
    case READ_OFFSET: read_offset(self); break;
    case ADD: add(self); break;
    case PRODUCE: produce(self); break;
    case ADD_OFFSETS: add_offsets(self); break;
    case COMMIT_OFFSETS: commit_offsets(self); break;
    case END: end_transaction(self); break;
    }
}

void transactional_start(struct transactional *self) {
    if (self->busy) return; /* what the process before asked is about to end */
    self->lives = true;
    self->held_until_us = 0;
    self->coordinator = self->group_coordinator = -1;
    self->knows_itself = self->leftover = self->adds_late = false;
    self->added_us = 0;
    go(self, INIT);
}

void transactional_hold(struct transactional *self, uint64_t us) {
    self->held_until_us = world_now_us(self->run->world) + us;
}

bool transactional_lives(const struct transactional *self) {
    return self->lives;
}

void transactional_finish(struct transactional *self) {
    self->finishing = true;
    self->held_until_us = 0;
}

bool transactional_is_finished(const struct transactional *self) {
    return self->finished;
}

struct transactional *transactional_new(const struct transactional_options *options) {
    struct transactional *self = mem_zalloc(sizeof *self);
    char host[16];
    self->options = *options;
    self->run = kafka_client_run(options->client);
    self->name = (struct transactional_name){
        .id = options->name, .producer_id = -1, .epoch = -1, .raises = options->raises};
    for (unsigned node = 1; node <= kafka_client_brokers(options->client); node++) {
        snprintf(host, sizeof host, "n%u", node);
        self->links[node] = kafka_link_new(self->run, kafka_client_env(options->client), host,
                                           CLIENT_PORT);
    }
    self->timer = env_timer_new(kafka_client_env(options->client), step, self);
    return self;
}
