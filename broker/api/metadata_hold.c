/* Whether a Metadata request is held, the wait for leaders, and its end. */
#include "broker/api/metadata_hold.h"

#include "base/check.h"
#include "broker/server/request_steps.h"

static void on_settled(struct leader_wait *wait, int error) {
    struct metadata_hold *hold = (struct metadata_hold *)wait;
    if (error == ERR_CANCELED)
        request_close_connection(hold->request);
    else if (hold->request->dead)
        request_respond_nothing(hold->request);
    else
        request_steps(hold->request, hold->step);
}

void metadata_hold_begin(struct metadata_hold *hold, const struct broker_services *services,
                         struct request *request, bool (*step)(struct request *request)) {
    *hold = (struct metadata_hold){.wait.done = on_settled,
                                   .services = services,
                                   .request = request,
                                   .step = step,
                                   .until_ms = env_now_ms(services->env) + LEADER_DOUBT_MS};
}

bool metadata_hold(struct metadata_hold *hold, const struct metadata_partition *partitions,
                   int32_t count) {
    struct leader_table *leaders = hold->services->leaders;
    uint64_t groups[METADATA_HOLD_AT_ONCE];
    size_t doubtful = 0;
    uint32_t most_ms = 0, left_ms = env_ms_until(hold->services->env, hold->until_ms);
    CHECK(count <= METADATA_HOLD_AT_ONCE); /* the caller's steps are that small */
    if (left_ms == 0 || !leader_table_in_doubt(leaders)) return false;
    for (int32_t p = 0; p < count; p++) {
        uint32_t doubt_ms = leader_table_doubt_ms(leaders, partitions[p].group);
        if (doubt_ms == 0) continue;
        groups[doubtful++] = partitions[p].group;
        if (doubt_ms > most_ms) most_ms = doubt_ms;
    }
    if (doubtful == 0) return false;
    leader_table_wait(leaders, &hold->wait, groups, doubtful,
                      most_ms < left_ms ? most_ms : left_ms);
    return true;
}
