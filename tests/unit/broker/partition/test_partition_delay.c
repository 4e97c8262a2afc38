/* Records that are delivered later: what is refused, what readers get, and each once, whoever
 * leads. */
#include <stdio.h>
#include <string.h>

#include "broker/delay/delayed.h"
#include "broker/partition/partition_internal.h"
#include "protocol/kafka_error.h"
#include "protocol/record/held_batch.h"
#include "protocol/record/record_batch_layout.h"
#include "protocol/record/record_delivery.h"
#include "tests/unit/broker/fixture_partitions.h"
#include "tests/unit/unit.h"

enum { FAR_MS = 3600 * 1000 };

static struct delay_settings settings;

static void set_delay(struct fixture *fixture) {
    for (int i = 0; i < fixture->node_count; i++)
        if (fixture->nodes[i].open) partition_set_delay(fixture->nodes[i].partition, &settings);
}

static struct partition *start(struct fixture *fixture, int nodes) {
    settings = (struct delay_settings){
        .enable = true, .max_ms = 2 * FAR_MS, .max_pending_bytes = 1 << 20};
    fixture_start(fixture, nodes);
    set_delay(fixture);
    return fixture_leader(fixture)->partition;
}

static size_t pending(const struct partition *partition) {
    return delayed_count(partition_delayed(partition));
}

/* ---- A client ---- */

/* One record for each of `asked`, "NAME VALUE"; "": without a header. */
static struct slice batch_of(const struct record_batch_options *options, const char *const *asked,
                             int count) {
    struct record_batch_builder *builder = record_batch_builder_new(options);
    for (int i = 0; i < count; i++) {
        const char *space = strchr(asked[i], ' ');
        struct record_header header = {.key = asked[i]};
        if (space != NULL) {
            header.key_len = (int32_t)(space - asked[i]);
            header.value = (const uint8_t *)space + 1;
            header.value_len = (int32_t)strlen(space + 1);
        }
        char key[16];
        int len = snprintf(key, sizeof key, "k%d", i);
        record_batch_builder_append(builder, 1000 + i, key, len, "v", 1, &header, space != NULL);
    }
    uint8_t *bytes;
    size_t size;
    assert_int_equal(record_batch_builder_finish(builder, &bytes, &size), ERR_NONE);
    return slice_adopt(NULL, bytes, size);
}

static int64_t produce_as(struct fixture *fixture, const struct record_batch_options *options,
                          const char *const *asked, int count, int16_t code) {
    struct sent sent;
    struct partition *partition = fixture_leader(fixture)->partition;
    send_batch(partition, batch_of(options, asked, count), &sent);
    run_until_over(fixture, &sent);
    assert_int_equal(sent.produce.error, code);
    if (code != KAFKA_NONE) assert_true(sent.refusal.why.text[0] != '\0');
    int64_t offset = sent.produce.base_offset;
    sent_free(&sent);
    return offset;
}

static int64_t produce(struct fixture *fixture, const char *asked) {
    struct record_batch_options options = record_batch_plain();
    return produce_as(fixture, &options, &asked, 1, KAFKA_NONE);
}

static void refused(struct fixture *fixture, const char *asked, int16_t code) {
    struct record_batch_options options = record_batch_plain();
    produce_as(fixture, &options, &asked, 1, code);
}

/* ---- A reader ---- */

/* What a client makes of all from `offset` on: "0 2 [3-5] 6=1": records at 0, 2, and 6, which was
 * at 1; a hole. */
static void seen_from(struct fixture *fixture, int64_t offset, char text[200]) {
    struct got got;
    text[0] = '\0';
    for (;;) {
        struct partition *partition = fixture_leader(fixture)->partition;
        read_from(fixture, partition, offset, 1 << 20, &got);
        assert_int_equal(got.read.error, KAFKA_NONE);
        uint8_t *bytes = got_bytes(&got);
        size_t at = 0, len = got.read.fetch.bytes;
        struct record_batch batch;
        while (at < len) {
            assert_int_equal(record_batch_next(bytes, len, &at, &batch, NULL), ERR_NONE);
            assert_int_equal(record_batch_check_crc(&batch), ERR_NONE);
            struct record_iterator records;
            struct record record;
            size_t used = strlen(text);
            if (record_batch_is_control(&batch)) {
                snprintf(text + used, 200 - used, " [%d-%d]", (int)batch.base_offset,
                         (int)record_batch_last_offset(&batch));
                assert_int_equal(at, len); /* nothing visible follows */
            }
            assert_int_equal(record_iterator_open(&records, &batch, 1 << 20), ERR_NONE);
            while (record_iterator_next(&records, &record) == ERR_NONE) {
                struct record_header header;
                used = strlen(text);
                if (record_batch_is_control(&batch) || record.offset < offset) continue;
                used += (size_t)snprintf(text + used, 200 - used, " %d", (int)record.offset);
                while (record_header_next(&record, &header) == ERR_NONE) {
                    if (header.key_len == (int32_t)strlen(DELAYED_OFFSET) &&
                        memcmp(header.key, DELAYED_OFFSET, (size_t)header.key_len) == 0)
                        snprintf(text + used, 200 - used, "=%.*s", header.value_len,
                                 (const char *)header.value);
                }
            }
            record_iterator_close(&records);
            offset = record_batch_last_offset(&batch) + 1;
        }
        mem_free(bytes);
        partition_read_release(&got.read);
        if (len == 0) return;
    }
}

static void assert_seen(struct fixture *fixture, int64_t offset, const char *wanted) {
    char text[200];
    seen_from(fixture, offset, text);
    assert_string_equal(text, wanted);
}

static int64_t wanted_watermark;
static bool is_at_watermark(struct fixture *fixture) {
    struct fixture_node *leader = fixture_leader(fixture);
    return leader != NULL && partition_high_watermark(leader->partition) >= wanted_watermark;
}

static bool all_are_there(struct fixture *fixture) {
    for (int i = 0; i < fixture->node_count; i++)
        if (fixture->nodes[i].open &&
            partition_high_watermark(fixture->nodes[i].partition) < wanted_watermark)
            return false;
    return true;
}

static void run_until_watermark(struct fixture *fixture, int64_t offset) {
    wanted_watermark = offset;
    run_until(fixture, is_at_watermark);
}

static void assert_equal_states(struct fixture *fixture) {
    struct slice first = {0};
    run_until(fixture, all_are_there);
    for (int i = 0; i < fixture->node_count; i++) {
        if (!fixture->nodes[i].open) continue;
        struct slice state = partition_applied_state(fixture->nodes[i].partition);
        if (first.len == 0) first = slice_ref(state);
        assert_int_equal(state.len, first.len);
        assert_memory_equal(state.data, first.data, state.len);
        slice_unref(&state);
    }
    slice_unref(&first);
}

/* ---- Tests ---- */

/* The offset is the record's, nobody sees it there, and it comes at its time, once. */
static void test_delay_delivers_at_its_time(void **state) {
    struct fixture *fixture = *state;
    struct partition *partition = start(fixture, 1);
    static const char *const mixed[] = {"", "deliver-in 1500", "other x", "deliver-in PT1.2S"};
    struct record_batch_options options = record_batch_plain();
    int64_t before = env_wall_ms(fixture->env);
    assert_int_equal(produce_as(fixture, &options, mixed, 4, KAFKA_NONE), 0);
    assert_int_equal(partition_high_watermark(partition), 4);
    assert_int_equal(pending(partition), 2);
    assert_seen(fixture, 0, " 0 2");
    assert_seen(fixture, 3, "");
    run_until_watermark(fixture, 6);
    assert_true(env_wall_ms(fixture->env) >= before + 1500);
    assert_int_equal(pending(partition), 0);
    assert_int_equal(delayed_bytes(partition_delayed(partition)), 0);
    assert_seen(fixture, 0, " 0 2 4=3 5=1");
    run_ms(fixture, 300);
    assert_int_equal(partition_high_watermark(partition), 6);
    assert_int_equal(produce(fixture, "deliver-at 5"), 6); /* over: an ordinary one */
    assert_seen(fixture, 6, " 6");
}

/* Readers get on over what is hidden: one hole, where nothing visible follows. */
static void test_delay_leaves_a_hole(void **state) {
    struct fixture *fixture = *state;
    struct partition *partition = start(fixture, 1);
    struct got got;
    for (int i = 0; i < 3; i++)
        produce(fixture, "deliver-in PT1H");
    assert_seen(fixture, 0, " [0-2]");
    assert_seen(fixture, 1, " [1-2]");
    read_from(fixture, partition, 0, 1 << 20, &got);
    assert_int_equal(got.read.fetch.next_offset, 3);
    assert_int_equal(got.read.high_watermark, 3);
    assert_false(got.read.more);
    partition_read_release(&got.read);
    produce(fixture, "");
    produce(fixture, "deliver-in PT1H");
    assert_seen(fixture, 0, " 3 [4-4]");
    produce(fixture, "");
    assert_seen(fixture, 0, " 3 5");
    assert_seen(fixture, 4, " 5");
}

/* What cannot be done is refused with the page's codes, and leaves nothing. */
static void test_delay_refuses(void **state) {
    struct fixture *fixture = *state;
    struct partition *partition = start(fixture, 1);
    refused(fixture, "deliver-in soon", KAFKA_INVALID_RECORD);
    refused(fixture, "deliver-at 2026-02-30", KAFKA_INVALID_RECORD);
    refused(fixture, "deliver-cancel -1", KAFKA_INVALID_RECORD);
    refused(fixture, "deliver-in P1D", KAFKA_INVALID_TIMESTAMP);
    settings.max_pending_bytes = delayed_bytes_of(16 + 30);
    set_delay(fixture);
    assert_int_equal(produce(fixture, "deliver-in PT1H"), 0);
    refused(fixture, "deliver-in PT1H", KAFKA_POLICY_VIOLATION);
    assert_int_equal(produce(fixture, ""), 1);
    assert_int_equal(produce(fixture, "deliver-cancel 0"), 2);
    assert_int_equal(produce(fixture, "deliver-in PT1H"), 3);
    assert_int_equal(pending(partition), 1);
    settings.enable = false;
    set_delay(fixture);
    assert_int_equal(produce(fixture, "deliver-in soon"), 4);
    assert_seen(fixture, 0, " 1 4");
}

static void produce_built(struct fixture *fixture, struct record_batch_builder *builder,
                          int16_t code) {
    uint8_t *bytes;
    size_t size;
    struct sent sent;
    assert_int_equal(record_batch_builder_finish(builder, &bytes, &size), ERR_NONE);
    send_batch(fixture_leader(fixture)->partition, slice_adopt(NULL, bytes, size), &sent);
    run_until_over(fixture, &sent);
    assert_int_equal(sent.produce.error, code);
    if (code != KAFKA_NONE) assert_true(sent.refusal.why.text[0] != '\0');
    sent_free(&sent);
}

static void produce_many(struct fixture *fixture, int count, int value_len, const char *asked,
                         int16_t code) {
    struct record_batch_options options = record_batch_plain();
    options.codec = RECORD_CODEC_ZSTD;
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    struct record_header header = {DELIVER_IN, sizeof DELIVER_IN - 1, (const uint8_t *)asked, 4};
    uint8_t *value = mem_zalloc((size_t)value_len);
    for (int i = 0; i < count; i++)
        record_batch_builder_append(builder, 5, NULL, -1, value, value_len, &header, asked != NULL);
    mem_free(value);
    produce_built(fixture, builder, code);
}

/* One record with as many headers, of which the first asks for a delay. */
static void produce_headers(struct fixture *fixture, int count, int16_t code) {
    struct record_batch_options options = record_batch_plain();
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    struct record_header *headers = mem_zalloc((size_t)count * sizeof *headers);
    for (int i = 0; i < count; i++)
        headers[i] = (struct record_header){.key = "a", .key_len = 1, .value_len = -1};
    headers[0] = (struct record_header){DELIVER_IN, sizeof DELIVER_IN - 1, (const uint8_t *)"PT1H",
                                        4};
    record_batch_builder_append(builder, 5, NULL, -1, NULL, -1, headers, count);
    mem_free(headers);
    produce_built(fixture, builder, code);
}

/* What unfolds to much, or has many records, is taken where nothing in it asks for a delay. */
static void test_delay_of_large_batches(void **state) {
    struct fixture *fixture = *state;
    struct partition *partition = start(fixture, 1);
    settings.max_pending_bytes = 64 << 20;
    set_delay(fixture);
    produce_many(fixture, 40, HELD_BATCH_MOST / 10, NULL, KAFKA_NONE);
    produce_many(fixture, HELD_RECORDS_MOST + 1, 1, NULL, KAFKA_NONE);
    produce_many(fixture, 11, HELD_BATCH_MOST / 10, "PT1H", KAFKA_MESSAGE_TOO_LARGE);
    produce_many(fixture, HELD_RECORDS_MOST + 1, 1, "PT1H", KAFKA_MESSAGE_TOO_LARGE);
    produce_headers(fixture, HELD_HEADERS_MOST + 1, KAFKA_MESSAGE_TOO_LARGE);
    assert_int_equal(pending(partition), 0);
    produce_headers(fixture, HELD_HEADERS_MOST, KAFKA_NONE);
    produce_many(fixture, 9, HELD_BATCH_MOST / 10, "PT1H", KAFKA_NONE);
    produce_many(fixture, HELD_RECORDS_MOST, 1, "PT1H", KAFKA_NONE);
    assert_int_equal(pending(partition), 10 + HELD_RECORDS_MOST);
}

/* Who sends a held batch again gets its offset, and goes on behind it; also at the next leader. */
static void test_delay_of_idempotent_producers(void **state) {
    struct fixture *fixture = *state;
    start(fixture, 3);
    static const char *const two[] = {"deliver-in PT1H", ""};
    struct record_batch_options first = options_of(0, 0, 0), second = options_of(0, 0, 2);
    assert_int_equal(produce_as(fixture, &first, two, 2, KAFKA_NONE), 0);
    assert_int_equal(produce_as(fixture, &first, two, 2, KAFKA_NONE), 0);
    assert_int_equal(produce_as(fixture, &second, two, 2, KAFKA_NONE), 2);
    wanted_watermark = 4;
    run_until(fixture, all_are_there);
    node_close(fixture_leader(fixture));
    run_until_watermark(fixture, 4);
    assert_int_equal(produce_as(fixture, &second, two, 2, KAFKA_NONE), 2);
    struct record_batch_options third = options_of(0, 0, 4);
    assert_int_equal(produce_as(fixture, &third, two, 2, KAFKA_NONE), 4);
    assert_int_equal(pending(fixture_leader(fixture)->partition), 3);
    assert_seen(fixture, 0, " 1 3 5");
}

/* The next leader delivers what the one before has not, each once; and all replicas know the same.
 */
static void test_delay_over_a_failover(void **state) {
    struct fixture *fixture = *state;
    start(fixture, 3);
    static const char *const some[] = {"deliver-in 400", "deliver-in PT1H", "deliver-in 300"};
    struct record_batch_options options = record_batch_plain();
    produce_as(fixture, &options, some, 3, KAFKA_NONE);
    wanted_watermark = 3;
    run_until(fixture, all_are_there);
    struct fixture_node *gone = fixture_leader(fixture);
    node_close(gone);
    run_until_watermark(fixture, 5);
    assert_seen(fixture, 0, " 3=2 4=0");
    node_open(gone, false);
    run_until(fixture, all_are_there);
    assert_equal_states(fixture);
    assert_int_equal(pending(gone->partition), 1);
}

static void restart(struct fixture *fixture, bool clean) {
    struct fixture_node *node = &fixture->nodes[0];
    start(fixture, 1);
    static const char *const some[] = {"deliver-in 1", "deliver-in PT1H", "deliver-in PT1H"};
    struct record_batch_options options = record_batch_plain();
    produce_as(fixture, &options, some, 3, KAFKA_NONE);
    run_until_watermark(fixture, 4);
    produce(fixture, "deliver-cancel 2");
    struct slice before = partition_applied_state(node->partition), after;
    if (clean)
        node_stop(node);
    else
        node_close(node);
    node_open(node, false);
    run_until_watermark(fixture, 5);
    after = partition_applied_state(node->partition);
    assert_int_equal(pending(node->partition), 1);
    assert_int_equal(before.len, after.len);
    assert_memory_equal(before.data, after.data, before.len);
    slice_unref(&before);
    slice_unref(&after);
    run_ms(fixture, 50);
    assert_int_equal(partition_high_watermark(node->partition), 5);
    assert_seen(fixture, 0, " 3=0 [4-4]");
}

static void test_delay_survives_a_stop(void **state) {
    restart(*state, true);
}

static void test_delay_survives_a_crash(void **state) {
    restart(*state, false);
}

/* Called off in time it never comes, and what calls it off is hidden, too. */
static void test_delay_is_called_off(void **state) {
    struct fixture *fixture = *state;
    start(fixture, 1);
    produce(fixture, "deliver-in 1500");
    produce(fixture, "deliver-in 1500");
    produce(fixture, "deliver-cancel 0");
    produce(fixture, "deliver-cancel 77"); /* nothing */
    run_until_watermark(fixture, 5);
    run_ms(fixture, 100);
    assert_seen(fixture, 0, " 4=1");
    produce(fixture, "deliver-cancel 1"); /* too late */
    assert_seen(fixture, 0, " 4=1 [5-5]");
}

/* While cancels are on their way, what they do not name is delivered; what they name is not, also
 * where the record itself is still on its way. */
static void test_delay_goes_on_beside_cancels(void **state) {
    enum { CANCELS = 3 };
    struct fixture *fixture = *state;
    struct partition *partition = start(fixture, 1);
    struct record_batch_options options = record_batch_plain();
    static const char *const asked[CANCELS] = {"deliver-cancel 77", "deliver-cancel 0",
                                               "deliver-cancel 2"};
    static const char *const first[] = {"deliver-in 1000", "deliver-in 1000"},
                             *const later[] = {"deliver-in 1100"};
    struct sent cancels[CANCELS], record;
    produce_as(fixture, &options, first, 2, KAFKA_NONE);
    send_batch(partition, batch_of(&options, later, 1), &record);
    for (int i = 0; i < CANCELS; i++)
        send_batch(partition, batch_of(&options, &asked[i], 1), &cancels[i]);
    assert_true(partition_delay_in_flight_ms(partition) >=
                delayed_next_due(partition_delayed(partition)));
    for (int i = 0; i < CANCELS; i++) {
        run_until_over(fixture, &cancels[i]);
        sent_free(&cancels[i]);
    }
    sent_free(&record);
    run_until_watermark(fixture, 7);
    assert_seen(fixture, 0, " 6=1");
}

struct lookup {
    struct partition_lookup lookup; /* first */
    bool over;
};

static void on_looked_up(struct partition_lookup *lookup) {
    ((struct lookup *)lookup)->over = true;
}

static bool lookup_is_over(struct fixture *fixture) {
    return ((struct lookup *)fixture->until_arg)->over;
}

static int64_t offset_of(struct fixture *fixture, int64_t timestamp) {
    struct lookup asked = {.lookup.done = on_looked_up};
    fixture->until_arg = &asked;
    if (partition_lookup(fixture_leader(fixture)->partition, timestamp, -1, &asked.lookup) ==
        PENDING)
        run_until(fixture, lookup_is_over);
    assert_int_equal(asked.lookup.error, KAFKA_NONE);
    return asked.lookup.offset;
}

/* No timestamp finds what is hidden: the batch has 1000, hidden 1001, 1002. */
static void test_delay_is_not_found_by_time(void **state) {
    struct fixture *fixture = *state;
    start(fixture, 1);
    static const char *const some[] = {"", "deliver-in PT1H", "", "deliver-in PT1H"};
    struct record_batch_options options = record_batch_plain();
    produce_as(fixture, &options, some, 4, KAFKA_NONE);
    produce_as(fixture, &options, some + 1, 1, KAFKA_NONE);
    assert_int_equal(offset_of(fixture, 1000), 0);
    assert_int_equal(offset_of(fixture, 1001), 2);
    assert_int_equal(offset_of(fixture, 1003), -1);
    assert_int_equal(offset_of(fixture, PARTITION_MAX_TIMESTAMP), 2);
    assert_int_equal(offset_of(fixture, PARTITION_LATEST), 5);
}

/* Where the log's time counts, what is hidden has none either. */
static void test_delay_is_not_the_newest(void **state) {
    struct fixture *fixture = *state;
    struct partition *partition = start(fixture, 1);
    partition->settings.log_append_time = true;
    produce(fixture, "");
    run_ms(fixture, 5);
    produce(fixture, "deliver-in PT1H");
    produce(fixture, "deliver-cancel 77");
    assert_int_equal(offset_of(fixture, PARTITION_MAX_TIMESTAMP), 0);
    run_ms(fixture, 5);
    static const char *const mixed[] = {"deliver-in PT1H", ""};
    struct record_batch_options options = record_batch_plain();
    produce_as(fixture, &options, mixed, 2, KAFKA_NONE);
    assert_int_equal(offset_of(fixture, PARTITION_MAX_TIMESTAMP), 4);
}

/* As a broker that knew no delays has stored it. */
static void store_old(struct partition *partition, const struct record_batch_options *options,
                      int attributes, int32_t sequence) {
    static const char *const asked[] = {"x y"};
    struct slice batch = batch_of(options, asked, 1);
    uint8_t *bytes = (uint8_t *)batch.data;
    record_batch_set_base_offset(bytes, partition->next_offset);
    store_big_endian(bytes + AT_ATTRIBUTES, (uint64_t)attributes | options->codec, 2);
    store_big_endian(bytes + AT_BASE_SEQUENCE, (uint64_t)sequence, 4);
    record_batch_seal(bytes, batch.len);
    struct entry_spec spec = {.type = ENTRY_BATCHES,
                              .batches = 1,
                              .base_offset = partition->next_offset++,
                              .records = 1,
                              .max_timestamp = 1000,
                              .raw = batch,
                              .numbered = true};
    uint64_t index;
    assert_int_equal(raft_group_submit(partition_group(partition), &spec, &index), ERR_NONE);
}

/* Attributes and a sequence like ours, from before there were delays, say nothing. */
static void test_delay_behind_old_batches(void **state) {
    struct fixture *fixture = *state;
    struct partition *partition = start(fixture, 1);
    struct record_batch_options plain = record_batch_plain(), folded = plain;
    folded.codec = RECORD_CODEC_ZSTD;
    store_old(partition, &plain, 0, -2);
    store_old(partition, &plain, ATTRIBUTE_HELD, -1);
    store_old(partition, &folded, ATTRIBUTE_HELD, -1);
    run_until_watermark(fixture, 3);
    assert_int_equal(delayed_end(partition_delayed(partition)), 0);
    assert_int_equal(produce(fixture, "deliver-in 50"), 3);
    run_until_watermark(fixture, 5);
    assert_seen(fixture, 0, " 0 1 2 4=3");
    assert_int_equal(offset_of(fixture, 1000), 0);
    node_close(&fixture->nodes[0]);
    node_open(&fixture->nodes[0], false);
    run_until_watermark(fixture, 5);
    assert_seen(fixture, 0, " 0 1 2 4=3");
}

static uint64_t releases_made(const struct partition *partition) {
    uint64_t sum = 0;
    for (int i = 0; i <= BUCKETS_MAX; i++)
        sum += partition->counts->delays.late_us.counts[i];
    return sum;
}

/* 1200 records, all due at once: in how many releases they come. */
static uint64_t releases_of(struct fixture *fixture, struct partition *partition, int value_len) {
    enum { BATCHES = 6, RECORDS = 200 };
    kafka_offset begin = partition_high_watermark(partition);
    uint64_t before = releases_made(partition);
    struct record_batch_options options = record_batch_plain();
    char *value = mem_zalloc((size_t)value_len);
    char text[32];
    int len = snprintf(text, sizeof text, "%lld", (long long)env_wall_ms(fixture->env) + 1500);
    for (int i = 0; i < BATCHES; i++) {
        struct record_batch_builder *builder = record_batch_builder_new(&options);
        struct record_header header = {DELIVER_AT, sizeof DELIVER_AT - 1, (uint8_t *)text, len};
        for (int r = 0; r < RECORDS; r++)
            record_batch_builder_append(builder, 5, NULL, -1, value, value_len, &header, 1);
        produce_built(fixture, builder, KAFKA_NONE);
    }
    mem_free(value);
    run_until_watermark(fixture, begin + 2 * BATCHES * RECORDS);
    assert_int_equal(pending(partition), 0);
    assert_int_equal(partition_high_watermark(partition), begin + 2 * BATCHES * RECORDS);
    return releases_made(partition) - before;
}

/* More than one release can hold comes all, by its bytes or its records. */
static void test_delay_delivers_many(void **state) {
    struct fixture *fixture = *state;
    struct partition *partition = start(fixture, 1);
    settings.max_pending_bytes = 64 << 20;
    set_delay(fixture);
    assert_int_equal(releases_of(fixture, partition, 2000), 5);
    assert_int_equal(releases_of(fixture, partition, 10), 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_delay_delivers_at_its_time),
        TEST(test_delay_leaves_a_hole),
        TEST(test_delay_refuses),
        TEST(test_delay_of_large_batches),
        TEST(test_delay_of_idempotent_producers),
        TEST(test_delay_over_a_failover),
        TEST(test_delay_survives_a_stop),
        TEST(test_delay_survives_a_crash),
        TEST(test_delay_is_called_off),
        TEST(test_delay_goes_on_beside_cancels),
        TEST(test_delay_is_not_found_by_time),
        TEST(test_delay_is_not_the_newest),
        TEST(test_delay_behind_old_batches),
        TEST(test_delay_delivers_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
