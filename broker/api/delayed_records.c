/*
 * DelayedRecords (key 10008, ours): what waits for its time in a partition that is led here.
 *
 * In steps, so many records each; a page ends with as many records as were asked for, or as it has
 * looked at. Failures: UNKNOWN_TOPIC_OR_PARTITION, TOPIC_AUTHORIZATION_FAILED,
 * NOT_LEADER_OR_FOLLOWER, also when the partition goes meanwhile. When the client goes, the look
 * ends. Nobody confirms that this replica still leads: who calls one off hears from the log what
 * became of it.
 */
#include "protocol/messages/delayed_records.h"

#include <string.h>

#include "broker/api/handlers.h"
#include "broker/api/local_partition.h"
#include "broker/delay/delayed.h"
#include "broker/partition/partition_delay.h"
#include "broker/server/request_steps.h"
#include "protocol/kafka_error.h"

enum {
    RECORDS_OF_A_PAGE = 1000,
    LOOKED_AT_OF_A_PAGE = 100000,
    LOOKED_AT_OF_A_STEP = 500,
    KEY_TOLD = 256, /* bytes */
};

struct telling_delayed {
    struct delayed_look look;
    struct kp_delayed_records_response response;
    int32_t room, looked_at;
    bool too_large;
};

static void released(struct request *request) {
    struct telling_delayed *telling = request->state;
    delayed_look_end(&telling->look);
}

static void refuse(struct request *request, struct telling_delayed *telling, int16_t code) {
    telling->response.error_code = code;
    telling->response.error_message = kp_string_of(kafka_error_message(code));
    telling->response.records.count = 0;
    request_respond(request, &telling->response);
}

static bool is_wanted(const struct kp_delayed_records_request *in,
                      const struct delayed_seen *seen) {
    if (seen->due_ms >= in->due_before) return false;
    return in->key.len < 0 || (seen->key_len == in->key.len &&
                               memcmp(seen->key, in->key.data, (size_t)in->key.len) == 0);
}

static void tell(struct telling_delayed *telling, struct kp_arena *arena,
                 const struct delayed_seen *seen) {
    struct kp_delayed_records_response_record *into =
        &telling->response.records.items[telling->response.records.count++];
    int32_t told = seen->key_len < KEY_TOLD ? seen->key_len : KEY_TOLD;
    uint8_t *key = told <= 0 ? NULL : kp_arena_alloc(arena, (size_t)told);
    if (key != NULL) memcpy(key, seen->key, (size_t)told);
    telling->too_large |= told > 0 && key == NULL;
    *into = (struct kp_delayed_records_response_record){.offset = seen->offset,
                                                        .due = seen->due_ms,
                                                        .timestamp = seen->timestamp_ms,
                                                        .key = {.data = key, .len = told},
                                                        .key_size = seen->key_len,
                                                        .value_size = seen->value_len};
}

/* False: the page is full, and the record belongs to the next one. */
static bool look_at(struct telling_delayed *telling, struct request *request,
                    const struct delayed_seen *seen) {
    const struct kp_delayed_records_request *in = request->message;
    if (seen->offset <= in->after) return true;
    bool wanted = is_wanted(in, seen), tells = wanted && telling->room > 0;
    if (telling->looked_at++ >= LOOKED_AT_OF_A_PAGE ||
        (tells && telling->response.records.count == telling->room))
        return false;
    telling->response.matched += wanted;
    if (tells) tell(telling, &request->arena, seen);
    telling->response.next_after = seen->offset;
    return !telling->too_large;
}

static bool end_page(struct request *request, struct telling_delayed *telling) {
    if (telling->too_large)
        request_close_too_large(request);
    else if (delayed_look_is_lost(&telling->look))
        refuse(request, telling, KAFKA_NOT_LEADER_OR_FOLLOWER);
    else
        request_respond_kept(request, &telling->response);
    return false;
}

static bool tell_next(struct request *request) {
    struct telling_delayed *telling = request->state;
    struct delayed_seen seen;
    for (int n = 0; n < LOOKED_AT_OF_A_STEP; n++) {
        if (!delayed_look_next(&telling->look, &seen)) {
            telling->response.next_after = -1;
            return end_page(request, telling);
        }
        if (!look_at(telling, request, &seen)) return end_page(request, telling);
    }
    return true;
}

static void begin(struct telling_delayed *telling, struct partition *partition,
                  const struct kp_delayed_records_request *in) {
    struct delayed *delayed = partition_delayed(partition);
    int64_t next_due = delayed_next_due(delayed);
    telling->response.high_watermark = partition_high_watermark(partition);
    telling->response.count = (int64_t)delayed_count(delayed);
    telling->response.bytes = (int64_t)delayed_bytes(delayed);
    telling->response.next_due = next_due == INT64_MAX ? -1 : next_due;
    telling->response.next_after = in->after;
    delayed_look_begin(&telling->look, delayed, in->after);
}

void api_delayed_records(void *service, struct request *request) {
    const struct kp_delayed_records_request *in = request->message;
    struct telling_delayed *telling = kp_arena_alloc(&request->arena, sizeof *telling);
    int16_t code;
    if (telling == NULL) {
        request_close_too_large(request);
        return;
    }
    *telling = (struct telling_delayed){0};
    kp_set_fallbacks(&kp_delayed_records_response_schema, &telling->response);
    struct partition *partition = local_partition(service, request, AUTHORIZE_READ, in->topic,
                                                  in->partition_index, &code);
    if (partition != NULL && !partition_is_leading(partition)) code = KAFKA_NOT_LEADER_OR_FOLLOWER;
    if (code != KAFKA_NONE) {
        refuse(request, telling, code);
        return;
    }
    telling->room = in->records_max < 0                   ? 0
                    : in->records_max < RECORDS_OF_A_PAGE ? in->records_max
                                                          : RECORDS_OF_A_PAGE;
    if (telling->room > 0 &&
        kp_new_items(&request->arena, &kp_delayed_records_response_record_schema,
                     &telling->response.records, telling->room) == NULL) {
        request_close_too_large(request);
        return;
    }
    telling->response.records.count = 0;
    request->state = telling;
    request->released = released;
    begin(telling, partition, in);
    request_steps(request, tell_next);
}
