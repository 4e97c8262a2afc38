/*
 * POST /api/change/drain: broker (its id), undo=1 to take it back.
 *
 * Happy path: the cluster itself checks a dry one. Failures: its sentence is shown.
 */
#include <inttypes.h>
#include <stdio.h>

#include "broker/console/changes/change_answer.h"
#include "broker/console/changes/changes.h"
#include "protocol/messages/alter_broker.h"

enum { BAD_REQUEST = 400, ANSWER_MS = 3500 };

static bool is_undo(struct inquiry *inquiry) {
    return inquiry_number(inquiry, "undo", 0, 0, 1) == 1;
}

static void drained(struct inquiry *inquiry) {
    const struct kp_alter_broker_response *response = change_answered(inquiry, KP_ALTER_BROKER);
    int node = (int)inquiry_number(inquiry, "broker", -1, -1, INT32_MAX);
    bool dry = change_is_dry(inquiry), undo = is_undo(inquiry);
    char words[60];
    if (response == NULL) return;
    if (response->error_code != 0) {
        change_refused(inquiry, response->error_code, response->error_message);
        return;
    }
    if (!dry) change_log(inquiry, "broker %d is %s", node, undo ? "as any other again" : "drained");
    change_begin(inquiry);
    json_array(&inquiry->json, "plan");
    if (undo)
        change_says(inquiry,
                    "Broker %d %s replicas again; those that have left it stay where "
                    "they are.",
                    node, dry ? "will get" : "gets");
    else
        change_says(inquiry,
                    "Broker %d %s no new replicas, and those that it holds %s to the "
                    "others, with their leads.",
                    node, dry ? "will get" : "gets", dry ? "will be moved" : "are moved");
    json_end(&inquiry->json);
    snprintf(words, sizeof words, "drave broker drain %d%s", node, undo ? " --undo" : "");
    struct change_command command = change_command(inquiry, words);
    change_end(&command);
}

static void ask_draining(struct inquiry *inquiry) {
    struct kp_alter_broker_request *request = inquiry_alloc(inquiry, sizeof *request);
    if (request == NULL) return;
    kp_set_fallbacks(&kp_alter_broker_request_schema, request);
    request->broker_id = (int32_t)inquiry_number(inquiry, "broker", -1, -1, INT32_MAX);
    request->change = is_undo(inquiry) ? KP_BROKER_UNDRAIN : KP_BROKER_DRAIN;
    request->validate_only = change_is_dry(inquiry);
    request->timeout_ms = ANSWER_MS;
    change_try(inquiry, "broker %d is to be %s", (int)request->broker_id,
               is_undo(inquiry) ? "as any other again" : "drained");
    inquiry_ask(inquiry, -1, KP_ALTER_BROKER, 0, 0, request,
                sizeof(struct kp_alter_broker_response));
    inquiry_then(inquiry, drained);
}

void change_drain(struct inquiry *inquiry) {
    if (inquiry_number(inquiry, "broker", -1, -1, INT32_MAX) < 0)
        inquiry_refuse(inquiry, BAD_REQUEST, "broker", "Which broker? Write broker=ID.");
    else
        inquiry_cluster(inquiry, ask_draining);
}
