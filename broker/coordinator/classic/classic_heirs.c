/* The members of a group as another protocol takes them over. */
#include "broker/coordinator/classic/classic_internal.h"

/* NULL: nothing is chosen, and nobody leads whose choice would count. */
static struct shared_bytes *protocol_of(const struct classic_group *classic) {
    if (classic->protocol != NULL) return classic->protocol;
    const struct classic_name *vote = classic_vote(classic);
    return vote != NULL ? vote->text : NULL;
}

struct kp_string classic_protocol_of(struct group *group) {
    return shared_string(protocol_of(classic_live(group)));
}

/* What it said for the group's protocol, or for any: a member that has joined anew need not name
 * that of before. */
static struct shared_bytes *subscription_of(const struct classic_member *member,
                                            const struct shared_bytes *protocol) {
    struct shared_bytes *metadata = classic_member_metadata(member, protocol);
    return metadata != NULL ? metadata : member->protocols[0].metadata;
}

static void tell(const struct classic_member *member, const struct shared_bytes *protocol,
                 void (*heir)(void *arg, const struct classic_heir *member), void *arg) {
    struct group_protocol *protocols = mem_alloc(member->protocol_count * sizeof *protocols);
    for (uint32_t p = 0; p < member->protocol_count; p++)
        protocols[p] = (struct group_protocol){shared_string(member->protocols[p].name->text),
                                               shared_bytes_view(member->protocols[p].metadata)};
    struct classic_heir made = {
        .id = shared_string(member->id),
        .instance = shared_string(member->instance),
        .client_id = shared_string(member->client_id),
        .client_host = shared_string(member->client_host),
        .protocols = protocols,
        .protocol_count = member->protocol_count,
        .subscription = shared_bytes_view(subscription_of(member, protocol)),
        .assignment = shared_bytes_view(member->owned),
        .rebalance_timeout_ms = member->rebalance_timeout_ms,
        .session_timeout_ms = member->session_timeout_ms,
    };
    heir(arg, &made);
    mem_free(protocols);
}

void classic_hand_over(struct group *group,
                       void (*member)(void *arg, const struct classic_heir *member), void *arg) {
    const struct classic_group *classic = classic_live(group);
    struct shared_bytes *protocol = protocol_of(classic);
    for (const struct classic_member *one = classic->members; one != NULL; one = one->by_id.next)
        if (!one->nameless) tell(one, protocol, member, arg);
}
