/* The tombstones of those that go, and a new epoch for those that stay; or another kind of group.
 */
#include "broker/coordinator/consumer/consumer_departures.h"

#include "broker/coordinator/consumer/consumer_decision.h"
#include "broker/coordinator/consumer/consumer_subscriptions.h"

/* The tombstones, a new epoch, and when nobody is left that of the assignment with it. */
static void add_epoch_without(struct group_batch *batch, struct consumer_group *group,
                              const struct metadata *metadata) {
    struct kp_string id = group->row->id;
    int64_t hash = metadata == NULL ? group->metadata_hash
                                    : consumer_metadata_hash(group, metadata, NULL);
    size_t left = group->member_count;
    struct consumer_member *member, *next_member;
    struct consumer_regex *regex, *next_regex;
    HASH_ITER(hh, group->members, member, next_member) {
        if (!member->goes) continue;
        member->goes = false;
        left -= member->written ? 1 : 0;
        consumer_add_leave(batch, member);
        if (member->regex != NULL)
            consumer_regex_find(group, shared_string(member->regex))->going++;
    }
    HASH_ITER(hh, group->regexes, regex, next_regex) {
        if (regex->going > 0 && regex->going == regex->members)
            consumer_add_regex_tombstone(batch, id, shared_string(regex->text));
        regex->going = 0;
    }
    consumer_add_group(batch, id, group->epoch + 1, hash);
    if (left > 0) return;
    consumer_add_target_epoch(batch, id, group->epoch + 1, env_wall_ms(group->row->table->env));
}

static void unmark(struct consumer_group *group) {
    struct consumer_member *member, *next;
    HASH_ITER(hh, group->members, member, next) {
        member->goes = false;
    }
}

void consumer_add_departures(struct group_batch *batch, struct consumer_group *group,
                             const struct metadata *metadata) {
    if (metadata != NULL && group->row->table->conversions->downgrade(batch, group, metadata))
        unmark(group);
    else
        add_epoch_without(batch, group, metadata);
}

/* What its tombstones take in a batch. */
static size_t departure_bytes(const struct consumer_member *member) {
    enum { TOMBSTONES = 4, OVERHEAD = 40 }; /* that of its regular expression with them */
    return TOMBSTONES * ((size_t)member->group->row->id.len + OVERHEAD) +
           3 * (size_t)shared_string(member->id).len +
           (member->regex == NULL ? 0 : (size_t)shared_string(member->regex).len);
}

bool consumer_departs(struct consumer_member *member, enum kp_group_event why,
                      struct consumer_departures *departures) {
    enum { TOGETHER = 1000 }; /* takes far less than a turn of the loop may */
    size_t bytes = departure_bytes(member);
    size_t most = (size_t)member->group->row->table->settings->message_max_bytes /
                  2; /* the group's beside */
    if (member->goes) return true;
    if (departures->count == TOGETHER ||
        (departures->count > 0 && departures->bytes + bytes > most))
        return false;
    member->goes = true;
    consumer_member_note(member, why, departures->count == 0);
    departures->count++;
    departures->bytes += bytes;
    return true;
}

void consumer_member_note(const struct consumer_member *member, enum kp_group_event what,
                          bool began) {
    struct group_event_member about = {.id = shared_string(member->id),
                                       .client_id = shared_string(member->client_id),
                                       .client_host = shared_string(member->client_host)};
    group_history_note(member->group->row, what, &about);
    if (began) group_history_begins(member->group->row);
}
