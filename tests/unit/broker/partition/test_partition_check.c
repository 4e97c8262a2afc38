/* Checks of batches that take long: order, ends of all kinds while one is under way, memory, turns.
 * Nothing is checked on the loop here. */
#include <string.h>

#include "base/mem.h"
#include "broker/config/broker_settings.h"
#include "protocol/kafka_error.h"
#include "protocol/record/record_batch_builder.h"
#include "protocol/record/record_batch_layout.h"
#include "tests/batches/record_batch_check.h"
#include "tests/unit/broker/fixture_partitions.h"
#include "tests/unit/unit.h"

enum { MANY = 8 };

static int setup(void **state) {
    fixture_setup(state);
    struct fixture *fixture = *state;
    fixture->checks.inline_us = 0;
    return 0;
}

static struct partition *start_one(struct fixture *fixture) {
    fixture_start(fixture, 1);
    return fixture->nodes[0].partition;
}

static bool it_leads(struct fixture *fixture) {
    return fixture_leader(fixture) != NULL;
}

static struct check_pool_stats stats_of(struct fixture *fixture) {
    struct check_pool_stats stats;
    check_pool_stats_get(fixture->nodes[0].checks, &stats);
    return stats;
}

/* A batch of `megabytes` in gzip, which is a few kilobytes, and takes long to check. */
static struct slice bomb_of(struct record_batch_options options, size_t megabytes) {
    static struct slice made;
    static size_t made_megabytes;
    if (made_megabytes != megabytes) {
        struct record_batch_options plain = record_batch_plain();
        plain.codec = RECORD_CODEC_GZIP;
        slice_unref(&made);
        made = make_batch(&plain, 1, megabytes << 20, 1);
        made_megabytes = megabytes;
    }
    struct slice batch = slice_copy(NULL, made.data, made.len);
    uint8_t *bytes = (uint8_t *)batch.data;
    store_big_endian(bytes + AT_PRODUCER_ID, (uint64_t)options.producer_id, 8);
    store_big_endian(bytes + AT_PRODUCER_EPOCH, (uint64_t)options.producer_epoch, 2);
    store_big_endian(bytes + AT_BASE_SEQUENCE, (uint64_t)options.base_sequence, 4);
    record_batch_seal(bytes, batch.len);
    return batch;
}

static struct slice bomb(size_t megabytes) {
    return bomb_of(record_batch_plain(), megabytes);
}

/* As everybody sends them. */
static struct slice plain(enum record_codec codec, int records) {
    struct record_batch_options options = record_batch_plain();
    options.codec = codec;
    return make_batch(&options, records, 1000, 1);
}

static struct slice small(int32_t sequence) {
    struct record_batch_options options = options_of(4, 0, sequence);
    return make_batch(&options, 1, 10, 1);
}

/* Batches of one sender are appended in the order in which they came, whatever their checks take;
 * another sender need not wait for them. */
static void test_check_keeps_order_of_a_sender(void **state) {
    struct fixture *fixture = *state;
    struct partition *partition = start_one(fixture);
    static struct sent sent[MANY], other;
    int one, two;
    send_batch_of(&one, partition, bomb_of(options_of(4, 0, 0), 30), &sent[0]);
    for (int i = 1; i < MANY; i++)
        send_batch_of(&one, partition, small(i), &sent[i]);
    send_batch_of(&two, partition, plain(RECORD_CODEC_NONE, 1), &other);
    run_until_over(fixture, &other);
    assert_int_equal(other.produce.base_offset, 0);
    run_until_over(fixture, &sent[MANY - 1]);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(sent[i].produce.error, KAFKA_NONE);
        assert_int_equal(sent[i].produce.base_offset, i + 1);
        sent_free(&sent[i]);
    }
    sent_free(&other);
    assert_int_equal(stats_of(fixture).memory, 0);
    assert_int_equal(stats_of(fixture).inline_checks, 0);
}

/* A batch that unfolds to much is checked in turns with others, and those end before it. */
static void test_check_takes_turns(void **state) {
    struct fixture *fixture = *state;
    struct partition *partition = start_one(fixture);
    static struct sent large[3], honest;
    int senders[4];
    for (int i = 0; i < 3; i++)
        send_batch_of(&senders[i], partition, bomb(30), &large[i]);
    send_batch_of(&senders[3], partition, plain(RECORD_CODEC_ZSTD, 100), &honest);
    run_until_over(fixture, &honest);
    for (int i = 0; i < 3; i++)
        assert_false(large[i].over);
    for (int i = 0; i < 3; i++) {
        run_until_over(fixture, &large[i]);
        assert_int_equal(large[i].produce.error, KAFKA_NONE);
        sent_free(&large[i]);
    }
    sent_free(&honest);
    assert_true(stats_of(fixture).slices > 3 * 25);
}

/* What is wrong is refused with its reason, from the pool as from the loop, and takes no offset. */
static void test_check_refuses(void **state) {
    struct fixture *fixture = *state;
    fixture->settings.unfolded_max_bytes = 4 << 20;
    struct partition *partition = start_one(fixture);
    struct sent large, good;
    send_batch(partition, bomb(30), &large);
    assert_false(large.over);
    send_plain(partition, &good);
    run_until_over(fixture, &good);
    assert_int_equal(large.produce.error, KAFKA_MESSAGE_TOO_LARGE);
    assert_non_null(strstr(large.refusal.why.text, "message.unfolded.max.bytes"));
    assert_true(stats_of(fixture).slices < 10);
    assert_int_equal(good.produce.base_offset, 0);
    sent_free(&large), sent_free(&good);
}

/* Damage is told as damage by the pool, too: clients repeat such a batch. */
static void test_check_damage(void **state) {
    struct fixture *fixture = *state;
    struct partition *partition = start_one(fixture);
    for (int codec = RECORD_CODEC_NONE; codec <= RECORD_CODEC_ZSTD; codec++) {
        struct slice whole = plain((enum record_codec)codec, 10);
        for (size_t at = RECORD_BATCH_HEADER; at < whole.len; at += 1 + whole.len / 40) {
            struct sent sent;
            struct slice damaged = slice_copy(NULL, whole.data, whole.len);
            ((uint8_t *)damaged.data)[at] ^= 0x80;
            send_batch(partition, damaged, &sent);
            run_until_over(fixture, &sent);
            assert_int_equal(sent.produce.error, KAFKA_CORRUPT_MESSAGE);
            sent_free(&sent);
        }
        slice_unref(&whole);
    }
}

/* A small batch is no matter for the pool, whatever its topic would allow. */
static void test_check_small_ones_at_once(void **state) {
    struct fixture *fixture = *state;
    fixture->checks.inline_us = 500;
    fixture->settings.max_message_bytes = BROKER_BATCH_MOST;
    fixture->settings.compression_type = 1 + RECORD_CODEC_ZSTD;
    struct partition *partition = start_one(fixture);
    for (int codec = RECORD_CODEC_NONE; codec <= RECORD_CODEC_LZ4; codec++) {
        struct sent sent;
        send_batch(partition, plain((enum record_codec)codec, 1), &sent);
        run_until_over(fixture, &sent);
        assert_int_equal(sent.produce.error, KAFKA_NONE);
        sent_free(&sent);
    }
    assert_int_equal(stats_of(fixture).pool_checks, 0);
    assert_int_equal(stats_of(fixture).inline_checks, 4);
}

/* What unfolds to more than it seemed is begun on the loop and goes on in the pool, or begins anew
 * there when that has no memory. */
static void test_check_goes_on_in_the_pool(void **state) {
    struct fixture *fixture = *state;
    fixture->checks.inline_us = 500;
    fixture->checks.memory_bytes = 200 << 10; /* one reader of gzip */
    struct partition *partition = start_one(fixture);
    static struct sent sent[MANY];
    int senders[MANY];
    for (int i = 0; i < MANY; i++)
        send_batch_of(&senders[i], partition, bomb(3), &sent[i]);
    assert_int_equal(stats_of(fixture).waiting, MANY - 1);
    for (int i = 0; i < MANY; i++) {
        run_until_over(fixture, &sent[i]);
        assert_int_equal(sent[i].produce.error, KAFKA_NONE);
        sent_free(&sent[i]);
    }
    assert_int_equal(stats_of(fixture).pool_checks, MANY);
}

/* A record of nothing but headers takes far longer than its bytes say: it, too. */
static void test_check_of_headers(void **state) {
    enum { HEADERS = 400000 };
    struct fixture *fixture = *state;
    fixture->checks.inline_us = 500;
    struct partition *partition = start_one(fixture);
    struct record_batch_options options = record_batch_plain();
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    struct record_header *headers = mem_zalloc(HEADERS * sizeof *headers);
    uint8_t *bytes;
    size_t size;
    record_batch_builder_append(builder, 1, "k", 1, NULL, -1, headers, HEADERS);
    assert_int_equal(record_batch_builder_finish(builder, &bytes, &size), ERR_NONE);
    mem_free(headers);
    struct sent sent;
    send_batch(partition, slice_adopt(NULL, bytes, size), &sent);
    run_until_over(fixture, &sent);
    assert_int_equal(sent.produce.error, KAFKA_NONE);
    sent_free(&sent);
    assert_int_equal(stats_of(fixture).pool_checks, 1);
}

/* Memory is a limit over all of them: what does not fit waits for others to end, and what never can
 * is refused. */
static void test_check_memory_is_bounded(void **state) {
    struct fixture *fixture = *state;
    fixture->checks.memory_bytes = 200 << 10; /* one reader of gzip, not two */
    struct partition *partition = start_one(fixture);
    static struct sent sent[MANY];
    int senders[MANY];
    for (int i = 0; i < MANY; i++)
        send_batch_of(&senders[i], partition, bomb(3), &sent[i]);
    assert_int_equal(stats_of(fixture).under_way, 1);
    assert_int_equal(stats_of(fixture).waiting, MANY - 1);
    assert_in_range(stats_of(fixture).memory, 100 << 10, 200 << 10);
    for (int i = 0; i < MANY; i++) {
        run_until_over(fixture, &sent[i]);
        assert_int_equal(sent[i].produce.error, KAFKA_NONE);
        assert_int_equal(sent[i].produce.base_offset, i);
        sent_free(&sent[i]);
    }
    assert_int_equal(stats_of(fixture).memory, 0);
    node_close(&fixture->nodes[0]);
    fixture->checks.memory_bytes = 100 << 10;
    node_open(&fixture->nodes[0], false);
    run_until(fixture, it_leads);
    send_batch(fixture->nodes[0].partition, bomb(3), &sent[0]);
    assert_true(sent[0].at_once);
    assert_int_equal(sent[0].produce.error, KAFKA_MESSAGE_TOO_LARGE);
    assert_non_null(strstr(sent[0].refusal.why.text, "produce.check.memory.bytes"));
    sent_free(&sent[0]);
}

/* In a memory that has room for one of these: one has it, one waits for it. */
static void fill_memory(struct partition *partition, struct sent large[2], int senders[2]) {
    struct record_batch_options options = record_batch_plain();
    options.codec = RECORD_CODEC_ZSTD;
    for (int i = 0; i < 2; i++)
        send_batch_of(&senders[i], partition, make_batch(&options, 1, 30 << 20, 1), &large[i]);
}

static void end_all(struct fixture *fixture, struct sent *sent, int count) {
    for (int i = 0; i < count; i++) {
        run_until_over(fixture, &sent[i]);
        assert_int_equal(sent[i].produce.error, KAFKA_NONE);
        sent_free(&sent[i]);
    }
}

/* A small check does not stand behind a large one that waits for memory. */
static void test_check_small_before_large(void **state) {
    struct fixture *fixture = *state;
    fixture->checks.memory_bytes = 4 << 20;
    struct partition *partition = start_one(fixture);
    static struct sent large[2], honest;
    int senders[3];
    fill_memory(partition, large, senders);
    assert_int_equal(stats_of(fixture).waiting, 1);
    send_batch_of(&senders[2], partition, plain(RECORD_CODEC_NONE, 1), &honest);
    assert_int_equal(stats_of(fixture).waiting, 1);
    run_until_over(fixture, &honest);
    assert_int_equal(honest.produce.base_offset, 0);
    sent_free(&honest);
    end_all(fixture, large, 2);
}

/* But not so many that the large one would never have its turn. */
static void test_check_large_is_not_starved(void **state) {
    enum { CROWD = 40, PASS = 32 };
    struct fixture *fixture = *state;
    fixture->checks.memory_bytes = 4 << 20;
    struct partition *partition = start_one(fixture);
    static struct sent large[2], crowd[CROWD];
    int senders[2 + CROWD];
    fill_memory(partition, large, senders);
    for (int i = 0; i < CROWD; i++)
        send_batch_of(&senders[2 + i], partition, plain(RECORD_CODEC_NONE, 1), &crowd[i]);
    assert_int_equal(stats_of(fixture).waiting, 1 + CROWD - PASS);
    end_all(fixture, crowd, CROWD);
    end_all(fixture, large, 2);
}

static void count_checked(struct partition_produce *produce) {
    assert_false(partition_produce_is_checking(produce));
    produce->checked = NULL; /* once */
}

/* Who waits for the check, and not for the commit behind it, is told. */
static void test_check_tells_that_it_is_through(void **state) {
    struct fixture *fixture = *state;
    struct partition *partition = start_one(fixture);
    struct sent sent;
    send_batch(partition, bomb(3), &sent);
    assert_true(partition_produce_is_checking(&sent.produce));
    sent.produce.checked = count_checked;
    run_until_over(fixture, &sent);
    assert_null(sent.produce.checked);
    sent_free(&sent);
}

/* The client goes while its batches are checked: none of them is appended, nobody is told, nothing
 * stays; others go on. */
static void test_check_client_gone(void **state) {
    struct fixture *fixture = *state;
    struct partition *partition = start_one(fixture);
    static struct sent gone[MANY], other;
    int one, two;
    send_batch_of(&one, partition, bomb_of(options_of(4, 0, 0), 30), &gone[0]);
    for (int i = 1; i < MANY; i++)
        send_batch_of(&one, partition, small(i), &gone[i]);
    run_ms(fixture, 2); /* a slice runs */
    for (int i = 0; i < MANY; i++) {
        partition_produce_cancel(&gone[i].produce);
        sent_free(&gone[i]);
    }
    send_batch_of(&two, partition, plain(RECORD_CODEC_NONE, 1), &other);
    run_until_over(fixture, &other);
    assert_int_equal(other.produce.base_offset, 0);
    for (int i = 0; i < MANY; i++)
        assert_false(gone[i].over);
    assert_int_equal(partition_high_watermark(partition), 1);
    sent_free(&other);
}

/* A client that wanted no answer goes: what it has sent is appended, in order, and is over with
 * that. */
static void test_check_client_gone_without_acks(void **state) {
    struct fixture *fixture = *state;
    struct partition *partition = start_one(fixture);
    static struct sent sent[MANY], other;
    int one;
    send_batch_of(&one, partition, bomb_of(options_of(4, 0, 0), 30), &sent[0]);
    for (int i = 1; i < MANY; i++)
        send_batch_of(&one, partition, small(i), &sent[i]);
    for (int i = 0; i < MANY; i++)
        assert_true(partition_produce_abandon(&sent[i].produce));
    run_until_over(fixture, &sent[MANY - 1]);
    for (int i = 0; i < MANY; i++) {
        assert_true(sent[i].over);
        assert_int_equal(sent[i].produce.error, KAFKA_NONE);
        assert_int_equal(sent[i].produce.base_offset, i);
        sent_free(&sent[i]);
    }
    send_plain(partition, &other);
    run_until_over(fixture, &other);
    assert_int_equal(other.produce.base_offset, MANY);
    sent_free(&other);
}

/* Who has much that waits to be checked is not read; others are, and so is he again when it is
 * through. */
static void test_check_holds_who_sends_much(void **state) {
    struct fixture *fixture = *state;
    struct partition *partition = start_one(fixture);
    static struct sent sent[12], other, later;
    struct record_batch_options options = record_batch_plain();
    int one, two;
    for (int i = 0; i < 12; i++) {
        send_batch_of(&one, partition, make_batch(&options, 1, 1000000, 1), &sent[i]);
        assert_int_equal(partition_produce_is_congested(&sent[i].produce),
                         (i + 1) * 1000000 >= 8 << 20);
    }
    send_batch_of(&two, partition, make_batch(&options, 1, 1000000, 1), &other);
    assert_false(partition_produce_is_congested(&other.produce));
    run_until_over(fixture, &sent[11]);
    send_batch_of(&one, partition, make_batch(&options, 1, 1000000, 1), &later);
    assert_false(partition_produce_is_congested(&later.produce));
    run_until_over(fixture, &later);
    for (int i = 0; i < 12; i++)
        sent_free(&sent[i]);
    sent_free(&other), sent_free(&later);
}

/* One of a line is taken out, and those behind it go on. */
static void test_check_line_goes_on(void **state) {
    struct fixture *fixture = *state;
    struct partition *partition = start_one(fixture);
    struct sent first, second, third;
    send_batch(partition, bomb(30), &first);
    send_plain(partition, &second);
    send_plain(partition, &third);
    partition_produce_cancel(&second.produce);
    partition_produce_cancel(&first.produce);
    run_until_over(fixture, &third);
    assert_int_equal(third.produce.base_offset, 0);
    assert_false(first.over || second.over);
    sent_free(&first), sent_free(&second), sent_free(&third);
}

/* The client's time is over: the batch is dropped, with those behind it, and its producer goes on
 * from there and not before. */
static void test_check_time_over(void **state) {
    struct fixture *fixture = *state;
    struct partition *partition = start_one(fixture);
    static struct sent sent[3], behind, again;
    send_batch(partition, bomb_of(options_of(4, 0, 0), 30), &sent[0]);
    for (int i = 1; i < 3; i++)
        send_batch(partition, small(i), &sent[i]);
    partition_produce_time_out(&sent[0].produce);
    for (int i = 0; i < 3; i++) {
        assert_true(sent[i].over);
        assert_int_equal(sent[i].produce.error, KAFKA_REQUEST_TIMED_OUT);
        assert_int_equal(sent[i].produce.base_offset, -1);
        sent_free(&sent[i]);
    }
    send_batch(partition, small(3), &behind);
    run_until_over(fixture, &behind);
    assert_int_equal(behind.produce.error,
                     KAFKA_NOT_ENOUGH_REPLICAS); /* as what it is behind: again, later */
    send_batch(partition, small(0), &again);
    run_until_over(fixture, &again);
    assert_int_equal(again.produce.base_offset, 0);
    sent_free(&behind), sent_free(&again);
}

/* The partition is deleted, and the broker ends, while a slice runs: all end within the call, and
 * the slice frees itself. */
static void test_check_partition_closes(void **state) {
    struct fixture *fixture = *state;
    struct partition *partition = start_one(fixture);
    static struct sent sent[MANY];
    int senders[2];
    for (int i = 0; i < MANY; i++)
        send_batch_of(&senders[i % 2], partition, bomb(30), &sent[i]);
    run_ms(fixture, 2);
    struct fixture_node *node = &fixture->nodes[0];
    partition_close(node->partition, true);
    for (int i = 0; i < MANY; i++) {
        assert_true(sent[i].over);
        assert_int_equal(sent[i].produce.error, KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
        sent_free(&sent[i]);
    }
    check_pool_free(node->checks);
    shard_close(node->shard);
    log_store_close(node->store);
    node->open = false;
}

static bool was_lost(struct fixture *fixture) {
    return fixture->nodes[*(int *)fixture->until_arg].times_lost > 0;
}

/* Leadership is lost while batches are checked: they end with NOT_LEADER_OR_FOLLOWER, and nothing
 * of them is ever stored. */
static void test_check_leadership_lost(void **state) {
    struct fixture *fixture = *state;
    fixture->settings.compression_type = 1 + RECORD_CODEC_GZIP; /* slow */
    fixture->options.election_timeout_ms = 150;
    fixture->options.heartbeat_ms = 30;
    fixture_start(fixture, 3);
    struct fixture_node *leader = fixture_leader(fixture);
    int place = leader->id - 1;
    static struct sent sent[MANY];
    int senders[MANY];
    for (int i = 0; i < FIXTURE_NODES_MAX; i++)
        if (i != place) node_close(&fixture->nodes[i]);
    for (int i = 0; i < MANY; i++)
        send_batch_of(&senders[i], leader->partition, bomb(30), &sent[i]);
    fixture->until_arg = &place;
    run_until(fixture, was_lost);
    int64_t end = partition_high_watermark(leader->partition);
    for (int i = 0; i < MANY; i++) {
        assert_true(sent[i].over);
        assert_int_equal(sent[i].produce.error, KAFKA_NOT_LEADER_OR_FOLLOWER);
        sent_free(&sent[i]);
    }
    assert_int_equal(end, 0);
    struct check_pool_stats stats;
    check_pool_stats_get(leader->checks, &stats);
    assert_int_equal(stats.waiting, 0);
}

/* A topic's own codec is made piece by piece, and what it gives is bounded by max.message.bytes. */
static void test_check_recompresses(void **state) {
    struct fixture *fixture = *state;
    fixture->settings.compression_type = 1 + RECORD_CODEC_GZIP;
    struct partition *partition = start_one(fixture);
    struct sent fits, too_large;
    send_batch(partition, bomb(30), &fits);
    run_until_over(fixture, &fits);
    assert_int_equal(fits.produce.error, KAFKA_NONE);
    struct got got;
    read_from(fixture, partition, 0, 1 << 20, &got);
    struct record_batch header;
    uint8_t *bytes = got_bytes(&got);
    assert_int_equal(record_batch_parse(bytes, got.read.fetch.bytes, &header, NULL), ERR_NONE);
    assert_int_equal(record_batch_codec(&header), RECORD_CODEC_GZIP);
    assert_int_equal(record_batch_check(&header, NULL), ERR_NONE);
    mem_free(bytes);
    partition_read_release(&got.read);
    node_close(&fixture->nodes[0]);
    fixture->settings.compression_type = 1 + RECORD_CODEC_NONE;
    node_open(&fixture->nodes[0], false);
    run_until(fixture, it_leads);
    send_batch(fixture->nodes[0].partition, bomb(30), &too_large);
    run_until_over(fixture, &too_large);
    assert_int_equal(too_large.produce.error, KAFKA_MESSAGE_TOO_LARGE);
    assert_non_null(strstr(too_large.refusal.why.text, "max.message.bytes"));
    sent_free(&fits), sent_free(&too_large);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_check_keeps_order_of_a_sender),
        TEST(test_check_takes_turns),
        TEST(test_check_refuses),
        TEST(test_check_memory_is_bounded),
        TEST(test_check_small_before_large),
        TEST(test_check_large_is_not_starved),
        TEST(test_check_tells_that_it_is_through),
        TEST(test_check_client_gone),
        TEST(test_check_client_gone_without_acks),
        TEST(test_check_line_goes_on),
        TEST(test_check_time_over),
        TEST(test_check_partition_closes),
        TEST(test_check_leadership_lost),
        TEST(test_check_damage),
        TEST(test_check_goes_on_in_the_pool),
        TEST(test_check_small_ones_at_once),
        TEST(test_check_of_headers),
        TEST(test_check_recompresses),
        TEST(test_check_holds_who_sends_much),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
