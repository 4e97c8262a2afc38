/* Frames, hellos, records and pieces: what goes in comes out, and nothing malformed gets through.
 */
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "raft-glue/peer/peer_frame.h"
#include "raft-glue/peer/peers.h"
#include "storage/little_endian.h"
#include "tests/unit/unit.h"

/* The frame as frame_reader hands it over: without the length. */
static struct slice make_frame(uint8_t kind, uint8_t channel, const void *payload, size_t len,
                               size_t covered) {
    uint8_t head[PEER_FRAME_HEAD_SIZE];
    peer_frame_head(head, kind, channel, crc32c(0, payload, covered), len);
    struct peer_bytes bytes = {0};
    peer_bytes_add(&bytes, head + PEER_LENGTH_SIZE, sizeof head - PEER_LENGTH_SIZE);
    peer_bytes_add(&bytes, payload, len);
    return peer_bytes_take(&bytes);
}

/* A frame opens to what was put in, and the length in front is big-endian and counts what follows.
 */
static void test_frame_round_trip(void **state) {
    (void)state;
    uint8_t head[PEER_FRAME_HEAD_SIZE];
    peer_frame_head(head, PEER_KIND_BROKER, PEER_BULK, 0, 300);
    assert_int_equal(head[2] << 8 | head[3], 308);
    struct slice frame = make_frame(PEER_KIND_MESSAGES, PEER_CONTROL, "abcdef", 6, 6), payload;
    uint8_t kind, channel;
    assert_int_equal(peer_frame_open(frame, &kind, &channel, &payload), ERR_NONE);
    assert_int_equal(kind, PEER_KIND_MESSAGES);
    assert_int_equal(channel, PEER_CONTROL);
    assert_int_equal(payload.len, 6);
    assert_memory_equal(payload.data, "abcdef", 6);
    slice_unref(&payload);
}

/* Every flipped bit of a frame without bodies is noticed. */
static void test_frame_flipped_bit(void **state) {
    (void)state;
    struct slice frame = make_frame(PEER_KIND_MESSAGES, PEER_CONTROL, "abcdef", 6, 6), payload;
    uint8_t kind, channel;
    uint8_t *bytes = (uint8_t *)frame.data;
    for (size_t bit = 16; bit < frame.len * 8;
         bit++) { /* kind and channel are checked by who gets them */
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_not_equal(peer_frame_open(frame, &kind, &channel, &payload), ERR_NONE);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    slice_unref(&frame);
}

/* A frame of entries has a checksum over its first part only, whose length must lie inside the
 * frame. */
static void test_frame_of_entries(void **state) {
    (void)state;
    uint8_t payload[12] = {0};
    le_put_u32(payload, 8);
    struct slice opened;
    uint8_t kind, channel;
    struct slice frame = make_frame(PEER_KIND_ENTRIES, PEER_BULK, payload, sizeof payload, 8);
    ((uint8_t *)frame.data)[frame.len - 1] ^= 1; /* a body */
    assert_int_equal(peer_frame_open(frame, &kind, &channel, &opened), ERR_NONE);
    slice_unref(&opened);
    const uint32_t wrong[] = {0, 3, 13, UINT32_MAX};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        le_put_u32(payload, wrong[i]);
        frame = make_frame(PEER_KIND_ENTRIES, PEER_BULK, payload, sizeof payload, 8);
        assert_int_equal(peer_frame_open(frame, &kind, &channel, &opened), ERR_MALFORMED);
        slice_unref(&frame);
    }
}

/* A hello survives the way; cut at any byte it is malformed. */
static void test_hello_cut_anywhere(void **state) {
    (void)state;
    struct peer_hello hello = {.version = PEER_PROTOCOL_VERSION,
                               .node = 3,
                               .directory = {9, 8, 7},
                               .shard = 0,
                               .cluster_id = "abc",
                               .nodes = "1@h:1,2@h:2",
                               .record = "REC",
                               .record_len = 3};
    struct peer_bytes bytes = {0};
    peer_hello_encode(&bytes, &hello, 77);
    struct slice slice = peer_bytes_take(&bytes);
    struct peer_hello got;
    uint64_t session;
    assert_int_equal(peer_hello_decode(slice, &got, &session), ERR_NONE);
    assert_int_equal(got.node, 3);
    assert_int_equal(session, 77);
    assert_string_equal(got.cluster_id, "abc");
    assert_string_equal(got.nodes, "1@h:1,2@h:2");
    assert_int_equal(got.record_len, 3);
    assert_memory_equal(got.record, "REC", 3);
    assert_memory_equal(got.directory, hello.directory, PEER_UUID_SIZE);
    for (size_t len = 0; len < slice.len; len++) {
        struct slice cut = {.data = slice.data, .len = len};
        assert_int_equal(peer_hello_decode(cut, &got, &session), ERR_MALFORMED);
    }
    ((uint8_t *)slice.data)[4] = 9;
    assert_int_equal(peer_hello_decode(slice, &got, &session), ERR_VERSION);
    assert_int_equal(got.node, 3);
    slice_unref(&slice);
}

/* A text without its zero byte, or with one inside, is not taken. */
static void test_hello_text_without_end(void **state) {
    (void)state;
    struct peer_bytes bytes = {0};
    struct peer_journal seen = {.run = 5, .sequence = 6}, got = {0};
    peer_verdict_encode(&bytes, false, &seen, "no");
    struct slice slice = peer_bytes_take(&bytes);
    enum peer_answer accepted;
    const char *sentence;
    assert_int_equal(peer_verdict_decode(slice, &accepted, &got, &sentence), ERR_NONE);
    assert_memory_equal(&got, &seen, sizeof seen);
    assert_false(accepted);
    assert_string_equal(sentence, "no");
    ((uint8_t *)slice.data)[slice.len - 1] = 'x';
    assert_int_equal(peer_verdict_decode(slice, &accepted, &got, &sentence), ERR_MALFORMED);
    ((uint8_t *)slice.data)[slice.len - 1] = 0;
    ((uint8_t *)slice.data)[slice.len - 2] = 0;
    assert_int_equal(peer_verdict_decode(slice, &accepted, &got, &sentence), ERR_MALFORMED);
    slice_unref(&slice);
}

/* What is told of journals comes back; another length is not taken. */
static void test_journal(void **state) {
    (void)state;
    struct peer_journal told = {.run = 1, .sequence = UINT64_MAX}, got;
    uint8_t bytes[PEER_JOURNAL_SIZE + 1] = {0};
    peer_journal_encode(bytes, &told);
    struct slice payload = {.data = bytes, .len = PEER_JOURNAL_SIZE};
    assert_int_equal(peer_journal_decode(payload, &got), ERR_NONE);
    assert_memory_equal(&got, &told, sizeof told);
    payload.len--;
    assert_int_equal(peer_journal_decode(payload, &got), ERR_MALFORMED);
    payload.len += 2;
    assert_int_equal(peer_journal_decode(payload, &got), ERR_MALFORMED);
}

/* Records and pieces come back field by field; unknown types are refused. */
static void test_record_and_piece(void **state) {
    (void)state;
    struct peer_record record = {.group = 1,
                                 .from = 2,
                                 .to = 3,
                                 .term = 4,
                                 .flags = RECORD_DISRUPT},
                       got;
    uint8_t bytes[PEER_RECORD_SIZE], again[PEER_RECORD_SIZE];
    for (record.type = RECORD_APPEND; record.type <= RECORD_RESIGNED; record.type++) {
        memset(&record.append, 0, sizeof record.append); /* the largest */
        switch (record.type) {
        case RECORD_APPEND:
            record.append.prev_index = UINT64_MAX;
            record.append.commit = 6;
            record.append.prev_term = 7;
            record.append.quiet_round = UINT32_MAX;
            break;
        case RECORD_APPEND_RESULT:
            record.append_result.rejected = UINT64_MAX;
            record.append_result.last_index = 6;
            record.append_result.quiet_round = UINT32_MAX;
            break;
        case RECORD_VOTE:
        case RECORD_TIMEOUT_NOW:
            record.vote.last_index = UINT64_MAX;
            record.vote.last_term = 6;
            break;
        case RECORD_CONFIRM:
        case RECORD_CONFIRMED: record.confirm.round = UINT64_MAX; break;
        case RECORD_RESIGNED: record.resigned.deposed_by = 5; break;
        }
        memset(&got, 0, sizeof got);
        peer_record_encode(bytes, &record);
        assert_int_equal(peer_record_decode(bytes, &got), ERR_NONE);
        assert_true(got.group == 1 && got.from == 2 && got.to == 3 && got.term == 4 &&
                    got.type == record.type);
        assert_int_equal(got.flags, RECORD_DISRUPT);
        assert_memory_equal(&got.append, &record.append, sizeof got.append);
        peer_record_encode(again, &got);
        assert_memory_equal(again, bytes, sizeof bytes);
    }
    bytes[28] = RECORD_APPEND_RESULT;
    bytes[52] = 1; /* a round of more than 32 bits */
    assert_int_equal(peer_record_decode(bytes, &got), ERR_MALFORMED);
    bytes[28] = RECORD_RESIGNED + 1;
    assert_int_equal(peer_record_decode(bytes, &got), ERR_MALFORMED);
    struct peer_piece piece = {1, 2, 3, 4, 5, 6, 7, 8}, back;
    uint8_t head[PEER_PIECE_SIZE];
    peer_piece_encode(head, &piece);
    peer_piece_decode(head, &back);
    assert_true(back.group == 1 && back.from == 2 && back.to == 3 && back.term == 4 &&
                back.count == 5);
    assert_true(back.prev_index == 6 && back.prev_term == 7 && back.commit == 8);
}

/* A ping tells times to who knows them, and one without them is understood; another length is not.
 */
static void test_ping(void **state) {
    (void)state;
    struct peer_ping ping = {{1, 2}, true, 30, 40, 50}, back;
    uint8_t bytes[PEER_TIMED_PING_SIZE];
    struct slice payload = {.data = bytes, .len = PEER_TIMED_PING_SIZE};
    peer_ping_encode(bytes, &ping, true);
    assert_int_equal(peer_ping_decode(payload, &back), ERR_NONE);
    assert_int_equal(back.received[PEER_CONTROL], 1);
    assert_true(back.paused && back.sent_us == 30 && back.echo_us == 40 && back.held_us == 50);
    payload.len = PEER_PING_SIZE;
    assert_int_equal(peer_ping_decode(payload, &back), ERR_NONE);
    assert_int_equal(back.received[PEER_BULK], 2);
    assert_true(back.paused && back.sent_us == 0 && back.echo_us == 0 && back.held_us == 0);
    for (payload.len = 0; payload.len < PEER_TIMED_PING_SIZE; payload.len++)
        if (payload.len != PEER_PING_SIZE)
            assert_int_equal(peer_ping_decode(payload, &back), ERR_MALFORMED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frame_round_trip),       cmocka_unit_test(test_frame_flipped_bit),
        cmocka_unit_test(test_frame_of_entries),       cmocka_unit_test(test_hello_cut_anywhere),
        cmocka_unit_test(test_hello_text_without_end), cmocka_unit_test(test_journal),
        cmocka_unit_test(test_record_and_piece),       cmocka_unit_test(test_ping),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
