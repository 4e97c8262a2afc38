/*
 * drave group why: the cause of a backlog, with its evidence and what to do.
 *
 * Happy path: the group is described, its lag measured, the facts gathered (client/why/gather.h)
 * and judged (why/diagnosis.h). Failures: as describe. A cause that is found is no failure:
 * exit code 0.
 */
#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "client/line/moment.h"
#include "client/line/talk.h"
#include "client/session/topic_session.h"
#include "client/sharing/share_view.h"
#include "client/why/gather.h"
#include "why/diagnosis.h"

enum { WINDOW_S = 60, WINDOW_LEAST_S = 1, WINDOW_MOST_S = 86400 };

/* ---- JSON ---- */

static json_t *json_of_evidence(const struct why_finding *finding) {
    json_t *list = json_array();
    for (size_t i = 0; i < finding->evidence_count; i++) {
        json_array_append_new(list, json_pack("{s:s,s:s}", "what", finding->evidence[i].what,
                                              "value", finding->evidence[i].value));
    }
    return list;
}

/* `since` in ms since 1970. */
static json_t *json_of_finding(const struct why_finding *finding) {
    const char *name = why_cause_name(finding->cause);
    return json_pack("{s:o,s:o,s:o,s:s}", "cause", name ? json_string(name) : json_null(), "since",
                     finding->since_age_ms == WHY_UNKNOWN
                         ? json_null()
                         : json_integer(moment_now() - finding->since_age_ms),
                     "evidence", json_of_evidence(finding), "next", finding->next);
}

static json_t *json_of_diagnosis(const char *group, const struct why_diagnosis *diagnosis) {
    json_t *others = json_array(), *all = json_of_finding(&diagnosis->findings[0]);
    for (size_t i = 1; i < diagnosis->count; i++) {
        json_array_append_new(others, json_of_finding(&diagnosis->findings[i]));
    }
    json_object_set_new(all, "group", json_string(group));
    json_object_set_new(all, "others", others);
    return all;
}

/* ---- Text ---- */

static const char *const sentences[WHY_CAUSES] = {
    [WHY_NO_MEMBERS] = "it has no members",
    [WHY_STUCK] = "a member is stuck at one offset",
    [WHY_REBALANCING] = "its rebalances do not end",
    [WHY_NOT_POLLING] = "a member does not poll",
    [WHY_UNCOMMITTED] = "what is fetched is not committed",
    [WHY_HOT_PARTITION] = "most records go to one partition",
    [WHY_CONSUMERS_SLOWER] = "its members consume less than comes",
    [WHY_PRODUCERS_FASTER] = "more is produced than before",
    [WHY_IDLE_MEMBERS] = "it has more members than partitions",
    [WHY_CATCHING_UP] = "it catches up",
    [WHY_LOCKS_FULL] = "its members hold as many records as they may",
    [WHY_RETRIES] = "records come back, and are given again",
};

static void print_finding(const struct why_finding *finding) {
    int width = 0;
    for (size_t i = 0; i < finding->evidence_count; i++) {
        int len = (int)strlen(finding->evidence[i].what);
        width = len > width ? len : width;
    }
    for (size_t i = 0; i < finding->evidence_count; i++) {
        print_text("  %-*s  %s\n", width, finding->evidence[i].what, finding->evidence[i].value);
    }
    if (finding->next[0]) {
        print_text("  next: %s\n", finding->next);
    }
}

static void print_diagnosis(const char *group, const struct why_diagnosis *diagnosis) {
    for (size_t i = 0; i < diagnosis->count; i++) {
        const struct why_finding *finding = &diagnosis->findings[i];
        const char *name = why_cause_name(finding->cause);
        if (!name) {
            print_text("group %s: %s\n", group,
                       finding->next[0] ? "no cause is named" : "nothing is wrong");
        } else if (i == 0) {
            print_text("group %s: %s (%s)\n", group, sentences[finding->cause], name);
        } else {
            print_text("also: %s (%s)\n", sentences[finding->cause], name);
        }
        print_finding(finding);
    }
}

/* Of a group of any kind. */
static int diagnose(struct session *session, const struct invocation *in, const char *group,
                    int64_t window_ms, struct why_diagnosis *diagnosis) {
    struct any_group any;
    int code = any_group_look(in, session->admin, &session->arena, group, &any);
    if (!code && any.shared) {
        struct why_share_facts facts;
        share_facts(&session->arena, &any.shares, window_ms, &facts);
        why_share_diagnose(&facts, diagnosis);
    } else if (!code) {
        struct why_facts facts;
        why_gather(in, &session->arena, &any.group, window_ms, &facts);
        why_diagnose(&facts, diagnosis);
    }
    return code;
}

int command_group_why(struct invocation *in) {
    struct session session;
    const char *group = in->words[0];
    int64_t window_ms = (int64_t)invocation_duration(in, OPTION_WINDOW, WINDOW_S, WINDOW_LEAST_S,
                                                     WINDOW_MOST_S);
    struct why_diagnosis *diagnosis = mem_zalloc(sizeof(*diagnosis));
    session_begin(&session, in);
    int code = diagnose(&session, in, group, window_ms, diagnosis);
    if (!code && in->json) {
        print_json(json_of_diagnosis(group, diagnosis));
    } else if (!code) {
        print_diagnosis(group, diagnosis);
    }
    mem_free(diagnosis);
    return session_end(&session, code);
}
