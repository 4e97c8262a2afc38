/* Writing, ending, and what committed readers see; transactor.h has the rules. */
#include "tests/sim/transactor.h"

#include <inttypes.h>

#include "base/container_of.h"
#include "base/mem.h"
#include "broker/partition/partition_append.h"
#include "broker/partition/partition_marker.h"
#include "protocol/kafka_error.h"
#include "protocol/record/record_batch_builder.h"
#include "tests/sim/cluster.h"

enum {
    WITHIN_US = 3000000, /* about then nobody waits for an answer any more */
    BACKOFF_US = 50000,
    TRANSACTIONS_MAX =
        5000,        /* more than there is time for: its partition may have no other writer */
    RECORDS_MAX = 3, /* of one transaction */
    OFFSETS_MAX = 1 << 16,
};

enum outcome { OPEN, COMMITTED, ABORTED };

/* On its way; left alone when its machine dies, or its time is over. */
struct attempt {
    struct transactor *transactor; /* NULL: nobody waits for it */
    struct partition_append append;
    struct partition_marker marker;
};

struct transactor {
    struct cluster *cluster;
    struct event next;
    struct identity identity;
    struct kafka_client *client;
    struct env_timer *timer; /* until it has an id */
    int32_t partition;
    unsigned number;
    uint64_t interval_us;
    struct attempt *attempt;
    uint64_t until_us;    /* of the attempt */
    unsigned transaction; /* the present one, from 1 on */
    unsigned left;        /* records that it is still to write */
    uint64_t records;     /* sent in all */
    bool open, ending, finished;
    bool raises;        /* the epoch with each transaction */
    uint32_t ended_in;  /* the term of the leader that was last given an end */
    uint32_t late_term; /* ... when the transaction before the present one was ended; 0: none was */
    enum outcome outcomes[TRANSACTIONS_MAX + 1];
    uint16_t of[TRANSACTIONS_MAX * RECORDS_MAX]; /* transactions of the records */
    uint16_t *at;                                /* ... by offset; 0: not known */
    const struct kp_fetch_response_partition *answer;
};

static void later(struct transactor *transactor, uint64_t typical_us) {
    struct world *world = transactor->cluster->run->world;
    world_schedule(world, &transactor->next,
                   world_now_us(world) + typical_us / 2 + world_below(world, typical_us + 1));
}

/* ---- Writing ---- */

static void detach(struct transactor *transactor) {
    if (transactor->attempt != NULL) transactor->attempt->transactor = NULL;
    transactor->attempt = NULL;
}

static struct attempt *attempt_new(struct transactor *transactor) {
    struct attempt *attempt = mem_zalloc(sizeof *attempt);
    attempt->transactor = transactor;
    transactor->attempt = attempt;
    return attempt;
}

/* Decided: what was written is readable, or never. */
static void decide(struct transactor *transactor, bool commit) {
    run_say(transactor->cluster->run, "transaction %u in partition %d is %s",
            transactor->transaction, transactor->partition, commit ? "committed" : "aborted");
    transactor->outcomes[transactor->transaction] = commit ? COMMITTED : ABORTED;
    transactor->ending = true;
}

static void place(struct transactor *transactor, int64_t offset, uint64_t number) {
    if (offset >= 0 && offset < OFFSETS_MAX) transactor->at[offset] = transactor->of[number];
}

static void appended(struct partition_append *append, int16_t error) {
    struct attempt *attempt = CONTAINER_OF(append, struct attempt, append);
    struct transactor *transactor = attempt->transactor;
    if (transactor == NULL) return;
    uint64_t number = transactor->records - 1;
    transactor->attempt = NULL;
    if (error == KAFKA_NONE) {
        place(transactor, append->produce.base_offset, number);
        history_acknowledged(transactor->cluster->history, transactor->number, number,
                             append->produce.base_offset);
    } else {
        run_count(transactor->cluster->run, RARE_UNKNOWN_RESULTS, 1);
        decide(transactor, false);
    }
    later(transactor, transactor->interval_us);
}

static struct slice next_batch(struct transactor *transactor) {
    struct record_batch_options options = record_batch_plain();
    uint8_t value[HISTORY_VALUE_MIN], *bytes;
    size_t len;
    uint64_t number = transactor->records++;
    transactor->of[number] = (uint16_t)transactor->transaction;
    history_sent(transactor->cluster->history, transactor->number, number);
    history_value(transactor->number, number, value, sizeof value);
    options.producer_id = transactor->identity.id;
    options.producer_epoch = transactor->raises ? (int16_t)(transactor->transaction - 1) : 0;
    options.transactional = true; /* without a sequence: nothing is sent again */
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    record_batch_builder_append(builder, (int64_t)number, NULL, -1, value, sizeof value, NULL, 0);
    if (record_batch_builder_finish(builder, &bytes, &len) != ERR_NONE)
        run_fail(transactor->cluster->run, "a batch of one record cannot be made");
    return slice_adopt(NULL, bytes, len);
}

static void write_record(struct transactor *transactor, struct partition *partition) {
    struct attempt *attempt = attempt_new(transactor);
    attempt->append.done = appended;
    transactor->open = true;
    transactor->left--;
    if (partition_append(partition, next_batch(transactor), &attempt->append) == KAFKA_NONE) return;
    detach(transactor); /* nothing was written */
    later(transactor, BACKOFF_US);
}

/* ---- Ending ---- */

static void take_end(struct transactor *transactor, int16_t error) {
    struct run *run = transactor->cluster->run;
    transactor->attempt = NULL;
    run_say(run, "the end of transaction %u in partition %d: %s", transactor->transaction,
            transactor->partition, kafka_error_name(error));
    if (error == KAFKA_NONE) {
        bool commit = transactor->outcomes[transactor->transaction] == COMMITTED;
        run_count(run, commit ? RARE_TRANSACTIONS_COMMITTED : RARE_TRANSACTIONS_ABORTED, 1);
        transactor->open = transactor->ending = false;
        transactor->left = 0; /* of an aborted one */
    } else if (!kafka_error_retriable(error) && error != KAFKA_STORAGE_ERROR) {
        run_fail(run, "the end of transaction %u in partition %d gets %s", transactor->transaction,
                 transactor->partition, kafka_error_name(error));
    }
    later(transactor, error == KAFKA_NONE ? transactor->interval_us : BACKOFF_US);
}

static void ended(struct partition_marker *marker, int16_t error) {
    struct attempt *attempt = CONTAINER_OF(marker, struct attempt, marker);
    if (attempt->transactor != NULL) take_end(attempt->transactor, error);
}

/* Without epochs of their own only the coordinator's tells the ends of two transactions apart, for
 * the history. */
static struct transaction_marker end_of(const struct transactor *transactor, unsigned transaction) {
    return (struct transaction_marker){
        .producer_id = transactor->identity.id,
        .producer_epoch = transactor->raises ? (int16_t)transaction : 0,
        .coordinator_epoch = transactor->raises ? 1 : (int32_t)transaction,
        .commit = transactor->outcomes[transaction] == COMMITTED};
}

static void late_ended(struct partition_marker *marker, int16_t error) {
    (void)marker;
    (void)error; /* whoever sent it is gone */
}

/* That of the transaction before comes once more. An epoch of its own tells it; else it looks as if
 * it were of the present one, but was meant for a leader of an earlier term. */
static void end_late(struct transactor *transactor, struct partition *partition) {
    struct attempt *attempt = mem_zalloc(sizeof *attempt);
    struct transaction_marker marker = end_of(transactor, transactor->transaction - 1);
    int32_t term = transactor->raises ? -1 : (int32_t)transactor->late_term;
    int16_t error;
    if (!transactor->raises) marker.coordinator_epoch = (int32_t)transactor->transaction;
    attempt->marker.done = late_ended;
    if (partition_end_transaction(partition, &marker, term, transactor->raises, &attempt->marker,
                                  &error) == DONE &&
        (error == KAFKA_INVALID_PRODUCER_EPOCH || error == KAFKA_FENCED_LEADER_EPOCH))
        run_count(transactor->cluster->run, RARE_LATE_MARKERS, 1);
}

static bool may_be_late(const struct transactor *transactor, const struct partition *partition) {
    if (transactor->ending || transactor->transaction < 2) return false;
    return transactor->raises ||
           (transactor->late_term > 0 && partition_leader_epoch(partition) > transactor->late_term);
}

static void end(struct transactor *transactor, struct partition *partition) {
    struct attempt *attempt = attempt_new(transactor);
    struct transaction_marker marker = end_of(transactor, transactor->transaction);
    int16_t error;
    attempt->marker.done = ended;
    transactor->ended_in = partition_leader_epoch(partition);
    history_marker_sent(transactor->cluster->history, transactor->partition);
    run_say(transactor->cluster->run, "its end is sent, term %u", transactor->ended_in);
    if (partition_end_transaction(partition, &marker, (int32_t)transactor->ended_in,
                                  transactor->raises, &attempt->marker, &error) == DONE)
        take_end(transactor, error);
}

/* ---- Steps ---- */

static void in_broker(struct env *env, void *arg) {
    struct transactor *transactor = arg;
    struct cluster *cluster = transactor->cluster;
    int32_t leader;
    (void)env;
    cluster_leaders(cluster, transactor->partition, &leader);
    struct partition *partition = leader < 1
                                      ? NULL
                                      : cluster_partition(cluster, (unsigned)leader - 1,
                                                          cluster_topic, transactor->partition);
    if (partition == NULL)
        later(transactor, BACKOFF_US);
    else if (transactor->ending)
        end(transactor, partition);
    else
        write_record(transactor, partition);
    if (partition != NULL && may_be_late(transactor, partition) &&
        world_below(cluster->run->world, 4) == 0)
        end_late(transactor, partition);
}

/* False: there is nothing more to do. */
static bool choose(struct transactor *transactor) {
    struct world *world = transactor->cluster->run->world;
    if (!transactor->open && !transactor->ending && transactor->left == 0) {
        if (transactor->finished || transactor->transaction == TRANSACTIONS_MAX) return false;
        transactor->transaction++;
        transactor->late_term = transactor->ended_in;
        transactor->left = 1 + (unsigned)world_below(world, RECORDS_MAX);
    } else if (transactor->left == 0 && !transactor->ending) {
        decide(transactor, world_below(world, 3) > 0);
    }
    return true;
}

static void step(struct event *event) {
    struct transactor *transactor = CONTAINER_OF(event, struct transactor, next);
    struct cluster *cluster = transactor->cluster;
    int32_t leader;
    if (transactor->attempt != NULL) { /* its time is over, or its machine is gone */
        detach(transactor);
        if (!transactor->ending) decide(transactor, false);
    }
    if (!choose(transactor)) return;
    cluster_leaders(cluster, transactor->partition, &leader);
    later(transactor, WITHIN_US); /* an answer comes before, and moves it */
    if (leader < 1 || !node_call(cluster->brokers[leader - 1].node, in_broker, transactor))
        later(transactor, BACKOFF_US);
}

static void ask_id(void *arg) {
    struct transactor *transactor = arg;
    identity_ask(&transactor->identity, transactor->client);
}

static void identified(void *arg) {
    struct transactor *transactor = arg;
    if (transactor->identity.id < 0)
        env_timer_start(transactor->timer, BACKOFF_US);
    else
        later(transactor, transactor->interval_us);
}

struct transactor *transactor_new(struct cluster *cluster, struct kafka_client *client,
                                  int32_t partition, unsigned number, uint64_t interval_us) {
    struct transactor *transactor = mem_zalloc(sizeof *transactor);
    transactor->cluster = cluster;
    transactor->client = client;
    transactor->next.run = step;
    transactor->identity = (struct identity){
        .run = cluster->run, .id = -1, .answered = identified, .arg = transactor};
    transactor->partition = partition;
    transactor->number = number;
    transactor->interval_us = interval_us;
    transactor->raises = (cluster->run->seed / 6 + (unsigned)partition) % 2 == 0;
    transactor->at = mem_zalloc(OFFSETS_MAX * sizeof *transactor->at);
    transactor->timer = env_timer_new(kafka_client_env(client), ask_id, transactor);
    history_producer(cluster->history, number, partition, true);
    env_timer_start(transactor->timer, BACKOFF_US);
    return transactor;
}

void transactor_finish(struct transactor *transactor) {
    transactor->finished = true;
}

bool transactor_may_give(const struct transactor *transactor, unsigned producer, uint64_t number) {
    return producer != transactor->number ||
           transactor->outcomes[transactor->of[number]] == COMMITTED;
}

bool transactor_is_done(const struct transactor *transactor) {
    return transactor->identity.id < 0 ||
           (!transactor->open && !transactor->ending && transactor->attempt == NULL);
}

/* ---- What committed readers see ---- */

void transactor_told(struct transactor *transactor,
                     const struct kp_fetch_response_partition *answer) {
    transactor->answer = answer;
}

/* Whether an entry says that the record at that offset was aborted. One of which it is not known
 * where it begins may be of its transaction. */
static bool is_told(const struct transactor *transactor, int64_t offset, bool of_it_alone) {
    const struct kp_fetch_response_partition *answer = transactor->answer;
    for (int32_t i = 0; i < answer->aborted_transactions.count; i++) {
        const struct kp_fetch_response_aborted_transaction *entry =
            &answer->aborted_transactions.items[i];
        if (entry->producer_id != transactor->identity.id || entry->first_offset > offset) continue;
        uint16_t begins = transactor->at[entry->first_offset];
        if (begins == transactor->at[offset] || (begins == 0 && !of_it_alone)) return true;
    }
    return false;
}

void transactor_read(struct transactor *transactor, int64_t offset, unsigned producer,
                     uint64_t number) {
    if (producer != transactor->number) return;
    struct run *run = transactor->cluster->run;
    unsigned transaction = transactor->of[number];
    place(transactor, offset, number);
    if (transactor->answer == NULL) return;
    switch (transactor->outcomes[transaction]) {
    case OPEN:
        run_fail(run,
                 "a committed reader gets offset %" PRId64
                 " of partition %d, of transaction %u, which is open",
                 offset, transactor->partition, transaction);
    case ABORTED:
        if (!is_told(transactor, offset, false))
            run_fail(run,
                     "aborted read: offset %" PRId64
                     " of partition %d is of transaction %u, and nobody says that it was aborted",
                     offset, transactor->partition, transaction);
        run_count(run, RARE_ABORTED_TOLD, 1);
        break;
    case COMMITTED:
        if (is_told(transactor, offset, true))
            run_fail(run,
                     "lost: offset %" PRId64
                     " of partition %d is of transaction %u, and is said to be aborted",
                     offset, transactor->partition, transaction);
        break;
    }
}
