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
#include "client/commands/topic_words.h"
#include "client/kafka/offsets.h"
#include "client/line/command.h"
#include "client/line/moment.h"
#include "client/line/talk.h"
#include "client/session/topic_session.h"

/* The columns, in their order. */
enum { START, END, LAST_STABLE, AT, COLUMNS };

/* Rows of all topics, until they are printed. */
struct rows {
    struct table *table; /* NULL: JSON */
    json_t *list;
};

static void add_rows(const struct rows *rows, const char *topic,
                     struct partition_offset *columns[COLUMNS], size_t count) {
    for (size_t i = 0; i < count; i++) {
        char cells[1 + COLUMNS][32];
        const char *row[2 + COLUMNS] = {topic, cells[0]};
        snprintf(cells[0], sizeof(cells[0]), "%d", (int)columns[START][i].partition);
        for (int c = 0; c < COLUMNS; c++) {
            int64_t offset = columns[c] ? columns[c][i].offset : -1;
            snprintf(cells[c + 1], sizeof(cells[c + 1]), "%" PRId64, offset);
            row[c + 2] = offset < 0 ? NULL : cells[c + 1];
        }
        if (rows->table) {
            table_row(rows->table, row);
        }
        json_t *at = row[2 + AT] ? json_integer(columns[AT][i].offset) : json_null();
        json_array_append_new(rows->list,
                              json_pack("{s:s,s:i,s:I,s:I,s:I,s:o}", "topic", topic, "partition",
                                        (int)columns[START][i].partition, "start",
                                        (json_int_t)columns[START][i].offset, "end",
                                        (json_int_t)columns[END][i].offset, "last_stable",
                                        (json_int_t)columns[LAST_STABLE][i].offset, "at", at));
    }
}

/* One topic; `at_ms` -1: no --at. */
static int look(const struct invocation *in, const struct rows *rows, const char *topic,
                int64_t at_ms) {
    struct session session;
    struct kp_metadata_response metadata;
    const struct kp_metadata_response_topic *found;
    struct partition_offset *columns[COLUMNS] = {NULL};
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
    if (!code && at_ms >= 0) {
        code = offsets_ask_topic(in, found, topic, at_ms, OFFSETS_UNCOMMITTED, &columns[AT]);
    }
    if (!code) {
        add_rows(rows, topic, columns, (size_t)found->partitions.count);
    }
    for (int c = 0; c < COLUMNS; c++) {
        mem_free(columns[c]);
    }
    return session_end(&session, code);
}

static int show_offsets(struct invocation *in) {
    static const char *const names[] = {"TOPIC", "PARTITION", "START", "END", "LAST STABLE", "AT"};
    const char *at = invocation_value(in, OPTION_AT, NULL);
    int64_t at_ms = -1;
    if (at) {
        const char *time = *at == '@' ? at + 1 : at;
        if (moment_parse(time, strlen(time), moment_now(), &at_ms)) {
            say("--at %s is no time; write " MOMENT_FORMS, at);
            return EXIT_USAGE;
        }
    }
    struct rows rows = {in->json ? NULL : table_new(names, at ? 6 : 5), json_array()};
    int code = EXIT_DONE;
    for (int i = 0; i < in->word_count && code != EXIT_UNREACHABLE; i++) {
        int one = look(in, &rows, in->words[i], at_ms);
        code = one ? one : code;
    }
    bool any = json_array_size(rows.list) > 0;
    if (rows.table) {
        table_print(rows.table);
        json_decref(rows.list);
    } else if (any) {
        print_json(rows.list);
    } else {
        json_decref(rows.list);
    }
    return code;
}

int command_topic_offsets(struct invocation *in) {
    return topic_words_run(in, NULL, show_offsets);
}
