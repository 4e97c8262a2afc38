/*
 * Clients that use more than their quota: the answer that says so leaves at once, what was read
 * already is served, and nothing more is read until their time is over (KIP-219); a longer wait
 * takes the place of a shorter one.
 */
#include "broker/server/connection_internal.h"
#include "broker/server/mutation_quota.h"

static void unmute(void *arg) {
    struct connection *connection = arg;
    connection->muted_until_us = 0;
    connection->host->active(connection->owner); /* it was not idle */
    connection_update_reading(connection);
}

static void mute(struct connection *connection, uint32_t wait_ms) {
    struct env *env = connection->host->env;
    if (wait_ms == 0 || connection->queue == NULL || connection->closed) return;
    uint64_t until_us = env_now_us(env) + (uint64_t)wait_ms * 1000;
    if (until_us <= connection->muted_until_us) return;
    if (connection->mute_timer == NULL)
        connection->mute_timer = env_timer_new(env, unmute, connection);
    connection->muted_until_us = until_us;
    env_timer_start_at(connection->mute_timer, until_us);
    connection_update_reading(connection);
}

/* One that is parked has given its own words back. */
static struct quota_asker asker_of(const struct request *request) {
    return (struct quota_asker){.principal = request->ctx.principal,
                                .client = request->parked
                                              ? kp_string_of(request->connection->entry.client_id)
                                              : request->ctx.client_id};
}

uint32_t request_charge_quota(struct request *request, enum quota_key key, uint64_t used) {
    struct quota_asker asker = asker_of(request);
    uint32_t wait_ms = quotas_charge(request->connection->host->quotas, key, &asker, (double)used);
    mute(request->connection, wait_ms);
    return wait_ms;
}

uint32_t request_try_quota(struct request *request, enum quota_key key, uint64_t wanted,
                           bool *given) {
    struct quota_asker asker = asker_of(request);
    uint32_t wait_ms = quotas_try(request->connection->host->quotas, key, &asker, (double)wanted,
                                  given);
    mute(request->connection, wait_ms);
    return wait_ms;
}

uint32_t request_try_mutation(struct request *request, uint64_t partitions, bool strict,
                              bool *given) {
    struct quota_asker asker = asker_of(request);
    uint32_t wait_ms = quotas_mutate(request->connection->host->quotas, &asker, (double)partitions,
                                     strict, given);
    mute(request->connection, wait_ms);
    return wait_ms;
}

uint64_t request_quota_most(const struct request *request, enum quota_key key) {
    struct quota_asker asker = asker_of(request);
    return quotas_most(request->connection->host->quotas, key, &asker);
}

/* ---- Time of the loop ---- */

/* How long it is not to be read from now on. */
static uint32_t throttle_ms(const struct connection *connection) {
    enum { MS = 1000 };
    uint64_t now_us = connection->muted_until_us == 0 ? 0 : env_now_us(connection->host->env);
    return connection->muted_until_us <= now_us
               ? 0
               : (uint32_t)((connection->muted_until_us - now_us + MS - 1) / MS);
}

uint32_t request_charge_work(struct request *request) {
    static const double us_of_percent = 10000; /* of a second */
    struct connection *connection = request->connection;
    const struct connection_host *host = connection->host;
    if (host->work->connection == connection) {
        connection->work_us += env_now_us(host->env) - host->work->began_us;
        host->work->connection = NULL;
    }
    if (connection->work_us > 0 && !request->dead) {
        struct quota_asker asker = asker_of(request);
        double used = (double)connection->work_us / us_of_percent;
        connection->work_us = 0;
        mute(connection, quotas_charge(host->quotas, QUOTA_TIME, &asker, used));
    }
    return throttle_ms(connection);
}
