/* A step goes on behind the rule that was looked at last, wherever that would be by now. */
#include "broker/api/acl_walk.h"

#include <string.h>

enum { RULES_OF_A_STEP = 64, ROOM_FIRST = 16 };

void acl_walk_begin(struct acl_walk *walk, const struct metadata *metadata,
                    const struct acl_rule *filter, struct kp_arena *arena) {
    *walk = (struct acl_walk){.metadata = metadata, .arena = arena, .filter = *filter};
}

/* False: it does not fit. */
static bool copy_rule(struct acl_walk *walk, const struct acl_rule *rule, struct acl_rule *into) {
    *into = *rule;
    into->name = kp_arena_string(walk->arena, rule->name.data, (size_t)rule->name.len);
    into->principal = kp_arena_string(walk->arena, rule->principal.data,
                                      (size_t)rule->principal.len);
    into->host = kp_arena_string(walk->arena, rule->host.data, (size_t)rule->host.len);
    return into->name.len >= 0 && into->principal.len >= 0 && into->host.len >= 0;
}

static bool add(struct acl_walk *walk, const struct acl_rule *rule) {
    if (walk->count == walk->room) {
        size_t room = walk->room == 0 ? ROOM_FIRST : 2 * walk->room;
        struct acl_rule *found = kp_arena_alloc(walk->arena, room * sizeof *found);
        if (found == NULL) return false;
        if (walk->count > 0) memcpy(found, walk->found, walk->count * sizeof *found);
        walk->found = found;
        walk->room = room;
    }
    return copy_rule(walk, rule, &walk->found[walk->count++]);
}

enum acl_walk_state acl_walk_next(struct acl_walk *walk) {
    const struct acl_table *rules = metadata_rules(walk->metadata);
    size_t at = walk->begun ? acl_table_behind(rules, &walk->last) : 0,
           until = at + RULES_OF_A_STEP;
    for (; at < rules->count && at < until; at++)
        if (acl_filter_fits(&walk->filter, acl_table_at(rules, at)) &&
            !add(walk, acl_table_at(rules, at)))
            return ACL_WALK_FULL;
    if (at >= rules->count) return ACL_WALK_OVER;
    walk->begun = true;
    return copy_rule(walk, acl_table_at(rules, at - 1), &walk->last) ? ACL_WALK_MORE
                                                                     : ACL_WALK_FULL;
}
