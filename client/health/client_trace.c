/*
 * drave client trace: what clients ask, request by request, as it ends: API, bytes, time, error.
 *
 * Happy path: each broker is asked to note requests, and for what it has noted, until the time is
 * over. Failures: nobody is reachable (3); a broker that does not answer is said once; requests
 * that came faster than they could be told are counted. Nothing of a payload is shown.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "client/health/client_ask.h"
#include "client/line/amount.h"
#include "client/line/command.h"
#include "client/line/interrupt.h"
#include "client/line/talk.h"
#include "protocol/kafka_error.h"

enum { LOOK_MS = 200, ARENA_MAX = 64 << 20 };

struct traced_broker {
    int32_t node;
    struct admin_client *admin;
    int64_t after; /* told up to there */
    bool silent;   /* and that was said */
};

struct trace {
    bool json;
    const char *client_id; /* NULL: all */
    struct traced_broker *brokers;
    size_t count;
    uint64_t missed;
};

static void print_json_request(const struct traced_broker *broker,
                               const struct kp_client_status_response_request *one) {
    const struct kp_api *api = kp_api_find(one->api_key);
    print_json(json_pack(
        "{s:I,s:i,s:s%,s:s%,s:s,s:i,s:I,s:I,s:I,s:o}", "time_ms", (json_int_t)one->time_ms,
        "broker", (int)broker->node, "client_id", one->client_id.data, (size_t)one->client_id.len,
        "address", one->peer.data, (size_t)one->peer.len, "api", api ? api->name : "?", "version",
        (int)one->api_version, "request_bytes", (json_int_t)one->request_bytes, "answer_bytes",
        (json_int_t)one->answer_bytes, "took_us", (json_int_t)one->took_us, "error",
        one->error == 0 ? json_null() : json_string(kafka_error_name(one->error))));
}

static void print_request(const struct traced_broker *broker,
                          const struct kp_client_status_response_request *one) {
    char time_text[32], request[AMOUNT_ROOM], answer[AMOUNT_ROOM], took[AMOUNT_ROOM];
    const struct kp_api *api = kp_api_find(one->api_key);
    time_t seconds = (time_t)(one->time_ms / 1000);
    struct tm tm;
    strftime(time_text, sizeof(time_text), "%H:%M:%S", gmtime_r(&seconds, &tm));
    print_text("%s.%03d  %d  %-22.*s %-22.*s %s v%d  %s in, %s out, %s%s%s\n", time_text,
               (int)(one->time_ms % 1000), (int)broker->node, (int)one->client_id.len,
               one->client_id.data, (int)one->peer.len, one->peer.data, api ? api->name : "?",
               (int)one->api_version, amount_bytes((double)one->request_bytes, request),
               amount_bytes((double)one->answer_bytes, answer),
               amount_time((double)one->took_us / 1e6, took), one->error == 0 ? "" : "  ",
               one->error == 0 ? "" : kafka_error_name(one->error));
}

/* What the trace itself asks is nobody's client. */
static bool is_ours(const struct kp_client_status_response_request *one) {
    return one->api_key == KP_CLIENT_STATUS;
}

static void take(struct trace *trace, struct traced_broker *broker,
                 const struct kp_client_status_response *answer, bool show) {
    for (int32_t i = 0; i < answer->requests.count; i++) {
        const struct kp_client_status_response_request *one = &answer->requests.items[i];
        if (show && one->id > broker->after + 1) {
            trace->missed += (uint64_t)(one->id - broker->after - 1);
        }
        broker->after = one->id;
        bool wanted = !trace->client_id || kp_string_is(one->client_id, trace->client_id);
        if (show && wanted && !is_ours(one)) {
            (trace->json ? print_json_request : print_request)(broker, one);
        }
    }
}

/* `show` false: what was noted before is passed over. */
static void look(struct trace *trace, struct traced_broker *broker, bool show) {
    struct kp_client_status_response answer = {.requests = {.count = 1}};
    struct error_text why = {""};
    struct kp_arena arena;
    int error = ERR_NONE;
    kp_arena_init(&arena, ARENA_MAX);
    while (!error && answer.requests.count > 0 && !interrupted()) {
        error = client_ask_traced(broker->admin, &arena, broker->after, trace->client_id, &answer,
                                  &why);
        if (error) {
            break;
        }
        take(trace, broker, &answer, show);
        if (answer.requests.count < 100) {
            break;
        }
    }
    if (error && !broker->silent) {
        say("broker %d tells nothing: %s", (int)broker->node, why.text);
    }
    broker->silent = error != ERR_NONE;
    kp_arena_close(&arena);
}

static void open_brokers(struct trace *trace, const struct cluster_status *status) {
    trace->brokers = mem_zalloc((status->count + 1) * sizeof(*trace->brokers));
    for (size_t i = 0; i < status->count; i++) {
        char address[STATUS_ADDRESS];
        if (status->brokers[i].fenced) {
            continue;
        }
        trace->brokers[trace->count++] = (struct traced_broker){
            .node = status->brokers[i].node,
            .admin = admin_client_new_quiet(broker_address(&status->brokers[i], address),
                                            STATUS_ASK_MS)};
    }
}

static void follow(struct trace *trace, uint64_t for_ms) {
    uint64_t until_ms = now_ms() + for_ms;
    for (size_t i = 0; i < trace->count; i++) {
        look(trace, &trace->brokers[i], false);
    }
    say("tracing %s on %zu broker%s for %llu s; Ctrl-C ends it sooner",
        trace->client_id ? trace->client_id : "all clients", trace->count,
        trace->count == 1 ? "" : "s", (unsigned long long)for_ms / 1000);
    while (!interrupted() && now_ms() < until_ms && print_flush()) {
        pause_ms(LOOK_MS);
        for (size_t i = 0; i < trace->count; i++) {
            look(trace, &trace->brokers[i], true);
        }
    }
    if (trace->missed > 0) {
        say("%llu requests came too fast to be told; --client-id of one client tells more of it",
            (unsigned long long)trace->missed);
    }
}

int command_client_trace(struct invocation *in) {
    struct cluster_status status;
    struct trace trace = {.json = in->json,
                          .client_id = invocation_value(in, OPTION_CLIENT_ID, NULL)};
    uint64_t for_ms = invocation_duration(in, OPTION_FOR, 10, 1, 86400);
    int code = cluster_status_list(in, &status);
    if (code == EXIT_DONE) {
        open_brokers(&trace, &status);
        interrupt_take();
        follow(&trace, for_ms);
    }
    for (size_t i = 0; i < trace.count; i++) {
        admin_client_free(trace.brokers[i].admin);
    }
    mem_free(trace.brokers);
    cluster_status_close(&status);
    return code;
}
