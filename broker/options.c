/* Reading the command line of draved with getopt_long. */
#include "broker/options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/events/log_events.h"
#include "base/mem.h"
#include "base/nearest_name.h"
#include "base/settings.h"
#include "broker/config/broker_settings.h"
#include "broker/config/dynamic_settings.h"
#include "broker/config/topic_settings.h"
#include "broker/observe/metric_table.h"

enum {
    CHOSE_CONFIG = 1,
    CHOSE_SET,
    CHOSE_CHECK,
    CHOSE_HELP_CONFIG,
    CHOSE_HELP_METRICS,
    CHOSE_HELP_EVENTS,
    CHOSE_VERSION,
    CHOSE_HELP,
    CHOSE_TOPIC,
    CHOSE_PARTITION,
    CHOSE_JSON
};

static const struct option long_options[] = {
    {"config", required_argument, NULL, CHOSE_CONFIG},
    {"set", required_argument, NULL, CHOSE_SET},
    {"check", no_argument, NULL, CHOSE_CHECK},
    {"help-config", no_argument, NULL, CHOSE_HELP_CONFIG},
    {"help-metrics", no_argument, NULL, CHOSE_HELP_METRICS},
    {"help-events", no_argument, NULL, CHOSE_HELP_EVENTS},
    {"version", no_argument, NULL, CHOSE_VERSION},
    {"help", no_argument, NULL, CHOSE_HELP},
    {"topic", required_argument, NULL, CHOSE_TOPIC},
    {"partition", required_argument, NULL, CHOSE_PARTITION},
    {"json", no_argument, NULL, CHOSE_JSON},
    {0}};

static int unknown_option(const char *word, struct error_text *why) {
    const char *names[sizeof long_options / sizeof long_options[0]];
    size_t count = 0;
    while (long_options[count].name != NULL) {
        names[count] = long_options[count].name;
        count++;
    }
    while (*word == '-')
        word++;
    char *name = mem_strndup(word, strcspn(word, "="));
    const char *near = nearest_name(name, names, count);
    mem_free(name);
    if (near != NULL)
        return error_set(why, ERR_INVALID, "there is no option --%.100s; did you mean --%s?", word,
                         near);
    return error_set(why, ERR_INVALID,
                     "there is no option --%.100s; draved --help lists those that exist", word);
}

static int parse_partition(const char *text, long *partition, struct error_text *why) {
    char *end;
    errno = 0;
    *partition = strtol(text, &end, 10);
    if (!isdigit((unsigned char)text[0]) || *end != '\0' || errno != 0 || *partition > INT32_MAX)
        return error_set(why, ERR_INVALID, "--partition %.100s is not the number of a partition",
                         text);
    return ERR_NONE;
}

static int options_take(int chosen, const char *value, struct options *options,
                        struct error_text *why) {
    switch (chosen) {
    case CHOSE_CONFIG: options->config = value; return ERR_NONE;
    case CHOSE_SET:
        if (options->set_count == OPTIONS_SET_MAX)
            return error_set(why, ERR_INVALID,
                             "more than %d times --set; write a file for --config",
                             OPTIONS_SET_MAX);
        options->set[options->set_count++] = value;
        return ERR_NONE;
    case CHOSE_CHECK: options->action = ACTION_CHECK; return ERR_NONE;
    case CHOSE_HELP_CONFIG: options->action = ACTION_HELP_CONFIG; return ERR_NONE;
    case CHOSE_HELP_METRICS: options->action = ACTION_HELP_METRICS; return ERR_NONE;
    case CHOSE_HELP_EVENTS: options->action = ACTION_HELP_EVENTS; return ERR_NONE;
    case CHOSE_VERSION: options->action = ACTION_VERSION; return ERR_NONE;
    case CHOSE_HELP: options->action = ACTION_HELP; return ERR_NONE;
    case CHOSE_TOPIC: options->topic = value; return ERR_NONE;
    case CHOSE_PARTITION: return parse_partition(value, &options->partition, why);
    case CHOSE_JSON: options->json = true; return ERR_NONE;
    default: return ERR_INVALID;
    }
}

/* "backup adopt DIR..." */
static int take_backup(int count, char **words, struct options *options, struct error_text *why) {
    if (count < 3 || strcmp(words[1], "adopt") != 0 || options->topic != NULL ||
        options->partition >= 0)
        return error_set(why, ERR_INVALID, "usage: draved backup adopt DIR... [--json]");
    options->action = ACTION_BACKUP_ADOPT;
    options->directories = words + 2;
    options->directory_count = (size_t)count - 2;
    return ERR_NONE;
}

/* "log dump DIR", "log verify DIR", "backup adopt DIR...", or nothing. */
static int take_words(int count, char **words, struct options *options, struct error_text *why) {
    bool of_log = options->topic != NULL || options->partition >= 0 || options->json;
    if (count == 0 && !of_log) return ERR_NONE;
    if (count == 0)
        return error_set(why, ERR_INVALID,
                         "--topic, --partition and --json belong to draved log dump DIR");
    if (options->action != ACTION_RUN) return ERR_NONE;
    if (strcmp(words[0], "backup") == 0) return take_backup(count, words, options, why);
    if (strcmp(words[0], "log") != 0)
        return error_set(
            why, ERR_INVALID,
            "draved takes options, or: draved log dump DIR, draved log verify DIR, draved backup adopt DIR...; not %.100s",
            words[0]);
    bool dump = count >= 2 && strcmp(words[1], "dump") == 0,
         verify = count >= 2 && strcmp(words[1], "verify") == 0;
    if (count != 3 || (!dump && !verify))
        return error_set(
            why, ERR_INVALID,
            "usage: draved log dump DIR [--topic T --partition P] [--json], or draved log verify DIR [--json]");
    options->action = dump ? ACTION_LOG_DUMP : ACTION_LOG_VERIFY;
    options->directory = words[2];
    return ERR_NONE;
}

int options_parse(int argc, char **argv, struct options *options, struct error_text *why) {
    memset(options, 0, sizeof *options);
    options->partition = -1;
    opterr = 0;
    optind = 1;
    for (;;) {
        int before = optind;
        int chosen = getopt_long(argc, argv, "", long_options, NULL);
        if (chosen == -1) break;
        if (chosen == '?' && optopt >= CHOSE_CONFIG && optopt <= CHOSE_JSON)
            return error_set(why, ERR_INVALID,
                             "%.100s needs a value, or has one that it does not take",
                             argv[before]);
        if (chosen == '?') return unknown_option(argv[before], why);
        int error = options_take(chosen, optarg, options, why);
        if (error != ERR_NONE) return error;
    }
    return take_words(argc - optind, argv + optind, options, why);
}

void options_print_help(struct output *out) {
    output_print(
        out,
        "usage: draved [--config FILE] [--set key=value]...    runs one broker, in ./drave-data on 127.0.0.1:9092 unless told otherwise\n"
        "       draved --check [--config FILE] [--set ...]     only checks the configuration\n"
        "       draved --help-config                           shows every setting with its default, limits and meaning\n"
        "       draved --help-metrics                          shows every metric of /metrics with its kind, labels and meaning\n"
        "       draved --help-events                           shows every event of the log with its level, meaning and what to do\n"
        "       draved log dump DIR [--topic T --partition P] [--json]    shows the batches in a data directory, also beside a running broker\n"
        "       draved log verify DIR [--json]                 checks every checksum in a data directory\n"
        "       draved backup adopt DIR... [--json]            makes another cluster of a copy of all data directories of one\n"
        "       draved --version | --help\n"
        "\n"
        "example: draved --set data.dir=/var/lib/drave --set listeners=PLAINTEXT://127.0.0.1:9092\n"
        "exit codes: 0 done, 1 refused or failed, 2 wrong usage\n");
}

static void print_limits(struct output *out, const struct setting *row) {
    if (row->fixed)
        output_print(out, "only %s", row->fallback[0] == '\0' ? "empty" : row->fallback);
    else if (row->type == SETTING_INT)
        output_print(out, "%" PRId64 " to %" PRId64 "%s%s", row->min, row->max,
                     row->unit[0] == '\0' ? "" : " ", row->unit);
    else if (row->type == SETTING_BOOL)
        output_print(out, "true or false");
    else if (row->type == SETTING_DECIMAL)
        output_print(out, "%" PRId64 " to %" PRId64, row->min, row->max);
    else if (row->type == SETTING_CHOICE)
        output_print(out, "one of %s", row->choices);
    else if (row->choices != NULL)
        output_print(out, "some of %s, or none", row->choices);
    else
        output_print(out, "text");
}

static void print_row(struct output *out, const struct setting *row, const char *when) {
    output_print(out, "%s=%s\n    %s (", row->name, row->fallback, row->help);
    print_limits(out, row);
    output_print(out, "%s)\n", when);
}

/* Whether it may change while a broker runs. */
static const char *when_of(const struct setting *row) {
    const struct dynamic_setting *dynamic = dynamic_settings_find(row->name);
    return dynamic == NULL       ? ""
           : dynamic->one_broker ? "; at any time, for one broker"
                                 : "; at any time";
}

/* Whether a topic may choose, and what it may not though the broker may. */
static void print_topic_row(struct output *out, const struct topic_setting *setting) {
    const char *only = setting->row.fallback;
    size_t count;
    const struct setting *table = broker_settings_table(&count);
    const struct setting *of_broker = setting_find(table, count, setting->broker_setting);
    output_print(out, "%s: %s", setting->row.name, setting->broker_setting);
    if (setting->row.fixed)
        output_print(out, " (only %s)\n", only[0] == '\0' ? "empty" : only);
    else if (setting->row.min != of_broker->min)
        output_print(out, " (%" PRId64 " %s at least)\n", setting->row.min, setting->row.unit);
    else
        output_print(out, "%s\n", setting->as_broker ? " (the same for all topics)" : "");
}

void options_print_settings(struct output *out) {
    size_t count;
    const struct setting *table = broker_settings_table(&count);
    for (size_t i = 0; i < count; i++)
        print_row(out, &table[i], when_of(&table[i]));
    const struct topic_setting *of_topics = topic_settings_table(&count);
    output_print(out, "\nSettings of one topic, each as the broker's setting behind it:\n");
    for (size_t i = 0; i < count; i++)
        if (of_topics[i].broker_setting != NULL) print_topic_row(out, &of_topics[i]);
    for (size_t i = 0; i < count; i++)
        if (of_topics[i].broker_setting == NULL) print_row(out, &of_topics[i].row, "");
}

void options_print_metrics(struct output *out) {
    static const char *const types[] = {
        [METRIC_GAUGE] = "gauge", [METRIC_COUNTER] = "counter", [METRIC_HISTOGRAM] = "histogram"};
    for (int i = 0; i < METRICS; i++) {
        const struct metric_row *row = &metric_table()[i];
        output_print(out, "%s", row->name);
        for (unsigned j = 0; j < metric_labels(row); j++)
            output_print(out, "%c%s", j == 0 ? '{' : ',', row->labels[j]);
        output_print(out, "%s %s\n    %s\n", metric_labels(row) > 0 ? "}" : "", types[row->type],
                     row->help);
    }
}

void options_print_events(struct output *out) {
    for (int i = LOGGED_DETAIL + 1; i < LOG_EVENTS; i++) {
        const struct log_event_row *row = &log_event_table()[i];
        output_print(out, "%s %s\n    %s\n", row->name, log_level_name(row->level), row->means);
        if (row->todo[0] != '\0') output_print(out, "    %s\n", row->todo);
    }
}
