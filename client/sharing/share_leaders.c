/* From an assignment and Metadata to sessions. */
#include "client/sharing/share_leaders.h"

#include <string.h>

#include "base/mem.h"
#include "client/kafka/cluster_view.h"
#include "protocol/kafka_error.h"

enum { ARENA_MAX = 128 << 20, ASK_MS = 5000 };

const char *share_leaders_topic(const struct share_leaders *leaders, struct kp_uuid id) {
    for (size_t i = 0; i < leaders->topic_count; i++) {
        if (kp_uuid_equal(leaders->topics[i].id, id)) {
            return leaders->topics[i].name;
        }
    }
    return NULL;
}

static void know_topics(struct share_leaders *leaders, const struct share_member *member,
                        const struct kp_metadata_response *metadata, const char **missing) {
    for (size_t i = 0; i < member->topic_count; i++) {
        const struct kp_metadata_response_topic *topic = cluster_find_topic(metadata,
                                                                            member->topics[i]);
        if (topic && topic->error_code == KAFKA_UNKNOWN_TOPIC_OR_PARTITION) {
            *missing = member->topics[i];
        } else if (topic && !share_leaders_topic(leaders, topic->topic_id)) {
            leaders->topics = mem_grow(leaders->topics, leaders->topic_count, &leaders->topic_room,
                                       sizeof(*leaders->topics));
            leaders->topics[leaders->topic_count++] = (struct share_topic){topic->topic_id,
                                                                           member->topics[i]};
        }
    }
}

/* The session with that broker, which is begun if there is none. */
static struct share_session *session_with(struct share_leaders *leaders,
                                          const struct share_member *member,
                                          const struct kp_metadata_response_broker *broker,
                                          struct kp_arena *arena) {
    const char *host = cluster_text(arena, broker->host);
    for (size_t i = 0; i < leaders->count; i++) {
        struct share_session *session = leaders->sessions[i];
        if (session->node == broker->node_id && session->port == broker->port &&
            strcmp(session->host, host) == 0) {
            return session;
        }
    }
    struct share_session *made = mem_zalloc(sizeof(*made));
    made->bootstrap = leaders->bootstrap;
    made->group = member->group;
    made->member = member->id;
    share_session_open(made, broker->node_id, host, broker->port);
    leaders->sessions = mem_grow(leaders->sessions, leaders->count, &leaders->room,
                                 sizeof(struct share_session *));
    leaders->sessions[leaders->count++] = made;
    return made;
}

/* False: nobody is known to lead it. */
static bool place_one(struct share_leaders *leaders, const struct share_member *member,
                      const struct kp_metadata_response *metadata, const struct share_place *place,
                      struct kp_arena *arena) {
    const char *name = share_leaders_topic(leaders, place->topic);
    const struct kp_metadata_response_topic *topic = name ? cluster_find_topic(metadata, name)
                                                          : NULL;
    const struct kp_metadata_response_partition *partition =
        topic && kp_uuid_equal(topic->topic_id, place->topic)
            ? cluster_find_partition(topic, place->partition)
            : NULL;
    const struct kp_metadata_response_broker *broker = partition && partition->leader_id >= 0
                                                           ? cluster_broker(metadata,
                                                                            partition->leader_id)
                                                           : NULL;
    if (broker) {
        share_places_add(&session_with(leaders, member, broker, arena)->wanted, place->topic,
                         place->partition);
    }
    return broker != NULL;
}

static void end_session(struct share_session *session) {
    share_session_end(session);
    share_session_free(session);
    mem_free(session);
}

static void end_idle(struct share_leaders *leaders) {
    size_t kept = 0;
    for (size_t i = 0; i < leaders->count; i++) {
        if (leaders->sessions[i]->wanted.count == 0) {
            end_session(leaders->sessions[i]);
        } else {
            leaders->sessions[kept++] = leaders->sessions[i];
        }
    }
    leaders->count = kept;
}

int share_leaders_place(struct share_leaders *leaders, const struct share_member *member,
                        const char **missing, struct error_text *why) {
    struct kp_arena arena;
    struct kp_metadata_response metadata;
    size_t placed = 0;
    *missing = NULL;
    kp_arena_init(&arena, ARENA_MAX);
    admin_client_renew(member->admin, ASK_MS);
    int error = cluster_ask_topics(member->admin, &arena, member->topics, member->topic_count,
                                   &metadata, why);
    if (!error) {
        know_topics(leaders, member, &metadata, missing);
        for (size_t i = 0; i < leaders->count; i++) {
            share_places_clear(&leaders->sessions[i]->wanted);
        }
        for (size_t i = 0; i < member->assigned.count; i++) {
            placed += place_one(leaders, member, &metadata, &member->assigned.items[i], &arena);
        }
        end_idle(leaders);
        if (placed < member->assigned.count) {
            error = error_set(why, ERR_AGAIN, "%zu of %zu partitions have no leader that is known",
                              member->assigned.count - placed, member->assigned.count);
        }
    }
    kp_arena_close(&arena);
    return error;
}

void share_leaders_close(struct share_leaders *leaders) {
    for (size_t i = 0; i < leaders->count; i++) {
        end_session(leaders->sessions[i]);
    }
    mem_free(leaders->sessions);
    mem_free(leaders->topics);
    *leaders = (struct share_leaders){.sessions = NULL};
}
