/* The record of a classic group, of members of a consumer group. */
#include "broker/coordinator/migration/downgrade.h"

#include <string.h>

#include "base/mem.h"
#include "base/mutant.h"
#include "broker/coordinator/classic/classic_record.h"
#include "broker/coordinator/migration/named_lists.h"

/* What a record takes in a batch beside its bytes, at most. */
enum { RECORD_OVERHEAD = 24 };

/* ---- Who stays ---- */

static bool stays(const struct consumer_member *member) {
    return member->written && !member->goes;
}

static bool may(const struct consumer_group *group, const struct migration_successor *successor) {
    const struct broker_settings *settings = group->row->table->settings;
    size_t count = successor != NULL ? 1 : 0;
    struct consumer_member *member, *next;
    HASH_ITER(hh, group->members, member, next) {
        if (!stays(member)) continue;
        if (member->classic == NULL) return false;
        count++;
    }
    return count > 0 && count <= settings->group_max_size && settings->group_consumer_may_downgrade;
}

/* ---- What they have in common ---- */

/* By a member or, with `member` NULL, by the successor. Null: it does not name that protocol. */
static struct kp_bytes metadata_of(const struct consumer_member *member,
                                   const struct migration_successor *successor,
                                   struct kp_string name) {
    if (member == NULL) {
        for (int32_t p = 0; p < successor->classic->protocols.count; p++)
            if (kp_string_equal(successor->classic->protocols.items[p].name, name))
                return successor->classic->protocols.items[p].metadata;
        return (struct kp_bytes){NULL, -1};
    }
    for (uint32_t p = 0; p < member->classic->protocol_count; p++)
        if (shared_string_is(member->classic->protocols[p].name->text, name))
            return shared_bytes_view(member->classic->protocols[p].metadata);
    return (struct kp_bytes){NULL, -1};
}

static bool all_name(const struct consumer_group *group,
                     const struct migration_successor *successor, struct kp_string name) {
    struct consumer_member *member, *next;
    if (successor != NULL && metadata_of(NULL, successor, name).len < 0) return false;
    HASH_ITER(hh, group->members, member, next) {
        if (stays(member) && metadata_of(member, successor, name).len < 0) return false;
    }
    return true;
}

static size_t count_staying(const struct consumer_group *group) {
    struct consumer_member *member, *next;
    size_t count = 0;
    HASH_ITER(hh, group->members, member, next) {
        if (stays(member)) count++;
    }
    return count;
}

/* The first that the first of them likes and all others name; null: there is none. They choose
 * anew when they join. */
static struct kp_string chosen_protocol(const struct consumer_group *group,
                                        const struct migration_successor *successor) {
    struct consumer_member *member, *next;
    size_t staying = count_staying(group);
    HASH_ITER(hh, group->members, member, next) {
        if (!stays(member)) continue;
        for (uint32_t p = 0; p < member->classic->protocol_count; p++) {
            struct kp_string name = shared_string(member->classic->protocols[p].name->text);
            if (member->classic->protocols[p].name->members >= staying &&
                all_name(group, successor, name))
                return name;
        }
        return KP_NULL_STRING;
    }
    return successor->classic->protocols.items[0].name;
}

/* ---- The record ---- */

/* What all records have at least: one that is too large is refused before they are made. */
static size_t least_bytes(const struct consumer_group *group, struct kp_string protocol) {
    enum { TOMBSTONES = 3 };
    struct consumer_member *member, *next;
    size_t bytes = 0;
    HASH_ITER(hh, group->members, member, next) {
        bytes += TOMBSTONES * ((size_t)group->row->id.len + (size_t)shared_string(member->id).len);
        if (!stays(member)) continue;
        bytes += member->standing.assigned.count * sizeof(int32_t) +
                 (size_t)metadata_of(member, NULL, protocol).len;
    }
    return bytes;
}

/* What it has; what it is giving back it said in its last Join. For mem_free of its data. */
static struct kp_bytes owned_bytes(const struct consumer_group *group,
                                   const struct metadata *metadata,
                                   const struct consumer_member *member,
                                   struct kp_bytes subscription) {
    struct kp_writer writer;
    uint8_t *bytes = NULL;
    size_t len = 0;
    kp_writer_init(&writer, INT32_MAX);
    named_list_write(group, metadata, &member->standing.assigned, NULL, subscription, &writer);
    if (kp_writer_take(&writer, &bytes, &len) != ERR_NONE) len = 0; /* no text of it is too long */
    return (struct kp_bytes){bytes, (int32_t)len};
}

static struct kp_classic_group_member record_of(const struct consumer_group *group,
                                                const struct metadata *metadata,
                                                const struct consumer_member *member,
                                                struct kp_string protocol) {
    struct kp_bytes subscription = metadata_of(member, NULL, protocol);
    return (struct kp_classic_group_member){
        .member_id = shared_string(member->id),
        .group_instance_id = shared_string(member->instance),
        .client_id = shared_string(member->client_id),
        .client_host = shared_string(member->client_host),
        .rebalance_timeout_ms = member->rebalance_timeout_ms,
        .session_timeout_ms = member->classic->session_timeout_ms,
        .subscription = subscription,
        .assignment = owned_bytes(group, metadata, member, subscription),
    };
}

static struct kp_classic_group_member record_of_successor(
    const struct consumer_group *group, const struct metadata *metadata,
    const struct migration_successor *successor, struct kp_string protocol) {
    const struct consumer_member *before = successor->replaces;
    struct kp_bytes subscription = metadata_of(NULL, successor, protocol);
    return (struct kp_classic_group_member){
        .member_id = successor->id,
        .group_instance_id = shared_string(before->instance),
        .client_id = successor->client_id,
        .client_host = successor->client_host,
        .rebalance_timeout_ms = successor->rebalance_timeout_ms,
        .session_timeout_ms = successor->classic->session_timeout_ms,
        .subscription = subscription,
        .assignment = owned_bytes(group, metadata, before, subscription),
    };
}

static void add_record(struct group_batch *batch, const struct consumer_group *group,
                       const struct metadata *metadata, const struct migration_successor *successor,
                       struct kp_string protocol) {
    struct kp_classic_group_value value;
    struct consumer_member *member, *next;
    kp_set_fallbacks(&kp_classic_group_value_schema, &value);
    value.protocol_type = kp_string_of("consumer");
    value.generation = MUTANT(MUTANT_DOWNGRADE_BEGINS_ANEW) ? 1 : group->epoch;
    value.protocol = protocol;
    value.leader = successor != NULL ? successor->id : KP_NULL_STRING;
    value.state_time_ms = env_wall_ms(group->row->table->env);
    value.members.items = mem_alloc((group->member_count + 1) * sizeof *value.members.items);
    value.members.count = 0;
    HASH_ITER(hh, group->members, member, next) {
        if (stays(member))
            value.members.items[value.members.count++] = record_of(group, metadata, member,
                                                                   protocol);
    }
    if (successor != NULL)
        value.members.items[value.members.count++] = record_of_successor(group, metadata, successor,
                                                                         protocol);
    classic_record_add(group->row, &value, batch);
    for (int32_t i = 0; i < value.members.count; i++)
        mem_free((void *)value.members.items[i].assignment.data);
    mem_free(value.members.items);
}

static bool fits(const struct group_batch *batch, const struct consumer_group *group) {
    return batch->bytes + batch->count * RECORD_OVERHEAD <=
           (size_t)group->row->table->settings->message_max_bytes;
}

bool migration_add_downgrade(struct group_batch *batch, const struct consumer_group *group,
                             const struct metadata *metadata,
                             const struct migration_successor *successor) {
    struct group_batch made;
    if (!may(group, successor)) return false;
    struct kp_string protocol = chosen_protocol(group, successor);
    if (protocol.len < 0 ||
        least_bytes(group, protocol) > (size_t)group->row->table->settings->message_max_bytes)
        return false;
    group_batch_open(&made);
    consumer_add_tombstones(&made, group);
    if (fits(&made, group)) add_record(&made, group, metadata, successor, protocol);
    bool fine = fits(&made, group);
    for (size_t i = 0; fine && i < made.count; i++)
        group_batch_add(batch, made.records[i].key, made.records[i].key_len, made.records[i].value,
                        made.records[i].value_len);
    group_batch_close(&made);
    return fine;
}
