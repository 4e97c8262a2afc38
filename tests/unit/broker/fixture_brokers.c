/* Starting, killing and stopping several brokers on one loop. */
#include "tests/unit/broker/fixture_brokers.h"

#include <arpa/inet.h>
#include <ftw.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/container_of.h"
#include "base/io/frame_reader.h"
#include "base/mem.h"
#include "broker/metadata/metadata_features.h"
#include "broker/metadata/metadata_group.h"
#include "broker/users/user_table.h"
#include "protocol/messages/api_versions.h"
#include "protocol/messages/create_topics.h"
#include "protocol/messages/delete_topics.h"
#include "protocol/messages/frame.h"
#include "tests/unit/unit.h"

/* ---- Brokers ---- */

static void on_ready(void *arg, const char *summary) {
    struct broker_node *node = arg;
    node->ready = true;
    snprintf(node->sentence, sizeof node->sentence, "%s", summary);
}

static void on_failed(void *arg, const char *sentence) {
    struct broker_node *node = arg;
    node->failed = true;
    snprintf(node->sentence, sizeof node->sentence, "%s", sentence);
}

static const struct broker_events broker_events = {on_ready, on_failed};

static void on_stopped(void *arg) {
    struct broker_node *node = arg;
    node->stopped = true;
}

/* Picks a port that nobody has, and keeps it bound without listening, so that the system gives it
 * to nobody else: the broker may listen there all the same, since both set SO_REUSEADDR. */
static void reserve_peer_port(struct broker_node *node) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int on = 1;
    if (node->peer_port != 0) return;
    node->reservation = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(setsockopt(node->reservation, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
    assert_int_equal(bind(node->reservation, (struct sockaddr *)&address, len), 0);
    assert_int_equal(getsockname(node->reservation, (struct sockaddr *)&address, &len), 0);
    node->peer_port = ntohs(address.sin_port);
}

static void set(struct broker_node *node, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void set(struct broker_node *node, const char *format, ...) {
    char pair[512];
    struct error_text why;
    va_list args;
    va_start(args, format);
    vsnprintf(pair, sizeof pair, format, args);
    va_end(args);
    if (settings_set_pair(node->values, pair, &why) != ERR_NONE) fail_msg("%s", why.text);
}

void brokers_configure(struct brokers *brokers, int count, const char *const *pairs) {
    static const char *const quick[] = {"listeners=PLAINTEXT://127.0.0.1:0",
                                        "journal.file.bytes=1048576",
                                        "journal.max.bytes=67108864",
                                        "broker.heartbeat.interval.ms=50",
                                        "broker.session.timeout.ms=500",
                                        "raft.heartbeat.ms=50",
                                        "raft.election.timeout.ms=300",
                                        "disk.min.free.bytes=0",
                                        NULL};
    char nodes[256] = "";
    size_t rows;
    const struct setting *table = broker_settings_table(&rows);
    struct error_text why;
    brokers->count = count;
    for (int i = 0; i < count; i++) {
        struct broker_node *node = &brokers->nodes[i];
        node->brokers = brokers;
        node->id = i + 1;
        reserve_peer_port(node);
        snprintf(node->dir, sizeof node->dir, "%s/%d", brokers->dir, node->id);
        snprintf(nodes + strlen(nodes), sizeof nodes - strlen(nodes), "%s%d@127.0.0.1:%d",
                 i == 0 ? "" : ",", node->id, node->peer_port);
    }
    for (int i = 0; i < count; i++) {
        struct broker_node *node = &brokers->nodes[i];
        settings_free(node->values);
        node->values = settings_new(table, rows);
        set(node, "node.id=%d", node->id);
        set(node, "data.dir=%s", node->dir);
        if (count > 1) set(node, "cluster.nodes=%s", nodes);
        for (const char *const *pair = quick; *pair != NULL; pair++)
            set(node, "%s", *pair);
        for (const char *const *pair = pairs; pair != NULL && *pair != NULL; pair++)
            set(node, "%s", *pair);
        if (broker_settings_from(node->values, &node->settings, &why) != ERR_NONE)
            fail_msg("%s", why.text);
    }
}

int brokers_start_one(struct broker_node *node) {
    struct error_text why = {""};
    node->ready = node->failed = node->stopped = false;
    node->sentence[0] = '\0';
    int error = broker_start(node->brokers->env, &node->brokers->log, &node->settings,
                             &broker_events, node, &node->broker, &why);
    if (error == ERR_NONE) return ERR_NONE;
    node->broker = NULL;
    snprintf(node->sentence, sizeof node->sentence, "%s", why.text);
    return error;
}

void brokers_start(struct brokers *brokers, int count, const char *const *pairs) {
    brokers_configure(brokers, count, pairs);
    for (int i = 0; i < count; i++)
        if (brokers_start_one(&brokers->nodes[i]) != ERR_NONE)
            fail_msg("%s", brokers->nodes[i].sentence);
    brokers_until(brokers, brokers_all_ready);
}

void brokers_kill(struct broker_node *node) {
    broker_free(node->broker);
    node->broker = NULL;
}

static struct broker_node *stopping;

static bool has_stopped(struct brokers *brokers) {
    (void)brokers;
    return stopping->stopped;
}

void brokers_stop(struct broker_node *node) {
    stopping = node;
    broker_stop(node->broker, on_stopped, node);
    brokers_until(node->brokers, has_stopped);
    brokers_kill(node);
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *walk) {
    (void)info;
    (void)type;
    (void)walk;
    return remove(path);
}

void brokers_wipe(struct broker_node *node) {
    assert_int_equal(nftw(node->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

/* ---- The loop ---- */

static void on_limit(void *arg) {
    struct brokers *brokers = arg;
    brokers->timed_out = true;
    env_uv_stop(brokers->env);
}

static void on_poll(void *arg) {
    struct brokers *brokers = arg;
    if (brokers->until(brokers))
        env_uv_stop(brokers->env);
    else
        env_timer_start(brokers->poll, 1000);
}

void brokers_until(struct brokers *brokers, bool (*until)(struct brokers *brokers)) {
    brokers->until = until;
    brokers->timed_out = false;
    env_timer_start(brokers->limit, UNIT_PATIENCE_S * 1000 * 1000);
    env_timer_start(brokers->poll, 0);
    env_uv_run(brokers->env);
    env_timer_stop(brokers->limit);
    env_timer_stop(brokers->poll);
    if (brokers->timed_out) fail_msg("it did not happen within %d s", UNIT_PATIENCE_S);
}

bool brokers_all_ready(struct brokers *brokers) {
    for (int i = 0; i < brokers->count; i++)
        if (brokers->nodes[i].broker != NULL && !brokers->nodes[i].ready) return false;
    return true;
}

bool brokers_are_settled(struct brokers *brokers) {
    const struct metadata *metadata = broker_services(brokers->nodes[0].broker)->metadata;
    size_t count;
    const struct metadata_feature *known = metadata_features_known(&count);
    if (metadata == NULL || !metadata_users(metadata)->has_secret) return false;
    for (size_t i = 0; i < count; i++)
        if (metadata_feature_to_raise(metadata, known[i].name) > 0) return false;
    return true;
}

struct broker_node *brokers_metadata_leader(struct brokers *brokers) {
    for (int i = 0; i < brokers->count; i++) {
        struct broker_node *node = &brokers->nodes[i];
        if (node->broker == NULL) continue;
        const struct metadata_group *group = broker_services(node->broker)->metadata_group;
        if (group != NULL && metadata_group_is_leading(group)) return node;
    }
    return NULL;
}

int brokers_setup(void **state) {
    struct brokers *brokers = mem_zalloc(sizeof *brokers);
    *state = brokers;
    assert_int_equal(env_uv_new(&brokers->env, 2), ERR_NONE);
    brokers->log = (struct log){.env = brokers->env,
                                .level = getenv("DRAVE_TEST_LOG") ? LOG_DEBUG : LOG_ERROR};
    brokers->poll = env_timer_new(brokers->env, on_poll, brokers);
    brokers->limit = env_timer_new(brokers->env, on_limit, brokers);
    kp_arena_init(&brokers->arena, 64 << 20);
    snprintf(brokers->dir, sizeof brokers->dir, "%s/drave-brokers-XXXXXX",
             getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    assert_non_null(mkdtemp(brokers->dir));
    return 0;
}

static bool nothing_is_asked(struct brokers *brokers) {
    return brokers->asking == NULL;
}

int brokers_teardown(void **state) {
    struct brokers *brokers = *state;
    for (int i = 0; i < BROKERS_MAX; i++) {
        broker_free(brokers->nodes[i].broker);
        settings_free(brokers->nodes[i].values);
        if (brokers->nodes[i].peer_port != 0) close(brokers->nodes[i].reservation);
    }
    brokers_until(brokers, nothing_is_asked);
    env_timer_free(brokers->poll);
    env_timer_free(brokers->limit);
    env_uv_run(brokers->env); /* what was under way on other threads ends */
    assert_true(env_uv_free(brokers->env));
    nftw(brokers->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    kp_arena_close(&brokers->arena);
    mem_free(brokers);
    return 0;
}

/* ---- A client: one connection for each request ---- */

struct asking {
    struct brokers *brokers;
    const struct kp_api *api;
    int version;
    uint8_t *bytes;
    size_t len;
    void *response;
    struct env_stream *stream;
    struct frame_reader *reader;
    struct env_write write;
    bool written, answered;
    bool greets; /* the first answer is that to what software it is */
    struct asking *next;
};

static void end_if_done(struct asking *asking) {
    if (!asking->written || !asking->answered) return;
    struct asking **at = &asking->brokers->asking;
    while (*at != asking)
        at = &(*at)->next;
    *at = asking->next;
    mem_free(asking->bytes);
    mem_free(asking);
}

static void close_stream(struct asking *asking) {
    frame_reader_free(asking->reader);
    env_stream_close(asking->stream);
    asking->answered = true;
    end_if_done(asking);
}

static void on_frame(void *arg, struct slice frame) {
    struct asking *asking = arg;
    if (asking->greets) {
        asking->greets = false;
        slice_unref(&frame);
        return;
    }
    /* Strings of the answer point into the frame: a copy of it lives as long as the arena. */
    struct kp_string copy = kp_arena_string(&asking->brokers->arena, (const char *)frame.data,
                                            frame.len);
    slice_unref(&frame);
    int error = kp_response_decode(asking->api, asking->version, 77, copy.data, (size_t)copy.len,
                                   &asking->brokers->arena, asking->response);
    assert_int_equal(error, ERR_NONE);
    close_stream(asking);
}

static void on_ended(void *arg, int error, uint32_t length) {
    (void)error;
    (void)length;
    close_stream(arg); /* a broker that was killed, or that closed the connection */
}

static void on_written(struct env_write *write, int error) {
    struct asking *asking = CONTAINER_OF(write, struct asking, write);
    (void)error;
    asking->written = true;
    end_if_done(asking);
}

static void on_connected(void *arg, int error, struct env_stream *stream) {
    static const struct frame_reader_events events = {.frame = on_frame, .ended = on_ended};
    struct asking *asking = arg;
    assert_int_equal(error, ERR_NONE);
    asking->stream = stream;
    asking->reader = frame_reader_new(asking->brokers->env, stream, NULL, 4, 64 << 20, &events,
                                      asking);
    asking->write.done = on_written;
    struct env_iov iov = {asking->bytes, asking->len};
    env_stream_write(stream, &asking->write, &iov, 1);
}

/* Behind what is written already. */
static void put_request(struct asking *asking, const struct kp_api *api, int version,
                        const void *request) {
    struct kp_writer writer;
    uint8_t *bytes;
    size_t len;
    kp_writer_init(&writer, 64 << 20);
    assert_int_equal(kp_request_encode(api, version, 77, kp_string_of("test"), request, &writer),
                     ERR_NONE);
    assert_int_equal(kp_writer_take(&writer, &bytes, &len), ERR_NONE);
    asking->bytes = mem_realloc(asking->bytes, asking->len + len);
    memcpy(asking->bytes + asking->len, bytes, len);
    asking->len += len;
    mem_free(bytes);
}

static void greet(struct asking *asking) {
    struct kp_api_versions_request request;
    kp_set_fallbacks(&kp_api_versions_request_schema, &request);
    request.client_software_name = kp_string_of(asking->brokers->software);
    request.client_software_version = kp_string_of("1");
    put_request(asking, kp_api_find(KP_API_VERSIONS), 3, &request);
    asking->greets = true;
}

void brokers_ask_later(struct broker_node *node, enum kp_api_key key, int version,
                       const void *request, void *response) {
    struct asking *asking = mem_zalloc(sizeof *asking);
    asking->brokers = node->brokers;
    asking->api = kp_api_find(key);
    asking->version = version;
    asking->response = response;
    if (asking->brokers->software != NULL) greet(asking);
    put_request(asking, asking->api, version, request);
    asking->next = node->brokers->asking;
    node->brokers->asking = asking;
    env_connect(node->brokers->env, "127.0.0.1", broker_port(node->broker, NULL), 5000 * 1000,
                on_connected, asking);
}

size_t brokers_missing(const struct brokers *brokers) {
    size_t count = 0;
    for (const struct asking *asking = brokers->asking; asking != NULL; asking = asking->next)
        count += !asking->answered;
    return count;
}

static bool all_answered(struct brokers *brokers) {
    return brokers_missing(brokers) == 0;
}

void brokers_ask(struct broker_node *node, enum kp_api_key key, int version, const void *request,
                 void *response) {
    brokers_ask_later(node, key, version, request, response);
    brokers_until(node->brokers, all_answered);
}

int brokers_create_topic(struct broker_node *node, const char *name, int32_t partitions,
                         int16_t factor, char *message) {
    struct kp_create_topics_request_topic topic;
    struct kp_create_topics_request request;
    struct kp_create_topics_response response;
    kp_set_fallbacks(&kp_create_topics_request_topic_schema, &topic);
    kp_set_fallbacks(&kp_create_topics_request_schema, &request);
    topic.name = kp_string_of(name);
    topic.num_partitions = partitions;
    topic.replication_factor = factor;
    request.topics.items = &topic;
    request.topics.count = 1;
    request.timeout_ms = 10000;
    brokers_ask(node, KP_CREATE_TOPICS, 7, &request, &response);
    assert_int_equal(response.topics.count, 1);
    const struct kp_create_topics_response_topic *answer = &response.topics.items[0];
    assert_true(kp_string_is(answer->name, name));
    if (message != NULL)
        snprintf(message, 256, "%.*s",
                 answer->error_message.len < 0 ? 0 : answer->error_message.len,
                 answer->error_message.data);
    return answer->error_code;
}

int brokers_delete_topic(struct broker_node *node, const char *name) {
    struct kp_string names = kp_string_of(name);
    struct kp_delete_topics_request request;
    struct kp_delete_topics_response response;
    kp_set_fallbacks(&kp_delete_topics_request_schema, &request);
    request.topic_names.items = &names;
    request.topic_names.count = 1;
    request.timeout_ms = 10000;
    brokers_ask(node, KP_DELETE_TOPICS, 5, &request, &response);
    assert_int_equal(response.responses.count, 1);
    return response.responses.items[0].error_code;
}
