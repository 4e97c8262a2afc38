/* Connecting two streams over a listener of their own. */
#include "tests/unit/base/fixture_pair.h"
#include "tests/unit/unit.h"

struct making {
    struct loop *loop;
    struct env_stream *client, *server;
};

static void done_if_both(struct making *making) {
    if (making->client != NULL && making->server != NULL) loop_done(making->loop);
}

static void accepted(void *arg, struct env_stream *stream) {
    struct making *making = arg;
    making->server = stream;
    done_if_both(making);
}

static void connected(void *arg, int error, struct env_stream *stream) {
    struct making *making = arg;
    assert_int_equal(error, ERR_NONE);
    making->client = stream;
    done_if_both(making);
}

void pair_open(struct loop *loop, struct env_stream **client, struct env_stream **server) {
    struct making making = {.loop = loop};
    struct env_listener *listener;
    int port;
    assert_int_equal(env_listen(loop->env, "127.0.0.1", 0, 1, accepted, &making, &listener, &port),
                     ERR_NONE);
    env_connect(loop->env, "127.0.0.1", port, 5 * 1000 * 1000, connected, &making);
    loop_run(loop);
    env_listener_close(listener);
    *client = making.client;
    *server = making.server;
}
