/*
 * drave topic offsets: where each partition starts and ends, and where it stood at a time.
 *
 * Happy path: ListOffsets to the leaders. Failures: a partition whose leader does not answer within
 * --timeout is said, exit code 1.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "client/commands/topic_session.h"
#include "client/kafka/offsets.h"
#include "client/line/command.h"
#include "client/line/moment.h"
#include "client/line/talk.h"

/* The columns, in their order. */
enum { START, END, LAST_STABLE, AT, COLUMNS };

static void print_rows(const struct invocation *in, struct partition_offset *columns[COLUMNS],
                       size_t count) {
    static const char *const names[] = {"PARTITION", "START", "END", "LAST STABLE", "AT"};
    struct table *table = in->json ? NULL : table_new(names, columns[AT] ? 5 : 4);
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        char cells[1 + COLUMNS][32];
        const char *row[1 + COLUMNS] = {cells[0]};
        snprintf(cells[0], sizeof(cells[0]), "%d", (int)columns[START][i].partition);
        for (int c = 0; c < COLUMNS; c++) {
            int64_t offset = columns[c] ? columns[c][i].offset : -1;
            snprintf(cells[c + 1], sizeof(cells[c + 1]), "%" PRId64, offset);
            row[c + 1] = offset < 0 ? NULL : cells[c + 1];
        }
        if (table) {
            table_row(table, row);
        }
        json_t *at = row[1 + AT] ? json_integer(columns[AT][i].offset) : json_null();
        json_array_append_new(
            list, json_pack("{s:i,s:I,s:I,s:I,s:o}", "partition", (int)columns[START][i].partition,
                            "start", (json_int_t)columns[START][i].offset, "end",
                            (json_int_t)columns[END][i].offset, "last_stable",
                            (json_int_t)columns[LAST_STABLE][i].offset, "at", at));
    }
    if (table) {
        table_print(table);
        json_decref(list);
    } else {
        print_json(list);
    }
}

int command_topic_offsets(struct invocation *in) {
    struct session session;
    struct kp_metadata_response metadata;
    const struct kp_metadata_response_topic *found;
    struct partition_offset *columns[COLUMNS] = {NULL};
    const char *at = invocation_value(in, OPTION_AT, NULL), *topic = in->words[0];
    int64_t at_ms = 0;
    if (at) {
        const char *time = *at == '@' ? at + 1 : at;
        if (moment_parse(time, strlen(time), moment_now(), &at_ms)) {
            say("--at %s is no time; write " MOMENT_FORMS, at);
            return EXIT_USAGE;
        }
    }
    session_begin(&session, in);
    int code = cluster_topic(session.admin, &session.arena, topic, TOPIC_TO_CHANGE, &metadata,
                             &found);
    code = code ? code
                : offsets_ask_topic(in, found, topic, OFFSETS_EARLIEST, OFFSETS_UNCOMMITTED,
                                    &columns[START]);
    code = code ? code
                : offsets_ask_topic(in, found, topic, OFFSETS_LATEST, OFFSETS_COMMITTED,
                                    &columns[LAST_STABLE]);
    code = code ? code
                : offsets_ask_topic(in, found, topic, OFFSETS_LATEST, OFFSETS_UNCOMMITTED,
                                    &columns[END]);
    if (!code && at) {
        code = offsets_ask_topic(in, found, topic, at_ms, OFFSETS_UNCOMMITTED, &columns[AT]);
    }
    if (!code) {
        print_rows(in, columns, (size_t)found->partitions.count);
    }
    for (int c = 0; c < COLUMNS; c++) {
        mem_free(columns[c]);
    }
    return session_end(&session, code);
}
