/* Addresses one after the other; a cluster by what its brokers say together. */
#include "client/health/health_remote.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "client/health/cluster_status.h"
#include "client/line/amount.h"
#include "client/line/talk.h"

enum { ARENA_MAX = 16 << 20, LOOK_MS = 500 };

/* ---- Addresses ---- */

static json_t *reasons_of(const struct kp_broker_status_response_health *health) {
    json_t *list = json_array();
    for (int32_t i = 0; health && i < health->reasons.count; i++) {
        const struct kp_broker_status_response_reason *reason = &health->reasons.items[i];
        json_array_append_new(list, json_pack("{s:s%,s:s%}", "code", reason->code.data,
                                              (size_t)reason->code.len, "text", reason->text.data,
                                              (size_t)reason->text.len));
    }
    return list;
}

static void print_reasons(const struct kp_broker_status_response_health *health) {
    for (int32_t i = 0; health && i < health->reasons.count; i++) {
        print_text("  %.*s\n", (int)health->reasons.items[i].text.len,
                   health->reasons.items[i].text.data);
    }
    if (health && health->left_out > 0) {
        print_text("  and %d more\n", (int)health->left_out);
    }
}

static int look_at(const struct invocation *in, const char *address, const char *what,
                   json_t *list) {
    struct kp_arena arena;
    struct kp_broker_status_response response;
    struct error_text why = {""};
    kp_arena_init(&arena, ARENA_MAX);
    int error = broker_status_ask(address, &(struct status_wish){.count = 0}, &arena, &response,
                                  &why);
    const struct kp_broker_status_response_health *health = error ? NULL
                                                                  : status_health(&response, what);
    bool ok = !error && (health ? health->ok : strcmp(what, "live") == 0);
    if (error) {
        say("%s", why.text);
    } else if (in->json) {
        json_array_append_new(list, json_pack("{s:b,s:o,s:s}", "ok", ok, "reasons",
                                              reasons_of(health), "address", address));
    } else {
        print_text("%s: %s%s\n", address, ok ? "" : "not ", what);
        print_reasons(health);
    }
    kp_arena_close(&arena);
    return error ? EXIT_UNREACHABLE : ok ? EXIT_DONE : EXIT_REFUSED;
}

int health_of_addresses(const struct invocation *in, const char *what) {
    char *addresses = mem_strdup(in->bootstrap), *rest = addresses, *one;
    json_t *list = json_array();
    int code = EXIT_DONE;
    while ((one = strsep(&rest, ",")) != NULL) {
        int found = *one ? look_at(in, one, what, list) : EXIT_DONE;
        code = found > code ? found : code;
    }
    if (in->json) {
        print_json(json_incref(list));
    }
    json_decref(list);
    mem_free(addresses);
    return code;
}

/* ---- The cluster ---- */

static const char *const metrics[] = {"drave_partitions",
                                      "drave_partitions_leaderless",
                                      "drave_partitions_under_replicated",
                                      "drave_partitions_below_min_insync",
                                      "drave_disk_free_bytes",
                                      "drave_disk_size_bytes",
                                      "drave_disk_refusing"};

struct judgement {
    const struct cluster_status *status;
    json_t *findings;    /* {name, ok, text} */
    bool well, refusing; /* refusing: some client is refused something */
};

__attribute__((format(printf, 4, 5))) static void find(struct judgement *judgement,
                                                       const char *name, bool ok,
                                                       const char *format, ...) {
    char text[400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    judgement->well = judgement->well && ok;
    json_array_append_new(judgement->findings,
                          json_pack("{s:s,s:b,s:s}", "name", name, "ok", ok, "text", text));
}

static double sum_of(const struct cluster_status *status, const char *metric, const char *label) {
    double sum = 0;
    for (size_t i = 0; i < status->count; i++) {
        double one = status_number(status->brokers[i].status, metric, label);
        sum += isnan(one) ? 0 : one;
    }
    return sum;
}

static double most_of(const struct cluster_status *status, const char *metric) {
    double most = 0;
    for (size_t i = 0; i < status->count; i++) {
        most = amount_most(most, status_number(status->brokers[i].status, metric, NULL));
    }
    return most;
}

static void judge_brokers(struct judgement *judgement) {
    const struct cluster_status *status = judgement->status;
    size_t ready = 0;
    for (size_t i = 0; i < status->count; i++) {
        const struct kp_broker_status_response_health *health = status_health(
            status->brokers[i].status, "ready");
        ready += health && health->ok;
    }
    find(judgement, "brokers", ready == status->count, "%zu of %zu are ready", ready,
         status->count);
    judgement->refusing |= status->metadata_leader < 0;
    if (status->metadata_leader < 0) {
        find(judgement, "metadata", false,
             "nobody leads it: a majority of the brokers that vote on it is away");
    } else {
        find(judgement, "metadata", true, "broker %d leads it", (int)status->metadata_leader);
    }
}

static void judge_partitions(struct judgement *judgement) {
    const struct cluster_status *status = judgement->status;
    double led = sum_of(status, "drave_partitions", "leader");
    double leaderless = most_of(status, "drave_partitions_leaderless");
    double under = sum_of(status, "drave_partitions_under_replicated", NULL);
    double below = sum_of(status, "drave_partitions_below_min_insync", NULL);
    judgement->refusing |= leaderless > 0 || below > 0;
    if (leaderless > 0) {
        find(judgement, "partitions", false,
             "%.0f have no leader: nothing is written or read there", leaderless);
    } else {
        find(judgement, "partitions", true, "all %.0f have a leader", led);
    }
    if (below > 0) {
        find(judgement, "replicas", false,
             "%.0f partitions have fewer in sync than min.insync.replicas, and refuse produce",
             below);
    } else if (under > 0) {
        find(judgement, "replicas", false, "%.0f partitions lack one that is in sync", under);
    } else {
        find(judgement, "replicas", true, "all are in sync");
    }
}

static void judge_disks(struct judgement *judgement) {
    const struct cluster_status *status = judgement->status;
    const struct broker_seen *fullest = NULL;
    double least = INFINITY;
    char free_text[AMOUNT_ROOM], size_text[AMOUNT_ROOM];
    for (size_t i = 0; i < status->count; i++) {
        const struct broker_seen *broker = &status->brokers[i];
        double free_bytes = status_number(broker->status, "drave_disk_free_bytes", NULL);
        if (status_number(broker->status, "drave_disk_refusing", NULL) > 0) {
            judgement->refusing = true;
            find(
                judgement, "disks", false,
                "broker %d refuses produce: %s are free; make room (retention, drave topic delete)",
                (int)broker->node, amount_bytes(free_bytes, free_text));
            return;
        }
        if (free_bytes < least) {
            least = free_bytes;
            fullest = broker;
        }
    }
    if (fullest) {
        double size = status_number(fullest->status, "drave_disk_size_bytes", NULL);
        find(judgement, "disks", true, "the fullest is broker %d's, with %s of %s free",
             (int)fullest->node, amount_bytes(least, free_text), amount_bytes(size, size_text));
    }
}

static void judge_versions(struct judgement *judgement) {
    const struct cluster_status *status = judgement->status;
    const struct kp_broker_status_response *first = NULL;
    for (size_t i = 0; i < status->count; i++) {
        const struct kp_broker_status_response *said = status->brokers[i].status;
        first = first ? first : said;
        if (said &&
            (said->version.len != first->version.len ||
             memcmp(said->version.data, first->version.data, (size_t)said->version.len) != 0)) {
            find(judgement, "versions", true,
                 "mixed: %.*s and %.*s; finish the upgrade (drave broker list)",
                 (int)first->version.len, first->version.data, (int)said->version.len,
                 said->version.data);
            return;
        }
    }
    if (first) {
        find(judgement, "versions", true, "all run %.*s", (int)first->version.len,
             first->version.data);
    }
}

/* What each says of the cluster is much the same: one of them is enough, that of the leader of the
 * metadata if it answers; what brokers say of themselves is from all. */
static void print_all_reasons(const struct cluster_status *status) {
    const struct broker_seen *teller = cluster_status_broker(status, status->metadata_leader);
    for (size_t i = 0; i < status->count; i++) {
        const struct broker_seen *broker = &status->brokers[i];
        const struct kp_broker_status_response_health *ready = status_health(broker->status,
                                                                             "ready");
        teller = teller && teller->status ? teller : broker;
        if (broker->fenced || !broker->status || (ready && !ready->ok)) {
            print_text("broker %d%s%s\n", (int)broker->node, broker->fenced || ready ? "" : ": ",
                       broker->fenced ? " has not been heard of; start it"
                       : ready        ? " is not ready:"
                                      : broker->why.text);
            print_reasons(ready);
        }
    }
    print_reasons(teller ? status_health(teller->status, "cluster") : NULL);
}

static void print_judgement(const struct judgement *judgement) {
    size_t i;
    json_t *one;
    json_array_foreach(judgement->findings, i, one) {
        print_text("%-10s  %s%s\n", json_string_value(json_object_get(one, "name")),
                   json_is_true(json_object_get(one, "ok")) ? "" : "! ",
                   json_string_value(json_object_get(one, "text")));
    }
    print_all_reasons(judgement->status);
}

int health_of_cluster(const struct invocation *in, enum health_format format) {
    struct cluster_status status;
    struct judgement judgement = {.status = &status, .findings = json_array(), .well = true};
    int code = cluster_status_ask(in, &(struct status_wish){.metrics = metrics, .count = 7},
                                  &status);
    bool asked = code == EXIT_DONE;
    if (asked) {
        judge_brokers(&judgement);
        judge_partitions(&judgement);
        judge_disks(&judgement);
        judge_versions(&judgement);
        code = judgement.well ? EXIT_DONE : EXIT_REFUSED;
    }
    if (format != HEALTH_PLAIN) {
        code = health_format_print(format, asked ? judgement.findings : NULL, judgement.refusing);
    } else if (asked && in->json) {
        print_json(json_pack("{s:b,s:O}", "ok", judgement.well, "checks", judgement.findings));
    } else if (asked) {
        print_judgement(&judgement);
    }
    json_decref(judgement.findings);
    cluster_status_close(&status);
    return code;
}

/* ---- Waiting ---- */

int health_wait(const struct invocation *in, int (*look)(const struct invocation *in)) {
    if (!invocation_has(in, OPTION_WAIT)) {
        return look(in);
    }
    uint64_t end = now_ms() + invocation_duration(in, OPTION_WAIT, 0, 0, 86400);
    struct patience patience;
    patience_begin(&patience);
    for (;;) {
        struct held_talk talk;
        talk_hold();
        int code = look(in);
        talk_held(&talk);
        bool over = code == EXIT_DONE || code == EXIT_USAGE || now_ms() + LOOK_MS > end;
        if (over && talk.printed) {
            print_bytes(talk.printed, talk.printed_len);
        }
        if (over) {
            say_held(&talk);
        }
        mem_free(talk.printed);
        mem_free(talk.said);
        if (over) {
            return code;
        }
        patience_say(&patience, "all to be well");
        pause_ms(LOOK_MS);
    }
}
