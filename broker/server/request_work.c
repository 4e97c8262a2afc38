/* How long the loop works for each client. What is begun inside something else that is measured
 * belongs to that: what a produce does for those who wait for records is the produce's. */
#include "broker/server/connection_internal.h"

bool request_work_begins(struct request *request) {
    const struct connection_host *host = request->connection->host;
    if (host->work->began_us > 0 || !quotas_any(host->quotas, QUOTA_TIME)) return false;
    *host->work = (struct request_work){.connection = request->connection,
                                        .began_us = env_now_us(host->env)};
    return true;
}

void request_work_ends(const struct connection_host *host) {
    struct request_work *work = host->work;
    if (work->connection != NULL)
        work->connection->work_us += env_now_us(host->env) - work->began_us;
    *work = (struct request_work){.connection = NULL};
}
