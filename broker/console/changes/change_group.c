/*
 * POST /api/change/delete-group: name, and the same once more as `confirm` unless it is dry.
 *
 * Happy path: the group's coordinator deletes it with its committed offsets. Failures: a group that
 * has members, or that is none, is refused by the coordinator, in words.
 */
#include <string.h>

#include "broker/console/changes/change_answer.h"
#include "broker/console/changes/changes.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/delete_groups.h"

enum { BAD_REQUEST = 400, CONFLICT = 409 };

static void show_deletion(struct inquiry *inquiry) {
    const char *name = inquiry_value(inquiry, "name");
    bool dry = change_is_dry(inquiry);
    change_begin(inquiry);
    json_array(&inquiry->json, "plan");
    change_says(inquiry, "Group %s %s, with the offsets that it has committed.", name,
                dry ? "will be deleted" : "is deleted");
    if (dry)
        change_says(inquiry, "Its consumers must be stopped before; started again, they begin "
                             "where their auto.offset.reset says.");
    json_end(&inquiry->json);
    struct change_command command = change_command(inquiry, "drave group delete");
    change_name(&command, name);
    change_end(&command);
}

static void deleted(struct inquiry *inquiry) {
    const struct kp_delete_groups_response *response = change_answered(inquiry, KP_DELETE_GROUPS);
    if (response == NULL || response->results.count != 1) return;
    const struct kp_delete_groups_response_result *gone = &response->results.items[0];
    if (gone->error_code == KAFKA_NON_EMPTY_GROUP) {
        inquiry->tried = NULL;
        inquiry_refuse(inquiry, CONFLICT, "members",
                       "The group has members; stop its consumers, and try again.");
    } else if (gone->error_code != 0) {
        change_refused(inquiry, gone->error_code, gone->error_message);
    } else {
        change_log(inquiry, "group %s deleted", inquiry_value(inquiry, "name"));
        show_deletion(inquiry);
    }
}

static void ask_deletion(struct inquiry *inquiry) {
    struct kp_delete_groups_request *request = inquiry_alloc(inquiry, sizeof *request);
    struct kp_string *name = inquiry_alloc(inquiry, sizeof *name);
    if (request == NULL || name == NULL) return;
    *name = kp_string_of(inquiry_value(inquiry, "name"));
    kp_set_fallbacks(&kp_delete_groups_request_schema, request);
    request->groups_names.items = name;
    request->groups_names.count = 1;
    change_try(inquiry, "group %s is to be deleted", name->data);
    inquiry_ask(inquiry, inquiry->coordinator, KP_DELETE_GROUPS, 0, 0, request,
                sizeof(struct kp_delete_groups_response));
    inquiry_then(inquiry, deleted);
}

void change_delete_group(struct inquiry *inquiry) {
    const char *name = inquiry_value(inquiry, "name"), *confirm = inquiry_value(inquiry, "confirm");
    if (name == NULL || *name == '\0')
        inquiry_refuse(inquiry, BAD_REQUEST, "name", "Which group? Write name=GROUP.");
    else if (change_is_dry(inquiry))
        show_deletion(inquiry);
    else if (confirm == NULL || strcmp(confirm, name) != 0)
        inquiry_refuse(inquiry, BAD_REQUEST, "confirm",
                       "The name was not typed as it is; deleting %s needs confirm=%s.", name,
                       name);
    else
        inquiry_coordinator(inquiry, name, ask_deletion);
}
