/* One call at a time; sharer.h has the rules. */
#include "tests/sim/queues/sharer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/container_of.h"
#include "base/mem.h"
#include "broker/share/shares.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/share_acknowledge.h"
#include "protocol/messages/share_fetch.h"
#include "tests/sim/decode.h"

enum {
    CALL_US = 3000000,
    BACKOFF_US = 20000,
    HANGS_US = 2500000,
    HELD_MAX = 256,
    SAID_MAX = 64,
    REFUSED_MAX = 1024,
    CLOSES = -1,
};
enum { GAP, ACCEPT, RELEASE, REJECT, RENEW };

struct sharer {
    struct kafka_call call;
    struct cluster *cluster;
    struct queue_book *book;
    unsigned group;
    int32_t partition;
    char name[24];
    struct kafka_link *links[CLIENT_BROKERS_MAX];
    struct env_timer *timer;
    int32_t node, epoch; /* of its session; node 0: none */
    int64_t held[HELD_MAX];
    size_t held_count;
    /* What it said the last of together with what was not its any more, all of which was refused:
     * its leader may believe that it holds that still. */
    int64_t refused[REFUSED_MAX];
    size_t refused_count;
    /* Of the call that is under way. */
    int64_t said_first;
    int8_t said[SAID_MAX];
    size_t said_count;
    bool bogus, renews, closes, fetches;
    uint64_t asked_us;
    uint32_t term;
    bool finishing;
};

static uint64_t draw(const struct sharer *sharer, uint64_t limit) {
    return world_below(sharer->cluster->run->world, limit);
}

static void later(struct sharer *sharer, uint64_t typical_us) {
    env_timer_start(sharer->timer, typical_us / 2 + draw(sharer, typical_us + 1));
}

/* The term in which that node leads the partition; 0: it does not. */
static uint32_t term_of(const struct sharer *sharer) {
    struct partition *partition = cluster_partition(sharer->cluster, (unsigned)sharer->node - 1,
                                                    cluster_topic, sharer->partition);
    return partition == NULL || !partition_is_leading(partition)
               ? 0
               : (uint32_t)partition_leader_epoch(partition);
}

/* ---- What it says ---- */

static int8_t a_type(const struct sharer *sharer) {
    uint64_t drawn = sharer->finishing ? 0 : draw(sharer, 20);
    return drawn < 14 ? ACCEPT : drawn < 17 ? RELEASE : drawn < 19 ? REJECT : GAP;
}

static void forget(struct sharer *sharer, size_t from, size_t count) {
    sharer->held_count -= count;
    memmove(&sharer->held[from], &sharer->held[from + count],
            (sharer->held_count - from) * sizeof *sharer->held);
}

/* Of a run of what it holds, which it forgets but for a renewal. */
static void say_of_held(struct sharer *sharer) {
    size_t from = (size_t)draw(sharer, sharer->held_count), count = 1;
    size_t most = 1 + (size_t)draw(sharer, SAID_MAX);
    if (sharer->finishing) from = 0;
    while (count < most && from + count < sharer->held_count &&
           sharer->held[from + count] == sharer->held[from] + (int64_t)count)
        count++;
    sharer->said_first = sharer->held[from];
    sharer->said_count = count;
    sharer->renews = !sharer->finishing && draw(sharer, 12) == 0;
    for (size_t i = 0; i < count; i++) {
        sharer->said[i] = sharer->renews ? (int8_t)RENEW : a_type(sharer);
        queue_said(sharer->book, sharer->group, sharer->partition, sharer->said_first + (int64_t)i,
                   sharer->said[i]);
    }
    if (!sharer->renews) forget(sharer, from, count);
}

static bool holds(const struct sharer *sharer, int64_t offset) {
    for (size_t i = 0; i < sharer->held_count; i++)
        if (sharer->held[i] == offset) return true;
    return false;
}

static bool was_refused(const struct sharer *sharer, int64_t offset) {
    for (size_t i = 0; i < sharer->refused_count; i++)
        if (sharer->refused[i] == offset) return true;
    return sharer->refused_count == REFUSED_MAX;
}

/* That it has a record which it does not hold, or may hold without knowing it. */
static void say_of_others(struct sharer *sharer) {
    int64_t end = history_end(sharer->cluster->history, sharer->partition);
    int64_t at = end == 0 ? 0 : (int64_t)draw(sharer, (uint64_t)end);
    if (holds(sharer, at)) return;
    sharer->bogus = !was_refused(sharer, at);
    sharer->said_first = at;
    sharer->said_count = 1;
    sharer->said[0] = ACCEPT;
    if (!sharer->bogus) queue_said(sharer->book, sharer->group, sharer->partition, at, ACCEPT);
}

static void choose(struct sharer *sharer) {
    sharer->said_count = 0;
    sharer->bogus = sharer->renews = false;
    sharer->closes = sharer->epoch > 0 && !sharer->finishing && draw(sharer, 40) == 0;
    sharer->fetches = sharer->epoch == 0 || draw(sharer, 3) > 0;
    if (sharer->epoch == 0) return;
    if (!sharer->finishing && draw(sharer, 20) == 0)
        say_of_others(sharer);
    else if (sharer->held_count > 0 && (sharer->finishing || draw(sharer, 4) > 0))
        say_of_held(sharer);
}

/* ---- Answers ---- */

static void session_over(struct sharer *sharer) {
    sharer->node = 0;
    sharer->epoch = 0;
    sharer->held_count = sharer->refused_count = 0;
}

static void note_refused(struct sharer *sharer) {
    for (size_t i = 0; i < sharer->said_count && sharer->refused_count < REFUSED_MAX; i++)
        sharer->refused[sharer->refused_count++] = sharer->said_first + (int64_t)i;
}

static void take_said(struct sharer *sharer, int16_t code) {
    if (code == KAFKA_INVALID_RECORD_STATE && !sharer->bogus) note_refused(sharer);
    for (size_t i = 0; code == KAFKA_NONE && i < sharer->said_count; i++) {
        int64_t offset = sharer->said_first + (int64_t)i;
        if (!sharer->bogus)
            queue_told(sharer->book, sharer->group, sharer->partition, offset, sharer->said[i]);
        else if (!queue_may_be_over(sharer->book, sharer->group, sharer->partition, offset))
            run_fail(sharer->cluster->run,
                     "%s of %s accepts offset %" PRId64
                     " of partition %d, which it does not hold, and that is so",
                     sharer->name, queue_groups[sharer->group], offset, sharer->partition);
    }
    run_count(sharer->cluster->run, RARE_QUEUE_REFUSED, code == KAFKA_INVALID_RECORD_STATE);
    sharer->said_count = 0;
}

/* What may be, of all or of a partition. */
static void check_code(struct sharer *sharer, int16_t code, const char *what) {
    if (code == KAFKA_NONE || kafka_error_retriable(code) ||
        code == KAFKA_SHARE_SESSION_NOT_FOUND || code == KAFKA_INVALID_SHARE_SESSION_EPOCH ||
        code == KAFKA_INVALID_RECORD_STATE || code == KAFKA_UNSUPPORTED_VERSION)
        return;
    run_fail(sharer->cluster->run, "%s of %s gets %s by %s of partition %d", sharer->name,
             queue_groups[sharer->group], kafka_error_name(code), what, sharer->partition);
}

struct reading {
    struct sharer *sharer;
    const struct kp_share_fetch_response_partition *partition;
    uint64_t records; /* of those that were given */
};

static void take_record(void *arg, int64_t offset, unsigned producer, uint64_t number) {
    struct reading *reading = arg;
    struct sharer *sharer = reading->sharer;
    history_read(sharer->cluster->history, sharer->partition, offset, producer, number);
    for (int32_t i = 0; i < reading->partition->acquired_records.count; i++) {
        const struct kp_share_fetch_response_acquired *run =
            &reading->partition->acquired_records.items[i];
        if (offset < run->first_offset || offset > run->last_offset) continue;
        queue_read(sharer->book, sharer->group, sharer->partition, producer, number);
        reading->records++;
    }
}

/* What came is what was given, and whole batches of which each has something of it. */
static void read_batches(struct sharer *sharer,
                         const struct kp_share_fetch_response_partition *partition) {
    struct reading reading = {sharer, partition, 0};
    uint64_t given = 0;
    size_t len = (size_t)partition->records.len;
    for (int32_t i = 0; i < partition->acquired_records.count; i++)
        given += (uint64_t)(partition->acquired_records.items[i].last_offset -
                            partition->acquired_records.items[i].first_offset + 1);
    for (size_t at = 0, size; at < len; at += size) {
        const uint8_t *batch = (const uint8_t *)partition->records.data + at;
        int64_t base = 0;
        uint64_t before = reading.records;
        for (size_t i = 0; i < 8; i++)
            base = base << 8 | batch[i];
        size = 12 + ((size_t)batch[8] << 24 | (size_t)batch[9] << 16 | (size_t)batch[10] << 8 |
                     batch[11]);
        decode_batches(sharer->cluster->run, sharer->cluster->history, batch, size, base,
                       take_record, &reading);
        if (reading.records == before)
            run_fail(sharer->cluster->run, "%s is sent a batch of which nothing is for it",
                     sharer->name);
    }
    if (reading.records != given)
        run_fail(sharer->cluster->run, "%s is given %" PRIu64 " records and sent %" PRIu64,
                 sharer->name, given, reading.records);
}

static void take_given(struct sharer *sharer,
                       const struct kp_share_fetch_response_partition *partition) {
    uint32_t term = term_of(sharer) == sharer->term ? sharer->term : 0;
    for (int32_t i = 0; i < partition->acquired_records.count; i++) {
        const struct kp_share_fetch_response_acquired *run = &partition->acquired_records.items[i];
        for (int64_t at = run->first_offset; at <= run->last_offset; at++) {
            struct queue_given given = {at, (unsigned)run->delivery_count, sharer->asked_us, term};
            queue_given(sharer->book, sharer->group, sharer->partition, &given);
            if (sharer->held_count < HELD_MAX) sharer->held[sharer->held_count++] = at;
        }
    }
    if (partition->acquired_records.count > 0 || partition->records.len > 0)
        read_batches(sharer, partition);
}

static void goes_on(struct sharer *sharer, int16_t code, int16_t of_partition) {
    if (sharer->closes && code == KAFKA_NONE) session_over(sharer);
    if (code == KAFKA_NONE && of_partition == KAFKA_NONE) {
        if (sharer->node != 0) sharer->epoch++;
        later(sharer, !sharer->finishing && draw(sharer, 8) == 0 ? 10 * BACKOFF_US : 2000);
        return;
    }
    if (code == KAFKA_NONE && of_partition == KAFKA_INVALID_RECORD_STATE) {
        if (sharer->node != 0) sharer->epoch++;
        later(sharer, BACKOFF_US);
        return;
    }
    session_over(sharer);
    kafka_client_refresh(sharer->cluster->client);
    later(sharer, BACKOFF_US);
}

static bool broken(struct sharer *sharer, int error) {
    if (error == ERR_NONE) return false;
    session_over(sharer);
    kafka_client_refresh(sharer->cluster->client);
    later(sharer, BACKOFF_US);
    return true;
}

static void fetched(struct kafka_call *call, int error, const void *answer) {
    struct sharer *sharer = CONTAINER_OF(call, struct sharer, call);
    const struct kp_share_fetch_response *response = answer;
    if (broken(sharer, error)) return;
    int16_t code = response->error_code, of_partition = KAFKA_NONE;
    check_code(sharer, code, "a fetch");
    bool said = sharer->said_count > 0;
    if (code == KAFKA_NONE && response->responses.count == 1) {
        const struct kp_share_fetch_response_partition *partition =
            &response->responses.items[0].partitions.items[0];
        check_code(sharer, partition->error_code, "a fetch");
        check_code(sharer, partition->acknowledge_error_code, "an acknowledgement");
        if (said) take_said(sharer, partition->acknowledge_error_code);
        of_partition = partition->error_code != KAFKA_NONE ? partition->error_code
                                                           : partition->acknowledge_error_code;
        take_given(sharer, partition);
    } else if (code == KAFKA_NONE && said) {
        run_fail(sharer->cluster->run, "%s is not told what became of its records", sharer->name);
    }
    goes_on(sharer, code, of_partition);
}

static void acknowledged(struct kafka_call *call, int error, const void *answer) {
    struct sharer *sharer = CONTAINER_OF(call, struct sharer, call);
    const struct kp_share_acknowledge_response *response = answer;
    if (broken(sharer, error)) return;
    int16_t code = response->error_code, of_partition = KAFKA_NONE;
    check_code(sharer, code, "ShareAcknowledge");
    if (code == KAFKA_NONE && response->responses.count == 1) {
        of_partition = response->responses.items[0].partitions.items[0].error_code;
        check_code(sharer, of_partition, "ShareAcknowledge");
        take_said(sharer, of_partition);
    }
    goes_on(sharer, code, of_partition);
}

/* ---- Requests ---- */

/* As its coordinator has the leader do it: with the log. */
static void begin_group(const struct sharer *sharer) {
    struct kp_string group = kp_string_of(queue_groups[sharer->group]);
    struct partition *partition = cluster_partition(sharer->cluster, (unsigned)sharer->node - 1,
                                                    cluster_topic, sharer->partition);
    if (partition == NULL || !partition_is_leading(partition)) return;
    struct shares *shares = partition_shares(partition);
    if (shares_find(shares, group) == NULL)
        share_begin(shares, group, partition_start_offset(partition), NULL);
}

static void fetch(struct sharer *sharer) {
    begin_group(sharer);
    struct kp_share_fetch_request request;
    struct kp_share_fetch_request_topic topic = {
        .topic_id = kafka_client_topic_id(sharer->cluster->client)};
    struct kp_share_fetch_request_partition partition = {.partition_index = sharer->partition};
    struct kp_share_fetch_request_batch batch = {.first_offset = sharer->said_first,
                                                 .last_offset = sharer->said_first +
                                                                (int64_t)sharer->said_count - 1};
    batch.acknowledge_types.items = sharer->said;
    batch.acknowledge_types.count = (int32_t)sharer->said_count;
    kp_set_fallbacks(&kp_share_fetch_request_schema, &request);
    partition.acknowledgement_batches.items = &batch;
    partition.acknowledgement_batches.count = sharer->said_count > 0;
    topic.partitions.items = &partition;
    topic.partitions.count = 1;
    request.group_id = kp_string_of(queue_groups[sharer->group]);
    request.member_id = kp_string_of(sharer->name);
    request.share_session_epoch = sharer->closes ? CLOSES : sharer->epoch;
    request.topics.items = &topic;
    request.topics.count = sharer->said_count > 0 || sharer->epoch == 0;
    request.is_renew_ack = sharer->renews;
    if (sharer->renews) { /* nothing is fetched */
        request.max_wait_ms = request.min_bytes = request.max_bytes = request.max_records = 0;
    } else {
        request.max_wait_ms = (int32_t)draw(sharer, 500);
        request.min_bytes = 1;
        request.max_bytes = 1 + (int32_t)draw(sharer, 20000);
        /* In the order of keys single ones come, of which it says one at a time. */
        request.max_records = 1 + (int32_t)draw(sharer, queue_is_keyed(sharer->group) ? 5 : 60);
        request.share_acquire_mode = draw(sharer, 2) == 0;
    }
    int version = sharer->renews || request.share_acquire_mode
                      ? 2
                      : kafka_client_version(sharer->cluster->client, KP_SHARE_FETCH, 1);
    sharer->call.done = fetched;
    kafka_link_call(sharer->links[sharer->node], &sharer->call, KP_SHARE_FETCH, version, &request,
                    CALL_US);
}

static void acknowledge(struct sharer *sharer) {
    struct kp_share_acknowledge_request request;
    struct kp_share_acknowledge_request_topic topic = {
        .topic_id = kafka_client_topic_id(sharer->cluster->client)};
    struct kp_share_acknowledge_request_partition partition = {
        .partition_index = sharer->partition};
    struct kp_share_acknowledge_request_batch batch = {
        .first_offset = sharer->said_first,
        .last_offset = sharer->said_first + (int64_t)sharer->said_count - 1};
    batch.acknowledge_types.items = sharer->said;
    batch.acknowledge_types.count = (int32_t)sharer->said_count;
    kp_set_fallbacks(&kp_share_acknowledge_request_schema, &request);
    partition.acknowledgement_batches.items = &batch;
    partition.acknowledgement_batches.count = 1;
    topic.partitions.items = &partition;
    topic.partitions.count = 1;
    request.group_id = kp_string_of(queue_groups[sharer->group]);
    request.member_id = kp_string_of(sharer->name);
    request.share_session_epoch = sharer->closes ? CLOSES : sharer->epoch;
    request.is_renew_ack = sharer->renews;
    request.topics.items = &topic;
    request.topics.count = sharer->said_count > 0;
    sharer->call.done = acknowledged;
    kafka_link_call(
        sharer->links[sharer->node], &sharer->call, KP_SHARE_ACKNOWLEDGE,
        sharer->renews ? 2 : kafka_client_version(sharer->cluster->client, KP_SHARE_ACKNOWLEDGE, 1),
        &request, CALL_US);
}

/* ---- Life ---- */

/* False: not now. */
static bool has_leader(struct sharer *sharer) {
    struct kafka_client *client = sharer->cluster->client;
    struct known_leader leader = kafka_client_leader(client, sharer->partition);
    if (sharer->node != 0) return true;
    if (leader.node > 0 && !kp_uuid_is_zero(kafka_client_topic_id(client))) {
        sharer->node = leader.node;
        sharer->epoch = 0;
        return true;
    }
    if (kafka_client_ready(client)) kafka_client_refresh(client);
    return false;
}

/* Something happens to it instead of its next step. */
static bool is_struck(struct sharer *sharer) {
    if (sharer->finishing || sharer->node == 0) return false;
    switch (draw(sharer, 60)) {
    case 0:
        kafka_link_break(sharer->links[sharer->node]);
        session_over(sharer);
        later(sharer, BACKOFF_US);
        return true;
    case 1: later(sharer, HANGS_US); return true;
    case 2: session_over(sharer); return false; /* and opens it anew, on the same connection */
    default: return false;
    }
}

static void step(void *arg) {
    struct sharer *sharer = arg;
    if (is_struck(sharer)) return;
    if (!has_leader(sharer)) {
        later(sharer, BACKOFF_US);
        return;
    }
    choose(sharer);
    sharer->asked_us = world_now_us(sharer->cluster->run->world);
    sharer->term = term_of(sharer);
    if (sharer->fetches || (sharer->said_count == 0 && !sharer->closes))
        fetch(sharer);
    else
        acknowledge(sharer);
}

struct sharer *sharer_new(struct cluster *cluster, struct queue_book *book, unsigned group,
                          int32_t partition, unsigned number) {
    struct sharer *sharer = mem_zalloc(sizeof *sharer);
    sharer->cluster = cluster;
    sharer->book = book;
    sharer->group = group;
    sharer->partition = partition;
    snprintf(sharer->name, sizeof sharer->name, "member-%d-%u", partition, number);
    for (unsigned node = 1; node <= cluster->count; node++) {
        char host[16];
        snprintf(host, sizeof host, "n%u", node);
        sharer->links[node] = kafka_link_new(cluster->run, kafka_client_env(cluster->client), host,
                                             CLIENT_PORT);
    }
    sharer->timer = env_timer_new(kafka_client_env(cluster->client), step, sharer);
    later(sharer, BACKOFF_US);
    return sharer;
}

void sharer_finish(struct sharer *sharer) {
    sharer->finishing = true;
}
