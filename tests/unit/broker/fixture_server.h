/* A server with handlers of the test behind it: they hold each request until the test ends it.
 * Plain sockets are its clients. */
#ifndef TESTS_UNIT_BROKER_FIXTURE_SERVER_H
#define TESTS_UNIT_BROKER_FIXTURE_SERVER_H

#include <sys/types.h>

#include "base/env_uv/env_uv.h"
#include "base/log.h"
#include "broker/server/server.h"

enum { HELD_MAX = 64 };

struct stage {
    struct env *env;
    struct log log;
    int log_pipe[2];
    struct metadata *metadata; /* empty */
    struct dispatch *dispatch;
    struct server *server;
    struct broker_listener listener;
    struct server_options options;
    struct env_timer *poll, *limit;
    bool (*until)(struct stage *stage);
    bool timed_out, closed;
    struct request *held[HELD_MAX]; /* that wait for the test to end them */
    size_t held_count, canceled_count, wanted;
    int client; /* for `until` */
};

/* Ends the i-th request held. */
void stage_answer(struct stage *stage, size_t i);
/* Runs the loop until it is so; fails after 10 s. */
void stage_run_until(struct stage *stage, bool (*until)(struct stage *stage));
void stage_run_ms(struct stage *stage, unsigned ms);
void stage_open_server(struct stage *stage);
int stage_setup(void **state);
int stage_teardown(void **state);
int stage_dial(struct stage *stage);
void stage_send_all(int client, const void *bytes, size_t len);
void stage_ask(int client, int key, int version, int32_t correlation_id, const void *message);
void stage_ask_cluster(int client, int32_t correlation_id);
/* Until so many requests came, all in all. */
void stage_run_until_held(struct stage *stage, size_t count);
/* One response into `frame` without its length; -1: the server closed the connection. */
ssize_t stage_receive(struct stage *stage, int client, uint8_t *frame, size_t room);
int32_t stage_receive_correlation_id(struct stage *stage, int client);
void stage_assert_server_closes(struct stage *stage, int client);
void stage_assert_logged(struct stage *stage, const char *text);
/* So many connections have ended so. */
void stage_assert_ended(const struct stage *stage, enum connection_end why, uint64_t times);
bool stage_can_read(
    struct stage *stage);        /* whether something, or the end, is here for stage->client */
void stage_on_closed(void *arg); /* for server_close */
bool stage_is_closed(struct stage *stage);
bool stage_nobody_connected(struct stage *stage);
/* Nobody is connected, and what clients that went had asked for is given back, in later turns. */
bool stage_has_nothing(struct stage *stage);

#endif
