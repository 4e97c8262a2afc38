/*
 * drave topic create.
 *
 * Happy path: one request for each topic to any broker, which forwards it where it must. Failures:
 * the broker's own sentence is shown; the other topics are made all the same.
 */
#include <string.h>
#include <sys/random.h>

#include "client/kafka/cluster_view.h"
#include "client/line/command.h"
#include "client/line/talk.h"
#include "client/session/topic_session.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/create_topics.h"

/* One topic of the call. */
struct creation {
    const struct invocation *in;
    const char *name;
    json_t *list; /* what was made, for --json */
};

static int take_configs(const struct invocation *in, struct session *session,
                        struct kp_create_topics_request_topic *topic) {
    size_t count = 0;
    while (invocation_nth(in, 'c', count)) {
        count++;
    }
    struct kp_create_topics_request_config *configs = kp_new_items(
        &session->arena, &kp_create_topics_request_config_schema, &topic->configs, (int32_t)count);
    for (size_t i = 0; i < count; i++) {
        if (!session_setting(session, invocation_nth(in, 'c', i), &configs[i].name,
                             &configs[i].value)) {
            return EXIT_USAGE;
        }
    }
    return EXIT_DONE;
}

/* So that the broker that is asked next, when the connection to the first one breaks, knows the
 * topic as what was asked for. */
static void draw_id(struct kp_uuid *id) {
    size_t got = 0;
    while (got < sizeof id->bytes) {
        ssize_t n = getrandom(id->bytes + got, sizeof id->bytes - got, 0);
        got += n > 0 ? (size_t)n : 0;
    }
}

/* `id` NULL: it has none, because it was not created. */
static void tell_created(const struct creation *c, const struct kp_uuid *id, int partitions,
                         int replicas, bool created) {
    char text[23];
    if (id) {
        kp_uuid_text(*id, text);
    }
    json_array_append_new(c->list,
                          json_pack("{s:s,s:o,s:i,s:i,s:b,s:b}", "name", c->name, "id",
                                    id ? json_string(text) : json_null(), "partitions", partitions,
                                    "replicas", replicas, "created", (int)created, "dry_run",
                                    (int)invocation_has(c->in, OPTION_DRY_RUN)));
}

static int tell_existing(const struct creation *c, struct session *session) {
    struct kp_metadata_response metadata;
    const struct kp_metadata_response_topic *found;
    if (!c->in->json) {
        say_plain("topic \"%s\" exists", c->name);
        return EXIT_DONE;
    }
    int code = cluster_topic(session->admin, &session->arena, c->name, TOPIC_TO_USE, &metadata,
                             &found);
    if (code == EXIT_DONE) {
        int replicas = found->partitions.count > 0
                           ? (int)found->partitions.items[0].replica_nodes.count
                           : 0;
        tell_created(c, &found->topic_id, (int)found->partitions.count, replicas, false);
    }
    return code;
}

static void fill(const struct invocation *in, struct session *session,
                 struct kp_create_topics_request *request,
                 struct kp_create_topics_request_topic *topic, const char *name) {
    kp_set_fallbacks(&kp_create_topics_request_schema, request);
    kp_set_fallbacks(&kp_create_topics_request_topic_schema, topic);
    topic->name = kp_string_of(name);
    draw_id(&topic->wanted_id);
    topic->num_partitions = (int32_t)invocation_number(in, 'p', -1, 1, 100000);
    topic->replication_factor = (int16_t)invocation_number(in, 'r', -1, 1, 99);
    request->topics.items = topic;
    request->topics.count = 1;
    request->timeout_ms = admin_client_answer_ms(session->admin);
    request->validate_only = invocation_has(in, OPTION_DRY_RUN);
}

static int tell_answer(const struct creation *c, struct session *session,
                       const struct kp_create_topics_response_topic *made) {
    bool dry_run = invocation_has(c->in, OPTION_DRY_RUN);
    if (made->error_code == KAFKA_TOPIC_ALREADY_EXISTS &&
        invocation_has(c->in, OPTION_IF_NOT_EXISTS)) {
        return tell_existing(c, session);
    }
    if (made->error_code) {
        return session_refused(session, c->name, made->error_code, made->error_message);
    }
    tell_created(c, dry_run ? NULL : &made->topic_id, made->num_partitions,
                 made->replication_factor, !dry_run);
    if (!c->in->json) {
        say_plain("topic \"%s\" %s: %d partition%s, %d replica%s", c->name,
                  dry_run ? "would be created (--dry-run)" : "created", (int)made->num_partitions,
                  made->num_partitions == 1 ? "" : "s", (int)made->replication_factor,
                  made->replication_factor == 1 ? "" : "s");
    }
    return EXIT_DONE;
}

/* With a session and a timeout of its own. */
static int create_topic(const struct creation *c) {
    struct session session;
    session_begin(&session, c->in);
    struct kp_create_topics_request request;
    struct kp_create_topics_request_topic topic;
    struct kp_create_topics_response response;
    struct error_text why = {""};
    fill(c->in, &session, &request, &topic, c->name);
    int code = take_configs(c->in, &session, &topic);
    if (code) {
        return session_end(&session, code);
    }
    int error = admin_request(session.admin, KP_CREATE_TOPICS, 5, &request, &session.arena,
                              &response, NULL, &why);
    if (error) {
        return session_end(&session, admin_failed(error, &why));
    }
    if (response.topics.count != 1) {
        say("the broker did not answer about topic \"%s\"; drave topic list shows whether it was made",
            c->name);
        return session_end(&session, EXIT_REFUSED);
    }
    return session_end(&session, tell_answer(c, &session, response.topics.items));
}

int command_topic_create(struct invocation *in) {
    struct creation c = {.in = in, .list = json_array()};
    int code = EXIT_DONE;
    for (int i = 0; i < in->word_count && code != EXIT_UNREACHABLE && code != EXIT_USAGE; i++) {
        c.name = in->words[i];
        int one = create_topic(&c);
        code = one ? one : code;
    }
    if (in->json && in->word_count > 1) {
        print_json(json_incref(c.list));
    } else if (in->json && json_array_size(c.list) == 1) {
        print_json(json_incref(json_array_get(c.list, 0)));
    }
    json_decref(c.list);
    return code;
}
