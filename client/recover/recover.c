/*
 * drave recover --plan, --accept-loss: what is lost with a majority, and going on without it.
 *
 * Happy path: those that are left are asked what they have (recover_plan.h). --plan shows, of each
 * partition that has lost its majority, which offsets stay, which of them were acknowledged for
 * certain, and what is gone; nothing is changed. --accept-loss does it: the metadata goes on where
 * its log is the newest, if it has no majority; the brokers that are missed lose their directories
 * for good; and each partition goes on with the replica that the plan has named. A log that
 * has changed since is refused, and so is what a majority is there for.
 * Failures: nobody is reachable (3); what is refused is said, and the rest is done (1). It can be
 * repeated: what goes on already is not in the plan any more.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/kafka/cluster_view.h"
#include "client/line/command.h"
#include "client/line/talk.h"
#include "client/recover/recover_plan.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/alter_broker.h"

enum { PAUSE_MS = 200, ARENA_MAX = 64 << 20, LEADER_MS = 30 * 1000 };

static const char *name_of(const struct lost_group *group, char into[300]) {
    if (group->topic.len == 0) {
        snprintf(into, 300, "the metadata");
    } else {
        snprintf(into, 300, "%.*s-%" PRId32, (int)group->topic.len, group->topic.data,
                 group->partition);
    }
    return into;
}

/* ---- Showing ---- */

static void print_lost(const struct recover_plan *plan) {
    if (plan->judged.lost_count > 0) {
        print_text("broker%s", plan->judged.lost_count == 1 ? "" : "s");
        for (size_t i = 0; i < plan->judged.lost_count; i++) {
            print_text("%s %" PRId32, i == 0 ? "" : ",", plan->judged.lost[i]);
        }
        print_text(" %s not answer\n", plan->judged.lost_count == 1 ? "does" : "do");
    }
}

static void print_plan(const struct recover_plan *plan) {
    static const char *const columns[] = {"LOST A MAJORITY", "GOES ON WITH", "STAYS",
                                          "ACKNOWLEDGED", "IS GONE"};
    print_lost(plan);
    struct table *table = table_new(columns, sizeof(columns) / sizeof(columns[0]));
    for (size_t i = 0; i < plan->judged.count; i++) {
        const struct lost_group *group = &plan->judged.groups[i];
        const struct kp_lost_majorities_response_group *best = group->best;
        char name[300], broker[32] = "nobody", stays[64] = "-", known[64] = "-",
                        gone[RECOVER_LOSS_TEXT];
        recover_loss(group, gone);
        if (best) {
            snprintf(broker, sizeof(broker), "broker %" PRId32, group->node);
            snprintf(stays, sizeof(stays), "to change %" PRId64, best->last_index);
            snprintf(known, sizeof(known), "to change %" PRId64, best->commit_index);
        }
        if (best && group->topic.len > 0) {
            snprintf(stays, sizeof(stays), "%" PRId64 " to below %" PRId64, best->log_start_offset,
                     best->log_end_offset);
            snprintf(known, sizeof(known), "below %" PRId64, group->acknowledged);
        }
        table_row(table, (const char *[]){name_of(group, name), broker, stays, known, gone});
    }
    table_print(table);
}

static json_t *broker_or_null(int32_t node) {
    return node >= 0 ? json_integer(node) : json_null();
}

static json_t *json_of(const struct lost_group *group) {
    const struct kp_lost_majorities_response_group *best = group->best;
    json_t *survivors = json_array();
    char loss[RECOVER_LOSS_TEXT];
    recover_loss(group, loss);
    for (size_t i = 0; i < group->survivor_count; i++) {
        json_array_append_new(survivors, json_integer(group->survivors[i]));
    }
    json_t *row = json_pack(
        "{s:o?,s:i,s:o?,s:o,s:s}", "topic",
        group->topic.len > 0 ? json_stringn(group->topic.data, (size_t)group->topic.len) : NULL,
        "partition", (int)group->partition, "broker", best ? json_integer(group->node) : NULL,
        "survivors", survivors, "gone", loss);
    /* Everything, where nobody has any of it. */
    json_object_set_new(row, "gone_from",
                        group->topic.len > 0 ? json_integer(group->gone_from) : json_null());
    json_object_set_new(row, "unheard", broker_or_null(group->unheard));
    json_object_set_new(row, "cannot_open", broker_or_null(group->unread));
    if (best) {
        json_object_set_new(row, "log_start", json_integer(best->log_start_offset));
        json_object_set_new(row, "stays_below", json_integer(best->log_end_offset));
        json_object_set_new(row, "acknowledged_below", json_integer(group->acknowledged));
        json_object_set_new(row, "entries_gone", json_integer(group->gone));
        json_object_set_new(row, "was_in_sync",
                            best->in_sync < 0 ? json_null() : json_boolean(best->in_sync));
    }
    return row;
}

static json_t *json_of_plan(const struct recover_plan *plan) {
    json_t *lost = json_array(), *groups = json_array();
    for (size_t i = 0; i < plan->judged.lost_count; i++) {
        json_array_append_new(lost, json_integer(plan->judged.lost[i]));
    }
    for (size_t i = 0; i < plan->judged.count; i++) {
        json_array_append_new(groups, json_of(&plan->judged.groups[i]));
    }
    return json_pack("{s:o,s:o}", "lost_brokers", lost, "lost_majorities", groups);
}

static void show(const struct invocation *in, const struct recover_plan *plan) {
    if (in->json) {
        print_json(json_of_plan(plan));
    } else if (plan->judged.count == 0) {
        say_plain("everything has a majority that answers; there is nothing to recover");
    } else {
        print_plan(plan);
    }
}

/* ---- Doing it ---- */

/* One change at that broker; false: it was said why not. */
static bool change(const struct invocation *in, const struct broker_seen *at,
                   struct kp_alter_broker_request *request, const char *what) {
    char address[STATUS_ADDRESS];
    struct kp_arena arena;
    struct error_text why = {""};
    struct kp_alter_broker_response response = {.error_message = KP_NULL_STRING};
    uint64_t timeout_ms = in->timeout_ms > LEADER_MS ? in->timeout_ms : LEADER_MS;
    struct admin_client *admin = admin_client_new(broker_address(at, address), timeout_ms);
    kp_arena_init(&arena, ARENA_MAX);
    request->timeout_ms = admin_client_answer_ms(admin);
    int error = admin_request(admin, KP_ALTER_BROKER, 0, request, &arena, &response, NULL, &why);
    if (error) {
        admin_failed(error, &why);
    } else if (response.error_code != KAFKA_NONE) {
        say("%s: %s", what, cluster_text(&arena, response.error_message));
    }
    admin_client_free(admin);
    kp_arena_close(&arena);
    return !error && response.error_code == KAFKA_NONE;
}

static bool metadata_is_led(const struct broker_seen *at) {
    struct kp_arena arena;
    struct kp_metadata_response metadata;
    struct error_text why = {""};
    char address[STATUS_ADDRESS];
    struct admin_client *admin = admin_client_new_quiet(broker_address(at, address), 1000);
    kp_arena_init(&arena, ARENA_MAX);
    bool led = cluster_ask(admin, &arena, NULL, &metadata, &why) == ERR_NONE &&
               metadata.controller_id >= 0;
    kp_arena_close(&arena);
    admin_client_free(admin);
    return led;
}

static bool recover_metadata(const struct invocation *in, const struct recover_plan *plan,
                             const struct lost_group *group) {
    struct patience patience;
    struct kp_alter_broker_request request;
    if (group->unheard >= 0) {
        say("the metadata: broker %" PRId32
            " answers, and has not said yet what it has; try again, and look at the log of that "
            "broker if it stays so",
            group->unheard);
        return false;
    }
    uint64_t until_ms = now_ms() + LEADER_MS;
    const struct broker_seen *at = cluster_status_broker(&plan->cluster, group->node);
    recover_request(&plan->judged, group, &request);
    if (!change(in, at, &request, "the metadata")) {
        return false;
    }
    patience_begin(&patience);
    while (!metadata_is_led(at)) {
        if (now_ms() >= until_ms) {
            say("broker %" PRId32 " does not lead the metadata after %d s; look at its log",
                group->node, LEADER_MS / 1000);
            return false;
        }
        patience_say(&patience, "broker %" PRId32 " to lead the metadata", group->node);
        pause_ms(PAUSE_MS);
    }
    return true;
}

/* Any broker that answers; there is one, it told of the plan. */
static const struct broker_seen *somebody(const struct recover_plan *plan) {
    for (size_t i = 0; i < plan->cluster.count; i++) {
        if (plan->brokers[i].answers) {
            return &plan->cluster.brokers[i];
        }
    }
    return NULL;
}

static bool lose_brokers(const struct invocation *in, const struct recover_plan *plan,
                         const struct broker_seen *at) {
    bool all = true;
    for (size_t i = 0; i < plan->judged.lost_count; i++) {
        char what[48];
        struct kp_alter_broker_request request;
        recover_request_loss(plan->judged.lost[i], &request);
        snprintf(what, sizeof(what), "broker %" PRId32, plan->judged.lost[i]);
        all = change(in, at, &request, what) && all;
    }
    return all;
}

static bool recover_partitions(const struct invocation *in, const struct recover_plan *plan,
                               const struct broker_seen *at) {
    bool all = true;
    for (size_t i = 0; i < plan->judged.count; i++) {
        const struct lost_group *group = &plan->judged.groups[i];
        char name[300];
        if (group->topic.len == 0) {
            continue;
        }
        if (!group->best) {
            say("%s: no replica is left; delete its topic (drave topic delete), or start one of "
                "its brokers",
                name_of(group, name));
            all = false;
            continue;
        }
        if (group->unheard >= 0) {
            say("%s: broker %" PRId32 " answers, and has not said yet what it has; try again, and "
                "look at the log of that broker if it stays so",
                name_of(group, name), group->unheard);
            all = false;
            continue;
        }
        struct kp_alter_broker_request request;
        recover_request(&plan->judged, group, &request);
        all = change(in, at, &request, name_of(group, name)) && all;
    }
    return all;
}

/* How many of those that have a survivor are lost still. */
static size_t lost_still(const struct invocation *in) {
    struct recover_plan now;
    size_t count = 0;
    if (recover_plan_ask(in, &now) == EXIT_DONE) {
        for (size_t i = 0; i < now.judged.count; i++) {
            count += now.judged.groups[i].best != NULL;
        }
    } else {
        count = 1;
    }
    recover_plan_close(&now);
    return count;
}

static bool wait_led(const struct invocation *in) {
    struct patience patience;
    uint64_t until_ms = now_ms() + LEADER_MS;
    patience_begin(&patience);
    for (size_t left; (left = lost_still(in)) > 0;) {
        if (now_ms() >= until_ms) {
            say("%zu do not go on after %d s; look at the logs of their brokers, and at drave "
                "recover --plan",
                left, LEADER_MS / 1000);
            return false;
        }
        patience_say(&patience, "%zu to go on", left);
        pause_ms(PAUSE_MS);
    }
    return true;
}

static int accept_loss(const struct invocation *in, const struct recover_plan *plan) {
    const struct broker_seen *at = somebody(plan);
    bool all = true;
    if (plan->judged.count == 0 || at == NULL) {
        show(in, plan);
        return EXIT_DONE;
    }
    if (plan->judged.groups[0].topic.len == 0 &&
        !recover_metadata(in, plan, &plan->judged.groups[0])) {
        return EXIT_REFUSED;
    }
    if (!lose_brokers(in, plan, at)) {
        return EXIT_REFUSED;
    }
    all = recover_partitions(in, plan, at);
    all = wait_led(in) && all;
    if (in->json) {
        show(in, plan);
    } else {
        print_plan(plan);
        say_plain("%s; drave broker replace ID gives a lost broker an empty directory",
                  all ? "all of this goes on" : "the rest goes on");
    }
    return all ? EXIT_DONE : EXIT_REFUSED;
}

int command_recover(struct invocation *in) {
    struct recover_plan plan;
    bool does = invocation_has(in, OPTION_ACCEPT_LOSS);
    if (does == invocation_has(in, OPTION_PLAN)) {
        say("say --plan, which shows what is lost, or --accept-loss, which goes on without it");
        return EXIT_USAGE;
    }
    int code = recover_plan_ask(in, &plan);
    if (code == EXIT_DONE && does) {
        code = accept_loss(in, &plan);
    } else if (code == EXIT_DONE) {
        show(in, &plan);
        if (!in->json && plan.judged.count > 0) {
            say_plain("start the brokers that do not answer, and nothing is lost; if they are gone "
                      "for good: drave recover --accept-loss");
        }
    }
    recover_plan_close(&plan);
    return code;
}
