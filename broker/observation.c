/* The loop's side and the thread's side, each in a part of its own. */
#include "broker/observation.h"

#include <string.h>

#include "base/container_of.h"
#include "base/io/host_port.h"
#include "base/io/listen_error.h"
#include "base/mem.h"
#include "broker/observe/http_port.h"
#include "broker/observe/observer.h"

enum { TURN_US = 1000 * 1000 };

struct observation {
    /* The loop's. */
    struct env *env;
    struct broker *broker;
    struct env_timer *turns;
    struct env_uv_wake *wake_loop;
    struct env_uv_thread *thread;
    struct observer_wish wish;
    uint64_t partitions_wish; /* that is looked for; 0: none */
    /* The thread's. */
    struct env_uv_wake *wake_port;
    struct http_port *port;
    const struct broker_settings *settings;
    struct log log;
    int number;
    /* Both. */
    struct handover *handover;
};

/* ---- The loop's side ---- */

static void turned(void *arg) {
    struct observation *observation = arg;
    handover_turned(observation->handover, env_now_us(observation->env));
    env_timer_start(observation->turns, TURN_US);
}

static void collected(struct observer_wish *wish, struct snapshot *snapshot) {
    struct observation *observation = CONTAINER_OF(wish, struct observation, wish);
    handover_put(observation->handover, snapshot_ref(snapshot));
    env_uv_wake_up(observation->wake_port);
}

static void look_at_partitions(struct observation *observation);

static void looked_at_partitions(void *arg, struct snapshot *snapshot) {
    struct observation *observation = arg;
    handover_put_partitions(observation->handover, observation->partitions_wish,
                            snapshot_ref(snapshot));
    observation->partitions_wish = 0;
    env_uv_wake_up(observation->wake_port);
    look_at_partitions(observation);
}

/* One look at a time: a wish that comes meanwhile waits in the handover. */
static void look_at_partitions(struct observation *observation) {
    struct observer *observer = broker_observer(observation->broker);
    char glob[HANDOVER_GLOB];
    uint64_t wish;
    if (observer == NULL || observation->partitions_wish != 0 ||
        !handover_partitions_wanted(observation->handover, &wish, glob))
        return;
    observation->partitions_wish = wish;
    observer_look_at_partitions(observer, glob, looked_at_partitions, observation);
}

static void asked(void *arg) {
    struct observation *observation = arg;
    handover_turned(observation->handover, env_now_us(observation->env));
    if (observation->broker == NULL) return;
    look_at_partitions(observation);
    if (!handover_is_wanted(observation->handover)) return;
    struct observer *observer = broker_observer(observation->broker);
    if (observer != NULL && observation->wish.observer == NULL)
        observer_ask(observer, &observation->wish);
}

/* ---- The thread's side ---- */

static void ask(void *arg) {
    struct observation *observation = arg;
    env_uv_wake_up(observation->wake_loop);
}

static void arrived(void *arg) {
    struct observation *observation = arg;
    http_port_arrived(observation->port);
}

static int broker_port_now(void *arg) {
    const struct observation *observation = arg;
    return handover_port(observation->handover);
}

/* Where the console asks, in plain text: the first listener that speaks it. Where none does it is
 * not served. */
static const struct broker_listener *plain_listener(const struct broker_settings *settings) {
    for (size_t i = 0; i < settings->listener_count; i++)
        if (!settings->listeners[i].tls && !settings->listeners[i].logs_in)
            return &settings->listeners[i];
    return &settings->listeners[0];
}

/* Of an address to listen on. */
static const char *host_to_reach(const char *host) {
    if (strcmp(host, "0.0.0.0") == 0) return "127.0.0.1";
    return strcmp(host, "::") == 0 ? "::1" : host;
}

static int begin(void *arg, struct env *env) {
    struct observation *observation = arg;
    observation->log.env = env;
    struct console_options console = {
        .node = observation->settings->node_id,
        .broker_host = host_to_reach(plain_listener(observation->settings)->host),
        .broker_port = broker_port_now,
        .arg = observation,
        .hosts = observation->settings->console_hosts,
        .token = observation->settings->console_token,
        .log = &observation->log};
    struct http_port_options options = {.host = observation->settings->http_host,
                                        .port = observation->number,
                                        .handover = observation->handover,
                                        .console = observation->settings->console ? &console : NULL,
                                        .ask = ask,
                                        .arg = observation};
    int error = http_port_open(env, &options, &observation->port);
    if (error != ERR_NONE) return error;
    observation->number = http_port_number(observation->port);
    observation->wake_port = env_uv_wake_new(env, arrived, observation);
    return ERR_NONE;
}

static void end(void *arg) {
    struct observation *observation = arg;
    http_port_close(observation->port);
    env_uv_wake_free(observation->wake_port);
}

/* ---- Life ---- */

static void forget(struct observation *observation) {
    env_uv_wake_free(observation->wake_loop);
    env_timer_free(observation->turns);
    handover_free(observation->handover);
    mem_free(observation);
}

int observation_start(struct env *env, int log_fd, const struct log *log,
                      const struct broker_settings *settings, struct observation **result,
                      struct error_text *why) {
    struct observation *observation = mem_zalloc(sizeof *observation);
    observation->env = env;
    observation->settings = settings;
    observation->log = (struct log){.format = log->format, .level = log->level};
    observation->number = settings->http_port;
    observation->wish.done = collected;
    observation->handover = handover_new();
    observation->wake_loop = env_uv_wake_new(env, asked, observation);
    observation->turns = env_timer_new(env, turned, observation);
    struct env_uv_thread_work work = {begin, end, observation};
    int error = env_uv_thread_start("http", log_fd, &work, &observation->thread);
    if (error != ERR_NONE) {
        char address[HOST_PORT_TEXT];
        host_port_text(settings->http_host, settings->http_port, address);
        forget(observation);
        return listen_error_set(why, error,
                                &(struct listen_place){"serve /metrics and /health", address,
                                                       settings->http_port,
                                                       "http.listen (empty: none is served)"});
    }
    env_timer_start(observation->turns, 0);
    *result = observation;
    return ERR_NONE;
}

int observation_port(const struct observation *observation) {
    return observation->number;
}

void observation_of(struct observation *observation, struct broker *broker) {
    if (observation == NULL) return;
    observation->broker = broker;
    handover_serves(
        observation->handover,
        broker == NULL ? 0 : broker_port(broker, plain_listener(observation->settings)->name));
    if (broker != NULL)
        observer_show_turns(broker_observer(broker), env_uv_turns(observation->env));
}

bool observation_stop(struct observation *observation) {
    if (observation == NULL) return true;
    bool clean = env_uv_thread_end(observation->thread);
    forget(observation);
    return clean;
}
