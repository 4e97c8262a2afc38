/* Requests of another implementation with bytes changed, sent to a whole broker: it answers or
 * closes, and serves the next. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/kafka_error.h"
#include "protocol/messages/api_versions.h"
#include "tests/unit/broker/fixture_broker.h"
#include "tests/unit/unit.h"

enum { FRAME_MAX = 4096, CHANGES = 16 };

/* Not those that change topics and leaders: their effects, not their bytes, are what would take the
 * time here. */
static bool is_tried(const struct kp_api *api) {
    static const int changing[] = {KP_CREATE_TOPICS,     KP_DELETE_TOPICS,
                                   KP_CREATE_PARTITIONS, KP_ALTER_CONFIGS,
                                   KP_ELECT_LEADERS,     KP_INCREMENTAL_ALTER_CONFIGS};
    for (size_t i = 0; i < sizeof changing / sizeof changing[0]; i++)
        if (changing[i] == api->key) return false;
    return kp_api_advertised(api);
}

/* "ListOffsets" -> "tests/golden/list_offsets.txt" */
static void golden_path(const char *api, char into[80]) {
    size_t at = (size_t)snprintf(into, 80, "tests/golden/");
    for (const char *c = api; *c != '\0'; c++) {
        if (*c >= 'A' && *c <= 'Z' && c != api) into[at++] = '_';
        into[at++] = (char)tolower(*c);
    }
    memcpy(into + at, ".txt", 5);
}

static uint64_t next_random(uint64_t *seed) {
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

static void change(uint8_t *frame, size_t len, uint64_t *seed) {
    static const uint32_t extremes[] = {0,          1,          0x7fffffff, 0x80000000,
                                        0xffffffff, 0x0000ffff, 0xff000000};
    for (uint64_t n = 1 + next_random(seed) % 3; n > 0; n--) {
        size_t at = 4 +
                    next_random(seed) % (len - 4); /* the length stays: what follows is the frame */
        if (next_random(seed) % 2 == 0 || at + 4 > len) {
            frame[at] ^= (uint8_t)(1u << next_random(seed) % 8);
        } else {
            uint32_t value = extremes[next_random(seed) % 7];
            memcpy(frame + at, &value, 4);
        }
    }
}

static size_t from_hex(const char *hex, uint8_t *into) {
    size_t len = 0;
    while (hex[0] != '\0' && hex[0] != ' ' && len < FRAME_MAX) {
        char pair[3] = {hex[0], hex[1], '\0'};
        into[len++] = (uint8_t)strtoul(pair, NULL, 16);
        hex += 2;
    }
    return len;
}

/* Takes what is there to read; dials again if the broker closed. */
static void drain(struct one_broker *one) {
    char bytes[65536];
    ssize_t got;
    while ((got = recv(one->client, bytes, sizeof bytes, MSG_DONTWAIT)) > 0)
        ;
    if (got == 0 || errno != EAGAIN) one_broker_dial_again(one);
}

static void assert_serves(struct one_broker *one) {
    struct kp_api_versions_request request;
    struct kp_api_versions_response response;
    kp_set_fallbacks(&kp_api_versions_request_schema, &request);
    request.client_software_name = kp_string_of("test");
    request.client_software_version = kp_string_of("1");
    one_broker_dial_again(one);
    assert_true(one_broker_ask(one, KP_API_VERSIONS, 3, &request, &response));
    assert_int_equal(response.error_code, KAFKA_NONE);
}

static size_t send_changed(struct one_broker *one, const char *name, uint64_t *seed) {
    char path[80], line[16384], hex[2 * FRAME_MAX + 2], kind[16];
    uint8_t golden[FRAME_MAX], frame[FRAME_MAX];
    size_t sent = 0;
    golden_path(name, path);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        fail_msg("%s is not there: the test runs in the root of the repository", path);
    while (fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "%*s %*d %15s %*s %*s %8193s", kind, hex) != 2 ||
            strcmp(kind, "request") != 0)
            continue;
        size_t len = from_hex(hex, golden);
        assert_true(len > 8);
        one_broker_dial_again(one); /* a fetch that waits keeps what is behind it from being
                                       answered, and at last from being read */
        for (int i = 0; i < CHANGES; i++, sent++) {
            memcpy(frame, golden, len);
            change(frame, len, seed);
            if (send(one->client, frame, len, MSG_NOSIGNAL) < 0) one_broker_dial_again(one);
            if (i % 4 == 3) one_broker_has_answer(one, 2);
            drain(one);
        }
    }
    fclose(file);
    return sent;
}

/* Thousands of damaged requests end in answers or closed connections; after each file the broker
 * still serves. */
static void test_hostile_requests(void **state) {
    struct one_broker *one = *state;
    struct error_text why;
    assert_int_equal(settings_set(one->values, "auto.create.topics.enable", "false", "test", &why),
                     ERR_NONE);
    one_broker_start(one);
    uint64_t seed = 20261121;
    size_t sent = 0;
    size_t count;
    const struct kp_api *table = kp_api_table(&count);
    for (size_t i = 0; i < count; i++) {
        if (!is_tried(&table[i])) continue;
        sent += send_changed(one, table[i].name, &seed);
        assert_serves(one);
    }
    assert_true(sent > 2000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_hostile_requests, one_broker_setup,
                                        one_broker_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
