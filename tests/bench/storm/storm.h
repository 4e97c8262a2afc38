/*
 * Very many members of consumer groups in one process that costs little itself: a load for the
 * coordinators of a cluster, of drave or of Apache Kafka. Inside of the program, from the ground to
 * the top:
 *
 *   link.c      connections: frames out and in, in the order of the questions
 *   member.c    what a member does: looks its coordinator up, joins, beats, comes back
 *   classic.c   join, sync and heartbeat of the classic protocol
 *   consumer.c  the heartbeat of KIP-848
 *   main.c      the phases, and what is measured in each
 *
 * Every member has a connection of its own to its coordinator, as clients have. Invariant: a member
 * has one question under way, and beside it at most one commit.
 */
#ifndef TESTS_BENCH_STORM_STORM_H
#define TESTS_BENCH_STORM_STORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/timer_heap.h"
#include "protocol/arena.h"
#include "protocol/messages/api_table.h"

enum { BROKERS_MAX = 8, OWNED_MAX = 64, ERRORS_MAX = 160, RETRY_MS = 100 };

struct storm;
struct link;
struct member;
struct group;

/* A question and what it was about; lies in whoever asks. */
struct call {
    struct call *next; /* behind it on its link */
    struct member *member;
    const struct kp_api *api;
    int version;
    int32_t correlation;
    uint64_t sent_us;
    bool under_way;
};

struct link {
    struct storm *storm;
    int fd; /* -1: closed */
    uint16_t port;
    bool connecting;
    struct call *first, *last; /* that are not answered */
    uint8_t *in, *out;         /* what came of a frame; what the socket did not take */
    size_t in_len, out_len;
    struct member *owner; /* NULL: many ask on it */
    struct call hello;    /* ApiVersions, which every client asks first */
};

enum phase { WANTS_COORDINATOR, WANTS_JOIN, WANTS_SYNC, BEATS };

struct member {
    struct timer_entry timer; /* first; when it does what it wants */
    struct group *group;
    enum phase phase, after_lookup;
    struct link link;
    struct call call, commit;
    unsigned tries;
    char id[80];
    int32_t generation; /* or member epoch */
    bool leads, in, full;
    struct kp_uuid topic_id;
    int32_t owned[OWNED_MAX];
    int32_t owned_count;
    uint64_t back_us; /* its first heartbeat since the kill */
    uint64_t hears_us;
};

struct group {
    struct storm *storm;
    char id[48];
    uint16_t port; /* of its coordinator; 0: not known */
    struct member *members;
    bool stable, hit; /* its coordinator was killed */
};

struct broker {
    uint16_t port;
    int pid;
    bool down;
    struct link asked; /* for coordinators */
};

struct counts {
    uint64_t beats, commits, joins, lookups, links;
    uint64_t errors[ERRORS_MAX + 1]; /* by number; the last: any other, or negative */
    uint64_t cut;                    /* calls whose connection broke */
};

struct storm {
    int epoll;
    struct broker brokers[BROKERS_MAX];
    size_t broker_count;
    struct group *groups;
    struct member *members;
    size_t group_count, group_size, member_count;
    bool consumer; /* KIP-848 */
    bool flat_out; /* the next heartbeat follows the answer */
    bool bare;     /* heartbeats of no group: refused before a group is looked for */
    const char *topic;
    int32_t partitions;
    uint32_t beat_ms, session_ms;
    struct timer_heap timers;
    struct counts counts;
    size_t stable; /* groups */
    int32_t correlation;
    uint64_t seed;
    uint64_t *commit_us; /* how long each took */
    size_t commit_room, commit_count;
    uint64_t beat_worst_us;
};

uint64_t storm_now_us(void);
uint64_t storm_random(struct storm *storm);

/* ---- link.c ---- */

void link_open(struct link *link, struct storm *storm, uint16_t port);
/* Every call on it is told (member_cut). */
void link_close(struct link *link);
void link_ready(struct link *link, uint32_t events);
/* Opens the link first if it is closed. */
void link_ask(struct link *link, struct call *call, const void *request);

/* ---- member.c ---- */

/* At once, or so much later. */
void member_wants(struct member *member, enum phase phase, uint64_t in_ms);
void member_act(struct member *member);
void member_cut(struct member *member, struct call *call);
/* Its link broke: it looks for its coordinator at once, as clients do, and then sends a heartbeat.
 */
void member_alone(struct member *member);
void member_answered(struct call *call, const uint8_t *frame, size_t len);
void member_commit(struct member *member);
/* A heartbeat that was answered well. */
void member_beat_done(struct member *member, uint64_t in_ms);
/* An error of the coordinator; true: it was one, and is dealt with. */
bool member_failed(struct member *member, int16_t error);
void member_rejoins(struct member *member, bool with_id);
void group_look(struct group *group);

/* ---- classic.c, consumer.c ---- */

void classic_join(struct member *member);
void classic_sync(struct member *member);
void classic_beat(struct member *member);
void classic_answered(struct member *member, const void *response, int16_t key);
void consumer_beat(struct member *member);
void consumer_answered(struct member *member, const void *response);

#endif
