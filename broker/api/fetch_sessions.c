/* The table of sessions, and who has to go. */
#include "broker/api/fetch_sessions.h"

#include <string.h>
#include <uthash.h>
#include <utlist.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"
#include "protocol/kafka_error.h"

enum {
    SESSION_MOST = 40 << 20, /* bytes: of one with the most partitions, grown bit by bit */
    ELEMENT_BYTES = 200,     /* that a topic or a partition takes, about */
    FIRST_EPOCH = 1,
};

/* Clients at one address, and what their sessions take. */
struct host {
    char *name;
    size_t sessions, bytes;
    UT_hash_handle hh;
};

struct row {
    struct fetch_session session; /* first */
    struct host *host;
    UT_hash_handle hh; /* by its id */
};

struct fetch_sessions {
    struct env *env;
    size_t slots;
    struct budget budget;
    size_t going; /* bytes of those that are removed */
    struct row *rows;
    struct host *hosts;            /* those that have any */
    struct fetch_session *unused;  /* the longest first */
    struct fetch_session *removed; /* to be taken apart */
    struct env_task removal;
};

/* ---- Hosts ---- */

/* Without its port. */
static size_t host_len(const char *peer) {
    const char *port = strrchr(peer, ':');
    return port == NULL ? strlen(peer) : (size_t)(port - peer);
}

static struct host *find_host(const struct fetch_sessions *sessions, const char *peer) {
    struct host *host;
    HASH_FIND(hh, sessions->hosts, peer, host_len(peer), host);
    return host;
}

static struct host *join_host(struct fetch_sessions *sessions, const char *peer) {
    struct host *host = find_host(sessions, peer);
    if (host == NULL) {
        host = mem_zalloc(sizeof *host);
        host->name = mem_strndup(peer, host_len(peer));
        HASH_ADD_KEYPTR(hh, sessions->hosts, host->name, strlen(host->name), host);
    }
    host->sessions++;
    return host;
}

static void leave_host(struct fetch_sessions *sessions, struct row *row) {
    struct host *host = row->host;
    row->host = NULL;
    host->bytes -= row->session.charged;
    if (--host->sessions > 0) return;
    HASH_DEL(sessions->hosts, host);
    mem_free(host->name);
    mem_free(host);
}

/* ---- Removing ---- */

/* False: it has no partition any more. */
static bool take_apart_some(struct fetch_session *session) {
    struct fetch_set *set = &session->set;
    enum { AT_ONCE = 64 };
    for (int i = 0; i < AT_ONCE && set->places > 0; i++) {
        struct fetch_entry *entry = set->entries[--set->places];
        if (entry != NULL) partition_wait_cancel(&entry->waiter);
    }
    return set->places > 0;
}

static void free_session(struct fetch_session *session) {
    budget_release(&session->sessions->budget, session->charged);
    session->sessions->going -= session->charged;
    kp_arena_close(&session->arena);
    mem_free(session->principal);
    mem_free(session->peer);
    mem_free(session);
}

static void remove_some(struct env_task *task) {
    struct fetch_sessions *sessions = CONTAINER_OF(task, struct fetch_sessions, removal);
    while (sessions->removed != NULL) {
        struct fetch_session *session = sessions->removed;
        if (!take_apart_some(session)) {
            DL_DELETE(sessions->removed, session);
            free_session(session);
        }
        if (sessions->removed == NULL || !env_turn_is_long(sessions->env)) continue;
        env_yield(sessions->env, task);
        return;
    }
}

static void take_apart(struct fetch_session *session) {
    struct fetch_sessions *sessions = session->sessions;
    DL_APPEND(sessions->removed, session);
    env_yield(sessions->env, &sessions->removal);
}

void fetch_session_remove(struct fetch_session *session) {
    struct fetch_sessions *sessions = session->sessions;
    if (session->removed) return;
    session->removed = true;
    sessions->going += session->charged;
    HASH_DEL(sessions->rows, (struct row *)session);
    leave_host(sessions, (struct row *)session);
    DL_DELETE(sessions->unused, session);
    if (session->fetch == NULL) take_apart(session);
}

void fetch_session_leave(struct fetch_session *session) {
    session->fetch = NULL;
    session->preparing = false;
    session->set.moved = NULL;
    if (session->removed) take_apart(session);
}

/* ---- Room ---- */

static bool has_room(const struct fetch_sessions *sessions, size_t needed) {
    const struct budget *budget = &sessions->budget;
    return HASH_COUNT(sessions->rows) < sessions->slots &&
           budget->used - sessions->going + needed <= budget->limit;
}

/* Kafka's rule: one that was not used for long, else the smallest of those that were made long ago,
 * if the new one is larger. */
static struct fetch_session *evictable(const struct fetch_sessions *sessions, size_t partitions,
                                       uint64_t now_ms) {
    struct fetch_session *smallest = NULL, *session;
    if (sessions->unused != NULL && now_ms - sessions->unused->used_ms > FETCH_SESSION_OLD_MS)
        return sessions->unused;
    DL_FOREACH(sessions->unused, session) {
        if (now_ms - session->made_ms > FETCH_SESSION_OLD_MS &&
            (smallest == NULL || session->set.count < smallest->set.count))
            smallest = session;
    }
    return smallest != NULL && smallest->set.count < partitions ? smallest : NULL;
}

/* Beside it: the host that has most gives up what it has not used for longest, as long as it has
 * more than the one that asks would have then. So nobody takes all, however many connections. */
static struct fetch_session *unfair(const struct fetch_sessions *sessions, const char *peer,
                                    size_t needed) {
    bool by_number = HASH_COUNT(sessions->rows) >= sessions->slots;
    const struct host *own = find_host(sessions, peer), *most = NULL;
    size_t wanted = own == NULL ? 0 : by_number ? own->sessions : own->bytes;
    wanted += by_number ? 1 : needed;
    for (const struct host *host = sessions->hosts; host != NULL; host = host->hh.next) {
        size_t has = by_number ? host->sessions : host->bytes;
        if (has > wanted && host != own) {
            most = host;
            wanted = has;
        }
    }
    struct fetch_session *session = NULL;
    if (most == NULL) return NULL;
    DL_FOREACH(sessions->unused, session) {
        if (((struct row *)session)->host == most) break;
    }
    return session;
}

/* What is taken apart goes soon, but not before this turn ends: there may be as much of it again.
 */
static bool make_room(struct fetch_sessions *sessions, const struct fetch_asker *asker,
                      size_t partitions, size_t needed) {
    if (sessions->budget.used + needed > 2 * sessions->budget.limit) return false;
    while (!has_room(sessions, needed)) {
        struct fetch_session *out = evictable(sessions, partitions, asker->now_ms);
        if (out == NULL) out = unfair(sessions, asker->peer, needed);
        if (out == NULL) return false;
        fetch_session_remove(out);
    }
    return true;
}

/* A client needs one on a connection: what it makes beyond these takes the place of its own. */
static void keep_few(struct fetch_sessions *sessions, const char *peer) {
    struct fetch_session *session, *oldest = NULL;
    size_t count = 0;
    DL_FOREACH(sessions->unused, session) {
        if (strcmp(session->peer, peer) != 0) continue;
        count++;
        if (oldest == NULL) oldest = session;
    }
    if (count >= FETCH_SESSIONS_OF_A_CONNECTION) fetch_session_remove(oldest);
}

/* ---- The table ---- */

static struct fetch_session *find(const struct fetch_sessions *sessions, int32_t id) {
    struct row *row;
    HASH_FIND(hh, sessions->rows, &id, sizeof id, row);
    return row == NULL ? NULL : &row->session;
}

static int32_t new_id(const struct fetch_sessions *sessions) {
    for (;;) {
        int32_t id = (int32_t)(env_random_u64(sessions->env) & INT32_MAX);
        if (id != 0 && find(sessions, id) == NULL) return id;
    }
}

static void use(struct fetch_session *session, uint64_t now_ms) {
    struct fetch_sessions *sessions = session->sessions;
    session->used_ms = now_ms;
    DL_DELETE(sessions->unused, session);
    DL_APPEND(sessions->unused, session);
}

struct fetch_session *fetch_sessions_make(struct fetch_sessions *sessions,
                                          const struct fetch_asker *asker, bool by_id,
                                          size_t topics, size_t partitions) {
    if (partitions > FETCH_SESSION_PARTITIONS_MAX || topics > FETCH_SESSION_PARTITIONS_MAX)
        return NULL;
    keep_few(sessions, asker->peer);
    if (!make_room(sessions, asker, partitions, (topics + partitions) * ELEMENT_BYTES)) return NULL;
    struct row *row = mem_zalloc(sizeof *row);
    struct fetch_session *session = &row->session;
    session->sessions = sessions;
    kp_arena_init(&session->arena, SESSION_MOST);
    bool fits = fetch_set_init(&session->set, &session->arena, topics, partitions,
                               FETCH_SESSION_PARTITIONS_MAX, env_random_u64(sessions->env));
    CHECK(fits); /* SESSION_MOST is many times what the tables take */
    session->set.by_id = by_id;
    session->set.lasts = true;
    session->principal = mem_strdup(asker->principal);
    session->peer = mem_strdup(asker->peer);
    session->id = new_id(sessions);
    session->epoch = FIRST_EPOCH;
    session->made_ms = session->used_ms = asker->now_ms;
    HASH_ADD(hh, sessions->rows, session.id, sizeof session->id, row);
    DL_APPEND(sessions->unused, session);
    row->host = join_host(sessions, asker->peer);
    fetch_session_charge(session);
    return session;
}

int16_t fetch_sessions_take(struct fetch_sessions *sessions, const struct fetch_asker *asker,
                            int32_t id, int32_t epoch, bool by_id, struct fetch_session **result) {
    struct fetch_session *session = find(sessions, id);
    if (session == NULL || strcmp(session->principal, asker->principal) != 0)
        return KAFKA_FETCH_SESSION_ID_NOT_FOUND;
    if (session->epoch != epoch || session->preparing) return KAFKA_INVALID_FETCH_SESSION_EPOCH;
    if (session->set.by_id != by_id) return KAFKA_FETCH_SESSION_TOPIC_ID_ERROR;
    session->epoch = epoch == INT32_MAX ? FIRST_EPOCH : epoch + 1;
    use(session, asker->now_ms);
    *result = session;
    return KAFKA_NONE;
}

uint64_t fetch_sessions_used_ms(const struct fetch_sessions *sessions, int32_t id) {
    struct row *row;
    HASH_FIND(hh, sessions->rows, &id, sizeof id, row);
    return row == NULL ? 0 : row->session.used_ms;
}

void fetch_sessions_end(struct fetch_sessions *sessions, const struct fetch_asker *asker,
                        int32_t id) {
    struct fetch_session *session = find(sessions, id);
    if (session != NULL && strcmp(session->principal, asker->principal) == 0)
        fetch_session_remove(session);
}

bool fetch_session_charge(struct fetch_session *session) {
    struct budget *budget = &session->sessions->budget;
    size_t taken = sizeof(struct row) + session->arena.used, grown = taken - session->charged;
    if (grown == 0) return true;
    budget_charge(budget, grown);
    session->charged = taken;
    if (session->removed)
        session->sessions->going += grown;
    else
        ((struct row *)session)->host->bytes += grown;
    return budget->used - session->sessions->going <= budget->limit;
}

size_t fetch_sessions_count(const struct fetch_sessions *sessions) {
    return HASH_COUNT(sessions->rows);
}

size_t fetch_sessions_bytes(const struct fetch_sessions *sessions) {
    return sessions->budget.used;
}

void fetch_sessions_set_limits(struct fetch_sessions *sessions, size_t slots, size_t bytes) {
    sessions->slots = slots;
    budget_set_limit(&sessions->budget, bytes);
}

struct fetch_sessions *fetch_sessions_new(struct env *env, size_t slots, size_t bytes) {
    struct fetch_sessions *sessions = mem_zalloc(sizeof *sessions);
    sessions->env = env;
    sessions->slots = slots;
    budget_init(&sessions->budget, bytes);
    sessions->removal.run = remove_some;
    return sessions;
}

void fetch_sessions_free(struct fetch_sessions *sessions) {
    if (sessions == NULL) return;
    while (sessions->unused != NULL) {
        CHECK(sessions->unused->fetch ==
              NULL); /* the requests have ended, whose fetches they were */
        fetch_session_remove(sessions->unused);
    }
    env_defer_cancel(sessions->env, &sessions->removal);
    while (sessions->removed != NULL) {
        struct fetch_session *session = sessions->removed;
        while (take_apart_some(session)) {}
        DL_DELETE(sessions->removed, session);
        free_session(session);
    }
    mem_free(sessions);
}
