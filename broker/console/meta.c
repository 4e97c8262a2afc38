/*
 * /api/meta: a place of the metadata tree, as `drave meta` has it (?path=/topics/orders), with its
 * value and a page of what is below it (?from=, ?limit=).
 *
 * Happy path: one question to the broker that serves the console. Failures: 404 where there is no
 * such place, 502 where the broker does not answer, or refuses. Values are JSON, and are given as
 * the text that they are.
 */
#include "broker/console/console_internal.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/meta_query.h"

enum { PAGE = 200, PAGE_MAX = 1000 };

static void show_children(struct inquiry *inquiry, const struct kp_meta_query_response *told) {
    struct json *json = &inquiry->json;
    int64_t all = told->entries.count, from = inquiry_number(inquiry, "from", 0, 0, all),
            until = from + inquiry_number(inquiry, "limit", PAGE, 1, PAGE_MAX);
    json_size(json, "total", (size_t)all);
    json_size(json, "from", (size_t)from);
    json_array(json, "children");
    for (int64_t i = from; i < until && i < all; i++) {
        json_object(json, NULL);
        json_string(json, "name", told->entries.items[i].name);
        json_string(json, "value", told->entries.items[i].value);
        json_end(json);
    }
    json_end(json);
}

static void told(struct inquiry *inquiry) {
    const struct kp_meta_query_response *told = inquiry_answer(inquiry, KP_META_QUERY);
    const struct kp_meta_query_request *asked = inquiry->state;
    struct json *json = &inquiry->json;
    if (told == NULL) {
        inquiry_refuse(inquiry, 502, "broker", "The broker does not tell its metadata.");
        return;
    }
    if (told->error_code != KAFKA_NONE) {
        bool missing = told->error_code == KAFKA_RESOURCE_NOT_FOUND;
        inquiry_refuse(inquiry, missing ? 404 : 502, missing ? "path" : "broker", "%.*s.",
                       told->error_message.len < 0 ? 0 : (int)told->error_message.len,
                       told->error_message.data);
        return;
    }
    json_object(json, NULL);
    json_string(json, "path", asked->path);
    json_string(json, "value", told->value);
    show_children(inquiry, told);
    json_end(json);
    inquiry_respond(inquiry);
}

void console_meta(struct inquiry *inquiry) {
    struct kp_meta_query_request *request = inquiry_alloc(inquiry, sizeof *request);
    const char *path = inquiry_value(inquiry, "path");
    if (request == NULL) return;
    kp_set_fallbacks(&kp_meta_query_request_schema, request);
    request->path = kp_string_of(path == NULL ? "/" : path);
    inquiry->state = request;
    inquiry_ask(inquiry, -1, KP_META_QUERY, 0, 0, request, sizeof(struct kp_meta_query_response));
    inquiry_then(inquiry, told);
}
