/* The look, every LOOK_US until nothing is left to do. */
#include "broker/reassignment/metadata_servers.h"

#include <inttypes.h>

#include "base/container_of.h"
#include "base/mem.h"
#include "broker/metadata/metadata_roster.h"
#include "broker/reassignment/newcomer_watch.h"
#include "broker/reassignment/reassignment_step.h"

enum { LOOK_US = 100 * 1000 };

struct metadata_servers {
    struct env *env;
    struct log *log;
    const struct broker_settings *settings;
    const struct metadata *metadata;
    struct metadata_group *group;
    struct env_timer *timer;
    struct newcomer_watch watch;
    struct raft_group_transfer transfer;
};

/* Those of whom the votes are decided: who votes, who is to, and who is there no more. */
struct electorate {
    struct reassignment_member members[RAFT_GROUP_SERVERS_MAX];
    size_t count;
};

static void put_server(struct metadata_servers *servers, struct raft_group *group,
                       replica_id replica, bool voter, struct electorate *into) {
    const struct roster_broker *row = metadata_roster_with_replica(servers->metadata, replica);
    bool wanted = row != NULL && row->votes;
    if (row != NULL && !voter && !wanted) return; /* a stand-by that is to be one */
    struct reassignment_member *member = &into->members[into->count++];
    *member = (struct reassignment_member){
        .replica = replica, .wanted = wanted, .inside = true, .voter = voter, .lost = row == NULL};
    member->in_sync = voter && raft_group_member_in_sync(group, replica);
    if (!voter && wanted)
        member->ready = newcomer_is_ready(&servers->watch, group, raft_group_replica(group),
                                          replica, servers->settings->raft_election_timeout_ms,
                                          env_now_ms(servers->env));
}

static bool is_inside(const struct raft_group_configuration *now, replica_id replica) {
    for (size_t i = 0; i < now->count; i++)
        if (now->servers[i].replica == replica) return true;
    return false;
}

static void gather(struct metadata_servers *servers, struct raft_group *group,
                   const struct raft_group_configuration *now, struct electorate *into) {
    into->count = 0;
    newcomer_watch_begin(&servers->watch);
    for (size_t i = 0; i < now->count; i++)
        put_server(servers, group, now->servers[i].replica, now->servers[i].voter, into);
    for (size_t i = 0; i < metadata_roster_count(servers->metadata); i++) {
        const struct roster_broker *row = metadata_roster_at(servers->metadata, i);
        if (row->votes && !is_inside(now, row->replica))
            into->members[into->count++] = (struct reassignment_member){.replica = row->replica,
                                                                        .wanted = true};
    }
}

/* One of the roster that is not inside; 0: all are. */
static replica_id find_outside(const struct metadata_servers *servers,
                               const struct raft_group_configuration *now) {
    for (size_t i = 0; i < metadata_roster_count(servers->metadata); i++) {
        const struct roster_broker *row = metadata_roster_at(servers->metadata, i);
        if (!is_inside(now, row->replica)) return row->replica;
    }
    return 0;
}

static void change(const struct metadata_servers *servers, struct raft_group *group,
                   enum raft_group_change change, replica_id replica) {
    static const char *const what[] = {
        [RAFT_GROUP_ADD] = "joins the metadata, and is brought up",
        [RAFT_GROUP_PROMOTE] = "has caught up, and votes on the metadata from now on",
        [RAFT_GROUP_REMOVE] = "votes on the metadata no more",
    };
    const struct roster_broker *row = metadata_roster_with_replica(servers->metadata, replica);
    if (raft_group_change(group, change, replica) == ERR_NONE && row != NULL)
        log_event(servers->log, LOGGED_METADATA_SERVER_CHANGED, "broker %" PRId32 " %s", row->node,
                  what[change]);
}

static void on_handed_over(struct raft_group_transfer *transfer, int error) {
    (void)transfer; /* whoever leads looks */
    (void)error;
}

static void hand_over(struct metadata_servers *servers, struct raft_group *group,
                      replica_id replica) {
    if (servers->transfer.group != NULL) return;
    servers->transfer.done = on_handed_over;
    raft_group_transfer_begin(group, &servers->transfer, replica);
}

/* False: nothing is left to do. */
static bool take_step(struct metadata_servers *servers, struct raft_group *group) {
    struct raft_group_configuration now;
    struct electorate electorate;
    raft_group_configuration(group, &now);
    if (!now.committed) return true;
    gather(servers, group, &now, &electorate);
    struct reassignment_step step = reassignment_next(electorate.members, electorate.count,
                                                      raft_group_replica(group));
    replica_id outside = find_outside(servers, &now);
    switch (step.action) {
    case REASSIGNMENT_ADDS: change(servers, group, RAFT_GROUP_ADD, step.replica); return true;
    case REASSIGNMENT_PROMOTES:
        change(servers, group, RAFT_GROUP_PROMOTE, step.replica);
        return true;
    case REASSIGNMENT_REMOVES: change(servers, group, RAFT_GROUP_REMOVE, step.replica); return true;
    case REASSIGNMENT_HANDS_OVER: hand_over(servers, group, step.replica); return true;
    case REASSIGNMENT_WAITS:
    case REASSIGNMENT_DONE: break;
    }
    if (outside != 0) change(servers, group, RAFT_GROUP_ADD, outside);
    return outside != 0 || step.action == REASSIGNMENT_WAITS;
}

static void on_look(void *arg) {
    struct metadata_servers *servers = arg;
    struct raft_group *group = metadata_group_raft(servers->group);
    if (metadata_group_is_leading(servers->group) && take_step(servers, group))
        env_timer_start(servers->timer, LOOK_US);
}

void metadata_servers_look(struct metadata_servers *servers) {
    env_timer_start(servers->timer, 0);
}

struct metadata_servers *metadata_servers_new(struct env *env, struct log *log,
                                              const struct broker_settings *settings,
                                              const struct metadata *metadata,
                                              struct metadata_group *group) {
    struct metadata_servers *servers = mem_zalloc(sizeof *servers);
    *servers = (struct metadata_servers){
        .env = env, .log = log, .settings = settings, .metadata = metadata, .group = group};
    servers->timer = env_timer_new(env, on_look, servers);
    return servers;
}

void metadata_servers_free(struct metadata_servers *servers) {
    if (servers == NULL) return;
    raft_group_transfer_cancel(&servers->transfer);
    env_timer_free(servers->timer);
    mem_free(servers);
}
