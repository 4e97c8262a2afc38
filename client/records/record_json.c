/* Bytes as text or hex, and a record to JSON and back. */
#include "client/records/record_json.h"

#include <string.h>

#include "base/mem.h"
#include "client/format/bytes_text.h"

/* ---- Out ---- */

json_t *record_bytes_json(struct view_bytes bytes) {
    if (!bytes.data) {
        return json_null();
    }
    json_t *text = json_stringn(bytes.data, bytes.len);
    if (text) {
        return text;
    }
    char *hex = hex_text(bytes.data, bytes.len);
    json_t *object = json_pack("{s:s}", "hex", hex);
    mem_free(hex);
    return object;
}

json_t *record_to_json(const struct record_view *record, bool with_value) {
    struct view_bytes name, value;
    json_t *headers = json_array();
    for (size_t i = 0; record_view_header(record, i, &name, &value); i++) {
        json_array_append_new(headers, json_pack("{s:o,s:o}", "key", record_bytes_json(name),
                                                 "value", record_bytes_json(value)));
    }
    json_t *object = json_pack("{s:s,s:i,s:I,s:I,s:o}", "topic", record->topic, "partition",
                               (int)record->partition, "offset", (json_int_t)record->offset,
                               "timestamp", (json_int_t)record->timestamp_ms, "key",
                               record_bytes_json(record->key));
    if (with_value) {
        json_object_set_new(object, "value", record_bytes_json(record->value));
    } else {
        json_object_set_new(object, "value_size",
                            json_integer(record->value.data ? (json_int_t)record->value.len : -1));
    }
    json_object_set_new(object, "headers", headers);
    if (record->deliveries > 0) {
        json_object_set_new(object, "delivery_count", json_integer(record->deliveries));
    }
    return object;
}

/* ---- In ---- */

/* `what` names the field in the sentence. */
static int take_bytes(const json_t *json, const char *what, struct record_bytes *bytes,
                      struct error_text *why) {
    *bytes = (struct record_bytes){NULL, 0};
    if (json_is_null(json)) {
        return ERR_NONE;
    }
    if (json_is_string(json)) {
        size_t len = json_string_length(json);
        bytes->data = mem_alloc(len + 1); /* never NULL, also when it is empty */
        memcpy(bytes->data, json_string_value(json), len);
        bytes->len = len;
        return ERR_NONE;
    }
    const json_t *hex = json_object_get(json, "hex"), *base64 = json_object_get(json, "base64");
    const json_t *form = hex ? hex : base64;
    if (json_object_size(json) != 1 || !json_is_string(form)) {
        return error_set(
            why, ERR_INVALID,
            "%s is no string, no null, no {\"hex\":\"...\"} and no {\"base64\":\"...\"}; JSON that is to be the "
            "value itself is written as a string",
            what);
    }
    const char *text = json_string_value(form);
    size_t len = json_string_length(form);
    if ((hex ? hex_read(text, len, &bytes->data, &bytes->len)
             : base64_read(text, len, &bytes->data, &bytes->len)) != ERR_NONE) {
        return error_set(why, ERR_INVALID, "%s has %s that is none: \"%.40s\"", what,
                         hex ? "hex" : "base64", text);
    }
    return ERR_NONE;
}

static int take_header(json_t *json, rd_kafka_headers_t *headers, struct error_text *why) {
    struct record_bytes name = {NULL, 0}, value = {NULL, 0};
    const json_t *key = json_object_get(json, "key"), *content = json_object_get(json, "value");
    if (!key || !content || json_object_size(json) != 2) {
        return error_set(why, ERR_INVALID, "a header is not {\"key\":...,\"value\":...}");
    }
    int error = take_bytes(key, "a header's key", &name, why);
    if (!error && (!name.data || memchr(name.data, 0, name.len))) {
        error = error_set(
            why, ERR_INVALID,
            "a header's key is null or holds a zero byte; no client sends such a one");
    }
    error = error ? error : take_bytes(content, "a header's value", &value, why);
    if (!error) {
        rd_kafka_header_add(headers, (const char *)name.data, (ssize_t)name.len, value.data,
                            (ssize_t)value.len);
    }
    mem_free(name.data);
    mem_free(value.data);
    return error;
}

static int take_headers(const json_t *json, struct client_record *record, struct error_text *why) {
    if (!json_is_array(json)) {
        return error_set(why, ERR_INVALID, "headers is not a list of {\"key\":...,\"value\":...}");
    }
    size_t i;
    json_t *one;
    int error = ERR_NONE;
    json_array_foreach(json, i, one) {
        record->headers = record->headers ? record->headers
                                          : rd_kafka_headers_new(json_array_size(json));
        error = take_header(one, record->headers, why);
        if (error) {
            return error;
        }
    }
    return error;
}

static int take_field(const char *name, json_t *json, struct client_record *record,
                      struct error_text *why) {
    if (strcmp(name, "topic") == 0 || strcmp(name, "offset") == 0 ||
        strcmp(name, "delivery_count") == 0) {
        return ERR_NONE;
    }
    if (strcmp(name, "key") == 0) {
        return take_bytes(json, "key", &record->key, why);
    }
    if (strcmp(name, "value") == 0) {
        return take_bytes(json, "value", &record->value, why);
    }
    if (strcmp(name, "headers") == 0) {
        return take_headers(json, record, why);
    }
    if (strcmp(name, "timestamp") == 0) {
        record->has_timestamp = true;
        record->timestamp_ms = json_integer_value(json);
        return json_is_integer(json) && record->timestamp_ms >= -1
                   ? ERR_NONE
                   : error_set(why, ERR_INVALID,
                               "timestamp is no whole number of milliseconds since 1970");
    }
    if (strcmp(name, "partition") == 0) {
        json_int_t number = json_integer_value(json);
        record->has_partition = true;
        record->partition = (int32_t)number;
        return json_is_integer(json) && number >= 0 && number <= INT32_MAX
                   ? ERR_NONE
                   : error_set(why, ERR_INVALID, "partition is no number of a partition");
    }
    return error_set(
        why, ERR_INVALID,
        "\"%.40s\" is no field of a record; there are key, value, headers, timestamp, partition, topic, "
        "offset and delivery_count",
        name);
}

int record_from_json(const char *line, size_t len, struct client_record *record,
                     struct error_text *why) {
    json_error_t wrong;
    *record = (struct client_record){.has_timestamp = false};
    json_t *object = json_loadb(line, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &wrong);
    if (!object) {
        return error_set(why, ERR_INVALID, "it is no JSON (%s, at byte %d)", wrong.text,
                         wrong.position);
    }
    int error = ERR_NONE;
    if (!json_is_object(object)) {
        error = error_set(why, ERR_INVALID, "it is no JSON object");
    } else if (!json_object_get(object, "value")) {
        error = error_set(why, ERR_INVALID, "it has no \"value\"; a tombstone says \"value\":null");
    }
    for (void *at = json_object_iter(object); at && !error;
         at = json_object_iter_next(object, at)) {
        error = take_field(json_object_iter_key(at), json_object_iter_value(at), record, why);
    }
    if (error) {
        record_close(record);
    }
    json_decref(object);
    return error;
}
