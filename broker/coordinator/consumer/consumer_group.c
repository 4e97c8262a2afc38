/* The tables of a consumer group: members, instances, regular expressions, topics and who owns
 * their partitions. */
#include "broker/coordinator/consumer/consumer_group.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "broker/coordinator/consumer/topic_names.h"
#include "broker/coordinator/group/walk_place.h"

static unsigned hash_of(const struct consumer_group *group, const void *data, size_t len) {
    return group_hash(group->row->table->seed, data, len);
}

/* ---- Groups ---- */

struct consumer_group *consumer_group_new(struct group *row) {
    struct consumer_group *group = mem_zalloc(sizeof *group);
    group->row = row;
    group_charge(row, sizeof *group);
    return group;
}

struct consumer_group *consumer_group_make(struct group *row) {
    if (row->consumer == NULL) row->consumer = consumer_group_new(row);
    return row->consumer;
}

static void forget_member(struct consumer_member *member);

void consumer_group_free(struct consumer_group *group) {
    consumer_work_end(group->assigning);
    consumer_work_end(group->looking);
    struct consumer_member *member, *next_member;
    struct consumer_regex *regex, *next_regex;
    HASH_ITER(hh, group->members, member, next_member) {
        forget_member(member);
    }
    HASH_ITER(hh, group->regexes, regex, next_regex) {
        regex->members = 0;
        consumer_regex_name(group, regex, NULL);
        consumer_regex_settle(group, regex);
    }
    consumer_topics_settle(group);
    CHECK(group->topics == NULL);
    while (group->cursors != NULL)
        consumer_cursor_close(group->cursors);
    mem_free(group->numbered);
    group_release(group->row, sizeof *group);
    mem_free(group);
}

void consumer_group_drop(struct group *row) {
    if (row->consumer == NULL) return;
    consumer_group_free(row->consumer);
    row->consumer = NULL;
    row->members = 0;
}

const char *consumer_group_state(const struct consumer_group *group) {
    if (group->member_count == 0) return "Empty";
    if (group->epoch > group->assignment_epoch) return "Assigning";
    struct consumer_member *member, *next;
    HASH_ITER(hh, group->members, member, next) {
        if (member->written && (member->standing.state != CONSUMER_STABLE ||
                                member->standing.epoch != group->assignment_epoch))
            return "Reconciling";
    }
    return "Stable";
}

/* Equal subscriptions are one piece of memory, which is looked at once. */
static void add_names(const struct shared_bytes *const *names, struct topic_set *seen,
                      struct topic_set *topics) {
    struct kp_string name;
    if (!topic_set_add(seen, (struct kp_string){(const char *)names, sizeof *names})) return;
    for (size_t at = 0; !topics->all && topic_names_next(*names, &at, &name);)
        topic_set_add(topics, name);
}

void consumer_group_reads(const struct consumer_group *group, struct topic_set *topics) {
    struct consumer_member *member, *next_member;
    struct consumer_regex *regex, *next_regex;
    struct topic_set seen;
    topic_set_open(&seen, group->row->table->seed);
    HASH_ITER(hh, group->members, member, next_member) {
        add_names((const struct shared_bytes *const *)&member->names, &seen, topics);
    }
    HASH_ITER(hh, group->regexes, regex, next_regex) {
        add_names((const struct shared_bytes *const *)&regex->names, &seen, topics);
    }
    topic_set_close(&seen);
}

/* ---- In the pool ---- */

void consumer_work_begin(struct consumer_work *work, struct consumer_group *group,
                         struct consumer_work **slot) {
    CHECK(*slot == NULL);
    *work = (struct consumer_work){group, slot};
    *slot = work;
}

void consumer_work_end(struct consumer_work *work) {
    if (work == NULL || work->group == NULL) return;
    *work->slot = NULL;
    work->group = NULL;
}

/* ---- Members ---- */

static struct consumer_member *find_hashed(const struct consumer_group *group, struct kp_string id,
                                           unsigned hash) {
    struct consumer_member *member;
    HASH_FIND_BYHASHVALUE(hh, group->members, id.data, (unsigned)id.len, hash, member);
    return member;
}

struct consumer_member *consumer_member_find(const struct consumer_group *group,
                                             struct kp_string id) {
    return find_hashed(group, id, hash_of(group, id.data, (size_t)id.len));
}

struct consumer_member *consumer_member_of_instance(const struct consumer_group *group,
                                                    struct kp_string instance) {
    struct consumer_member *member;
    unsigned hash = hash_of(group, instance.data, (size_t)instance.len);
    HASH_FIND_BYHASHVALUE(by_instance, group->instances, instance.data, (unsigned)instance.len,
                          hash, member);
    return member;
}

/* The records of a member often follow each other. */
struct consumer_member *consumer_member_make(struct consumer_group *group, struct kp_string id) {
    if (group->made != NULL && shared_string_is(group->made->id, id)) return group->made;
    unsigned hash = hash_of(group, id.data, (size_t)id.len);
    struct consumer_member *member = find_hashed(group, id, hash);
    if (member == NULL) {
        member = mem_zalloc(sizeof *member);
        member->group = group;
        member->id = shared_string_of(NULL, id);
        HASH_ADD_KEYPTR_BYHASHVALUE(hh, group->members, shared_string(member->id).data,
                                    (unsigned)id.len, hash, member);
    }
    group->made = member;
    return member;
}

void consumer_member_settle(struct consumer_member *member) {
    if (!member->written && !member->has_standing && !member->has_target) forget_member(member);
}

static void stand_at(struct consumer_cursor *cursor, struct consumer_member *member) {
    walk_stand(&cursor->at, member, member == NULL ? NULL : &member->place);
}

void consumer_cursor_open(struct consumer_cursor *cursor, struct consumer_group *group) {
    *cursor = (struct consumer_cursor){.group = group, .next = group->cursors};
    stand_at(cursor, group->members);
    if (group->cursors != NULL) group->cursors->prev = cursor;
    group->cursors = cursor;
}

struct consumer_member *consumer_cursor_next(struct consumer_cursor *cursor) {
    struct consumer_member *member = walk_at(&cursor->at);
    if (member == NULL) return NULL;
    walk_leave(&cursor->at);
    stand_at(cursor, member->hh.next);
    return member;
}

void consumer_cursor_close(struct consumer_cursor *cursor) {
    if (cursor->group == NULL) return;
    walk_leave(&cursor->at);
    *(cursor->prev != NULL ? &cursor->prev->next : &cursor->group->cursors) = cursor->next;
    if (cursor->next != NULL) cursor->next->prev = cursor->prev;
    *cursor = (struct consumer_cursor){.group = NULL};
}

/* ---- What a member says of itself ---- */

static size_t classic_bytes(const struct consumer_classic *classic) {
    if (classic == NULL) return 0;
    size_t bytes = sizeof *classic;
    for (uint32_t p = 0; p < classic->protocol_count; p++)
        bytes += sizeof classic->protocols[p] +
                 (size_t)shared_bytes_view(classic->protocols[p].metadata).len;
    return bytes;
}

static size_t said_bytes(const struct consumer_member *member) {
    const struct shared_bytes *texts[] = {member->id,          member->instance, member->rack,
                                          member->client_id,   member->regex,    member->names,
                                          member->client_host, member->assignor};
    size_t bytes = sizeof *member + classic_bytes(member->classic);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (texts[i] != NULL) bytes += (size_t)shared_bytes_view(texts[i]).len;
    return bytes;
}

void consumer_member_clear(struct consumer_member *member) {
    struct consumer_group *group = member->group;
    if (!member->written) return;
    member->written = false;
    group->member_count--;
    group_release(group->row, member->charged);
    if (member->instance != NULL &&
        consumer_member_of_instance(group, shared_string(member->instance)) == member)
        HASH_DELETE(by_instance, group->instances, member);
    if (member->regex != NULL) {
        struct consumer_regex *regex = consumer_regex_find(group, shared_string(member->regex));
        regex->members--;
        consumer_regex_settle(group, regex);
    }
    if (member->classic != NULL) group->classic_count--;
    consumer_member_speaks(member, NULL);
    struct shared_bytes **texts[] = {&member->instance,    &member->rack,  &member->client_id,
                                     &member->client_host, &member->regex, &member->assignor,
                                     &member->names};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        shared_bytes_release(*texts[i]);
        *texts[i] = NULL;
    }
}

void consumer_member_enter(struct consumer_member *member) {
    struct consumer_group *group = member->group;
    member->written = true;
    group->member_count++;
    if (member->classic != NULL) group->classic_count++;
    member->charged = said_bytes(member);
    group_charge(group->row, member->charged);
    if (member->regex != NULL) consumer_regex_make(group, shared_string(member->regex))->members++;
    if (member->instance == NULL) return;
    struct kp_string instance = shared_string(member->instance);
    struct consumer_member *before = consumer_member_of_instance(group, instance);
    if (before != NULL) HASH_DELETE(by_instance, group->instances, before);
    unsigned hash = hash_of(group, instance.data, (size_t)instance.len);
    HASH_ADD_KEYPTR_BYHASHVALUE(by_instance, group->instances, instance.data,
                                (unsigned)instance.len, hash, member);
}

static void forget_member(struct consumer_member *member) {
    struct consumer_group *group = member->group;
    struct group_timers *timers = group->row->table->timers;
    group_timer_clear(timers, &member->session);
    group_timer_clear(timers, &member->rebalance);
    group_presence_clear(group->row->table, &member->presence);
    consumer_member_clear(member);
    consumer_standing_drop(member);
    consumer_list_drop(group, &member->target);
    struct consumer_member *next = member->hh.next;
    walk_pass_on(&member->place, next, next == NULL ? NULL : &next->place);
    if (group->made == member) group->made = NULL;
    HASH_DEL(group->members, member);
    shared_bytes_release(member->id);
    mem_free(member);
}

/* ---- Protocols of classic members ---- */

const struct consumer_protocol_name *consumer_protocol_find(const struct consumer_group *group,
                                                            struct kp_string text) {
    struct consumer_protocol_name *name;
    unsigned hash = hash_of(group, text.data, (size_t)text.len);
    HASH_FIND_BYHASHVALUE(hh, group->protocols, text.data, (unsigned)text.len, hash, name);
    return name;
}

static size_t name_bytes(const struct consumer_protocol_name *name) {
    return sizeof *name + (size_t)shared_string(name->text).len;
}

static struct consumer_protocol_name *name_take(struct consumer_group *group,
                                                struct kp_string text) {
    struct consumer_protocol_name *name = (struct consumer_protocol_name *)consumer_protocol_find(
        group, text);
    if (name == NULL) {
        name = mem_zalloc(sizeof *name);
        name->text = shared_string_of(NULL, text);
        struct kp_string own = shared_string(name->text);
        unsigned hash = hash_of(group, own.data, (size_t)own.len);
        HASH_ADD_KEYPTR_BYHASHVALUE(hh, group->protocols, own.data, (unsigned)own.len, hash, name);
        group_charge(group->row, name_bytes(name));
    }
    name->members++;
    return name;
}

static void name_release(struct consumer_group *group, struct consumer_protocol_name *name) {
    if (--name->members > 0) return;
    HASH_DEL(group->protocols, name);
    group_release(group->row, name_bytes(name));
    shared_bytes_release(name->text);
    mem_free(name);
}

static bool names_protocol(const struct consumer_classic *classic, struct kp_string name) {
    for (uint32_t p = 0; p < classic->protocol_count; p++)
        if (shared_string_is(classic->protocols[p].name->text, name)) return true;
    return false;
}

/* One that is named twice counts once. */
void consumer_member_speaks(struct consumer_member *member,
                            const struct kp_consumer_classic_member *said) {
    struct consumer_group *group = member->group;
    struct consumer_classic *before = member->classic, *now = NULL;
    if (said != NULL) {
        size_t most = said->protocols.count > 0 ? (size_t)said->protocols.count : 0;
        now = mem_zalloc(sizeof *now + most * sizeof now->protocols[0]);
        now->session_timeout_ms = said->session_timeout_ms;
        for (size_t p = 0; p < most; p++) {
            const struct kp_consumer_classic_protocol *one = &said->protocols.items[p];
            if (names_protocol(now, one->name)) continue;
            now->protocols[now->protocol_count++] = (struct consumer_protocol){
                .name = name_take(group, one->name),
                .metadata = shared_bytes_of(group->row->table->shared, one->metadata.data,
                                            one->metadata.len < 0 ? 0 : one->metadata.len)};
        }
    }
    for (uint32_t p = 0; before != NULL && p < before->protocol_count; p++) {
        name_release(group, before->protocols[p].name);
        shared_bytes_release(before->protocols[p].metadata);
    }
    mem_free(before);
    member->classic = now;
}

/* ---- Regular expressions ---- */

struct consumer_regex *consumer_regex_find(const struct consumer_group *group,
                                           struct kp_string text) {
    struct consumer_regex *regex;
    unsigned hash = hash_of(group, text.data, (size_t)text.len);
    HASH_FIND_BYHASHVALUE(hh, group->regexes, text.data, (unsigned)text.len, hash, regex);
    return regex;
}

static size_t regex_bytes(const struct consumer_regex *regex) {
    size_t names = regex->names == NULL ? 0 : (size_t)shared_bytes_view(regex->names).len;
    return sizeof *regex + (size_t)shared_string(regex->text).len + names;
}

struct consumer_regex *consumer_regex_make(struct consumer_group *group, struct kp_string text) {
    struct consumer_regex *regex = consumer_regex_find(group, text);
    if (regex != NULL) return regex;
    regex = mem_zalloc(sizeof *regex);
    regex->text = shared_string_of(NULL, text);
    struct kp_string own = shared_string(regex->text);
    unsigned hash = hash_of(group, own.data, (size_t)own.len);
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, group->regexes, own.data, (unsigned)own.len, hash, regex);
    group_charge(group->row, regex_bytes(regex));
    return regex;
}

void consumer_regex_name(struct consumer_group *group, struct consumer_regex *regex,
                         struct shared_bytes *names) {
    size_t before = regex_bytes(regex);
    shared_bytes_release(regex->names);
    regex->names = names;
    group_charge(group->row, regex_bytes(regex));
    group_release(group->row, before);
}

void consumer_regex_settle(struct consumer_group *group, struct consumer_regex *regex) {
    if (regex->members > 0 || regex->names != NULL) return;
    HASH_DEL(group->regexes, regex);
    group_release(group->row, regex_bytes(regex));
    shared_bytes_release(regex->text);
    mem_free(regex);
}

/* ---- Topics, and who owns what ---- */

static struct consumer_topic *topic_of(const struct consumer_group *group, struct kp_uuid id) {
    struct consumer_topic *topic;
    unsigned hash = hash_of(group, &id, sizeof id);
    HASH_FIND_BYHASHVALUE(hh, group->topics, &id, sizeof id, hash, topic);
    return topic;
}

const struct consumer_topic *consumer_topic_find(const struct consumer_group *group,
                                                 struct kp_uuid id) {
    return topic_of(group, id);
}

int32_t consumer_owner_epoch(const struct consumer_group *group, struct kp_uuid id,
                             int32_t partition) {
    const struct consumer_topic *topic = topic_of(group, id);
    if (topic == NULL || partition < 0 || (size_t)partition >= topic->owner_count)
        return CONSUMER_FREE;
    return topic->owners[partition];
}

static size_t topic_bytes(const struct consumer_topic *topic) {
    return sizeof *topic + topic->owner_count * sizeof *topic->owners;
}

uint32_t consumer_topic_number(struct consumer_group *group, struct kp_uuid id) {
    struct consumer_topic *topic = topic_of(group, id);
    if (topic != NULL) return topic->number;
    topic = mem_zalloc(sizeof *topic);
    topic->id = id;
    uint32_t number = 0; /* numbers are few and dense: topics of one group */
    if (group->unused_numbers > 0)
        while (group->numbered[number] != NULL)
            number++;
    else
        number = (uint32_t)group->numbered_count;
    if (number == group->numbered_count) {
        group->numbered = mem_grow(group->numbered, group->numbered_count,
                                   &group->numbered_capacity, sizeof(struct consumer_topic *));
        group->numbered_count++;
    } else {
        group->unused_numbers--;
    }
    topic->number = number;
    group_charge(group->row, topic_bytes(topic));
    group->numbered[number] = topic;
    group->unused_topics++;
    unsigned hash = hash_of(group, &topic->id, sizeof topic->id);
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, group->topics, &topic->id, sizeof topic->id, hash, topic);
    return number;
}

void consumer_topics_settle(struct consumer_group *group) {
    if (group->unused_topics == 0) return;
    for (size_t i = 0; i < group->numbered_count; i++) {
        struct consumer_topic *topic = group->numbered[i];
        if (topic == NULL || topic->uses > 0) continue;
        group->numbered[i] = NULL;
        group->unused_numbers++;
        HASH_DEL(group->topics, topic);
        group_release(group->row, topic_bytes(topic));
        mem_free(topic->owners);
        mem_free(topic);
    }
    group->unused_topics = 0;
}

void consumer_list_use(struct consumer_group *group, const struct partition_list *list) {
    group_charge(group->row, list->count * sizeof *list->items);
    for (size_t i = 0; i < list->count; i++)
        if (group->numbered[list->items[i].topic]->uses++ == 0) group->unused_topics--;
}

void consumer_list_drop(struct consumer_group *group, struct partition_list *list) {
    group_release(group->row, list->count * sizeof *list->items);
    for (size_t i = 0; i < list->count; i++)
        if (--group->numbered[list->items[i].topic]->uses == 0) group->unused_topics++;
    partition_list_close(list);
}

/* The epoch of an owner comes, or goes if it is still that one. */
static void own_all(struct consumer_group *group, const struct partition_list *list, int32_t epoch,
                    bool comes) {
    for (size_t i = 0; i < list->count; i++) {
        struct consumer_topic *topic = group->numbered[list->items[i].topic];
        size_t partition = (size_t)list->items[i].partition;
        if (comes && partition >= topic->owner_count) {
            size_t count = (partition / 64 + 1) * 64;
            group_charge(group->row, (count - topic->owner_count) * sizeof *topic->owners);
            topic->owners = mem_realloc(topic->owners, count * sizeof *topic->owners);
            while (topic->owner_count < count)
                topic->owners[topic->owner_count++] = CONSUMER_FREE;
        }
        if (comes)
            topic->owners[partition] = epoch;
        else if (topic->owners[partition] == epoch)
            topic->owners[partition] = CONSUMER_FREE;
    }
}

void consumer_standing_drop(struct consumer_member *member) {
    struct consumer_standing *standing = &member->standing;
    own_all(member->group, &standing->assigned, standing->epoch, false);
    own_all(member->group, &standing->pending, standing->epoch, false);
    consumer_list_drop(member->group, &standing->assigned);
    consumer_list_drop(member->group, &standing->pending);
    *standing = (struct consumer_standing){0};
    member->has_standing = false;
}

void consumer_standing_take(struct consumer_member *member,
                            const struct consumer_standing *standing) {
    consumer_list_use(member->group, &standing->assigned);
    consumer_list_use(member->group, &standing->pending);
    consumer_standing_drop(member);
    member->standing = *standing;
    member->has_standing = true;
    own_all(member->group, &standing->assigned, standing->epoch, true);
    if (!MUTANT(MUTANT_GIVEN_AWAY_EARLY))
        own_all(member->group, &standing->pending, standing->epoch, true);
}
