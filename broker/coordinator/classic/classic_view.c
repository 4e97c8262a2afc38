/* A group as it is seen from outside: its state, its members, the topics that they read. */
#include <string.h>

#include "broker/coordinator/classic/classic_internal.h"

enum classic_state classic_state_of(const struct group *group) {
    if (group->classic != NULL) return group->classic->state;
    if (group->record != NULL && group->record->unled) return CLASSIC_PREPARING;
    return group->record != NULL && group->record->member_count > 0 ? CLASSIC_STABLE
                                                                    : CLASSIC_EMPTY;
}

int64_t classic_empty_since_ms(const struct group *group) {
    if (group->record == NULL || group->record->member_count > 0) return -1;
    return classic_state_of(group) == CLASSIC_EMPTY ? group->record->state_time_ms : -1;
}

struct kp_string classic_type_of(const struct group *group) {
    const struct shared_bytes *type = group->classic != NULL  ? group->classic->type
                                      : group->record != NULL ? group->record->type
                                                              : NULL;
    return type != NULL ? shared_string(type) : kp_string_of("");
}

/* Of one whose connection has closed: since then. */
static int64_t heard_age_ms(const struct classic_member *member) {
    if (!group_timer_is_set(&member->session)) return 0;
    int64_t whole_ms = (int64_t)classic_session_ms(member),
            left_ms = (int64_t)member->session.due_ms - (int64_t)classic_now_ms(member->classic);
    return left_ms < whole_ms ? whole_ms - left_ms : 0;
}

static struct classic_view_member view_of(const struct classic_member *member) {
    const struct classic_group *classic = member->classic;
    struct shared_bytes *metadata = classic->state == CLASSIC_STABLE
                                        ? classic_member_metadata(member, classic->protocol)
                                        : NULL;
    return (struct classic_view_member){
        .id = shared_string(member->id),
        .instance = shared_string(member->instance),
        .client_id = shared_string(member->client_id),
        .client_host = shared_string(member->client_host),
        .metadata = shared_bytes_view(metadata),
        .assignment = shared_bytes_view(member->assignment),
        .rebalance_timeout_ms = member->rebalance_timeout_ms,
        .session_timeout_ms = member->session_timeout_ms,
        .heard_age_ms = heard_age_ms(member),
    };
}

void classic_look(struct group *group, struct classic_view *view,
                  void (*member)(void *arg, const struct classic_view_member *member), void *arg) {
    const struct classic_group *classic = classic_live(group);
    bool stable = classic->state == CLASSIC_STABLE;
    *view = (struct classic_view){
        .state = classic->state,
        .generation = classic->generation,
        .member_count = classic_size(classic),
        .type = classic_type_of(group),
        .protocol = stable ? shared_string(classic->protocol) : kp_string_of(""),
    };
    if (member == NULL) return;
    for (const struct classic_member *one = classic->members; one != NULL; one = one->by_id.next) {
        struct classic_view_member seen = view_of(one);
        member(arg, &seen);
    }
}

/* ---- Subscriptions ---- */

/* ConsumerProtocolSubscription: a version, and names of topics; what follows is of no concern here.
 */
static int32_t read_names(struct kp_bytes bytes, struct kp_reader *reader) {
    kp_reader_init(reader, bytes.data, bytes.len < 0 ? 0 : (size_t)bytes.len);
    kp_read_int16(reader);
    return kp_read_count(reader, false, false, 2);
}

/* What many members say is looked at once. `before`: of the member before, up to the last name. */
static void add_subscription(struct topic_set *topics, struct topic_set *seen,
                             struct kp_bytes bytes, struct kp_bytes *before) {
    struct kp_reader reader;
    if (before->len > 0 && bytes.len >= before->len &&
        memcmp(bytes.data, before->data, (size_t)before->len) == 0)
        return;
    int32_t count = read_names(bytes, &reader);
    topic_set_pass(topics, count < 0 ? 0 : (size_t)count);
    for (int32_t i = 0; i < count && !topics->all; i++)
        kp_read_string(&reader, false, false);
    if (reader.error != ERR_NONE) topic_set_add_all(topics);
    if (topics->all) return;
    *before = (struct kp_bytes){.data = bytes.data, .len = (int32_t)reader.at};
    if (!topic_set_add(seen, (struct kp_string){(const char *)before->data, before->len})) return;
    for (count = read_names(bytes, &reader); count > 0 && !topics->all; count--)
        topic_set_add(topics, kp_read_string(&reader, false, false));
}

void classic_reads(struct group *group, struct topic_set *topics) {
    const struct classic_group *classic = classic_live(group);
    struct kp_bytes before = {.len = 0};
    struct topic_set seen;
    topic_set_open(&seen, group->table->seed);
    for (const struct classic_member *member = classic->members; member != NULL && !topics->all;
         member = member->by_id.next)
        add_subscription(topics, &seen,
                         shared_bytes_view(classic_member_metadata(member, classic->protocol)),
                         &before);
    topic_set_close(&seen);
}
