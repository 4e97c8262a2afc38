/* Connecting, refusals as sentences, and NAME=VALUE, for all topic commands. */
#include "client/session/topic_session.h"

#include <string.h>

#include "base/mem.h"
#include "client/kafka/cluster_view.h"
#include "client/line/talk.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/incremental_alter_configs.h"

enum { ARENA_MAX = 512 << 20 };

void session_begin(struct session *session, const struct invocation *in) {
    session->admin = admin_client_for(in);
    kp_arena_init(&session->arena, ARENA_MAX);
}

int session_end(struct session *session, int code) {
    kp_arena_close(&session->arena);
    admin_client_free(session->admin);
    return code;
}

int session_refused(struct session *session, const char *topic, int16_t error,
                    struct kp_string message) {
    if (*topic && error == KAFKA_UNKNOWN_TOPIC_OR_PARTITION) {
        return cluster_topic_missing(session->admin, &session->arena, topic, TOPIC_TO_CHANGE);
    }
    const char *text = cluster_text(&session->arena, message);
    if (*topic && strstr(text, topic)) {
        say("%s", text);
    } else {
        say("topic \"%s\": %s", topic, *text ? text : kafka_error_message(error));
    }
    return EXIT_REFUSED;
}

bool session_setting(struct session *session, const char *pair, struct kp_string *key,
                     struct kp_string *value) {
    char *name;
    const char *text;
    if (!pair_split(pair, &name, &text)) {
        say("--config %s is not KEY=VALUE; write for example -c max.message.bytes=2000000", pair);
        return false;
    }
    *key = kp_arena_string(&session->arena, name, strlen(name));
    *value = kp_string_of(text);
    mem_free(name);
    return true;
}

int8_t session_operation(const char *pair, size_t *name_len) {
    char last = *name_len > 1 ? pair[*name_len - 1] : '=';
    if (last != '+' && last != '-') return CONFIG_SET;
    --*name_len;
    return last == '+' ? CONFIG_APPEND : CONFIG_SUBTRACT;
}
