/* Committing, ending and reading in the brokers' own processes; offset_transactor.h has the rules.
 */
#include "tests/sim/offset_transactor.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/container_of.h"
#include "base/mem.h"
#include "broker/api/services.h"
#include "broker/config/topic_name.h"
#include "broker/coordinator/coordinator_key.h"
#include "broker/coordinator/coordinators.h"
#include "broker/coordinator/serving/group_offsets.h"
#include "broker/partition/partition_marker.h"
#include "protocol/kafka_error.h"
#include "tests/sim/cluster.h"
#include "tests/sim/produce_call.h"

enum { WITHIN_US = 3000000, BACKOFF_US = 50000, COMMITS_MAX = 1 << 14 };

enum doing { READS, COMMITS, COMMITS_IN_TRANSACTION, ENDS };

/* On its way; left alone when its machine dies, or its time is over. */
struct attempt {
    struct offset_transactor *transactor; /* NULL: nobody waits for it */
    enum doing doing;
    struct coordinator_find find;
    struct offset_commit commit;
    struct offset_commit_entry entry;
    struct coordinator_transaction transaction;
    struct offset_fetch fetch;
    struct partition_marker marker;
};

struct offset_transactor {
    struct cluster *cluster;
    struct event next;
    struct identity identity;
    struct kafka_client *client;
    struct env_timer *timer; /* until it has an id */
    char group[32];
    int32_t offsets_partition;
    uint64_t interval_us;
    struct attempt *attempt;
    enum doing doing;     /* of the attempt */
    unsigned transaction; /* the present one, from 1 on */
    int64_t sent;         /* the last offset of all, from 1 on: what came of it or not */
    int64_t committed;    /* -1: none */
    int64_t pending;      /* of the open transaction; -1: none */
    bool passed;          /* behind it something was committed */
    bool open, ending, commits;
    bool raises; /* the epoch with each transaction */
    bool finished, was_read;
    bool unknown[COMMITS_MAX + 1]; /* whether it was committed, without a transaction */
};

static void later(struct offset_transactor *transactor, uint64_t typical_us) {
    struct world *world = transactor->cluster->run->world;
    world_schedule(world, &transactor->next,
                   world_now_us(world) + typical_us / 2 + world_below(world, typical_us + 1));
}

static void detach(struct offset_transactor *transactor) {
    if (transactor->attempt != NULL) transactor->attempt->transactor = NULL;
    transactor->attempt = NULL;
}

static void decide(struct offset_transactor *transactor, bool commits) {
    run_say(transactor->cluster->run, "transaction %u of %s is %s", transactor->transaction,
            transactor->group, commits ? "committed" : "aborted");
    transactor->commits = commits;
    transactor->ending = true;
}

/* ---- What came of it ---- */

static void take_commit(struct offset_transactor *transactor, int16_t error) {
    int64_t offset = transactor->sent;
    if (error != KAFKA_NONE) run_count(transactor->cluster->run, RARE_UNKNOWN_RESULTS, 1);
    if (transactor->doing == COMMITS_IN_TRANSACTION && error != KAFKA_NONE) {
        decide(transactor, false);
    } else if (transactor->doing == COMMITS_IN_TRANSACTION) {
        transactor->pending = offset;
        transactor->passed = false;
    } else if (error != KAFKA_NONE) {
        transactor->unknown[offset] = true;
    } else {
        transactor->committed = offset;
        transactor->passed = true;
    }
}

static void take_end(struct offset_transactor *transactor, int16_t error) {
    struct run *run = transactor->cluster->run;
    if (error != KAFKA_NONE) {
        if (!kafka_error_retriable(error) && error != KAFKA_STORAGE_ERROR)
            run_fail(run, "the end of transaction %u of %s gets %s", transactor->transaction,
                     transactor->group, kafka_error_name(error));
        return;
    }
    run_count(run, transactor->commits ? RARE_OFFSETS_COMMITTED_IN : RARE_OFFSETS_ABORTED_IN, 1);
    if (transactor->commits && transactor->pending >= 0 && !transactor->passed)
        transactor->committed = transactor->pending;
    transactor->pending = -1;
    transactor->open = transactor->ending = false;
}

static void take_read(struct offset_transactor *transactor, int64_t offset, bool pending) {
    struct run *run = transactor->cluster->run;
    bool expected = offset == transactor->committed ||
                    (offset >= 0 && offset <= transactor->sent && transactor->unknown[offset]);
    if (!expected)
        run_fail(run,
                 "%s reads %" PRId64 ", but %" PRId64 " is committed and %" PRId64
                 " is of transaction %u, which is open",
                 transactor->group, offset, transactor->committed, transactor->pending,
                 transactor->transaction);
    if (pending != (transactor->pending >= 0))
        run_fail(run, "%s reads that %s is pending, but %" PRId64 " is", transactor->group,
                 pending ? "something" : "nothing", transactor->pending);
    run_count(run, RARE_PENDING_OFFSETS_READ, pending);
    transactor->was_read = true;
}

static void over(struct attempt *attempt, int16_t error) {
    struct offset_transactor *transactor = attempt->transactor;
    if (transactor == NULL) return;
    transactor->attempt = NULL;
    if (attempt->doing == COMMITS || attempt->doing == COMMITS_IN_TRANSACTION)
        take_commit(transactor, error);
    else if (attempt->doing == ENDS)
        take_end(transactor, error);
    later(transactor, error == KAFKA_NONE ? transactor->interval_us : BACKOFF_US);
}

/* ---- In the process of a broker ---- */

static void committed(struct group_call *call) {
    struct attempt *attempt = CONTAINER_OF(call, struct attempt, commit.call);
    over(attempt, call->error != KAFKA_NONE ? call->error : attempt->entry.error);
}

static void fetched(struct group_call *call) {
    struct attempt *attempt = CONTAINER_OF(call, struct attempt, fetch.call);
    struct offset_transactor *transactor = attempt->transactor;
    struct kp_string topic = kp_string_of(cluster_topic);
    if (call->error == KAFKA_NONE && transactor != NULL) {
        const struct committed_offset *offset = offset_reader_find(&attempt->fetch.reader, topic,
                                                                   0);
        take_read(transactor, offset == NULL ? -1 : offset->offset,
                  offset_reader_is_pending(&attempt->fetch.reader, topic, 0));
    }
    if (call->error == KAFKA_NONE) offset_reader_close(&attempt->fetch.reader);
    over(attempt, call->error);
}

static void ended(struct partition_marker *marker, int16_t error) {
    over(CONTAINER_OF(marker, struct attempt, marker), error);
}

static int16_t epoch_of(const struct offset_transactor *transactor) {
    return transactor->raises ? (int16_t)(transactor->transaction - 1) : 0;
}

static void commit(struct offset_transactor *transactor, struct attempt *attempt,
                   struct group_coordinator *coordinator) {
    struct committed_offset offset = {.offset = transactor->sent,
                                      .commit_time_ms = transactor->sent,
                                      .expire_time_ms = -1,
                                      .leader_epoch = -1};
    offset_commit_open(&attempt->commit, &attempt->entry);
    attempt->commit.call.done = committed;
    attempt->commit.group_id = kp_string_of(transactor->group);
    attempt->commit.member_id = kp_string_of("");
    attempt->commit.instance_id = attempt->commit.client_host = KP_NULL_STRING;
    attempt->commit.generation = -1;
    attempt->transaction = (struct coordinator_transaction){.producer_id = transactor->identity.id,
                                                            .producer_epoch = epoch_of(transactor),
                                                            .transactional_id = KP_NULL_STRING};
    if (attempt->doing == COMMITS_IN_TRANSACTION)
        attempt->commit.transaction = &attempt->transaction;
    offset_commit_add(&attempt->commit, kp_string_of(cluster_topic), &offset);
    group_offsets_commit(coordinator, &attempt->commit);
}

static void fetch(struct offset_transactor *transactor, struct attempt *attempt,
                  struct group_coordinator *coordinator) {
    attempt->fetch.call.done = fetched;
    attempt->fetch.group_id = kp_string_of(transactor->group);
    attempt->fetch.member_id = KP_NULL_STRING;
    attempt->fetch.member_epoch = -1;
    group_offsets_fetch(coordinator, &attempt->fetch);
}

static void found(struct coordinator_find *find, void *coordinator, int16_t error) {
    struct attempt *attempt = CONTAINER_OF(find, struct attempt, find);
    struct offset_transactor *transactor = attempt->transactor;
    if (transactor == NULL) return; /* late: what was not sent never is */
    if (error != KAFKA_NONE)
        over(attempt, error);
    else if (attempt->doing == READS)
        fetch(transactor, attempt, coordinator);
    else
        commit(transactor, attempt, coordinator);
}

static void end(struct offset_transactor *transactor, struct attempt *attempt,
                struct partition *partition) {
    struct transaction_marker marker = {
        .producer_id = transactor->identity.id,
        .producer_epoch = transactor->raises ? (int16_t)transactor->transaction : 0,
        .coordinator_epoch = transactor->raises ? 1 : (int32_t)transactor->transaction,
        .commit = transactor->commits};
    int16_t error;
    attempt->marker.done = ended;
    if (partition_end_transaction(partition, &marker, -1, transactor->raises, &attempt->marker,
                                  &error) == DONE)
        over(attempt, error);
}

static void in_broker(struct env *env, void *arg) {
    struct offset_transactor *transactor = arg;
    struct cluster *cluster = transactor->cluster;
    int32_t leader;
    (void)env;
    cluster_coordinators(cluster, TOPIC_CONSUMER_OFFSETS, transactor->offsets_partition, &leader);
    struct attempt *attempt = mem_zalloc(sizeof *attempt);
    attempt->transactor = transactor;
    attempt->doing = transactor->doing;
    transactor->attempt = attempt;
    const struct sim_broker *broker = leader < 1 ? NULL : &cluster->brokers[leader - 1];
    if (broker == NULL || broker->broker == NULL) {
        over(attempt, KAFKA_NOT_COORDINATOR);
    } else if (transactor->doing == ENDS) {
        end(transactor, attempt,
            cluster_partition(cluster, (unsigned)leader - 1, TOPIC_CONSUMER_OFFSETS,
                              transactor->offsets_partition));
    } else {
        attempt->find.done = found;
        coordinators_find(broker_services(broker->broker)->group_coordinators, transactor->group,
                          strlen(transactor->group), &attempt->find);
    }
}

/* ---- Steps ---- */

/* Its time is over, or its machine is gone. */
static void give_up(struct offset_transactor *transactor) {
    detach(transactor);
    if (transactor->doing == COMMITS || transactor->doing == COMMITS_IN_TRANSACTION)
        take_commit(transactor, KAFKA_REQUEST_TIMED_OUT);
}

/* False: there is nothing more to do. */
static bool choose(struct offset_transactor *transactor) {
    uint64_t what = world_below(transactor->cluster->run->world, 10);
    bool no_more = transactor->finished || transactor->sent == COMMITS_MAX;
    transactor->doing = READS;
    if (!transactor->ending && transactor->open && (what == 0 || no_more))
        decide(transactor, world_below(transactor->cluster->run->world, 3) > 0);
    if (transactor->ending) {
        transactor->doing = ENDS;
        transactor->was_read = false;
    } else if (no_more) {
        return !transactor->was_read;
    } else if (what < 6) {
        transactor->doing = what < 2 ? COMMITS : COMMITS_IN_TRANSACTION;
        transactor->sent++;
        transactor->was_read = false;
    }
    if (transactor->doing != COMMITS_IN_TRANSACTION || transactor->open) return true;
    transactor->open = true;
    transactor->transaction++;
    return true;
}

static void step(struct event *event) {
    struct offset_transactor *transactor = CONTAINER_OF(event, struct offset_transactor, next);
    struct cluster *cluster = transactor->cluster;
    int32_t leader;
    if (transactor->attempt != NULL) give_up(transactor);
    if (cluster->groups[0] == 0) { /* what is committed for no topic is cleared away */
        later(transactor, BACKOFF_US);
        return;
    }
    cluster_coordinators(cluster, TOPIC_CONSUMER_OFFSETS, transactor->offsets_partition, &leader);
    if (leader < 1) {
        later(transactor, BACKOFF_US);
        return;
    }
    if (!choose(transactor)) return;
    later(transactor, WITHIN_US); /* an answer comes before, and moves it */
    if (node_call(cluster->brokers[leader - 1].node, in_broker, transactor)) return;
    if (transactor->doing == COMMITS || transactor->doing == COMMITS_IN_TRANSACTION)
        take_commit(transactor, KAFKA_NOT_COORDINATOR);
    later(transactor, BACKOFF_US);
}

/* ---- Life ---- */

static void ask_id(void *arg) {
    struct offset_transactor *transactor = arg;
    identity_ask(&transactor->identity, transactor->client);
}

static void identified(void *arg) {
    struct offset_transactor *transactor = arg;
    if (transactor->identity.id < 0)
        env_timer_start(transactor->timer, BACKOFF_US);
    else
        later(transactor, transactor->interval_us);
}

struct offset_transactor *offset_transactor_new(struct cluster *cluster,
                                                struct kafka_client *client, unsigned number,
                                                uint64_t interval_us) {
    struct offset_transactor *transactor = mem_zalloc(sizeof *transactor);
    transactor->cluster = cluster;
    transactor->client = client;
    transactor->next.run = step;
    transactor->identity = (struct identity){
        .run = cluster->run, .id = -1, .answered = identified, .arg = transactor};
    transactor->interval_us = interval_us;
    transactor->committed = transactor->pending = -1;
    transactor->raises = (cluster->run->seed / 6 + number) % 2 == 0;
    snprintf(transactor->group, sizeof transactor->group, "exactly-%u", number);
    transactor->offsets_partition = coordinator_key_partition(
        transactor->group, strlen(transactor->group), CLUSTER_OFFSETS_PARTITIONS);
    transactor->timer = env_timer_new(kafka_client_env(client), ask_id, transactor);
    env_timer_start(transactor->timer, BACKOFF_US);
    return transactor;
}

void offset_transactor_finish(struct offset_transactor *transactor) {
    transactor->finished = true;
}

bool offset_transactor_is_done(const struct offset_transactor *transactor) {
    if (transactor->identity.id < 0) return true;
    return !transactor->open && !transactor->ending && transactor->attempt == NULL &&
           transactor->was_read;
}
