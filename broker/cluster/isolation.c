/* Looks four times a second whom we hear. */
#include "broker/cluster/isolation.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

enum {
    LOOK_MS = 250,
    HEARD_MS = 1000, /* ago at most: two pings */
};

struct isolation {
    struct env *env;
    struct log *log;
    const struct broker_settings *settings;
    const struct peers *peers;
    const struct leader_table *leaders;
    int32_t *nodes; /* of the cluster */
    size_t count;
    void (*changed)(void *arg, bool isolated);
    void *arg;
    struct env_timer *timer;
    uint32_t quiet_looks; /* without a majority, one after the other */
    bool isolated;
};

static bool is_heard(const struct isolation *isolation, int32_t node) {
    uint64_t heard_ms = peers_heard_ms(isolation->peers, node);
    return node == isolation->settings->node_id ||
           (heard_ms > 0 && env_now_ms(isolation->env) - heard_ms <= HEARD_MS);
}

/* Whether others may serve while we cannot. */
static bool hears_too_few(const struct isolation *isolation) {
    size_t heard = 0, elsewhere = 0;
    for (size_t i = 0; i < isolation->count; i++) {
        int32_t node = isolation->nodes[i];
        if (is_heard(isolation, node))
            heard++;
        else if (!peers_is_dead(isolation->peers, node))
            elsewhere++;
    }
    return heard * 2 <= isolation->count && elsewhere * 2 > isolation->count &&
           leader_table_led_by(isolation->leaders, isolation->settings->node_id) == 0;
}

static void isolation_tell(const struct isolation *isolation) {
    const struct broker_settings *settings = isolation->settings;
    char silent[200] = "";
    size_t len = 0;
    if (!isolation->isolated) {
        log_event(isolation->log, LOGGED_ISOLATION_OVER,
                  "a majority of the brokers is heard again: clients are kept");
        return;
    }
    for (size_t i = 0; i < isolation->count && len < sizeof silent - 16; i++)
        if (!is_heard(isolation, isolation->nodes[i]))
            len += (size_t)snprintf(silent + len, sizeof silent - len, "%s%" PRId32,
                                    len == 0 ? "" : ", ", isolation->nodes[i]);
    log_event(
        isolation->log, LOGGED_ISOLATED,
        "no majority of the brokers was heard for %" PRIu32
        " ms (silent: %s), and they may serve without this one: clients are sent to them. Look at the network "
        "between the brokers",
        settings->isolated_clients_ms, silent);
}

static void isolation_look(void *arg) {
    struct isolation *isolation = arg;
    isolation->quiet_looks = hears_too_few(isolation) ? isolation->quiet_looks + 1 : 0;
    uint64_t quiet_ms = HEARD_MS + (uint64_t)isolation->quiet_looks * LOOK_MS;
    uint32_t longest_ms = isolation->settings->isolated_clients_ms; /* 0: never */
    bool isolated = isolation->quiet_looks > 0 && longest_ms > 0 && quiet_ms >= longest_ms;
    env_timer_start(isolation->timer, LOOK_MS * 1000);
    if (isolated == isolation->isolated) return;
    isolation->isolated = isolated;
    isolation_tell(isolation);
    isolation->changed(isolation->arg, isolated);
}

struct isolation *isolation_new(struct env *env, struct log *log,
                                const struct broker_settings *settings, const struct peers *peers,
                                const struct leader_table *leaders,
                                void (*changed)(void *arg, bool isolated), void *arg) {
    struct isolation *isolation = mem_zalloc(sizeof *isolation);
    *isolation = (struct isolation){.env = env,
                                    .log = log,
                                    .settings = settings,
                                    .peers = peers,
                                    .leaders = leaders,
                                    .changed = changed,
                                    .arg = arg};
    isolation->timer = env_timer_new(env, isolation_look, isolation);
    env_timer_start(isolation->timer, LOOK_MS * 1000);
    return isolation;
}

void isolation_set_brokers(struct isolation *isolation, const int32_t *nodes, size_t count) {
    if (isolation == NULL) return;
    isolation->nodes = mem_realloc(isolation->nodes, count * sizeof *nodes);
    memcpy(isolation->nodes, nodes, count * sizeof *nodes);
    isolation->count = count;
}

void isolation_free(struct isolation *isolation) {
    if (isolation == NULL) return;
    mem_free(isolation->nodes);
    env_timer_free(isolation->timer);
    mem_free(isolation);
}
