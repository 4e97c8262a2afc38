/* Topics that come and go; admin.h has the rules. */
#include "tests/sim/admin.h"

#include <stdio.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/create_topics.h"
#include "protocol/messages/delete_topics.h"

enum { NAMES_MOST = 200, CALL_US = 3000000, PAUSE_US = 400000, NAMES_IN_USE = 3 };

enum knowledge { MISSING, EXISTS, DOUBTFUL };

struct topic_name {
    char text[16];
    enum knowledge knowledge;
};

struct admin {
    struct run *run;
    struct kafka_client *client;
    int16_t replicas;
    struct topic_name names[NAMES_MOST];
    unsigned count;
    struct topic_name *name; /* the one that is asked about */
    struct kafka_call call;
    struct env_timer *timer;
    bool asking, finishing;
};

static uint64_t draw(struct admin *admin, uint64_t limit) {
    return world_below(admin->run->world, limit);
}

static void pause_a_while(struct admin *admin) {
    admin->asking = false;
    env_timer_start(admin->timer, draw(admin, 2 * PAUSE_US));
}

/* Errors behind which nothing has changed and nothing will. */
static bool changed_nothing(int16_t code) {
    return code == KAFKA_INVALID_REPLICATION_FACTOR || code == KAFKA_TOPIC_ALREADY_EXISTS ||
           code == KAFKA_UNKNOWN_TOPIC_OR_PARTITION || code == KAFKA_UNKNOWN_TOPIC_ID;
}

static void judge(struct admin *admin, const char *what, int16_t code, enum knowledge done) {
    struct topic_name *name = admin->name;

    run_say(admin->run, "%s %s: %s", what, name->text, kafka_error_name(code));
    /* A broker that lags may ask for a deletion that has just happened; when its question goes
     * unanswered it asks again, and then it cannot tell whose deletion it was. */
    if (code == KAFKA_NONE && name->knowledge == done && done == EXISTS)
        run_fail(admin->run, "%s topic %s is answered without error, but it was so already", what,
                 name->text);
    if (code == KAFKA_NONE) name->knowledge = done;
    if (code == KAFKA_NONE || changed_nothing(code))
        return; /* a broker may refuse by a table that lags behind */
    if (!kafka_error_retriable(code))
        run_fail(admin->run, "%s topic %s is answered with %s", what, name->text,
                 kafka_error_name(code));
    name->knowledge = DOUBTFUL;
}

/* ---- Creating ---- */

static void created(struct kafka_call *call, int error, const void *response) {
    struct admin *admin = CONTAINER_OF(call, struct admin, call);
    const struct kp_create_topics_response *answer = response;

    if (error != ERR_NONE)
        admin->name->knowledge = DOUBTFUL;
    else
        judge(admin, "creating", answer->topics.items[0].error_code, EXISTS);
    pause_a_while(admin);
}

static void create(struct admin *admin) {
    struct kp_create_topics_request request;
    struct kp_create_topics_request_topic topic;

    kp_set_fallbacks(&kp_create_topics_request_schema, &request);
    kp_set_fallbacks(&kp_create_topics_request_topic_schema, &topic);
    topic.name = kp_string_of(admin->name->text);
    topic.num_partitions = 1 + (int32_t)draw(admin, 2);
    topic.replication_factor = admin->replicas;
    request.topics.items = &topic;
    request.topics.count = 1;
    request.timeout_ms = 1500;
    admin->call.done = created;
    kafka_link_call(kafka_client_link(admin->client, -1), &admin->call, KP_CREATE_TOPICS,
                    kafka_client_version(admin->client, KP_CREATE_TOPICS, 0), &request, CALL_US);
}

/* ---- Deleting ---- */

static void deleted(struct kafka_call *call, int error, const void *response) {
    struct admin *admin = CONTAINER_OF(call, struct admin, call);
    const struct kp_delete_topics_response *answer = response;

    if (error != ERR_NONE)
        admin->name->knowledge = DOUBTFUL;
    else
        judge(admin, "deleting", answer->responses.items[0].error_code, MISSING);
    pause_a_while(admin);
}

static void delete(struct admin *admin) {
    struct kp_delete_topics_request request;
    struct kp_string name = kp_string_of(admin->name->text);

    kp_set_fallbacks(&kp_delete_topics_request_schema, &request);
    request.topic_names.items = &name;
    request.topic_names.count = 1;
    request.timeout_ms = 1500;
    admin->call.done = deleted;
    /* from version 6 on topics are named in another field */
    kafka_link_call(kafka_client_link(admin->client, -1), &admin->call, KP_DELETE_TOPICS,
                    1 + (int)draw(admin, 5), &request, CALL_US);
}

/* ---- Life ---- */

/* A few names at a time, so that they come again; one that is doubtful makes room for a new one. */
static struct topic_name *any_name(struct admin *admin) {
    unsigned usable = 0;

    for (unsigned i = 0; i < admin->count; i++)
        usable += admin->names[i].knowledge != DOUBTFUL;
    if (usable < NAMES_IN_USE && admin->count < NAMES_MOST) {
        struct topic_name *name = &admin->names[admin->count++];
        snprintf(name->text, sizeof name->text, "churn-%u", admin->count);
        return name;
    }
    for (unsigned at = (unsigned)draw(admin, admin->count), seen = 0; seen < admin->count;
         seen++, at = (at + 1) % admin->count)
        if (admin->names[at].knowledge != DOUBTFUL) return &admin->names[at];
    return NULL;
}

static void step(void *arg) {
    struct admin *admin = arg;

    if (admin->finishing) return;
    admin->name = kafka_client_ready(admin->client) ? any_name(admin) : NULL;
    if (admin->name == NULL) {
        pause_a_while(admin);
        return;
    }
    admin->asking = true;
    bool wrong_way = draw(admin, 10) == 0; /* creates what exists, deletes what is missing */
    if ((admin->name->knowledge == MISSING) != wrong_way)
        create(admin);
    else
        delete (admin);
}

struct admin *admin_new(struct kafka_client *client, int16_t replicas) {
    struct admin *admin = mem_zalloc(sizeof *admin);

    admin->run = kafka_client_run(client);
    admin->client = client;
    admin->replicas = replicas;
    admin->timer = env_timer_new(kafka_client_env(client), step, admin);
    pause_a_while(admin);
    return admin;
}

void admin_finish(struct admin *admin) {
    admin->finishing = true;
}

bool admin_is_idle(const struct admin *admin) {
    return !admin->asking;
}

void admin_each_known(const struct admin *admin,
                      void (*each)(void *arg, const char *name, bool exists), void *arg) {
    for (unsigned i = 0; i < admin->count; i++)
        if (admin->names[i].knowledge != DOUBTFUL)
            each(arg, admin->names[i].text, admin->names[i].knowledge == EXISTS);
}
