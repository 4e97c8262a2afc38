/* Three brokers: damage in the segments of one is mended with what the others have, while it
 * serves, also at a start and in the metadata. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "broker/partition/partition_internal.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/delete_records.h"
#include "storage/log/log_internal.h"
#include "tests/unit/broker/fixture_brokers.h"
#include "tests/unit/broker/fixture_data_asks.h"
#include "tests/unit/unit.h"

enum { BATCHES = 40, VALUE = 1500, LARGE_VALUE = 300 << 10 };

static const char *const small[] = {"log.segment.bytes=8192", "tail.cache.bytes=0",
                                    "log.compression=none", NULL};

static struct partition *partition_of(const struct broker_node *node) {
    const struct broker_services *services = node->broker ? broker_services(node->broker) : NULL;
    return services && services->partitions ? partition_set_find(services->partitions, "t", 1, 0)
                                            : NULL;
}

static struct partition_log *log_of(const struct broker_node *node) {
    struct partition *partition = partition_of(node);
    return partition ? raft_group_log(partition_group(partition)) : NULL;
}

static struct broker_node *leader_of(struct brokers *brokers) {
    for (int i = 0; i < brokers->count; i++) {
        struct partition *partition = partition_of(&brokers->nodes[i]);
        if (partition && partition_is_leading(partition)) return &brokers->nodes[i];
    }
    return NULL;
}

static bool somebody_leads(struct brokers *brokers) {
    return leader_of(brokers) != NULL;
}

static struct broker_node *a_follower(struct brokers *brokers) {
    struct broker_node *found = NULL;
    brokers_until(brokers, somebody_leads);
    for (int i = 0; i < brokers->count; i++)
        if (&brokers->nodes[i] != leader_of(brokers)) found = &brokers->nodes[i];
    return found;
}

static void produce(struct brokers *brokers, size_t value_len) {
    struct produce_ask ask;
    struct kp_produce_response response;
    produce_begin(&ask, "t", -1);
    produce_add(&ask, 0, 1, value_len);
    brokers_until(brokers, somebody_leads);
    brokers_ask(leader_of(brokers), KP_PRODUCE, 8, &ask.request, &response);
    assert_int_equal(response.responses.items[0].partition_responses.items[0].error_code, 0);
    produce_end(&ask);
}

static bool all_have_segments(struct brokers *brokers) {
    for (int i = 0; i < brokers->count; i++) {
        const struct partition_log *log = log_of(&brokers->nodes[i]);
        if (!log || log->segment_count < 5) return false;
    }
    return true;
}

static void fill(struct brokers *brokers) {
    assert_int_equal(brokers_create_topic(&brokers->nodes[0], "t", 1, 3, NULL), 0);
    for (int i = 0; i < BATCHES; i++)
        produce(brokers, i == 3 ? LARGE_VALUE : VALUE);
    brokers_until(brokers, all_have_segments);
}

/* ---- Damage ---- */

struct bytes {
    char path[256];
    uint8_t data[LARGE_VALUE + (64 << 10)];
    ssize_t len;
};

static void take(struct bytes *into, const char *path) {
    snprintf(into->path, sizeof into->path, "%s", path);
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    into->len = read(fd, into->data, sizeof into->data);
    assert_in_range(into->len, 1, sizeof into->data - 1);
    close(fd);
}

static void take_segment(struct bytes *into, const struct partition_log *log, size_t i) {
    char path[256];
    snprintf(path, sizeof path, "%s/%020" PRId64 ".log", log->path,
             log->segments[i]->header.base_offset);
    take(into, path);
}

static void flip(const struct bytes *bytes, off_t at) {
    uint8_t byte = bytes->data[at] ^ 0x20;
    int fd = open(bytes->path, O_WRONLY);
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

static bool is_as(const struct bytes *bytes) {
    static struct bytes now;
    take(&now, bytes->path);
    return now.len == bytes->len && memcmp(now.data, bytes->data, (size_t)now.len) == 0;
}

static bool read_over;
static int read_error;
static void on_read(struct partition_log_read *read, int error) {
    read_over = true;
    read_error = error;
    if (error == ERR_NONE) partition_log_read_release(read);
}
static bool read_is_over(struct brokers *brokers) {
    return (void)brokers, read_over;
}

/* All of the log, entry by entry. Returns the first error. */
static int read_all(struct brokers *brokers, const struct broker_node *node) {
    struct partition_log *log = log_of(node);
    int error = ERR_NONE;
    for (log_index i = 1; i <= partition_log_last_index(log) && !error; i++) {
        struct partition_log_read read = {.done = on_read};
        read_over = false;
        if (!partition_log_read(log, i, i, 1, &read)) brokers_until(brokers, read_is_over);
        error = read_error;
    }
    return error;
}

static struct broker_node *damaged_node;
static bool is_whole(struct brokers *brokers) {
    (void)brokers;
    const struct partition_log *log = log_of(damaged_node);
    return log != NULL && !partition_log_is_damaged(log);
}

/* A bit of an entry that is given in many pieces, and one of a header: what the leader reads is
 * damaged, it hands over, and is whole again soon, byte for byte. */
static void test_of_a_leader(void **state) {
    struct brokers *brokers = *state;
    static struct bytes bytes[2];
    brokers_start(brokers, 3, small);
    fill(brokers);
    damaged_node = leader_of(brokers);
    for (size_t i = 0; i < 2; i++)
        take_segment(&bytes[i], log_of(damaged_node), i);
    assert_true(bytes[0].len > LARGE_VALUE);
    flip(&bytes[0], bytes[0].len / 2);
    flip(&bytes[1], SEGMENT_HEADER_SIZE + 20);
    assert_int_equal(read_all(brokers, damaged_node), ERR_CORRUPT);
    brokers_until(brokers, is_whole);
    while (read_all(brokers, damaged_node) != ERR_NONE) /* the second place */
        brokers_until(brokers, is_whole);
    for (size_t i = 0; i < 2; i++)
        assert_true(is_as(&bytes[i]));
}

/* The header of a segment file, which only a start reads: the partition opens, and is mended. */
static void test_of_a_header(void **state) {
    struct brokers *brokers = *state;
    static struct bytes bytes;
    brokers_start(brokers, 3, small);
    fill(brokers);
    damaged_node = leader_of(brokers);
    take_segment(&bytes, log_of(damaged_node), 1);
    brokers_kill(damaged_node);
    flip(&bytes, 9);
    assert_int_equal(brokers_start_one(damaged_node), ERR_NONE);
    brokers_until(brokers, is_whole);
    assert_true(is_as(&bytes));
}

/* ---- What nobody else has any more, on a replica that has not applied it ---- */

static log_index trimmed_to;

static bool others_let_go(struct brokers *brokers) {
    for (int i = 0; i < brokers->count; i++) {
        struct broker_node *node = &brokers->nodes[i];
        const struct partition_log *log = log_of(node);
        if (node->broker != NULL && (log == NULL || log->first_index <= trimmed_to)) return false;
    }
    return true;
}

/* -1: all of it. */
static void trim(struct brokers *brokers, kafka_offset offset) {
    struct kp_delete_records_request request;
    struct kp_delete_records_request_topic topic;
    struct kp_delete_records_request_partition partition = {.partition_index = 0, .offset = offset};
    struct kp_delete_records_response response;
    kp_set_fallbacks(&kp_delete_records_request_schema, &request);
    kp_set_fallbacks(&kp_delete_records_request_topic_schema, &topic);
    request.timeout_ms = 10000;
    request.topics.items = &topic;
    request.topics.count = 1;
    topic.name = kp_string_of("t");
    topic.partitions.items = &partition;
    topic.partitions.count = 1;
    brokers_until(brokers, somebody_leads);
    brokers_ask(leader_of(brokers), KP_DELETE_RECORDS, 2, &request, &response);
    assert_int_equal(response.topics.items[0].partitions.items[0].error_code, KAFKA_NONE);
}

static void remove_states(const char *group_path) {
    static const char *const kinds[] = {".snapshot", ".copy"};
    for (size_t i = 0; i < 2; i++) {
        char command[400];
        snprintf(command, sizeof command, "rm -f %s/*%s", group_path, kinds[i]);
        assert_int_equal(system(command), 0);
    }
}

static bool has_applied_all(struct brokers *brokers) {
    struct partition *partition = partition_of(damaged_node);
    struct broker_node *leader = leader_of(brokers);
    return partition && leader && leader != damaged_node &&
           partition->applied == raft_group_applied_index(partition_group(partition_of(leader)));
}

/* A follower that begins to apply from its first entry on meets damage, where the others have let
 * go of what it lacks: it takes over what they know, writes the segment again, and knows all that
 * they know. */
static void test_of_what_is_gone_elsewhere(void **state) {
    struct brokers *brokers = *state;
    static struct bytes bytes;
    brokers_start(brokers, 3, small);
    fill(brokers);
    for (int i = 0; i < brokers->count; i++)
        if (&brokers->nodes[i] != leader_of(brokers)) damaged_node = &brokers->nodes[i];
    brokers_until(brokers, has_applied_all);
    struct partition_log *log = log_of(damaged_node);
    char path[256];
    snprintf(path, sizeof path, "%s", log->path);
    take_segment(&bytes, log, 1);
    trimmed_to = log->segments[1]->end.last_index;
    log_index end = log->last_index;
    brokers_kill(damaged_node);
    trim(brokers, -1);
    brokers_until(brokers, others_let_go);
    remove_states(path);
    flip(&bytes, bytes.len / 2);
    assert_int_equal(brokers_start_one(damaged_node), ERR_NONE);
    brokers_until(brokers, has_applied_all);
    brokers_until(brokers, is_whole);
    log = log_of(damaged_node);
    assert_true(log->last_index >= end); /* nothing of what it had is gone but at the front */
    assert_true(log->first_index > trimmed_to);
    assert_int_equal(partition_of(damaged_node)->log_start,
                     partition_of(leader_of(brokers))->log_start);
    produce(brokers, VALUE);
    brokers_until(brokers, has_applied_all);
}

/* ---- ... in the last segment of a log that nobody writes to ---- */

static bool all_are_committed(struct brokers *brokers) {
    for (int i = 0; i < brokers->count; i++) {
        const struct partition_log *log = log_of(&brokers->nodes[i]);
        if (log->committed != log->last_index) return false;
    }
    return has_applied_all(brokers);
}

static bool others_have_let_go(struct brokers *brokers) {
    for (int i = 0; i < brokers->count; i++) {
        const struct partition_log *log = log_of(&brokers->nodes[i]);
        bool has = log->segment_count > 0 && log->segments[0]->header.base_offset == 0;
        if (&brokers->nodes[i] != damaged_node && has) return false;
    }
    return true;
}

static bool is_sealed(struct brokers *brokers) {
    (void)brokers;
    const struct partition_log *log = log_of(damaged_node);
    return log->segment_count == 1 && !log->segments[0]->active;
}

static bool is_damaged(struct brokers *brokers) {
    return !is_whole(brokers);
}

/* All of it lies in one segment there, whose first records are gone elsewhere. */
static void one_segment_alone(struct brokers *brokers) {
    assert_int_equal(brokers_create_topic(&brokers->nodes[0], "t", 1, 3, NULL), 0);
    for (int i = 0; i < 3; i++)
        produce(brokers, VALUE);
    damaged_node = a_follower(brokers);
    brokers_until(brokers, all_are_committed);
    for (int i = 0; i < brokers->count; i++)
        if (&brokers->nodes[i] != damaged_node) partition_log_roll(log_of(&brokers->nodes[i]));
    produce(brokers, VALUE);
    trim(brokers, 3);
    brokers_until(brokers, others_have_let_go);
    brokers_until(brokers, all_are_committed);
    partition_log_roll(log_of(damaged_node));
    brokers_until(brokers, is_sealed);
}

static void test_of_the_last_segment(void **state) {
    static const char *const scrubbed[] = {"tail.cache.bytes=0", "log.compression=none",
                                           "scrub.interval.ms=1000", NULL};
    struct brokers *brokers = *state;
    static struct bytes bytes;
    brokers_start(brokers, 3, scrubbed);
    one_segment_alone(brokers);
    struct partition_log *log = log_of(damaged_node);
    log_index last = log->last_index;
    take_segment(&bytes, log, 0);
    flip(&bytes, SEGMENT_HEADER_SIZE + VALUE / 2);
    brokers_until(brokers, is_damaged);
    brokers_until(brokers, is_whole);
    assert_int_equal(log->last_index, last + 1); /* one, however often it was asked for */
    produce(brokers, VALUE);
    brokers_until(brokers, has_applied_all);
}

/* ---- What nobody else has any more, where a start has to read it ---- */

static void copy_files(const char *from, const char *to) {
    char command[700];
    snprintf(command, sizeof command, "mkdir -p %s && cp -n %s/*.log %s", to, from, to);
    assert_int_equal(system(command), 0);
}

/* The header of an entry, and the index: the log cannot be opened, but with what others have, who
 * have let go of it; so it is, only by beginning later. */
static void break_for_a_start(const struct bytes *bytes) {
    char index[256];
    flip(bytes, SEGMENT_HEADER_SIZE + 5);
    snprintf(index, sizeof index, "%.*s.index", (int)(strlen(bytes->path) - 4), bytes->path);
    unlink(index); /* if it is there */
}

static bool follows_whole(struct brokers *brokers) {
    return has_applied_all(brokers) && is_whole(brokers);
}

static void assert_begins_later(struct brokers *brokers, log_index end) {
    assert_int_equal(brokers_start_one(damaged_node), ERR_NONE);
    brokers_until(brokers, follows_whole);
    const struct partition_log *log = log_of(damaged_node);
    assert_true(log->last_index >= end); /* nothing of what it had is gone but at the front */
    assert_true(log->first_index > trimmed_to);
    assert_int_equal(partition_of(damaged_node)->log_start,
                     partition_of(leader_of(brokers))->log_start);
    produce(brokers, VALUE);
    brokers_until(brokers, has_applied_all);
    brokers_kill(damaged_node);
    assert_int_equal(brokers_start_one(damaged_node), ERR_NONE);
    brokers_until(brokers, follows_whole);
}

/* The others let go of it while this one was down: its own states reach the place where their logs
 * begin. */
static void test_of_a_later_beginning(void **state) {
    struct brokers *brokers = *state;
    static struct bytes bytes;
    brokers_start(brokers, 3, small);
    fill(brokers);
    damaged_node = a_follower(brokers);
    brokers_until(brokers, has_applied_all);
    struct partition_log *log = log_of(damaged_node);
    take_segment(&bytes, log, 1);
    trimmed_to = log->segments[1]->end.last_index;
    kafka_offset offset = log->segments[2]->end.offset;
    log_index end = log->last_index;
    brokers_kill(damaged_node);
    trim(brokers, offset);
    brokers_until(brokers, others_let_go);
    break_for_a_start(&bytes);
    assert_begins_later(brokers, end);
}

/* It had not moved its start yet, and has no state: it takes that of another one. */
static void test_of_a_given_beginning(void **state) {
    struct brokers *brokers = *state;
    static struct bytes bytes;
    char path[256], before[256], start[280];
    brokers_start(brokers, 3, small);
    fill(brokers);
    damaged_node = a_follower(brokers);
    brokers_until(brokers, has_applied_all);
    struct partition_log *log = log_of(damaged_node);
    snprintf(path, sizeof path, "%s", log->path);
    snprintf(before, sizeof before, "%s/before", brokers->dir);
    copy_files(path, before);
    take_segment(&bytes, log, 1);
    trimmed_to = log->segments[1]->end.last_index;
    trim(brokers, log->segments[2]->end.offset);
    brokers_until(brokers, others_let_go);
    for (int i = 0; i < 2 * BATCHES;
         i++) /* what the others keep of it is known as committed here */
        produce(brokers, VALUE);
    brokers_until(brokers, has_applied_all);
    log_index end = log_of(damaged_node)->last_index;
    brokers_kill(damaged_node);
    copy_files(before, path);
    remove_states(path);
    snprintf(start, sizeof start, "%s/start", path);
    assert_int_equal(unlink(start), 0);
    break_for_a_start(&bytes);
    assert_begins_later(brokers, end);
}

/* ---- Much that one start after the other finds ---- */

enum { BROKEN = 6, HEALED_MS = 12 * 1000 };

/* Each try meets the next place, and comes as soon as that is mended: the pauses between tries that
 * fail would be 31 s. */
static void test_of_many_starts(void **state) {
    struct brokers *brokers = *state;
    static struct bytes bytes[BROKEN];
    brokers_start(brokers, 3, small);
    fill(brokers);
    damaged_node = a_follower(brokers);
    brokers_until(brokers, has_applied_all);
    const struct partition_log *log = log_of(damaged_node);
    assert_true(log->segment_count > BROKEN + 1);
    for (size_t i = 0; i < BROKEN; i++)
        take_segment(&bytes[i], log, i);
    brokers_kill(damaged_node);
    for (size_t i = 0; i < BROKEN; i++)
        break_for_a_start(&bytes[i]);
    uint64_t began_ms = env_now_ms(brokers->env);
    assert_int_equal(brokers_start_one(damaged_node), ERR_NONE);
    brokers_until(brokers, follows_whole);
    assert_true(env_now_ms(brokers->env) - began_ms < HEALED_MS);
    for (size_t i = 0; i < BROKEN; i++)
        assert_true(is_as(&bytes[i]));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, brokers_setup, brokers_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {TEST(test_of_a_leader),
                                       TEST(test_of_a_header),
                                       TEST(test_of_what_is_gone_elsewhere),
                                       TEST(test_of_the_last_segment),
                                       TEST(test_of_a_later_beginning),
                                       TEST(test_of_a_given_beginning),
                                       TEST(test_of_many_starts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
