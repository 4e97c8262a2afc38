/* Committed offsets of a group, where its partitions start and end, and so how far behind it is. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/secure/shell_word.h"
#include "client/kafka/group_view.h"
#include "client/kafka/offsets.h"
#include "client/kafka/record_age.h"
#include "client/line/moment.h"
#include "client/line/talk.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/offset_fetch.h"

enum { VERSION_MIN = 2, ASK_MS = 3000, PAUSE_MS = 50, ROUND_MS = 1000 };

/* ---- Committed offsets ---- */

/* The topics of the answer, whichever version it came in. */
struct fetched {
    const struct kp_offset_fetch_response_topic *topics;
    int32_t count;
    int16_t error;
};

static struct fetched fetched_of(const struct kp_offset_fetch_response *response) {
    if (response->groups.count > 0) {
        const struct kp_offset_fetch_response_group *group = &response->groups.items[0];
        return (struct fetched){group->topics.items, group->topics.count, group->error_code};
    }
    return (struct fetched){response->topics.items, response->topics.count, response->error_code};
}

/* Versions before 2, and some brokers, say it for each partition only. */
static int16_t fetch_error(const void *response) {
    struct fetched all = fetched_of(response);
    for (int32_t t = 0; !all.error && t < all.count; t++) {
        for (int32_t p = 0; !all.error && p < all.topics[t].partitions.count; p++) {
            all.error = all.topics[t].partitions.items[p].error_code;
        }
    }
    return all.error;
}

/* From version 10 on the answer has ids. NULL: a topic that is gone. */
static const char *topic_name(struct kp_arena *arena, const struct kp_metadata_response *metadata,
                              const struct kp_offset_fetch_response_topic *topic) {
    if (topic->name.len > 0) {
        return cluster_text(arena, topic->name);
    }
    for (int32_t i = 0; i < metadata->topics.count; i++) {
        if (kp_uuid_equal(metadata->topics.items[i].topic_id, topic->topic_id)) {
            return cluster_text(arena, metadata->topics.items[i].name);
        }
    }
    return NULL;
}

static int by_partition(const void *a, const void *b) {
    const struct group_offset *one = a, *other = b;
    int order = strcmp(one->topic, other->topic);
    return order ? order
                 : (one->partition > other->partition) - (one->partition < other->partition);
}

/* A member of a classic group says itself what it has, and may say it thousands of times. */
static void drop_repeated(struct group_view *view) {
    size_t kept = 0;
    for (size_t i = 0; i < view->offset_count; i++) {
        const struct group_offset *one = &view->offsets[i];
        const struct group_offset *last = kept > 0 ? &view->offsets[kept - 1] : NULL;
        if (!last || by_partition(last, one) != 0 || last->member != one->member) {
            view->offsets[kept++] = *one;
        }
    }
    view->offset_count = kept;
}

/* What members own stands in the list, committed or not. */
static void join_owned(struct group_view *view, size_t committed) {
    for (size_t m = 0; m < view->member_count; m++) {
        const struct group_member *member = &view->members[m];
        for (size_t i = 0; i < member->owned_count; i++) {
            struct group_offset key = {.topic = member->owned[i].topic,
                                       .partition = member->owned[i].partition};
            struct group_offset *found = committed > 0 ? bsearch(&key, view->offsets, committed,
                                                                 sizeof(key), by_partition)
                                                       : NULL;
            if (!found) {
                found = &view->offsets[view->offset_count++];
                *found = key;
                found->committed = found->leader_epoch = -1;
                found->metadata = "";
            }
            found->member = member->id;
        }
    }
    if (view->offset_count > 0) {
        qsort(view->offsets, view->offset_count, sizeof(*view->offsets), by_partition);
    }
    drop_repeated(view);
}

static int take_offsets(struct kp_arena *arena, const struct kp_metadata_response *metadata,
                        struct fetched all, struct group_view *view) {
    size_t room = 1;
    for (int32_t t = 0; t < all.count; t++) {
        room += (size_t)all.topics[t].partitions.count;
    }
    for (size_t m = 0; m < view->member_count; m++) {
        room += view->members[m].owned_count;
    }
    view->offsets = kp_arena_alloc(arena, room * sizeof(*view->offsets));
    if (!view->offsets) {
        char word[SHELL_WORD_ROOM];
        say("group \"%s\" has more offsets than fit into memory; drave group delete %s -t TOPIC deletes those of a topic that it no longer reads",
            view->group, shell_word_in(view->group, word));
        return EXIT_REFUSED;
    }
    for (int32_t t = 0; t < all.count; t++) {
        const char *topic = topic_name(arena, metadata, &all.topics[t]);
        for (int32_t p = 0; topic && p < all.topics[t].partitions.count; p++) {
            const struct kp_offset_fetch_response_partition *from =
                &all.topics[t].partitions.items[p];
            if (from->committed_offset >= 0) {
                view->offsets[view->offset_count++] = (struct group_offset){
                    .topic = topic,
                    .partition = from->partition_index,
                    .committed = from->committed_offset,
                    .leader_epoch = from->committed_leader_epoch,
                    .metadata = cluster_text(arena, from->metadata)};
            }
        }
    }
    size_t committed = view->offset_count;
    if (committed > 0) {
        qsort(view->offsets, committed, sizeof(*view->offsets), by_partition);
    }
    join_owned(view, committed);
    for (size_t i = 0; i < view->offset_count; i++) {
        struct group_offset *one = &view->offsets[i];
        one->log_start = one->high_watermark = one->last_stable = one->lag_records = -1;
        one->lag_seconds = one->arrived_seconds = -1;
    }
    return EXIT_DONE;
}

int group_fetch_offsets(struct admin_client *admin, struct kp_arena *arena,
                        struct group_view *view) {
    struct kp_metadata_response metadata;
    struct kp_offset_fetch_request request;
    struct kp_offset_fetch_request_group group;
    struct kp_offset_fetch_response response;
    struct error_text why = {""};
    struct group_call call = {.group = view->group,
                              .key = KP_OFFSET_FETCH,
                              .version_min = VERSION_MIN,
                              .request = &request,
                              .response = &response,
                              .error_of = fetch_error};
    int code = cluster_metadata(admin, arena, NULL, &metadata);
    if (code) {
        return code;
    }
    kp_set_fallbacks(&kp_offset_fetch_request_schema, &request);
    kp_set_fallbacks(&kp_offset_fetch_request_group_schema, &group);
    request.group_id = group.group_id = kp_string_of(view->group);
    request.topics.count = group.topics.count = -1;
    group.member_id = KP_NULL_STRING;
    group.member_epoch = -1;
    request.groups.items = &group;
    request.groups.count = 1;
    int error = group_request(admin, arena, &call, &why);
    if (error) {
        return admin_failed(error, &why);
    }
    if (call.refused) {
        return group_refused(admin, arena, view->group, call.refused);
    }
    view->coordinator = call.coordinator;
    return take_offsets(arena, &metadata, fetched_of(&response), view);
}

/* ---- Lag ---- */

/* Without a word: what no leader tells stays -1. */
static void ask_offsets(const struct invocation *in, int64_t time, enum offsets_isolation isolation,
                        struct partition_offset *items, size_t count) {
    uint64_t wait = in->timeout_ms < ASK_MS ? in->timeout_ms : ASK_MS, end = now_ms() + wait;
    for (bool all = false; !all && now_ms() < end;) {
        struct admin_client *admin = admin_client_new_quiet(in->bootstrap, ROUND_MS);
        struct kp_arena arena;
        struct kp_metadata_response metadata;
        struct error_text why = {""};
        kp_arena_init(&arena, 512 << 20);
        if (cluster_ask(admin, &arena, NULL, &metadata, &why) == ERR_NONE) {
            offsets_ask_once(admin, &arena, &metadata, time, isolation, items, count);
        }
        kp_arena_close(&arena);
        admin_client_free(admin);
        all = true;
        for (size_t i = 0; i < count; i++) {
            all = all && (items[i].answered || items[i].error == KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
        }
        if (!all) {
            pause_ms(PAUSE_MS);
        }
    }
}

static int64_t offset_to_read(const struct group_offset *one) {
    return one->committed > one->log_start ? one->committed : one->log_start;
}

static void measure_seconds(const struct invocation *in, struct group_view *view) {
    struct record_age *ages = mem_zalloc((view->offset_count + 1) * sizeof(*ages));
    size_t count = 0, at = 0;
    for (size_t i = 0; i < view->offset_count; i++) {
        struct group_offset *one = &view->offsets[i];
        one->lag_seconds = one->lag_records == 0 ? 0 : -1;
        if (one->lag_records > 0) {
            ages[count++] = (struct record_age){one->topic, one->partition, offset_to_read(one),
                                                -1};
        }
    }
    record_ages(in, in->timeout_ms < ASK_MS ? in->timeout_ms : ASK_MS, ages, count);
    int64_t now = moment_now();
    for (size_t i = 0; i < view->offset_count; i++) {
        struct group_offset *one = &view->offsets[i];
        if (one->lag_records > 0) {
            int64_t stamp = ages[at++].timestamp;
            one->lag_seconds = stamp < 0 ? -1 : stamp > now ? 0 : (double)(now - stamp) / 1000;
        }
    }
    mem_free(ages);
}

void group_measure_lag(const struct invocation *in, struct group_view *view) {
    static const struct {
        int64_t time;
        enum offsets_isolation isolation;
    } asked[] = {{OFFSETS_EARLIEST, OFFSETS_UNCOMMITTED},
                 {OFFSETS_LATEST, OFFSETS_COMMITTED},
                 {OFFSETS_LATEST, OFFSETS_UNCOMMITTED}};
    size_t count = view->offset_count;
    struct partition_offset *items = mem_alloc((count + 1) * sizeof(*items));
    for (size_t a = 0; count > 0 && a < sizeof(asked) / sizeof(asked[0]); a++) {
        for (size_t i = 0; i < count; i++) {
            items[i] = (struct partition_offset){.topic = view->offsets[i].topic,
                                                 .partition = view->offsets[i].partition,
                                                 .offset = -1};
        }
        ask_offsets(in, asked[a].time, asked[a].isolation, items, count);
        for (size_t i = 0; i < count; i++) {
            struct group_offset *one = &view->offsets[i];
            int64_t *into = a == 0   ? &one->log_start
                            : a == 1 ? &one->last_stable
                                     : &one->high_watermark;
            *into = items[i].answered ? items[i].offset : -1;
        }
    }
    for (size_t i = 0; i < count; i++) {
        struct group_offset *one = &view->offsets[i];
        if (one->committed >= 0 && one->log_start >= 0 && one->high_watermark >= 0) {
            int64_t lag = one->high_watermark - offset_to_read(one);
            one->lag_records = lag > 0 ? lag : 0;
        }
    }
    mem_free(items);
    measure_seconds(in, view);
}

int group_try(struct admin_client *admin, struct kp_arena *arena, const struct invocation *in,
              const char *group, struct group_view *view, int16_t *refused) {
    int code = group_describe(admin, arena, group, view, refused);
    if (code || *refused) {
        return code;
    }
    code = group_fetch_offsets(admin, arena, view);
    if (!code) {
        group_measure_lag(in, view);
    }
    return code;
}

int64_t group_lag_records(const struct group_view *view) {
    int64_t sum = -1;
    for (size_t i = 0; i < view->offset_count; i++) {
        if (view->offsets[i].lag_records >= 0) {
            sum = (sum < 0 ? 0 : sum) + view->offsets[i].lag_records;
        }
    }
    return sum;
}

double group_lag_seconds(const struct group_view *view) {
    double most = -1;
    for (size_t i = 0; i < view->offset_count; i++) {
        most = view->offsets[i].lag_seconds > most ? view->offsets[i].lag_seconds : most;
    }
    return most;
}

double group_arrived_seconds(const struct group_view *view) {
    double most = -1;
    for (size_t i = 0; i < view->offset_count; i++) {
        most = view->offsets[i].arrived_seconds > most ? view->offsets[i].arrived_seconds : most;
    }
    return most;
}

int64_t group_offset_stable_lag(const struct group_offset *one) {
    if (one->committed < 0 || one->log_start < 0 || one->last_stable < 0) {
        return -1;
    }
    int64_t lag = one->last_stable - offset_to_read(one);
    return lag > 0 ? lag : 0;
}

int64_t group_offset_ahead(const struct group_offset *one) {
    if (one->committed < 0 || one->high_watermark < 0) {
        return -1;
    }
    return one->committed > one->high_watermark ? one->committed - one->high_watermark : 0;
}

int64_t group_offset_lost(const struct group_offset *one) {
    if (one->committed < 0 || one->log_start < 0) {
        return -1;
    }
    return one->log_start > one->committed ? one->log_start - one->committed : 0;
}
