/*
 * drave top: what the brokers of a cluster do at present, again and again.
 *
 * Happy path: all brokers are asked, and asked again after the pace; what they counted in between
 * is shown as rates. On a terminal in place (alternate screen, raw ANSI), with keys; else one plain
 * block for each tick. Failures: nobody is reachable at the beginning (3); later it is said, and it
 * goes on. Invariant: the terminal is as it was when this ends, however it ends but by SIGKILL.
 */
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "client/health/cluster_status.h"
#include "client/health/top_views.h"
#include "client/line/amount.h"
#include "client/line/command.h"
#include "client/line/interrupt.h"
#include "client/line/moment.h"
#include "client/line/talk.h"

enum { PACE_MS = 2000, PACE_LEAST_MS = 500, PACE_MOST_MS = 60000, TOPICS_SHOWN = 30 };

static const char *const metrics[] = {"drave_received_bytes_total",
                                      "drave_sent_bytes_total",
                                      "drave_requests_total",
                                      "drave_request_seconds",
                                      "drave_journal_sync_seconds",
                                      "drave_partitions",
                                      "drave_replica_lag_entries",
                                      "drave_connections",
                                      "drave_memory_bytes",
                                      "drave_memory_limit_bytes",
                                      "drave_disk_free_bytes",
                                      "drave_disk_size_bytes",
                                      "drave_topics",
                                      "drave_topic_stored_bytes",
                                      "drave_topic_records",
                                      "drave_topic_partitions",
                                      "drave_topic_produced_bytes_total",
                                      "drave_topic_fetched_bytes_total",
                                      "drave_peer_up",
                                      "drave_peer_sent_bytes_total",
                                      "drave_peer_received_bytes_total",
                                      "drave_group_lag_records",
                                      "drave_group_lag_seconds",
                                      "drave_group_retention_left_seconds",
                                      "drave_group_records_missed",
                                      "drave_group_members",
                                      "drave_group_rebalances_total"};

/* ---- Histograms ---- */

static const struct kp_broker_status_response_sample *histogram_of(
    const struct kp_broker_status_response *said, const char *metric, const char *label,
    const struct kp_broker_status_response_metric **of) {
    for (int32_t m = 0; said && m < said->metrics.count; m++) {
        const struct kp_broker_status_response_metric *one = &said->metrics.items[m];
        for (int32_t s = 0; kp_string_is(one->name, metric) && s < one->samples.count; s++) {
            const struct kp_broker_status_response_sample *sample = &one->samples.items[s];
            *of = one;
            if (!label ||
                (sample->labels.count > 0 && kp_string_is(sample->labels.items[0], label))) {
                return sample;
            }
        }
    }
    return NULL;
}

/* The bound that 99 of 100 stayed below, since it was asked before; NaN: there were none. */
static double p99(const struct top *top, const struct broker_seen *broker, const char *metric,
                  const char *label) {
    const struct kp_broker_status_response_metric *of = NULL, *unused;
    const struct kp_broker_status_response_sample *now = histogram_of(broker->status, metric, label,
                                                                      &of),
                                                  *before = histogram_of(
                                                      top_before(top, broker->node), metric, label,
                                                      &unused);
    int64_t all = 0, seen = 0;
    if (!now || !before || before->counts.count != now->counts.count) {
        return NAN;
    }
    for (int32_t i = 0; i < now->counts.count; i++) {
        all += now->counts.items[i] - before->counts.items[i];
    }
    for (int32_t i = 0; all > 0 && i < now->counts.count; i++) {
        seen += now->counts.items[i] - before->counts.items[i];
        if (seen * 100 >= all * 99) {
            return i < of->bounds.count ? of->bounds.items[i] : INFINITY;
        }
    }
    return NAN;
}

static double fullest_budget(const struct kp_broker_status_response *said) {
    static const char *const budgets[] = {"requests", "answers", "parked", "uncommitted", "groups"};
    double most = NAN;
    for (size_t i = 0; i < sizeof(budgets) / sizeof(budgets[0]); i++) {
        most = amount_most(most, 100 * status_number(said, "drave_memory_bytes", budgets[i]) /
                                     status_number(said, "drave_memory_limit_bytes", budgets[i]));
    }
    return most;
}

/* ---- What is shown ---- */

static const char *upto(double seconds, char into[AMOUNT_ROOM]) {
    return isinf(seconds) ? "> 5 s" : amount_time(seconds, into);
}

static double lag_of(const struct cluster_status *status, int32_t node) {
    double sum = 0;
    char peer[16];
    snprintf(peer, sizeof(peer), "%d", (int)node);
    for (size_t i = 0; i < status->count; i++) {
        double lag = status_number(status->brokers[i].status, "drave_replica_lag_entries", peer);
        sum += isnan(lag) ? 0 : lag;
    }
    return sum;
}

static void add_broker(struct table *table, const struct top *top,
                       const struct broker_seen *broker) {
    char texts[12][AMOUNT_ROOM];
    const struct kp_broker_status_response *said = broker->status;
    double left = status_number(said, "drave_disk_free_bytes", NULL);
    snprintf(texts[0], AMOUNT_ROOM, "%d%s", (int)broker->node,
             broker->node == top->now.metadata_leader ? " *" : "");
    snprintf(texts[10], AMOUNT_ROOM, "%.0f %%", fullest_budget(said));
    table_row(
        table,
        (const char *[]){
            texts[0],
            broker->fenced ? "away"
            : said         ? "up"
                           : "no answer",
            top_per_second(top_rate(top, broker, "drave_received_bytes_total", NULL), texts[1]),
            top_per_second(top_rate(top, broker, "drave_sent_bytes_total", NULL), texts[2]),
            amount_count(top_rate(top, broker, "drave_requests_total", NULL), texts[3]),
            upto(p99(top, broker, "drave_request_seconds", "produce"), texts[4]),
            upto(p99(top, broker, "drave_journal_sync_seconds", NULL), texts[5]),
            amount_count(status_number(said, "drave_partitions", "leader"), texts[6]),
            amount_count(status_number(said, "drave_partitions", NULL), texts[7]),
            said ? amount_count(lag_of(&top->now, broker->node), texts[8]) : NULL,
            amount_count(status_number(said, "drave_connections", NULL), texts[9]),
            said ? texts[10] : NULL, amount_bytes(left, texts[11])});
}

static void show_brokers(const struct top *top) {
    static const char *const columns[] = {"BROKER", "STATE",  "IN",       "OUT",  "REQ/S",
                                          "P99",    "SYNC",   "LEADS",    "REPL", "LAG",
                                          "CONN",   "MEMORY", "DISK FREE"};
    struct table *table = table_new(columns, sizeof(columns) / sizeof(columns[0]));
    for (size_t i = 0; i < top->now.count; i++) {
        add_broker(table, top, &top->now.brokers[i]);
    }
    table_print(table);
}

/* The topics that store most, as far as their brokers name them. */
static void show_topics(const struct top *top) {
    static const char *const columns[] = {"TOPIC", "PARTITIONS", "RECORDS", "STORED", "IN", "OUT"};
    struct table *table = table_new(columns, sizeof(columns) / sizeof(columns[0]));
    const struct kp_broker_status_response_metric *of = NULL;
    int shown = 0;
    for (size_t i = 0; i < top->now.count && shown < TOPICS_SHOWN; i++) {
        (void)histogram_of(top->now.brokers[i].status, "drave_topic_partitions", "", &of);
        for (int32_t s = 0; of && s < of->samples.count && shown < TOPICS_SHOWN; s++, shown++) {
            const struct kp_string topic = of->samples.items[s].labels.items[0];
            char name[260], texts[5][AMOUNT_ROOM];
            double sums[3] = {0, 0, 0}, in = 0, out = 0;
            static const char *const of_topic[] = {"drave_topic_partitions", "drave_topic_records",
                                                   "drave_topic_stored_bytes"};
            snprintf(name, sizeof(name), "%.*s", (int)topic.len, topic.data);
            for (size_t b = 0; b < top->now.count; b++) {
                for (int n = 0; n < 3; n++) {
                    double one = status_number(top->now.brokers[b].status, of_topic[n], name);
                    sums[n] += isnan(one) ? 0 : one;
                }
                double written = top_rate(top, &top->now.brokers[b],
                                          "drave_topic_produced_bytes_total", name),
                       read = top_rate(top, &top->now.brokers[b], "drave_topic_fetched_bytes_total",
                                       name);
                in += isnan(written) ? 0 : written;
                out += isnan(read) ? 0 : read;
            }
            table_row(table, (const char *[]){
                                 name, amount_count(sums[0], texts[0]),
                                 amount_count(sums[1], texts[1]), amount_bytes(sums[2], texts[2]),
                                 top_per_second(in, texts[3]), top_per_second(out, texts[4])});
        }
        break; /* every broker that holds a replica names its topics; the first tells enough */
    }
    table_print(table);
}

static void show_head(const struct top *top) {
    double in = 0, out = 0, topics = NAN, leads = 0, oldest = 0;
    size_t up = 0;
    char texts[3][AMOUNT_ROOM], clock[16];
    time_t now = (time_t)(moment_now() / 1000);
    struct tm tm;
    for (size_t i = 0; i < top->now.count; i++) {
        const struct broker_seen *broker = &top->now.brokers[i];
        double received = top_rate(top, broker, "drave_received_bytes_total", NULL),
               sent = top_rate(top, broker, "drave_sent_bytes_total", NULL),
               led = status_number(broker->status, "drave_partitions", "leader");
        up += broker->status != NULL;
        in += isnan(received) ? 0 : received;
        out += isnan(sent) ? 0 : sent;
        leads += isnan(led) ? 0 : led;
        topics = amount_most(topics, status_number(broker->status, "drave_topics", NULL));
        oldest = broker->status ? amount_most(oldest, (double)broker->status->uptime_ms / 1000)
                                : oldest;
    }
    strftime(clock, sizeof(clock), "%H:%M:%S", gmtime_r(&now, &tm));
    print_text("drave  %zu/%zu brokers  metadata leader %d  %.0f topics %.0f partitions  up %s  "
               "in %s  out %s  %s\n",
               up, top->now.count, (int)top->now.metadata_leader, isnan(topics) ? 0 : topics, leads,
               amount_time(oldest, texts[0]), top_per_second(in, texts[1]),
               top_per_second(out, texts[2]), clock);
}

static void show(struct top *top) {
    static const char clear[] = "\x1b[H\x1b[J";
    if (top->raw) {
        print_raw(clear, sizeof(clear) - 1);
    }
    show_head(top);
    switch (top->view) {
    case 't': show_topics(top); break;
    case 'g': top_show_groups(top); break;
    case 'c': top_show_clients(top); break;
    case 'r': top_show_replication(top); break;
    case 'e': top_show_events(top); break;
    default: show_brokers(top);
    }
    if (top->raw) {
        print_text(
            "b brokers  t topics  g groups  c clients  r replication  e events  space %s  + - "
            "pace (%.1f s)  q\n",
            top->paused ? "go on" : "pause", (double)top->pace_ms / 1000);
    } else {
        print_text("\n");
    }
    print_flush();
}

static json_t *number_or_null(double value) {
    return isnan(value) || isinf(value) ? json_null() : json_real(value);
}

static void show_json(const struct top *top) {
    json_t *list = json_array();
    for (size_t i = 0; i < top->now.count; i++) {
        const struct broker_seen *broker = &top->now.brokers[i];
        json_array_append_new(
            list,
            json_pack(
                "{s:i,s:b,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "id", (int)broker->node,
                "alive", !broker->fenced, "in_bytes_per_second",
                number_or_null(top_rate(top, broker, "drave_received_bytes_total", NULL)),
                "out_bytes_per_second",
                number_or_null(top_rate(top, broker, "drave_sent_bytes_total", NULL)),
                "requests_per_second",
                number_or_null(top_rate(top, broker, "drave_requests_total", NULL)),
                "produce_p99_seconds",
                number_or_null(p99(top, broker, "drave_request_seconds", "produce")),
                "sync_p99_seconds",
                number_or_null(p99(top, broker, "drave_journal_sync_seconds", NULL)), "leads",
                number_or_null(status_number(broker->status, "drave_partitions", "leader")),
                "replicas", number_or_null(status_number(broker->status, "drave_partitions", NULL)),
                "lag_entries", number_or_null(lag_of(&top->now, broker->node)), "connections",
                number_or_null(status_number(broker->status, "drave_connections", NULL)),
                "disk_free_bytes",
                number_or_null(status_number(broker->status, "drave_disk_free_bytes", NULL))));
    }
    print_json(list);
    print_flush();
}

/* ---- Looking ---- */

/* What was `now` is `before`. */
static int look(struct top *top) {
    struct cluster_status fresh;
    struct status_wish wish = {.metrics = metrics,
                               .count = sizeof(metrics) / sizeof(metrics[0]),
                               .events = top->view == 'e'};
    int code = cluster_status_ask(top->in, &wish, &fresh);
    if (code != EXIT_DONE) {
        cluster_status_close(&fresh);
        return code;
    }
    if (top->has_before) {
        cluster_status_close(&top->before);
    }
    top->before = top->now;
    top->before_ms = top->now_ms;
    top->has_before = top->has_now;
    top->now = fresh;
    top->now_ms = now_ms();
    top->has_now = true;
    return EXIT_DONE;
}

static void forget(struct top *top) {
    if (top->has_before) {
        cluster_status_close(&top->before);
    }
    if (top->has_now) {
        cluster_status_close(&top->now);
    }
}

/* ---- The terminal ---- */

static void raw_begin(struct top *top) {
    static const char enter[] = "\x1b[?1049h\x1b[?25l";
    top->raw = !top->in->json && !invocation_has(top->in, OPTION_ONCE) && stdout_is_terminal() &&
               tcgetattr(STDIN_FILENO, &top->saved) == 0;
    if (!top->raw) {
        return;
    }
    struct termios raw = top->saved;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    print_raw(enter, sizeof(enter) - 1);
}

static void raw_end(struct top *top) {
    static const char leave[] = "\x1b[?25h\x1b[?1049l";
    if (!top->raw) {
        return;
    }
    print_raw(leave, sizeof(leave) - 1);
    print_flush();
    tcsetattr(STDIN_FILENO, TCSANOW, &top->saved);
}

static void take_key(struct top *top, char key) {
    switch (key) {
    case 'b':
    case 't':
    case 'g':
    case 'c':
    case 'r':
    case 'e': top->view = key; break;
    case ' ': top->paused = !top->paused; break;
    case '+':
        top->pace_ms = top->pace_ms / 2 < PACE_LEAST_MS ? PACE_LEAST_MS : top->pace_ms / 2;
        break;
    case '-':
        top->pace_ms = top->pace_ms * 2 > PACE_MOST_MS ? PACE_MOST_MS : top->pace_ms * 2;
        break;
    case 'q': top->over = true; break;
    default: return;
    }
    show(top);
}

/* Until the pace is over; keys are taken meanwhile. */
static void wait_pace(struct top *top) {
    uint64_t end = now_ms() + top->pace_ms;
    while (!top->over && !interrupted() && (now_ms() < end || top->paused)) {
        struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
        uint64_t left = top->paused ? PACE_MS : end - now_ms();
        char key;
        if (!top->raw) {
            pause_ms(left);
        } else if (poll(&in, 1, (int)left) > 0 && read(STDIN_FILENO, &key, 1) == 1) {
            take_key(top, key);
        }
    }
}

/* ---- The command ---- */

static void run(struct top *top) {
    bool once = invocation_has(top->in, OPTION_ONCE);
    int64_t ticks = invocation_number(top->in, 'n', 0, 1, 1000000);
    interrupt_take();
    raw_begin(top);
    for (int64_t tick = 0; !top->over && !interrupted() && !print_broken(); tick++) {
        if (!once || tick > 0) {
            if (top->in->json) {
                show_json(top);
            } else {
                show(top);
            }
        }
        if ((once && tick > 0) || (ticks > 0 && tick + 1 >= ticks)) {
            break;
        }
        wait_pace(top);
        if (!top->over && !interrupted()) {
            look(top); /* what fails is said; what was shown stays */
        }
    }
    raw_end(top);
}

int command_top(struct invocation *in) {
    const char *view = invocation_value(in, OPTION_VIEW, "b");
    struct top *top = mem_zalloc(sizeof(*top));
    top->in = in;
    top->view = *view;
    top->pace_ms = invocation_duration(in, 'd', PACE_MS / 1000, 1, PACE_MOST_MS / 1000);
    int code = EXIT_USAGE;
    if (*view == '\0' || !strchr("btgcre", *view) || view[1] != '\0') {
        say("--view %.100s is none; write b for brokers, t topics, g groups, c clients, r replication, "
            "e events",
            view);
    } else {
        code = look(top);
    }
    if (code == EXIT_DONE) {
        run(top);
    }
    forget(top);
    mem_free(top->clients);
    mem_free(top);
    return code;
}
