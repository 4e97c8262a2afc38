/* Finding coordinators, asking again where a group has moved, and listing the groups of all
 * brokers. */
#include "client/kafka/group_client.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/nearest_name.h"
#include "base/secure/shell_word.h"
#include "client/line/command.h"
#include "client/line/talk.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/consumer_group_describe.h"
#include "protocol/messages/describe_groups.h"
#include "protocol/messages/find_coordinator.h"
#include "protocol/messages/list_groups.h"
#include "protocol/messages/share_group_describe.h"

enum { PAUSE_MS = 100, KEY_TYPE_TRANSACTION = 1 };

#define SHARE_TYPE "share"

static bool has_moved(int16_t error) {
    return error == KAFKA_COORDINATOR_LOAD_IN_PROGRESS ||
           error == KAFKA_COORDINATOR_NOT_AVAILABLE || error == KAFKA_NOT_COORDINATOR;
}

static bool connection_is_lost(int error) {
    return error == ERR_CONNECTION || error == ERR_REFUSED || error == ERR_NAME ||
           error == ERR_TIMEOUT;
}

/* ---- The coordinator ---- */

struct coordinator {
    int32_t node;
    const char *host;
    int port;
};

/* What the sentences call it. */
static const char *kind_of(const struct group_call *call) {
    return call->transactional ? "transactional id" : "group";
}

/* One question; ERR_AGAIN while there is none. */
static int find_coordinator(struct admin_client *admin, struct kp_arena *arena,
                            const struct group_call *call, struct coordinator *found,
                            struct error_text *why) {
    struct kp_find_coordinator_request request;
    struct kp_find_coordinator_response response;
    struct kp_string key = kp_string_of(call->group);
    kp_set_fallbacks(&kp_find_coordinator_request_schema, &request);
    request.key = key;
    request.key_type = call->transactional ? KEY_TYPE_TRANSACTION : 0;
    request.coordinator_keys.items = &key;
    request.coordinator_keys.count = 1;
    int error = admin_request(admin, KP_FIND_COORDINATOR, call->transactional ? 1 : 0, &request,
                              arena, &response, NULL, why);
    if (error) {
        return error;
    }
    bool listed = response.coordinators.count > 0;
    const struct kp_find_coordinator_response_coordinator *first = response.coordinators.items;
    int16_t refused = listed ? first->error_code : response.error_code;
    if (refused) {
        struct kp_string said = listed ? first->error_message : response.error_message;
        return error_set(why, has_moved(refused) ? ERR_AGAIN : ERR_DENIED,
                         "%s \"%s\" has no coordinator: %s", kind_of(call), call->group,
                         said.len > 0 ? cluster_text(arena, said) : kafka_error_message(refused));
    }
    found->node = listed ? first->node_id : response.node_id;
    found->host = cluster_text(arena, listed ? first->host : response.host);
    found->port = listed ? first->port : response.port;
    return ERR_NONE;
}

int group_request(struct admin_client *admin, struct kp_arena *arena, struct group_call *call,
                  struct error_text *why) {
    struct patience patience;
    patience_begin(&patience);
    call->repeated = false;
    for (;;) {
        struct coordinator at = {-1, "", 0};
        struct error_text asked = {""};
        bool sent = false;
        int error = find_coordinator(admin, arena, call, &at, &asked);
        if (!error) {
            sent = true;
            call->coordinator = at.node;
            error = admin_request_to(admin, at.host, at.port, call->key, call->version_min,
                                     call->request, arena, call->response, NULL, &asked);
            call->refused = error ? 0 : call->error_of(call->response);
        }
        bool again = error ? error == ERR_AGAIN || (sent && connection_is_lost(error))
                           : has_moved(call->refused);
        if (!again || admin_client_left_ms(admin) <= PAUSE_MS) {
            *why = error ? asked : *why;
            return error;
        }
        call->repeated = call->repeated || (error && sent);
        patience_say(&patience, "the coordinator of %s \"%s\"", kind_of(call), call->group);
        pause_ms(PAUSE_MS);
    }
}

/* ---- All groups ---- */

struct groups {
    const char *type; /* only those; NULL: all */
    struct group_row *rows;
    size_t count, room;
};

static struct group_row *find_row(const struct groups *groups, struct kp_string name) {
    for (size_t i = 0; i < groups->count; i++) {
        if (kp_string_is(name, groups->rows[i].group)) {
            return &groups->rows[i];
        }
    }
    return NULL;
}

static void take_groups(struct groups *groups, struct kp_arena *arena, int32_t node,
                        const struct kp_list_groups_response *answer) {
    for (int32_t i = 0; i < answer->groups.count; i++) {
        const struct kp_list_groups_response_group *one = &answer->groups.items[i];
        const char *type = one->group_type.len > 0 ? cluster_text(arena, one->group_type)
                                                   : "classic"; /* below version 5 */
        struct group_row *row = NULL;
        if (groups->type && strcasecmp(type, groups->type) != 0) {
            continue;
        }
        if (groups->count == groups->room) {
            groups->room = groups->room ? 2 * groups->room : 64;
            groups->rows = mem_realloc(groups->rows, groups->room * sizeof(*groups->rows));
        }
        row = &groups->rows[groups->count++];
        *row = (struct group_row){
            .group = cluster_text(arena, one->group_id),
            .type = type,
            .state = cluster_text(arena, one->group_state),
            .protocol_type = cluster_text(arena, one->protocol_type),
            .coordinator = node,
            .members = -1,
        };
    }
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const struct group_row *)a)->group, ((const struct group_row *)b)->group);
}

/* A group that moved between two brokers' answers stands in both: the later one counts. */
static void sort_and_merge(struct groups *groups) {
    size_t kept = 0;
    if (groups->count > 0) {
        qsort(groups->rows, groups->count, sizeof(*groups->rows), by_name);
    }
    for (size_t i = 0; i < groups->count; i++) {
        if (kept > 0 && strcmp(groups->rows[kept - 1].group, groups->rows[i].group) == 0) {
            groups->rows[kept - 1] = groups->rows[i];
        } else {
            groups->rows[kept++] = groups->rows[i];
        }
    }
    groups->count = kept;
}

/* What one broker coordinates; asked again while it takes groups over. */
static int list_at(struct admin_client *admin, struct kp_arena *arena,
                   const struct kp_metadata_response_broker *broker, struct groups *groups,
                   struct error_text *why) {
    const char *host = cluster_text(arena, broker->host);
    for (;;) {
        struct kp_list_groups_request request;
        struct kp_list_groups_response answer;
        struct kp_string type = kp_string_of(groups->type ? groups->type : "");
        kp_set_fallbacks(&kp_list_groups_request_schema, &request);
        if (groups->type) {
            request.types_filter.items = &type;
            request.types_filter.count = 1;
        }
        int error = admin_request_to(admin, host, broker->port, KP_LIST_GROUPS, 0, &request, arena,
                                     &answer, NULL, why);
        if (error || !answer.error_code) {
            if (!error) {
                take_groups(groups, arena, broker->node_id, &answer);
            }
            return error;
        }
        if (!has_moved(answer.error_code) || admin_client_left_ms(admin) <= PAUSE_MS) {
            return error_set(why, ERR_AGAIN, "broker %d: %s", (int)broker->node_id,
                             kafka_error_message(answer.error_code));
        }
        pause_ms(PAUSE_MS);
    }
}

/* ---- How many members they have ---- */

/* Those of one broker of a type; answers are counted into their rows. */
struct member_count {
    struct admin_client *admin;
    struct kp_arena *arena;
    const char *host;
    int port;
    struct kp_string *names;
    int32_t name_count;
};

static void set_members(const struct groups *groups, struct kp_string group, int16_t error,
                        int32_t members) {
    struct group_row *row = error ? NULL : find_row(groups, group);
    if (row) {
        row->members = members;
    }
}

static int count_ask(const struct member_count *at, enum kp_api_key key, const void *request,
                     void *response) {
    struct error_text why = {""};
    return admin_request_to(at->admin, at->host, at->port, key, 0, request, at->arena, response,
                            NULL, &why);
}

static void count_classic(const struct member_count *at, const struct groups *groups) {
    struct kp_describe_groups_request request;
    struct kp_describe_groups_response answer;
    kp_set_fallbacks(&kp_describe_groups_request_schema, &request);
    request.groups.items = at->names;
    request.groups.count = at->name_count;
    int error = count_ask(at, KP_DESCRIBE_GROUPS, &request, &answer);
    for (int32_t i = 0; !error && i < answer.groups.count; i++) {
        set_members(groups, answer.groups.items[i].group_id, answer.groups.items[i].error_code,
                    answer.groups.items[i].members.count);
    }
}

static void count_consumer(const struct member_count *at, const struct groups *groups) {
    struct kp_consumer_group_describe_request request;
    struct kp_consumer_group_describe_response answer;
    kp_set_fallbacks(&kp_consumer_group_describe_request_schema, &request);
    request.group_ids.items = at->names;
    request.group_ids.count = at->name_count;
    int error = count_ask(at, KP_CONSUMER_GROUP_DESCRIBE, &request, &answer);
    for (int32_t i = 0; !error && i < answer.groups.count; i++) {
        set_members(groups, answer.groups.items[i].group_id, answer.groups.items[i].error_code,
                    answer.groups.items[i].members.count);
    }
}

static void count_share(const struct member_count *at, const struct groups *groups) {
    struct kp_share_group_describe_request request;
    struct kp_share_group_describe_response answer;
    kp_set_fallbacks(&kp_share_group_describe_request_schema, &request);
    request.group_ids.items = at->names;
    request.group_ids.count = at->name_count;
    int error = count_ask(at, KP_SHARE_GROUP_DESCRIBE, &request, &answer);
    for (int32_t i = 0; !error && i < answer.groups.count; i++) {
        set_members(groups, answer.groups.items[i].group_id, answer.groups.items[i].error_code,
                    answer.groups.items[i].members.count);
    }
}

/* Of one broker, where it says so. */
static void count_members(struct admin_client *admin, struct kp_arena *arena,
                          const struct kp_metadata_response_broker *broker, struct groups *groups) {
    static const struct {
        const char *type;
        void (*count)(const struct member_count *at, const struct groups *groups);
    } kinds[] = {
        {"classic", count_classic}, {"consumer", count_consumer}, {SHARE_TYPE, count_share}};
    struct member_count at = {.admin = admin,
                              .arena = arena,
                              .host = cluster_text(arena, broker->host),
                              .port = broker->port};
    at.names = mem_alloc((groups->count + 1) * sizeof(*at.names));
    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
        at.name_count = 0;
        for (size_t i = 0; i < groups->count; i++) {
            const struct group_row *row = &groups->rows[i];
            if (row->coordinator == broker->node_id && strcasecmp(row->type, kinds[k].type) == 0) {
                at.names[at.name_count++] = kp_string_of(row->group);
            }
        }
        if (at.name_count > 0) {
            kinds[k].count(&at, groups);
        }
    }
    mem_free(at.names);
}

/* With the sentence in `why`; `members` asks for their numbers, too. */
static int list_all(struct admin_client *admin, struct kp_arena *arena, bool members,
                    struct groups *groups, struct error_text *why) {
    struct kp_metadata_response metadata;
    int error = cluster_ask(admin, arena, NULL, &metadata, why);
    for (int32_t b = 0; !error && b < metadata.brokers.count; b++) {
        error = list_at(admin, arena, &metadata.brokers.items[b], groups, why);
    }
    if (!error) {
        sort_and_merge(groups);
    }
    for (int32_t b = 0; !error && members && b < metadata.brokers.count; b++) {
        count_members(admin, arena, &metadata.brokers.items[b], groups);
    }
    return error;
}

int groups_list(struct admin_client *admin, struct kp_arena *arena, const char *type,
                struct group_row **rows, size_t *count) {
    struct groups groups = {.type = type};
    struct error_text why = {""};
    int error = list_all(admin, arena, true, &groups, &why);
    *rows = kp_arena_alloc(arena, (groups.count + 1) * sizeof(**rows));
    *count = error || !*rows ? 0 : groups.count;
    if (*count > 0) {
        memcpy(*rows, groups.rows, groups.count * sizeof(**rows));
    }
    mem_free(groups.rows);
    return error ? admin_failed(error, &why) : EXIT_DONE;
}

/* ---- Refusals ---- */

static int say_missing(struct admin_client *admin, struct kp_arena *arena, const char *group) {
    struct groups groups = {.type = NULL};
    struct error_text why = {""};
    const char *near = NULL, *type = NULL;
    char word[SHELL_WORD_ROOM];
    shell_word_in(group, word);
    if (list_all(admin, arena, false, &groups, &why) == ERR_NONE && groups.count > 0) {
        const char **names = mem_alloc(groups.count * sizeof(*names));
        for (size_t i = 0; i < groups.count; i++) {
            names[i] = groups.rows[i].group;
            if (strcmp(names[i], group) == 0) {
                type = groups.rows[i].type;
            }
        }
        near = nearest_name(group, names, groups.count);
        mem_free(names);
    }
    if (type && strcasecmp(type, SHARE_TYPE) == 0) {
        say("group \"%s\" is a share group; drave share describe %s shows it, drave share reset %s moves it, and drave share delete %s deletes it",
            group, word, word, word);
    } else if (type) {
        say("group \"%s\" is a %s group; drave group describe %s shows it", group, type, word);
    } else if (near) {
        say("group \"%s\" does not exist; did you mean \"%s\"?", group, near);
    } else {
        say("group \"%s\" does not exist; drave group list shows those that do", group);
    }
    mem_free(groups.rows);
    return EXIT_REFUSED;
}

int group_refused(struct admin_client *admin, struct kp_arena *arena, const char *group,
                  int16_t error) {
    char word[SHELL_WORD_ROOM];
    switch (error) {
    case KAFKA_GROUP_ID_NOT_FOUND: return say_missing(admin, arena, group);
    case KAFKA_NON_EMPTY_GROUP:
    case KAFKA_UNKNOWN_MEMBER_ID: /* a commit from outside while members live */
        say("group \"%s\" has members; stop its consumers first (drave group describe %s shows them)",
            group, shell_word_in(group, word));
        break;
    default: say("group \"%s\": %s", group, kafka_error_message(error));
    }
    return EXIT_REFUSED;
}
