/* Members: who they are, what they say of themselves, where they are found.
 * All counts of the group are kept here. */
#include "base/check.h"
#include "broker/coordinator/classic/classic_internal.h"

/* ---- Finding ---- */

struct classic_member *classic_member_find(const struct classic_group *classic,
                                           struct kp_string id) {
    struct classic_member *member = NULL;
    if (id.len <= 0) return NULL;
    HASH_FIND_BYHASHVALUE(by_id, classic->members, id.data, (unsigned)id.len,
                          classic_hash(classic, id), member);
    return member;
}

struct classic_member *classic_member_of_instance(const struct classic_group *classic,
                                                  struct kp_string instance) {
    struct classic_member *member = NULL;
    if (instance.len < 0) return NULL;
    HASH_FIND_BYHASHVALUE(by_instance, classic->instances, instance.data, (unsigned)instance.len,
                          classic_hash(classic, instance), member);
    return member;
}

int16_t classic_validate(const struct classic_group *classic, struct kp_string id,
                         struct kp_string instance, struct classic_member **member) {
    if (instance.len >= 0) {
        const struct classic_member *holder = classic_member_of_instance(classic, instance);
        if (holder == NULL) return KAFKA_UNKNOWN_MEMBER_ID;
        if (!shared_string_is(holder->id, id)) return KAFKA_FENCED_INSTANCE_ID;
    }
    *member = classic_member_find(classic, id);
    return *member == NULL ? KAFKA_UNKNOWN_MEMBER_ID : KAFKA_NONE;
}

/* ---- Protocols that are named ---- */

struct classic_name *classic_name_find(const struct classic_group *classic, struct kp_string text) {
    struct classic_name *name;
    HASH_FIND_BYHASHVALUE(hh, classic->names, text.data, (unsigned)text.len,
                          classic_hash(classic, text), name);
    return name;
}

static struct classic_name *name_take(struct classic_group *classic, struct kp_string text) {
    struct classic_name *name = classic_name_find(classic, text);
    if (name == NULL) {
        name = mem_zalloc(sizeof *name);
        name->text = shared_string_of(classic_table(classic)->shared, text);
        struct kp_string own = shared_string(name->text);
        HASH_ADD_KEYPTR_BYHASHVALUE(hh, classic->names, own.data, (unsigned)own.len,
                                    classic_hash(classic, own), name);
    }
    name->members++;
    return name;
}

static void name_release(struct classic_group *classic, struct classic_name *name) {
    if (--name->members > 0) return;
    HASH_DEL(classic->names, name);
    shared_bytes_release(name->text);
    mem_free(name);
}

static void protocols_clear(struct classic_member *member) {
    for (uint32_t p = 0; p < member->protocol_count; p++) {
        shared_bytes_release(member->protocols[p].metadata);
        name_release(member->classic, member->protocols[p].name);
    }
    mem_free(member->protocols);
    member->protocols = NULL;
    member->protocol_count = 0;
}

static bool names_protocol(const struct classic_member *member, struct kp_string name) {
    for (uint32_t p = 0; p < member->protocol_count; p++)
        if (shared_string_is(member->protocols[p].name->text, name)) return true;
    return false;
}

/* One that is named twice counts once. */
static void protocol_add(struct classic_member *member, struct kp_string name,
                         struct kp_bytes metadata) {
    if (names_protocol(member, name)) return;
    member->protocols[member->protocol_count++] = (struct classic_protocol){
        .name = name_take(member->classic, name),
        .metadata = shared_bytes_of(classic_table(member->classic)->shared, metadata.data,
                                    metadata.len < 0 ? 0 : metadata.len)};
}

struct shared_bytes *classic_member_metadata(const struct classic_member *member,
                                             const struct shared_bytes *protocol) {
    for (uint32_t p = 0; p < member->protocol_count; p++)
        if (member->protocols[p].name->text == protocol) return member->protocols[p].metadata;
    return NULL;
}

/* ---- What a member takes in the memory of groups ---- */

size_t classic_join_bytes(const struct group_join *join) {
    size_t bytes = sizeof(struct classic_member) + 2 * (size_t)join->member_id.len +
                   (size_t)join->client_id.len + (size_t)join->client_host.len;
    for (size_t p = 0; p < join->protocol_count; p++)
        bytes += sizeof(struct classic_protocol) + (size_t)join->protocols[p].name.len +
                 (join->protocols[p].metadata.len < 0 ? 0
                                                      : (size_t)join->protocols[p].metadata.len);
    return bytes;
}

static void member_charge(struct classic_member *member, size_t bytes) {
    struct classic_group *classic = member->classic;
    classic->metadata += bytes;
    classic->metadata -= member->charged;
    group_charge(classic->group, bytes);
    group_release(classic->group, member->charged);
    member->charged = bytes;
}

static size_t bytes_of(const struct shared_bytes *bytes) {
    return bytes == NULL ? 0 : (size_t)shared_bytes_view(bytes).len;
}

/* What it owns is mostly the same as what it is assigned. */
void classic_member_weigh(struct classic_member *member) {
    size_t bytes = bytes_of(member->owned) + bytes_of(member->next_assignment);
    group_charge(member->classic->group, bytes);
    group_release(member->classic->group, member->assigned_charged);
    member->assigned_charged = bytes;
}

/* ---- Members ---- */

static void session_over(struct group_timer *timer);
static void member_gone(struct group_presence *presence);

static void member_enter_instance(struct classic_member *member) {
    struct kp_string instance = shared_string(member->instance);
    HASH_ADD_KEYPTR_BYHASHVALUE(by_instance, member->classic->instances, instance.data,
                                (unsigned)instance.len, classic_hash(member->classic, instance),
                                member);
}

static void member_enter_id(struct classic_member *member) {
    struct kp_string id = shared_string(member->id);
    HASH_ADD_KEYPTR_BYHASHVALUE(by_id, member->classic->members, id.data, (unsigned)id.len,
                                classic_hash(member->classic, id), member);
}

struct classic_member *classic_member_add(struct classic_group *classic, struct shared_bytes *id,
                                          struct kp_string instance) {
    struct classic_member *member = mem_zalloc(sizeof *member);
    member->classic = classic;
    member->id = id;
    member->instance = shared_string_of(NULL, instance);
    member->session.due = session_over;
    member->presence.gone = member_gone;
    member_enter_id(member);
    if (member->instance != NULL) member_enter_instance(member);
    if (classic->leader == NULL) classic->leader = member;
    classic->group->members++;
    return member;
}

void classic_member_tell(struct classic_member *member, const struct group_join *join) {
    struct shared_pool *shared = classic_table(member->classic)->shared;
    struct shared_bytes *client_id = shared_string_of(shared, join->client_id);
    struct shared_bytes *client_host = shared_string_of(shared, join->client_host);
    shared_bytes_release(member->client_id);
    shared_bytes_release(member->client_host);
    member->client_id = client_id;
    member->client_host = client_host;
    member->session_timeout_ms = join->session_timeout_ms;
    member->rebalance_timeout_ms = join->rebalance_timeout_ms;
    protocols_clear(member);
    member->protocols = mem_zalloc(join->protocol_count * sizeof *member->protocols);
    for (size_t p = 0; p < join->protocol_count; p++)
        protocol_add(member, join->protocols[p].name, join->protocols[p].metadata);
    member_charge(member, classic_join_bytes(join));
}

void classic_member_read(struct classic_member *member, struct shared_bytes *protocol,
                         const struct kp_classic_group_member *from) {
    struct group_protocol one = {.name = shared_string(protocol), .metadata = from->subscription};
    struct group_join join = {
        .member_id = from->member_id,
        .client_id = from->client_id,
        .client_host = from->client_host,
        .session_timeout_ms = from->session_timeout_ms,
        .rebalance_timeout_ms = from->rebalance_timeout_ms < 0 ? from->session_timeout_ms
                                                               : from->rebalance_timeout_ms,
        .protocols = &one,
        .protocol_count = 1,
    };
    classic_member_tell(member, &join);
    member->assignment = shared_bytes_of(NULL, from->assignment.data, from->assignment.len);
    member->owned = shared_bytes_take(member->assignment);
    classic_member_weigh(member);
}

bool classic_member_says_same(const struct classic_member *member, const struct group_join *join) {
    if (member->protocol_count != join->protocol_count) return false;
    for (uint32_t p = 0; p < member->protocol_count; p++) {
        const struct group_protocol *said = &join->protocols[p];
        struct kp_bytes kept = shared_bytes_view(member->protocols[p].metadata);
        int32_t len = said->metadata.len < 0 ? 0 : said->metadata.len;
        if (!shared_string_is(member->protocols[p].name->text, said->name)) return false;
        if (kept.len != len ||
            (len > 0 && memcmp(kept.data, said->metadata.data, (size_t)len) != 0))
            return false;
    }
    return true;
}

static void overdue_unlink(struct classic_group *classic, const struct classic_member *member) {
    struct classic_member **at = &classic->overdue;
    while (*at != NULL && *at != member)
        at = &(*at)->next_overdue;
    if (*at != NULL) *at = member->next_overdue;
}

void classic_member_note(const struct classic_member *member, enum kp_group_event what) {
    struct group_event_member about = {.id = shared_string(member->id),
                                       .client_id = shared_string(member->client_id),
                                       .client_host = shared_string(member->client_host)};
    group_history_note(member->classic->group, what, &about);
}

void classic_member_remove(struct classic_member *member) {
    struct classic_group *classic = member->classic;
    CHECK(member->join == NULL && member->sync == NULL);
    if (member->overdue) overdue_unlink(classic, member);
    group_timer_clear(classic_table(classic)->timers, &member->session);
    group_presence_clear(classic_table(classic), &member->presence);
    HASH_DELETE(by_id, classic->members, member);
    if (member->instance != NULL) HASH_DELETE(by_instance, classic->instances, member);
    if (classic->leader == member) classic->leader = classic->members;
    if (member->owes_sync) classic->owing--;
    classic->group->members--;
    protocols_clear(member);
    member_charge(member, 0);
    group_release(classic->group, member->assigned_charged);
    shared_bytes_release(member->id);
    shared_bytes_release(member->instance);
    shared_bytes_release(member->client_id);
    shared_bytes_release(member->client_host);
    shared_bytes_release(member->assignment);
    shared_bytes_release(member->next_assignment);
    shared_bytes_release(member->owned);
    mem_free(member);
}

void classic_member_rename(struct classic_member *member, struct shared_bytes *id) {
    HASH_DELETE(by_id, member->classic->members, member);
    shared_bytes_release(member->id);
    member->id = id;
    member_enter_id(member);
}

/* Static members are expected to go and to come again within a session (KIP-345). Who was never
 * assigned anything has nothing to lose: it only joins anew. How often others speak is theirs to
 * choose; as long as that was not seen it is a third of the session at most, as Kafka's
 * documentation of heartbeat.interval.ms has it. */
uint64_t classic_session_ms(const struct classic_member *member) {
    uint64_t whole_ms = (uint64_t)member->session_timeout_ms;
    if (!member->presence.absent || member->instance != NULL) return whole_ms;
    uint64_t interval_ms = member->beat_ms != 0 ? member->beat_ms : whole_ms / 3;
    uint64_t patience_ms = group_presence_patience_ms(member->owned != NULL ? interval_ms : 0);
    return patience_ms < whole_ms ? patience_ms : whole_ms;
}

void classic_member_heard(struct classic_member *member, const void *connection, bool beats) {
    uint64_t now_ms = classic_now_ms(member->classic);
    group_presence_heard(classic_table(member->classic), &member->presence, connection);
    if (beats && member->beat_at_ms != 0 && now_ms - member->beat_at_ms > member->beat_ms)
        member->beat_ms = now_ms - member->beat_at_ms;
    member->beat_at_ms = beats ? now_ms : 0;
}

static void member_gone(struct group_presence *presence) {
    struct classic_member *member = CONTAINER_OF(presence, struct classic_member, presence);
    uint64_t over_ms = classic_now_ms(member->classic) + classic_session_ms(member);
    if (member->overdue || !group_timer_is_set(&member->session)) return;
    if (over_ms < member->session.due_ms)
        group_timer_set(classic_table(member->classic)->timers, &member->session, over_ms);
}

void classic_member_renew(struct classic_member *member) {
    if (member->overdue) overdue_unlink(member->classic, member);
    member->overdue = false;
    if (member->join != NULL || member->sync != NULL) return;
    group_timer_set(classic_table(member->classic)->timers, &member->session,
                    classic_now_ms(member->classic) + classic_session_ms(member));
}

static void session_over(struct group_timer *timer) {
    struct classic_member *member = CONTAINER_OF(timer, struct classic_member, session);
    struct classic_group *classic = member->classic;
    member->overdue = true;
    member->next_overdue = classic->overdue;
    classic->overdue = member;
    classic_want_work(classic);
}
