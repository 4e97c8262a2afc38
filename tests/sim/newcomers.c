/* Asking for them one after the other; newcomers.h has the rules. */
#include "tests/sim/newcomers.h"

#include "base/container_of.h"
#include "base/mem.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/alter_broker.h"

enum { CALL_US = 3000000, PAUSE_US = 700000 };

struct newcomers {
    struct kafka_call call;
    struct cluster *cluster;
    struct env_timer *timer;
    uint32_t asked; /* places */
};

static void later(struct newcomers *newcomers) {
    env_timer_start(newcomers->timer,
                    1 + world_below(newcomers->cluster->run->world, 2 * PAUSE_US));
}

static void answered(struct kafka_call *call, int error, const void *answer) {
    struct newcomers *newcomers = CONTAINER_OF(call, struct newcomers, call);
    const struct kp_alter_broker_response *response = answer;

    later(newcomers);
    if (error != ERR_NONE) return;
    int16_t code = response->error_code;
    run_count(newcomers->cluster->run, RARE_ADMITTED, code == KAFKA_NONE);
    /* Nobody has knocked there of late, or it was another one that did. */
    if (code != KAFKA_NONE && code != KAFKA_RESOURCE_NOT_FOUND && !kafka_error_retriable(code))
        run_fail(newcomers->cluster->run, "admitting a broker is answered with %s",
                 kafka_error_name(code));
}

/* One that is not in yet; false: all are. */
static bool draw_place(const struct newcomers *newcomers, unsigned *place) {
    const struct cluster *cluster = newcomers->cluster;
    unsigned first = (unsigned)world_below(cluster->run->world, cluster->count);

    for (unsigned i = 0; i < cluster->count; i++) {
        *place = (first + i) % cluster->count;
        if (*place >= cluster->founders && !cluster->brokers[*place].was_ready) return true;
    }
    return false;
}

static void step(void *arg) {
    struct newcomers *newcomers = arg;
    struct kp_alter_broker_request request;
    unsigned place;

    if (!draw_place(newcomers, &place)) return;
    newcomers->asked |= UINT32_C(1) << place;
    kp_set_fallbacks(&kp_alter_broker_request_schema, &request);
    request.broker_id = (int32_t)place + 1;
    request.change = KP_BROKER_ADD;
    request.timeout_ms = 2000;
    newcomers->call.done = answered;
    kafka_link_call(kafka_client_link(newcomers->cluster->client, -1), &newcomers->call,
                    KP_ALTER_BROKER, 0, &request, CALL_US);
}

struct newcomers *newcomers_new(struct cluster *cluster) {
    struct newcomers *newcomers = mem_zalloc(sizeof *newcomers);

    newcomers->cluster = cluster;
    newcomers->timer = env_timer_new(kafka_client_env(cluster->client), step, newcomers);
    later(newcomers);
    return newcomers;
}

bool newcomers_may_be_ready(const struct cluster *cluster, unsigned place) {
    return place < cluster->founders ||
           (cluster->newcomers != NULL && (cluster->newcomers->asked >> place & 1) != 0);
}
