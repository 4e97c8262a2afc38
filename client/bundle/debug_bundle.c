/*
 * drave debug bundle: what there is to know about a cluster, in one file, for whoever is asked for
 * help: from all brokers, over the port of clients.
 *
 * Happy path: commands that only read are run as --json would run them, and what each prints is a
 * file of the archive; all metrics of all brokers twice, so that rates can be seen. Failures:
 * nobody is reachable (3); the file is there already, or cannot be written (1); a command that
 * fails leaves its sentences in place of its output. Invariant: no record, no key and no value of
 * one is ever in it.
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
#include "client/bundle/archive.h"
#include "client/health/cluster_status.h"
#include "client/line/command.h"
#include "client/line/interrupt.h"
#include "client/line/moment.h"
#include "client/line/talk.h"

enum { APART_S = 10, GROUPS_MOST = 200, NAME_MOST = 60, NO_OPTION = 0 };

/* What is run for every cluster. */
static const struct {
    const char *file;
    int (*run)(struct invocation *in);
} parts[] = {
    {"info", command_info},           {"brokers", command_broker_list},
    {"health", command_health},       {"doctor", command_doctor},
    {"events", command_events},       {"topics", command_topic_list},
    {"disk", command_disk},           {"groups", command_group_list},
    {"clients", command_client_list}, {"api-versions", command_api_versions},
};

struct bundle {
    const struct invocation *in;
    struct archive *archive;
    int file; /* -1: standard output */
    char path[300];
    json_t *manifest; /* names of files, and how each command ended */
};

static bool write_out(void *arg, const void *data, size_t len) {
    const struct bundle *bundle = arg;
    if (bundle->file >= 0) {
        return output_write(bundle->file, data, len) == 0;
    }
    print_raw(data, len);
    return !print_broken();
}

static void add(struct bundle *bundle, const char *name, const void *data, size_t len) {
    char path[ARCHIVE_NAME];
    snprintf(path, sizeof(path), "drave-bundle/%.80s", name);
    archive_add(bundle->archive, path, data, len, moment_now() / 1000);
}

/* Runs it as the command line would, and keeps what it prints, or what it says when that is all.
 * The output, which is the caller's; NULL: there is none. */
static char *run_part(struct bundle *bundle, const char *file, int (*run)(struct invocation *in),
                      char **words, int word_count, int option) {
    struct invocation call = {.command = bundle->in->command,
                              .bootstrap = bundle->in->bootstrap,
                              .json = true,
                              .timeout_ms = bundle->in->timeout_ms,
                              .timeout_given = bundle->in->timeout_given,
                              .words = words,
                              .word_count = word_count};
    struct held_talk talk;
    char name[ARCHIVE_NAME];
    if (option != NO_OPTION) {
        call.values[call.value_count].key = option;
        call.values[call.value_count++].value = "";
    }
    talk_hold();
    int code = run(&call);
    talk_held(&talk);
    snprintf(name, sizeof(name), "%.70s.%s", file, talk.printed_len > 0 ? "json" : "failed.txt");
    add(bundle, name, talk.printed_len > 0 ? talk.printed : talk.said,
        talk.printed_len > 0 ? talk.printed_len : talk.said_len);
    json_object_set_new(
        bundle->manifest, name,
        json_pack("{s:i,s:s%}", "exit", code, "said", talk.said ? talk.said : "", talk.said_len));
    char *text = NULL;
    if (talk.printed_len > 0) {
        text = mem_alloc(talk.printed_len + 1);
        memcpy(text, talk.printed, talk.printed_len);
        text[talk.printed_len] = '\0';
    }
    mem_free(talk.printed);
    mem_free(talk.said);
    return text;
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
        add(bundle, name, text, strlen(text));
    }
    mem_free(text);
    json_decref(list);
}

/* ---- What is asked by name ---- */

static void add_settings(struct bundle *bundle, const struct cluster_status *status) {
    for (size_t i = 0; i < status->count; i++) {
        char word[32], file[32], *words[] = {word};
        snprintf(word, sizeof(word), "broker:%d", (int)status->brokers[i].node);
        snprintf(file, sizeof(file), "settings/broker-%d", (int)status->brokers[i].node);
        mem_free(run_part(bundle, file, command_config_get, words, 1, OPTION_ALL));
    }
}

/* A name of others' as one of a file. */
static const char *file_name(const char *folder, const char *name, size_t place,
                             char into[ARCHIVE_NAME]) {
    char plain[NAME_MOST + 1];
    size_t len = 0;
    for (; name[len] && len < NAME_MOST; len++) {
        bool dots = name[len] == '.' && (len == 0 || name[len - 1] == '.');
        bool usual = !dots && strchr("/\\", name[len]) == NULL && (unsigned char)name[len] > ' ' &&
                     (unsigned char)name[len] < 127;
        plain[len] = usual ? name[len] : '_';
    }
    plain[len] = '\0';
    snprintf(into, ARCHIVE_NAME, "%s/%zu-%s", folder, place, plain);
    return into;
}

static void add_groups(struct bundle *bundle, const char *listed) {
    json_t *list = listed ? json_loads(listed, 0, NULL) : NULL, *one;
    size_t at;
    json_array_foreach(list, at, one) {
        const char *group = json_string_value(json_object_get(one, "group"));
        char file[ARCHIVE_NAME], *words[] = {(char *)group};
        if (!group || at >= GROUPS_MOST || interrupted()) {
            break;
        }
        mem_free(run_part(bundle, file_name("groups", group, at, file), command_group_describe,
                          words, 1, NO_OPTION));
    }
    json_decref(list);
}

static void add_manifest(struct bundle *bundle, const struct cluster_status *status) {
    json_t *whole = json_pack("{s:s,s:I,s:s,s:I,s:O}", "drave", DRAVE_VERSION, "time_ms",
                              (json_int_t)moment_now(), "cluster", status->cluster_id, "brokers",
                              (json_int_t)status->count, "files", bundle->manifest);
    char *text = json_dumps(whole, JSON_INDENT(1) | JSON_SORT_KEYS);
    if (text) {
        add(bundle, "manifest.json", text, strlen(text));
    }
    mem_free(text);
    json_decref(whole);
}

static void gather(struct bundle *bundle, const struct cluster_status *status) {
    char *groups = NULL;
    add_metrics(bundle, "metrics-1.json");
    uint64_t began_ms = now_ms();
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && !interrupted(); i++) {
        char *text = run_part(bundle, parts[i].file, parts[i].run, NULL, 0, NO_OPTION);
        if (parts[i].run == command_group_list) {
            groups = text;
        } else {
            mem_free(text);
        }
    }
    add_settings(bundle, status);
    add_groups(bundle, groups);
    mem_free(groups);
    while (now_ms() - began_ms < APART_S * 1000 && !interrupted()) {
        pause_ms(100);
    }
    add_metrics(bundle, "metrics-2.json");
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
    bool whole = archive_end(bundle->archive);
    if (bundle->file < 0) {
        return whole ? EXIT_DONE : EXIT_REFUSED;
    }
    whole = close(bundle->file) == 0 && whole;
    if (!whole) {
        say("%s could not be written to its end; is the disk full? Name another file with -o",
            bundle->path);
        return EXIT_REFUSED;
    }
    say("%s: no records and no keys are in it; names of topics, groups, clients and their addresses "
        "are",
        bundle->path);
    return EXIT_DONE;
}

int command_debug_bundle(struct invocation *in) {
    struct bundle bundle = {.in = in};
    struct cluster_status status;
    int code = cluster_status_list(in, &status);
    if (code == EXIT_DONE) {
        code = open_file(&bundle);
    }
    if (code == EXIT_DONE) {
        interrupt_take();
        bundle.manifest = json_object();
        bundle.archive = archive_new(write_out, &bundle);
        gather(&bundle, &status);
        code = finish(&bundle);
        json_decref(bundle.manifest);
    }
    cluster_status_close(&status);
    return code;
}
