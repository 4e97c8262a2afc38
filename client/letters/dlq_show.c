/*
 * drave dlq list, show: topics of dead letters, and what is in them.
 *
 * Happy path: list asks every topic whether it takes letters (errors.deadletterqueue.group.enable)
 * and how many records it has; show reads letters, and tells of each where the record was, who gave
 * it up and why. Failures: those of topics and reading. Invariant: show keeps nothing but one row
 * each of -n letters.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "client/kafka/offsets.h"
#include "client/letters/letters_read.h"
#include "client/line/talk.h"
#include "client/records/record_json.h"
#include "client/session/topic_session.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/describe_configs.h"

enum { SHOWN = 100, SHOWN_MOST = 1000000, RESOURCE_TOPIC = 2, CELL = 60 };

/* ---- list ---- */

static bool takes_letters(const struct kp_describe_configs_response_resource *found) {
    for (int32_t i = 0; i < found->configs.count; i++) {
        if (kp_string_is(found->configs.items[i].value, "true")) {
            return true;
        }
    }
    return false;
}

static int ask_topics(struct session *session, const struct kp_metadata_response *metadata,
                      struct kp_describe_configs_response *response) {
    struct kp_describe_configs_request request;
    struct kp_string key = kp_string_of("errors.deadletterqueue.group.enable");
    struct error_text why = {""};
    kp_set_fallbacks(&kp_describe_configs_request_schema, &request);
    if (metadata->topics.count > 0 &&
        !kp_new_items(&session->arena, &kp_describe_configs_request_resource_schema,
                      &request.resources, metadata->topics.count)) {
        say("the cluster has more topics than fit into memory; look at one with drave config get topic:NAME");
        return EXIT_REFUSED;
    }
    for (int32_t i = 0; i < metadata->topics.count; i++) {
        request.resources.items[i].resource_type = RESOURCE_TOPIC;
        request.resources.items[i].resource_name = metadata->topics.items[i].name;
        request.resources.items[i].configuration_keys.items = &key;
        request.resources.items[i].configuration_keys.count = 1;
    }
    int error = admin_request(session->admin, KP_DESCRIBE_CONFIGS, 1, &request, &session->arena,
                              response, NULL, &why);
    return error ? admin_failed(error, &why) : EXIT_DONE;
}

static int add_topic(const struct invocation *in, const struct kp_metadata_response_topic *topic,
                     const char *name, struct table *table, json_t *list) {
    struct partition_offset *starts = NULL, *ends = NULL;
    int64_t letters = 0;
    char count[24], partitions[16];
    int code = offsets_ask_topic(in, topic, name, OFFSETS_EARLIEST, OFFSETS_UNCOMMITTED, &starts);
    code = code ? code
                : offsets_ask_topic(in, topic, name, OFFSETS_LATEST, OFFSETS_UNCOMMITTED, &ends);
    for (int32_t p = 0; !code && p < topic->partitions.count; p++) {
        letters += ends[p].offset - starts[p].offset;
    }
    mem_free(starts);
    mem_free(ends);
    if (code) {
        return code;
    }
    snprintf(partitions, sizeof(partitions), "%d", (int)topic->partitions.count);
    snprintf(count, sizeof(count), "%" PRId64, letters);
    if (table) {
        table_row(table, (const char *[]){name, partitions, count});
    }
    json_array_append_new(list,
                          json_pack("{s:s,s:i,s:I}", "topic", name, "partitions",
                                    (int)topic->partitions.count, "letters", (json_int_t)letters));
    return EXIT_DONE;
}

int command_dlq_list(struct invocation *in) {
    static const char *const names[] = {"TOPIC", "PARTITIONS", "LETTERS"};
    struct session session;
    struct kp_metadata_response metadata;
    struct kp_describe_configs_response response;
    struct table *table = in->json ? NULL : table_new(names, 3);
    json_t *list = json_array();
    session_begin(&session, in);
    int code = cluster_metadata(session.admin, &session.arena, NULL, &metadata);
    code = code ? code : ask_topics(&session, &metadata, &response);
    for (int32_t i = 0; !code && i < response.results.count; i++) {
        const char *name = cluster_text(&session.arena, response.results.items[i].resource_name);
        const struct kp_metadata_response_topic *topic = cluster_find_topic(&metadata, name);
        if (topic && takes_letters(&response.results.items[i])) {
            code = add_topic(in, topic, name, table, list);
        }
    }
    if (!code && json_array_size(list) == 0) {
        say("no topic takes dead letters; docs/configuration.md (errors.deadletterqueue.*) says how one does");
    }
    if (table) {
        table_print(table);
        json_decref(list);
    } else {
        print_json(list);
    }
    return session_end(&session, code);
}

/* ---- show ---- */

struct showing {
    struct table *table; /* NULL: JSON, one letter a line */
};

static const char *text_of(struct view_bytes bytes, char into[CELL]) {
    if (!bytes.data) {
        return NULL;
    }
    snprintf(into, CELL, "%.*s", bytes.len < CELL ? (int)bytes.len : CELL,
             (const char *)bytes.data);
    return into;
}

static bool show_json(const struct record_view *record, const struct letter_facts *facts) {
    json_t *object = record_to_json(record, true);
    json_object_set_new(object, "letter", letter_json(facts));
    print_json(object);
    return print_flush();
}

static bool show(void *arg, const struct record_view *record, const struct letter_facts *facts) {
    const struct showing *showing = arg;
    char place[32], from[2 * CELL] = "", source[CELL], group[CELL], message[CELL], key[CELL],
                             count[24];
    if (!showing->table) {
        return show_json(record, facts);
    }
    snprintf(place, sizeof(place), "%d@%" PRId64, (int)record->partition, record->offset);
    snprintf(count, sizeof(count), "%" PRId64, facts->deliveries);
    if (letter_is_one(facts)) {
        snprintf(from, sizeof(from), "%s %d@%" PRId64, text_of(facts->topic, source),
                 (int)facts->partition, facts->offset);
    }
    table_row(showing->table,
              (const char *[]){record->topic, place, *from ? from : NULL,
                               text_of(facts->group, group), facts->deliveries < 0 ? NULL : count,
                               text_of(facts->message, message), text_of(record->key, key)});
    return true;
}

int command_dlq_show(struct invocation *in) {
    static const char *const names[] = {"TOPIC",      "LETTER", "FROM", "GROUP",
                                        "DELIVERIES", "REASON", "KEY"};
    struct showing showing = {.table = in->json ? NULL : table_new(names, 7)};
    int64_t most = invocation_number(in, 'n', SHOWN, 1, SHOWN_MOST);
    bool more;
    int code = letters_read(in, most, show, &showing, &more);
    if (showing.table) {
        table_print(showing.table);
    }
    if (!code && more) {
        say("there are more; show them with -n, or begin elsewhere with -o");
    }
    return code;
}
