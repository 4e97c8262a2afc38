/*
 * Every served API and version against frames that Apache Kafka's own classes made
 * (tests/golden/generate): decoded fields equal Kafka's JSON, encoding again gives the same bytes,
 * and no damage to a frame harms more than the frame.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "protocol/messages/frame.h"
#include "tests/unit/protocol/fixture_dump.h"
#include "tests/unit/protocol/fixture_golden.h"
#include "tests/unit/unit.h"

enum { ARENA_LIMIT = 1 << 20, MUTATIONS = 30 };
enum { FULL, NULLS, EDGE, TAGS, VARIANTS };
static const char *const variant_names[VARIANTS] = {"full", "null", "edge", "tags"};

struct frame {
    const struct kp_api *api;
    int version;
    bool request;
    int variant;
    int32_t correlation_id;
    uint8_t *bytes; /* with the length before it */
    size_t len;
    const char *json;
};

/* A frame as it was decoded. */
struct decoded {
    struct kp_arena arena;
    void *message;
    int error;
};

static const struct kp_schema *schema_of(const struct frame *frame) {
    return frame->request ? frame->api->request : frame->api->response;
}

/* Decodes bytes (without the length) that are like those of `frame`. */
static struct decoded decode(const struct frame *frame, const uint8_t *bytes, size_t len) {
    struct decoded decoded = {.message = mem_zalloc(schema_of(frame)->size)};
    kp_arena_init(&decoded.arena, ARENA_LIMIT);
    if (!frame->request) {
        decoded.error = kp_response_decode(frame->api, frame->version, frame->correlation_id, bytes,
                                           len, &decoded.arena, decoded.message);
        return decoded;
    }
    struct kp_reader reader;
    struct kp_request_header header;
    kp_reader_init(&reader, bytes, len);
    decoded.error = kp_request_header_decode(&reader, &header);
    if (decoded.error == ERR_NONE &&
        (header.api != frame->api || header.api_version != frame->version))
        decoded.error = ERR_VERSION; /* damaged into another request, which has another struct */
    if (decoded.error == ERR_NONE)
        decoded.error = kp_decode(frame->api->request, frame->version, &reader, &decoded.arena,
                                  decoded.message);
    return decoded;
}

static void decoded_free(struct decoded *decoded) {
    kp_arena_close(&decoded->arena);
    mem_free(decoded->message);
}

static char *dump(const struct frame *frame, const void *message) {
    struct text text = {0};
    dump_message(&text, schema_of(frame), frame->version, message);
    return text.data;
}

static int encode(const struct frame *frame, const void *message, uint8_t **bytes, size_t *len) {
    struct kp_writer writer;
    kp_writer_init(&writer, INT32_MAX);
    if (frame->request) {
        struct kp_string client_id = frame->variant == NULLS ? KP_NULL_STRING
                                                             : kp_string_of("g\xc3\xb6lden");
        kp_request_encode(frame->api, frame->version, frame->correlation_id, client_id, message,
                          &writer);
    } else {
        kp_response_encode(frame->api, frame->version, frame->correlation_id, message, &writer);
    }
    return kp_writer_take(&writer, bytes, len);
}

/* "ListOffsets" -> "list_offsets.txt" */
static void file_name(const char *api, char into[64]) {
    size_t at = 0;
    for (const char *c = api; *c != '\0'; c++) {
        bool upper = *c >= 'A' && *c <= 'Z';
        if (upper && c != api) into[at++] = '_';
        into[at++] = upper ? (char)(*c - 'A' + 'a') : *c;
    }
    memcpy(into + at, ".txt", 5);
}

static void parse_line(const struct kp_api *api, const struct golden_line *line,
                       struct frame *frame) {
    *frame = (struct frame){.api = api, .variant = -1};
    assert_string_equal(line->fields[0], api->name);
    frame->version = (int)strtol(line->fields[1], NULL, 10);
    frame->request = strcmp(line->fields[2], "request") == 0;
    for (int i = 0; i < VARIANTS; i++)
        if (strcmp(line->fields[3], variant_names[i]) == 0) frame->variant = i;
    assert_in_range(frame->variant, 0, VARIANTS - 1);
    frame->correlation_id = (int32_t)strtol(line->fields[4], NULL, 10);
    frame->bytes = golden_bytes(line->fields[5], &frame->len);
    frame->json = line->fields[6];
}

/* Calls `visit` for each golden frame of each API that is advertised; returns how many there were.
 */
static int for_each_frame(void (*visit)(const struct frame *frame, void *arg), void *arg) {
    size_t count;
    const struct kp_api *table = kp_api_table(&count);
    int frames = 0;
    for (size_t i = 0; i < count && table[i].key < KP_PRIVATE; i++) {
        char name[64];
        file_name(table[i].name, name);
        struct golden_file *file = golden_open(name, 7);
        struct golden_line line;
        while (golden_next(file, &line)) {
            struct frame frame;
            parse_line(&table[i], &line, &frame);
            visit(&frame, arg);
            mem_free(frame.bytes);
            frames++;
        }
        golden_close(file);
    }
    return frames;
}

/* The bytes of the last frame of variant `full`: what one with unknown tags must become when it is
 * encoded again. */
struct round_trip {
    uint8_t *full;
    size_t full_len;
};

static void check_round_trip(const struct frame *frame, void *arg) {
    struct round_trip *state = arg;
    struct decoded decoded = decode(frame, frame->bytes + 4, frame->len - 4);
    if (decoded.error != ERR_NONE)
        print_error("%s v%d %s %s\n", frame->api->name, frame->version, schema_of(frame)->name,
                    variant_names[frame->variant]);
    assert_int_equal(decoded.error, ERR_NONE);
    char *shown = dump(frame, decoded.message);
    assert_string_equal(shown, frame->json);
    mem_free(shown);

    uint8_t *bytes;
    size_t len;
    assert_int_equal(encode(frame, decoded.message, &bytes, &len), ERR_NONE);
    if (frame->variant == TAGS) {
        assert_int_equal(len, state->full_len);
        assert_memory_equal(bytes, state->full, len);
    } else {
        assert_int_equal(len, frame->len);
        assert_memory_equal(bytes, frame->bytes, len);
    }
    if (frame->variant == FULL) {
        mem_free(state->full);
        state->full = bytes;
        state->full_len = len;
    } else {
        mem_free(bytes);
    }
    decoded_free(&decoded);
}

/* Each frame decodes to the fields that Kafka saw in it, and encodes to the same bytes; unknown
 * tags are dropped. */
static void test_golden_round_trip(void **state) {
    (void)state;
    struct round_trip round_trip = {0};
    int frames = for_each_frame(check_round_trip, &round_trip);
    assert_in_range(frames, 400, 10000);
    mem_free(round_trip.full);
}

enum { MOST_APIS = 128, MOST_VERSIONS = 32 };
struct coverage {
    bool seen[MOST_APIS][MOST_VERSIONS][2][VARIANTS];
};

static void note_coverage(const struct frame *frame, void *arg) {
    struct coverage *coverage = arg;
    assert_true(kp_api_serves(frame->api, frame->version));
    coverage->seen[frame->api->key][frame->version][frame->request][frame->variant] = true;
}

/* Whoever serves a new version brings golden frames for it. */
static void test_golden_covers_every_served_version(void **state) {
    (void)state;
    struct coverage *coverage = mem_zalloc(sizeof(*coverage));
    for_each_frame(note_coverage, coverage);
    size_t count;
    const struct kp_api *table = kp_api_table(&count);
    for (size_t i = 0; i < count && table[i].key < KP_PRIVATE; i++)
        for (int version = table[i].from; version <= table[i].to; version++)
            for (int request = 0; request < 2; request++)
                for (int variant = 0; variant < VARIANTS; variant++) {
                    if (variant == TAGS && !kp_api_flexible(&table[i], version)) continue;
                    if (coverage->seen[table[i].key][version][request][variant]) continue;
                    print_error("tests/golden has no frame for %s version %d (%s, %s)\n",
                                table[i].name, version, request ? "request" : "response",
                                variant_names[variant]);
                    fail();
                }
    mem_free(coverage);
}

static void check_truncation(const struct frame *frame, void *arg) {
    (void)arg;
    for (size_t len = 0; len < frame->len - 4; len++) {
        uint8_t *cut = mem_alloc(len); /* exactly as long, for the sanitizer */
        memcpy(cut, frame->bytes + 4, len);
        struct decoded decoded = decode(frame, cut, len);
        assert_int_equal(decoded.error, ERR_MALFORMED);
        decoded_free(&decoded);
        mem_free(cut);
    }
}

/* A frame that is cut off, wherever that is, is an error. */
static void test_golden_truncated_at_every_byte(void **state) {
    (void)state;
    for_each_frame(check_truncation, NULL);
}

static void check_longer(const struct frame *frame, void *arg) {
    (void)arg;
    uint8_t *longer = mem_zalloc(frame->len - 4 + 1);
    memcpy(longer, frame->bytes + 4, frame->len - 4);
    struct decoded decoded = decode(frame, longer, frame->len - 4 + 1);
    assert_int_equal(decoded.error, ERR_NONE);
    decoded_free(&decoded);
    mem_free(longer);
}

/* A byte too many is ignored, as Kafka does: some versions of librdkafka send some. */
static void test_golden_with_a_byte_too_many(void **state) {
    (void)state;
    for_each_frame(check_longer, NULL);
}

static uint32_t next_random(uint32_t *seed) {
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

/* Whatever is accepted must mean the same after another round. */
static void check_accepted(const struct frame *frame, const struct decoded *decoded) {
    uint8_t *bytes;
    size_t len;
    assert_int_equal(encode(frame, decoded->message, &bytes, &len), ERR_NONE);
    struct decoded again = decode(frame, bytes + 4, len - 4);
    assert_int_equal(again.error, ERR_NONE);
    char *first = dump(frame, decoded->message), *second = dump(frame, again.message);
    assert_string_equal(first, second);
    mem_free(first);
    mem_free(second);
    decoded_free(&again);
    mem_free(bytes);
}

static void check_flipped(const struct frame *frame, void *arg) {
    uint32_t *seed = arg;
    size_t len = frame->len - 4;
    uint8_t *bytes = mem_alloc(len);
    for (int i = 0; i < MUTATIONS; i++) {
        memcpy(bytes, frame->bytes + 4, len);
        for (uint32_t flips = 1 + next_random(seed) % 4; flips > 0; flips--) {
            static const uint8_t nasty[] = {0x00, 0x7f, 0x80, 0xff};
            uint32_t random = next_random(seed);
            bytes[next_random(seed) % len] = random % 2 == 0 ? nasty[random / 2 % 4]
                                                             : (uint8_t)(random / 2);
        }
        struct decoded decoded = decode(frame, bytes, len);
        if (decoded.error == ERR_NONE) check_accepted(frame, &decoded);
        decoded_free(&decoded);
    }
    mem_free(bytes);
}

/* Flipped bytes, with a fixed seed: decoding never crashes, and what it accepts survives another
 * round. */
static void test_golden_with_flipped_bytes(void **state) {
    (void)state;
    uint32_t seed = 20261121;
    for_each_frame(check_flipped, &seed);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_round_trip),
        cmocka_unit_test(test_golden_covers_every_served_version),
        cmocka_unit_test(test_golden_truncated_at_every_byte),
        cmocka_unit_test(test_golden_with_a_byte_too_many),
        cmocka_unit_test(test_golden_with_flipped_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
