/*
 * drave debug bundle: what there is to know about a cluster, in one file, for whoever is asked for
 * help: from all brokers, over the port of clients.
 *
 * Happy path: commands that only read are run as --json would run them, and as people see them, and
 * what each prints is a file of the archive, which --from of that command reads; all metrics of all
 * brokers twice, so that rates can be seen. With --anonymous names become pseudonyms. Failures:
 * nobody is reachable (3); the file is there already, or cannot be written (1); a command that
 * fails leaves its sentences in place of its output. Invariants: no record, no key and no value of
 * one is ever in it, nor anything of a password.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/io/output.h"
#include "base/mem.h"
#include "client/bundle/bundle_files.h"
#include "client/health/cluster_status.h"
#include "client/line/interrupt.h"
#include "client/line/moment.h"
#include "client/line/talk.h"

/* How much of what there may be any number of. */
enum { APART_S = 10, GROUPS_MOST = 200, TOPICS_MOST = 200, PLACES_MOST = 500, NAME_MOST = 60 };

/* What is run for every cluster. */
static const struct {
    const char *file;
    struct bundle_command command;
} parts[] = {
    {"info", {"info", command_info}},
    {"brokers", {"broker list", command_broker_list}},
    {"health", {"health", command_health}},
    {"doctor", {"doctor", command_doctor}},
    {"events", {"events", command_events}},
    {"disk", {"disk", command_disk}},
    {"clients", {"client list", command_client_list}},
    {"api-versions", {"api-versions", command_api_versions}},
    {"voters", {"meta voters", command_meta_voters}},
    {"transactions", {"txn list", command_txn_list}},
    {"transactions-hanging", {"txn find-hanging", command_txn_find_hanging}},
    {"users", {"user list", command_user_list}},
    {"acls", {"acl list", command_acl_list}},
    {"quotas", {"quota list", command_quota_list}},
};

/* What is run for what they list. */
static const struct bundle_command config_get = {"config get", command_config_get},
                                   topic_list = {"topic list", command_topic_list},
                                   topic_describe = {"topic describe", command_topic_describe},
                                   topic_offsets = {"topic offsets", command_topic_offsets},
                                   group_list = {"group list", command_group_list},
                                   group_describe = {"group describe", command_group_describe},
                                   group_why = {"group why", command_group_why},
                                   share_list = {"share list", command_share_list},
                                   share_describe = {"share describe", command_share_describe},
                                   share_offsets = {"share offsets", command_share_offsets},
                                   meta_ls = {"meta ls", command_meta_ls},
                                   meta_get = {"meta get", command_meta_get};

struct bundle {
    const struct invocation *in;
    struct bundle_files files;
    bool anonymous;
    int file; /* -1: standard output */
    char path[300];
};

static bool write_out(void *arg, const void *data, size_t len) {
    const struct bundle *bundle = arg;
    if (bundle->file >= 0) {
        return output_write(bundle->file, data, len) == 0;
    }
    print_raw(data, len);
    return !print_broken();
}

/* ---- Metrics ---- */

static json_t *samples_of(const struct kp_broker_status_response_metric *metric) {
    json_t *list = json_array();
    for (int32_t s = 0; s < metric->samples.count; s++) {
        const struct kp_broker_status_response_sample *sample = &metric->samples.items[s];
        json_t *labels = json_object(), *counts = json_array();
        for (int32_t l = 0; l < sample->labels.count && l < metric->labels.count; l++) {
            char name[64];
            snprintf(name, sizeof(name), "%.*s", (int)metric->labels.items[l].len,
                     metric->labels.items[l].data);
            json_t *value = json_stringn(sample->labels.items[l].data,
                                         (size_t)sample->labels.items[l].len);
            json_object_set_new(labels, name, value ? value : json_null());
        }
        for (int32_t c = 0; c < sample->counts.count; c++) {
            json_array_append_new(counts, json_integer(sample->counts.items[c]));
        }
        json_array_append_new(
            list, json_pack("{s:o,s:o,s:o}", "labels", labels, "value",
                            isfinite(sample->value) ? json_real(sample->value) : json_null(),
                            "counts", counts));
    }
    return list;
}

static json_t *metrics_of(const struct broker_seen *broker) {
    json_t *metrics = json_object();
    for (int32_t m = 0; broker->status && m < broker->status->metrics.count; m++) {
        const struct kp_broker_status_response_metric *metric = &broker->status->metrics.items[m];
        json_t *bounds = json_array();
        char name[ARCHIVE_NAME];
        for (int32_t b = 0; b < metric->bounds.count; b++) {
            json_array_append_new(bounds, json_real(metric->bounds.items[b]));
        }
        snprintf(name, sizeof(name), "%.*s", (int)metric->name.len, metric->name.data);
        json_object_set_new(
            metrics, name, json_pack("{s:o,s:o}", "bounds", bounds, "samples", samples_of(metric)));
    }
    return json_pack("{s:i,s:o,s:s,s:o}", "broker", (int)broker->node, "time_ms",
                     broker->status ? json_integer(broker->status->time_ms) : json_null(), "said",
                     broker->why.text, "metrics", metrics);
}

static void add_metrics(struct bundle *bundle, const char *name) {
    struct cluster_status status;
    json_t *list = json_array();
    talk_hold();
    if (cluster_status_ask(bundle->in, &(struct status_wish){.all = true}, &status) == EXIT_DONE) {
        for (size_t i = 0; i < status.count; i++) {
            json_array_append_new(list, metrics_of(&status.brokers[i]));
        }
    }
    cluster_status_close(&status);
    struct held_talk talk;
    talk_held(&talk);
    mem_free(talk.printed);
    mem_free(talk.said);
    char *text = json_dumps(list, JSON_COMPACT | JSON_SORT_KEYS);
    if (text) {
        bundle_put(&bundle->files, name, text, strlen(text));
    }
    mem_free(text);
    json_decref(list);
}

/* ---- What is asked by name ---- */

static void add_settings(struct bundle *bundle, const struct cluster_status *status) {
    char brokers[] = "brokers", *all[] = {brokers};
    bundle_run(&bundle->files, "settings/brokers", &config_get, all, 1, false);
    for (size_t i = 0; i < status->count; i++) {
        char word[32], file[48], *words[] = {word};
        snprintf(word, sizeof(word), "broker:%d", (int)status->brokers[i].node);
        snprintf(file, sizeof(file), "settings/broker-%d", (int)status->brokers[i].node);
        bundle_run(&bundle->files, file, &config_get, words, 1, true);
        snprintf(file, sizeof(file), "settings/broker-%d-set", (int)status->brokers[i].node);
        bundle_run(&bundle->files, file, &config_get, words, 1, false);
    }
}

/* A name of others' as one of a file; nothing of it, if nobody is to read it. */
static const char *file_name(const struct bundle *bundle, const char *folder, const char *name,
                             size_t place, char into[ARCHIVE_NAME]) {
    char plain[NAME_MOST + 1];
    size_t len = 0;
    for (; !bundle->anonymous && name[len] && len < NAME_MOST; len++) {
        bool dots = name[len] == '.' && (len == 0 || name[len - 1] == '.');
        bool usual = !dots && strchr("/\\", name[len]) == NULL && (unsigned char)name[len] > ' ' &&
                     (unsigned char)name[len] < 127;
        plain[len] = usual ? name[len] : '_';
    }
    plain[len] = '\0';
    snprintf(into, ARCHIVE_NAME, "%s/%zu%s%s", folder, place, len > 0 ? "-" : "", plain);
    return into;
}

/* Runs the command for each that the list names, `most` at most. */
static void add_each(struct bundle *bundle, const json_t *list, const char *key, size_t most,
                     const char *folder, const struct bundle_command *command) {
    json_t *one;
    size_t at;
    json_array_foreach(list, at, one) {
        const char *name = json_string_value(json_object_get(one, key));
        char file[ARCHIVE_NAME], *words[] = {(char *)name};
        if (!name || at >= most || interrupted()) {
            break;
        }
        bundle_run(&bundle->files, file_name(bundle, folder, name, at, file), command, words, 1,
                   false);
    }
}

static json_t *run_list(struct bundle *bundle, const char *file,
                        const struct bundle_command *command) {
    const char *text = bundle_run(&bundle->files, file, command, NULL, 0, false);
    return text ? json_loads(text, 0, NULL) : NULL;
}

static void add_topics(struct bundle *bundle) {
    json_t *list = run_list(bundle, "topics", &topic_list);
    add_each(bundle, list, "name", TOPICS_MOST, "topics", &topic_describe);
    add_each(bundle, list, "name", TOPICS_MOST, "topics-offsets", &topic_offsets);
    json_decref(list);
}

static void add_groups(struct bundle *bundle) {
    json_t *list = run_list(bundle, "groups", &group_list);
    add_each(bundle, list, "group", GROUPS_MOST, "groups", &group_describe);
    add_each(bundle, list, "group", GROUPS_MOST, "groups-why", &group_why);
    json_decref(list);
    list = run_list(bundle, "shares", &share_list);
    add_each(bundle, list, "group", GROUPS_MOST, "shares", &share_describe);
    add_each(bundle, list, "group", GROUPS_MOST, "shares-offsets", &share_offsets);
    json_decref(list);
}

/* The tree of the metadata, level by level, without the partitions of the cluster's own topics:
 * what lists nothing has a value. */
static void add_metadata(struct bundle *bundle) {
    json_t *paths = json_pack("[s]", "/");
    for (size_t at = 0; at < json_array_size(paths) && at < PLACES_MOST && !interrupted(); at++) {
        const char *path = json_string_value(json_array_get(paths, at));
        char file[ARCHIVE_NAME], *words[] = {(char *)path};
        const char *text = bundle_run(&bundle->files,
                                      file_name(bundle, "metadata", path + 1, at, file), &meta_ls,
                                      words, 1, false);
        json_t *names = text ? json_loads(text, 0, NULL) : NULL, *name;
        size_t i;
        json_array_foreach(names, i, name) {
            const char *text_of = json_string_value(name);
            if (text_of && strncmp(text_of, "__", 2) != 0) {
                json_array_append_new(paths, json_sprintf("%s/%s", path[1] ? path : "", text_of));
            }
        }
        if (json_array_size(names) == 0) {
            bundle_run(&bundle->files, file_name(bundle, "metadata-values", path + 1, at, file),
                       &meta_get, words, 1, false);
        }
        json_decref(names);
    }
    json_decref(paths);
}

static void add_manifest(struct bundle *bundle, const struct cluster_status *status) {
    json_t *whole = json_pack("{s:s,s:I,s:s,s:I,s:b,s:O}", "drave", DRAVE_VERSION, "time_ms",
                              (json_int_t)moment_now(), "cluster",
                              bundle->anonymous ? "" : status->cluster_id, "brokers",
                              (json_int_t)status->count, "anonymous", (int)bundle->anonymous,
                              "files", bundle->files.calls);
    char *text = json_dumps(whole, JSON_INDENT(1) | JSON_SORT_KEYS);
    if (text) {
        bundle_put(&bundle->files, BUNDLE_MANIFEST, text, strlen(text));
    }
    mem_free(text);
    json_decref(whole);
}

static void gather(struct bundle *bundle, const struct cluster_status *status) {
    add_metrics(bundle, "metrics-1.json");
    uint64_t began_ms = now_ms();
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && !interrupted(); i++) {
        bundle_run(&bundle->files, parts[i].file, &parts[i].command, NULL, 0, false);
    }
    add_settings(bundle, status);
    add_topics(bundle);
    add_groups(bundle);
    add_metadata(bundle);
    while (now_ms() - began_ms < APART_S * 1000 && !interrupted()) {
        pause_ms(100);
    }
    add_metrics(bundle, "metrics-2.json");
    if (bundle->anonymous) {
        bundle_hide(&bundle->files);
    }
    add_manifest(bundle, status);
}

/* ---- The command ---- */

static int open_file(struct bundle *bundle) {
    const char *wanted = invocation_value(bundle->in, 'o', NULL);
    time_t now = (time_t)(moment_now() / 1000);
    struct tm tm;
    bundle->file = -1;
    if (wanted && strcmp(wanted, "-") == 0) {
        if (stdout_is_terminal()) {
            say("the bundle is not text: name a file, or give standard output to something");
            return EXIT_USAGE;
        }
        return EXIT_DONE;
    }
    strftime(bundle->path, sizeof(bundle->path), "drave-bundle-%Y%m%d-%H%M%S.tar.gz",
             gmtime_r(&now, &tm));
    if (wanted) {
        snprintf(bundle->path, sizeof(bundle->path), "%.290s", wanted);
    }
    bundle->file = open(bundle->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (bundle->file < 0) {
        say("%s cannot be made: %s; name another file with -o", bundle->path,
            error_phrase(error_from_errno(errno)));
        return EXIT_REFUSED;
    }
    return EXIT_DONE;
}

static int finish(struct bundle *bundle) {
    struct archive *archive = archive_new(write_out, bundle);
    bundle_pack(&bundle->files, archive, moment_now() / 1000);
    bool whole = archive_end(archive);
    if (bundle->file < 0) {
        return whole ? EXIT_DONE : EXIT_REFUSED;
    }
    whole = close(bundle->file) == 0 && whole;
    if (!whole) {
        say("%s could not be written to its end; is the disk full? Name another file with -o",
            bundle->path);
        return EXIT_REFUSED;
    }
    say("%s: no records and no keys are in it; %s", bundle->path,
        bundle->anonymous ? "names of topics, groups, clients and hosts are replaced; look through "
                            "it before you give it away"
                          : "names of topics, groups, clients and their addresses are (--anonymous "
                            "replaces them)");
    return EXIT_DONE;
}

int command_debug_bundle(struct invocation *in) {
    struct bundle bundle = {.in = in, .anonymous = invocation_has(in, OPTION_ANONYMOUS)};
    struct cluster_status status;
    int code = cluster_status_list(in, &status);
    if (code == EXIT_DONE) {
        code = open_file(&bundle);
    }
    if (code == EXIT_DONE) {
        interrupt_take();
        bundle_files_open(&bundle.files, in);
        gather(&bundle, &status);
        code = finish(&bundle);
        bundle_files_close(&bundle.files);
    }
    cluster_status_close(&status);
    return code;
}
