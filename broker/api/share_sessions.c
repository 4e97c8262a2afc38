/* Share sessions by number, and by group and member: of each broker as many as there are members
 * that fetch from it. */
#include "broker/api/share_sessions.h"

#include <string.h>

#include <uthash.h>
#include <utlist.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"
#include "broker/share/shares.h"
#include "protocol/kafka_error.h"

enum {
    PLACES_FIRST = 16,
    KEYS_MOST = 1 << 20, /* bytes: what a table of SHARE_SESSION_PARTITIONS_MAX grows to */
};

/* Those of one host, or of one group. */
struct crowd {
    char *name;
    size_t sessions, places;
    UT_hash_handle hh;
};

struct row {
    struct share_session session; /* first */
    struct crowd *host, *group;
    size_t left; /* of its places, when it ends: what is held of those is not released yet */
    UT_hash_handle by_number, by_key;
    struct row *next, *prev;
};

struct share_sessions {
    struct row *by_number, *by_key;
    struct crowd *hosts, *groups;     /* those that have any */
    struct row *ending;               /* nobody finds them any more */
    struct broker_services *services; /* with which one ended last */
    struct env_task end;
    size_t most, most_places;
    size_t places;    /* of all of them */
    uint64_t numbers; /* given out */
};

static void end_some(struct env_task *task);

struct share_sessions *share_sessions_new(size_t most, size_t most_places) {
    struct share_sessions *sessions = mem_zalloc(sizeof *sessions);
    sessions->most = most;
    sessions->most_places = most_places;
    sessions->end.run = end_some;
    return sessions;
}

/* ---- Crowds ---- */

static struct crowd *crowd_find(struct crowd *crowds, const char *name, size_t len) {
    struct crowd *crowd;
    HASH_FIND(hh, crowds, name, len, crowd);
    return crowd;
}

static struct crowd *crowd_enter(struct crowd **crowds, const char *name, size_t len) {
    struct crowd *crowd = crowd_find(*crowds, name, len);
    if (crowd == NULL) {
        crowd = mem_zalloc(sizeof *crowd);
        crowd->name = mem_text(name, len);
        HASH_ADD_KEYPTR(hh, *crowds, crowd->name, len, crowd);
    }
    crowd->sessions++;
    return crowd;
}

static void crowd_leave(struct crowd **crowds, struct crowd *crowd, size_t places) {
    crowd->places -= places;
    if (--crowd->sessions > 0) return;
    HASH_DEL(*crowds, crowd);
    mem_free(crowd->name);
    mem_free(crowd);
}

/* Without its port. */
static size_t host_len(const char *peer) {
    const char *port = strrchr(peer, ':');
    return port == NULL ? strlen(peer) : (size_t)(port - peer);
}

/* ---- Rows ---- */

/* Nobody finds it any more, and it counts no more. */
static void row_out(struct share_sessions *sessions, struct row *row) {
    HASH_DELETE(by_number, sessions->by_number, row);
    HASH_DELETE(by_key, sessions->by_key, row);
    sessions->places -= row->session.count;
    crowd_leave(&sessions->hosts, row->host, row->session.count);
    crowd_leave(&sessions->groups, row->group, row->session.count);
}

static void row_free(struct row *row) {
    kp_arena_close(&row->session.arena);
    mem_free(row->session.places);
    mem_free(row->session.key);
    mem_free(row);
}

static void ended(struct share_sessions *sessions, struct row *row) {
    DL_DELETE(sessions->ending, row);
    row_free(row);
}

void share_sessions_free(struct share_sessions *sessions) {
    if (sessions == NULL) return;
    while (sessions->by_number != NULL) {
        struct row *row = sessions->by_number;
        row_out(sessions, row);
        row_free(row);
    }
    while (sessions->ending != NULL)
        ended(sessions, sessions->ending);
    if (sessions->services != NULL) env_defer_cancel(sessions->services->env, &sessions->end);
    mem_free(sessions);
}

static char *key_of(struct kp_string group, struct kp_string member, size_t *len) {
    *len = sizeof group.len + (size_t)group.len + (size_t)member.len;
    char *key = mem_alloc(*len);
    memcpy(key, &group.len, sizeof group.len);
    memcpy(key + sizeof group.len, group.data, (size_t)group.len);
    memcpy(key + sizeof group.len + group.len, member.data, (size_t)member.len);
    return key;
}

static struct share_session *find(const struct share_sessions *sessions, struct kp_string group,
                                  struct kp_string member) {
    size_t len;
    char *key = key_of(group, member, &len);
    struct row *row;
    HASH_FIND(by_key, sessions->by_key, key, len, row);
    mem_free(key);
    return row == NULL ? NULL : &row->session;
}

/* ---- Ends ---- */

static struct share *share_at(struct broker_services *services, const struct share_session *session,
                              const struct share_place *place) {
    const struct metadata_topic *topic = metadata_topic_with_id(services->metadata,
                                                                place->topic.bytes);
    const struct metadata_partition *known = topic == NULL
                                                 ? NULL
                                                 : metadata_partition_at(topic, place->index);
    struct partition *partition =
        known == NULL ? NULL : partition_set_find_group(services->partitions, known->group);
    if (partition == NULL || !partition_is_leading(partition)) return NULL;
    return shares_find(partition_shares(partition), session->group);
}

static void release(struct broker_services *services, const struct share_session *session,
                    const struct share_place *place) {
    struct share *share = share_at(services, session, place);
    if (share != NULL) share_release(share, session->number);
}

/* At least one, and further ones until the turn is long: one may have thousands of locks, and a
 * connection that closes ends several sessions. False: nothing of it is left. */
static bool release_some(struct share_sessions *sessions, struct row *row) {
    while (row->left > 0) {
        release(sessions->services, &row->session, &row->session.places[--row->left]);
        if (env_turn_is_long(sessions->services->env)) break;
    }
    return row->left > 0;
}

static void end_some(struct env_task *task) {
    struct share_sessions *sessions = CONTAINER_OF(task, struct share_sessions, end);
    while (sessions->ending != NULL) {
        if (!release_some(sessions, sessions->ending)) ended(sessions, sessions->ending);
        if (sessions->ending == NULL || !env_turn_is_long(sessions->services->env)) continue;
        env_yield(sessions->services->env, task);
        return;
    }
}

void share_session_end(struct broker_services *services, struct share_session *session) {
    struct share_sessions *sessions = services->share_sessions;
    struct row *row = (struct row *)session;
    sessions->services = services;
    row->left = session->count;
    row_out(sessions, row);
    DL_APPEND(sessions->ending, row);
    if (!release_some(sessions, row))
        ended(sessions, row);
    else
        env_yield(services->env, &sessions->end);
}

void share_sessions_gone(struct broker_services *services, const void *connection) {
    struct row *row, *next;
    HASH_ITER(by_number, services->share_sessions->by_number, row, next) {
        if (row->session.connection == connection) share_session_end(services, &row->session);
    }
}

/* ---- Requests ---- */

static struct key key_of_place(const void *owner, size_t at) {
    const struct share_place *place = &((const struct share_session *)owner)->places[at];
    return key_of_partition(&place->topic, place->index);
}

/* A member needs one on a connection. */
static size_t count_of(const struct share_sessions *sessions, const void *connection) {
    const struct row *row, *next;
    size_t count = 0;
    HASH_ITER(by_number, sessions->by_number, row, next) {
        count += row->session.connection == connection;
    }
    return count;
}

static bool has_room(const struct share_sessions *sessions, const struct request *request) {
    const char *peer = request->ctx.peer;
    const struct crowd *host = crowd_find(sessions->hosts, peer, host_len(peer));
    size_t count = HASH_CNT(by_number, sessions->by_number);
    return count < sessions->most && (host == NULL || host->sessions < sessions->most - count) &&
           count_of(sessions, request->connection) < SHARE_SESSIONS_OF_A_CONNECTION;
}

struct share_session *share_sessions_open(struct broker_services *services,
                                          const struct request *request, struct kp_string group,
                                          struct kp_string member) {
    struct share_sessions *sessions = services->share_sessions;
    struct share_session *session = find(sessions, group, member);
    const char *peer = request->ctx.peer;
    if (session != NULL) share_session_end(services, session);
    if (!has_room(sessions, request)) return NULL;
    struct row *row = mem_zalloc(sizeof *row);
    row->host = crowd_enter(&sessions->hosts, peer, host_len(peer));
    row->group = crowd_enter(&sessions->groups, group.data, (size_t)group.len);
    session = &row->session;
    session->number = ++sessions->numbers;
    session->epoch = 1;
    session->connection = request->connection;
    session->key = key_of(group, member, &session->key_len);
    session->group = (struct kp_string){session->key + sizeof group.len, group.len};
    kp_arena_init(&session->arena, KEYS_MOST);
    bool fits = key_set_init(&session->keys, &session->arena, PLACES_FIRST,
                             env_random_u64(services->env), key_of_place, session);
    CHECK(fits); /* KEYS_MOST is enough for SHARE_SESSION_PARTITIONS_MAX, the most that get here */
    HASH_ADD(by_number, sessions->by_number, session.number, sizeof session->number, row);
    HASH_ADD_KEYPTR(by_key, sessions->by_key, session->key, session->key_len, row);
    return session;
}

int16_t share_sessions_take(struct broker_services *services, struct kp_string group,
                            struct kp_string member, int32_t epoch,
                            struct share_session **session) {
    struct share_session *found = find(services->share_sessions, group, member);
    *session = NULL;
    if (found == NULL) return KAFKA_SHARE_SESSION_NOT_FOUND;
    if (epoch != SHARE_EPOCH_CLOSE && epoch != found->epoch)
        return KAFKA_INVALID_SHARE_SESSION_EPOCH;
    found->epoch = found->epoch == INT32_MAX ? 1 : found->epoch + 1;
    *session = found;
    return KAFKA_NONE;
}

size_t share_sessions_places(const struct share_sessions *sessions, struct kp_string group,
                             struct kp_string member) {
    const struct share_session *session = find(sessions, group, member);
    return session == NULL ? 0 : session->count;
}

struct share_session *share_sessions_numbered(struct share_sessions *sessions, uint64_t number) {
    struct row *row;
    HASH_FIND(by_number, sessions->by_number, &number, sizeof number, row);
    return row == NULL ? NULL : &row->session;
}

bool share_sessions_others(struct share_sessions *sessions, uint64_t number) {
    const struct row *own = (const struct row *)share_sessions_numbered(sessions, number);
    return own != NULL && own->group->sessions > 1;
}

/* ---- Partitions ---- */

static size_t place_of(const struct share_session *session, struct kp_uuid topic, int32_t index) {
    return key_set_find(&session->keys, key_of_partition(&topic, index));
}

/* One that was forgotten, which nobody knows any more then; or the count. */
static size_t place_that_is_free(struct broker_services *services, struct share_session *session) {
    size_t at = 0;
    while (at < session->count && !session->places[at].forgotten)
        at++;
    if (at == session->count) return at;
    release(services, session, &session->places[at]);
    key_set_remove(&session->keys, at);
    return at;
}

static bool is_unknown(const struct broker_services *services, struct kp_uuid topic) {
    return metadata_topic_with_id(services->metadata, topic.bytes) == NULL;
}

/* Some of them may be known by now. */
static bool unknown_fits(const struct broker_services *services, struct share_session *session) {
    if (session->unknown < SHARE_SESSION_UNKNOWN_MAX) return true;
    session->unknown = 0;
    for (size_t i = 0; i < session->count; i++)
        session->unknown += is_unknown(services, session->places[i].topic);
    return session->unknown < SHARE_SESSION_UNKNOWN_MAX;
}

/* Neither it, nor all, nor its host's have too many. */
static bool fits(const struct share_sessions *sessions, const struct share_session *session) {
    const struct row *row = (const struct row *)session;
    return session->count < SHARE_SESSION_PARTITIONS_MAX &&
           row->host->places < sessions->most_places - sessions->places;
}

int16_t share_session_put(struct broker_services *services, struct share_session *session,
                          struct kp_uuid topic, int32_t index) {
    struct share_sessions *sessions = services->share_sessions;
    size_t at = place_of(session, topic, index);
    if (at != KEY_NONE) {
        if (session->places[at].forgotten) session->places[at].told = KAFKA_NONE;
        session->places[at].forgotten = false;
        return KAFKA_NONE;
    }
    bool unknown = is_unknown(services, topic);
    if (unknown && !unknown_fits(services, session)) return KAFKA_SHARE_SESSION_LIMIT_REACHED;
    bool full = !fits(sessions, session);
    at = full ? place_that_is_free(services, session) : session->count;
    if (full && at == session->count) return KAFKA_SHARE_SESSION_LIMIT_REACHED;
    if (!full) {
        bool grows = key_set_grow(&session->keys, &session->arena, session->count + 1);
        CHECK(grows); /* KEYS_MOST is enough for SHARE_SESSION_PARTITIONS_MAX, the most that get
                         here */
        session->places = mem_grow(session->places, session->count, &session->capacity,
                                   sizeof *session->places);
        session->count++;
        sessions->places++;
        ((struct row *)session)->host->places++;
        ((struct row *)session)->group->places++;
    }
    session->unknown += unknown;
    session->places[at] = (struct share_place){.topic = topic, .index = index};
    key_set_put(&session->keys, at);
    return KAFKA_NONE;
}

int16_t share_session_told(const struct share_session *session, struct kp_uuid topic,
                           int32_t index) {
    size_t at = place_of(session, topic, index);
    return at == KEY_NONE ? KAFKA_NONE : session->places[at].told;
}

void share_session_tell(struct share_session *session, struct kp_uuid topic, int32_t index,
                        int16_t code) {
    size_t at = place_of(session, topic, index);
    if (at != KEY_NONE) session->places[at].told = code;
}

void share_session_forget(struct share_session *session, struct kp_uuid topic, int32_t index) {
    size_t at = place_of(session, topic, index);
    if (at != KEY_NONE) session->places[at].forgotten = true;
}
