/* What streams share: its life ends with the last of them. */
#include "base/check.h"
#include "base/mem.h"
#include "base/secure/secure_internal.h"

struct secure_host *secure_host_new(struct env *env, const struct secure_limits *limits) {
    struct secure_host *host = mem_zalloc(sizeof *host);
    CHECK(limits->handshakes_max > 0 && limits->timeout_ms > 0);
    host->env = env;
    host->limits = *limits;
    host->lane = env_lane_new(env, "tls");
    host->bio = secure_bio_method();
    host->refs = 1;
    return host;
}

void secure_host_unref(struct secure_host *host) {
    if (--host->refs > 0) return;
    env_timer_free(host->stall_timer);
    env_lane_free(host->lane);
    BIO_meth_free(host->bio);
    mem_free(host);
}

void secure_host_free(struct secure_host *host) {
    if (host == NULL) return;
    host->limits.sent = NULL; /* the owner's */
    secure_host_unref(host);
}

struct secure_counts secure_host_counts(const struct secure_host *host) {
    return (struct secure_counts){.shaken = host->shaken,
                                  .failed = host->failed,
                                  .under_way = host->shaking_count,
                                  .waiting = host->waiting_count};
}
