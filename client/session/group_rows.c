/* Rows as a table or as JSON, and those of --state. */
#include "client/session/group_rows.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "client/kafka/group_client.h"
#include "client/line/talk.h"
#include "client/session/topic_session.h"

static void print_list(const struct group_row *rows, size_t count) {
    static const char *const names[] = {"GROUP", "TYPE", "STATE", "MEMBERS", "COORDINATOR"};
    struct table *table = table_new(names, 5);
    for (size_t i = 0; i < count; i++) {
        char members[16], coordinator[16];
        snprintf(members, sizeof(members), "%d", (int)rows[i].members);
        snprintf(coordinator, sizeof(coordinator), "%d", (int)rows[i].coordinator);
        table_row(table, (const char *[]){rows[i].group, rows[i].type,
                                          *rows[i].state ? rows[i].state : NULL,
                                          rows[i].members < 0 ? NULL : members, coordinator});
    }
    table_print(table);
}

/* Those that are in one of the states of --state, without regard to case; how many. */
static size_t keep_states(const struct invocation *in, struct group_row *rows, size_t count) {
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        const char *state;
        bool wanted = false;
        for (size_t k = 0; (state = invocation_nth(in, OPTION_STATE, k)); k++) {
            wanted = wanted || strcasecmp(state, rows[i].state) == 0;
        }
        if (wanted) {
            rows[kept++] = rows[i];
        }
    }
    return kept;
}

int group_rows_show(struct invocation *in, const char *type, const char *none) {
    struct session session;
    struct group_row *rows;
    size_t count;
    session_begin(&session, in);
    int code = groups_list(session.admin, &session.arena, type, &rows, &count);
    bool any = count > 0;
    if (!code && invocation_has(in, OPTION_STATE)) {
        count = keep_states(in, rows, count);
    }
    if (!code && in->json) {
        json_t *list = json_array();
        for (size_t i = 0; i < count; i++) {
            json_array_append_new(
                list, json_pack("{s:s,s:s,s:s,s:o,s:i}", "group", rows[i].group, "type",
                                rows[i].type, "state", rows[i].state, "members",
                                rows[i].members < 0 ? json_null() : json_integer(rows[i].members),
                                "coordinator", (int)rows[i].coordinator));
        }
        print_json(list);
    } else if (!code && count == 0 && any) {
        say("no group is in that state; drave group list shows all of them");
    } else if (!code && count == 0) {
        say("%s", none);
    } else if (!code) {
        print_list(rows, count);
    }
    return session_end(&session, code);
}
