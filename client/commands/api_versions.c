/*
 * drave api-versions: which requests each broker serves in which versions, and which well-known
 * clients find what they need there.
 *
 * Happy path: ApiVersions to every broker that is alive; what all of them serve is compared with
 * client/kafka/known_clients.h. Failures: a broker that does not answer is said; exit code 1.
 */
#include <stdio.h>
#include <string.h>

#include "client/kafka/cluster_view.h"
#include "client/kafka/known_clients.h"
#include "client/line/talk.h"
#include "client/session/topic_session.h"
#include "protocol/messages/api_versions.h"

enum { BROKERS_MAX = 64 };

struct answers {
    struct {
        int32_t node;
        struct kp_api_versions_response answer;
    } brokers[BROKERS_MAX];
    size_t count;
};

static int ask_all(struct session *session, struct answers *all) {
    struct kp_metadata_response metadata;
    struct error_text why = {""};
    int code = cluster_metadata(session->admin, &session->arena, NULL, &metadata);
    all->count = 0;
    for (int32_t b = 0; !code && b < metadata.brokers.count && all->count < BROKERS_MAX; b++) {
        const struct kp_metadata_response_broker *broker = &metadata.brokers.items[b];
        struct kp_api_versions_request request;
        kp_set_fallbacks(&kp_api_versions_request_schema, &request);
        request.client_software_name = kp_string_of("drave");
        request.client_software_version = kp_string_of(DRAVE_VERSION);
        int error = admin_request_to(session->admin, cluster_text(&session->arena, broker->host),
                                     broker->port, KP_API_VERSIONS, 0, &request, &session->arena,
                                     &all->brokers[all->count].answer, NULL, &why);
        all->brokers[all->count].node = broker->node_id;
        all->count++;
        code = error ? admin_failed(error, &why) : EXIT_DONE;
    }
    return code;
}

static const struct kp_api_versions_response_api *api_of(
    const struct kp_api_versions_response *answer, int key) {
    for (int32_t i = 0; i < answer->api_keys.count; i++) {
        if (answer->api_keys.items[i].api_key == key) {
            return &answer->api_keys.items[i];
        }
    }
    return NULL;
}

/* What every broker serves of an API; false: some do not serve it. */
static bool served_by_all(const void *arg, int key, int *from, int *to) {
    const struct answers *all = arg;
    bool served = all->count > 0;
    *from = 0;
    *to = INT16_MAX;
    for (size_t b = 0; served && b < all->count; b++) {
        const struct kp_api_versions_response_api *one = api_of(&all->brokers[b].answer, key);
        served = one != NULL;
        *from = one && one->min_version > *from ? one->min_version : *from;
        *to = one && one->max_version < *to ? one->max_version : *to;
    }
    return served && *from <= *to;
}

static void api_name(int key, char *text, size_t room) {
    const struct kp_api *api = kp_api_find(key);
    if (api) {
        snprintf(text, room, "%s", api->name);
    } else {
        snprintf(text, room, "(%d)", key); /* a broker of another kind, or a newer one */
    }
}

/* "0-9", or what each says where they differ: "0-9 (broker 2: 0-8)". */
static void range_text(const struct answers *all, int key, char *text, size_t room) {
    const struct kp_api_versions_response_api *first = api_of(&all->brokers[0].answer, key);
    size_t used = first ? (size_t)snprintf(text, room, "%d-%d", first->min_version,
                                           first->max_version)
                        : (size_t)snprintf(text, room, "-");
    for (size_t b = 1; b < all->count && used < room; b++) {
        const struct kp_api_versions_response_api *one = api_of(&all->brokers[b].answer, key);
        if (one && first && one->min_version == first->min_version &&
            one->max_version == first->max_version) {
            continue;
        }
        if (one) {
            used += (size_t)snprintf(text + used, room - used, " (broker %d: %d-%d)",
                                     (int)all->brokers[b].node, one->min_version, one->max_version);
        } else if (first) {
            used += (size_t)snprintf(text + used, room - used, " (broker %d: none)",
                                     (int)all->brokers[b].node);
        }
    }
}

/* Every key that some broker serves, in order; calls `take` with each. */
static void for_each_key(const struct answers *all, void (*take)(void *arg, int key), void *arg) {
    for (int key = 0; key < INT16_MAX; key++) {
        bool served = false;
        for (size_t b = 0; b < all->count && !served; b++) {
            served = api_of(&all->brokers[b].answer, key) != NULL;
        }
        if (served) {
            take(arg, key);
        }
    }
}

struct printing {
    const struct answers *all;
    struct table *table;
    json_t *list;
};

static void add_key(void *arg, int key) {
    struct printing *to = arg;
    char number[16], name[64], range[256];
    api_name(key, name, sizeof(name));
    if (to->table) {
        snprintf(number, sizeof(number), "%d", key);
        range_text(to->all, key, range, sizeof(range));
        table_row(to->table, (const char *[]){number, name, range});
        return;
    }
    json_t *brokers = json_array();
    for (size_t b = 0; b < to->all->count; b++) {
        const struct kp_api_versions_response_api *one = api_of(&to->all->brokers[b].answer, key);
        if (one) {
            json_array_append_new(brokers,
                                  json_pack("{s:i,s:i,s:i}", "id", (int)to->all->brokers[b].node,
                                            "from", one->min_version, "to", one->max_version));
        }
    }
    json_array_append_new(to->list,
                          json_pack("{s:i,s:s,s:o}", "key", key, "name", name, "brokers", brokers));
}

static json_t *json_of_clients(const struct answers *all) {
    json_t *list = json_array();
    for (size_t i = 0; i < known_client_count; i++) {
        struct error_text why = {""};
        bool fits = known_client_fits(&known_clients[i], served_by_all, all, &why);
        json_array_append_new(list, json_pack("{s:s,s:s,s:b,s:s}", "client", known_clients[i].name,
                                              "use", known_clients[i].use, "fits", (int)fits,
                                              "evidence", why.text));
    }
    return list;
}

static void print_clients(const struct answers *all) {
    static const char *const names[] = {"CLIENT", "USE", "FITS", "BECAUSE"};
    struct table *table = table_new(names, 4);
    for (size_t i = 0; i < known_client_count; i++) {
        struct error_text why = {""};
        bool fits = known_client_fits(&known_clients[i], served_by_all, all, &why);
        table_row(table, (const char *[]){known_clients[i].name, known_clients[i].use,
                                          fits ? "yes" : "no", why.text});
    }
    table_print(table);
}

int command_api_versions(struct invocation *in) {
    static const char *const names[] = {"KEY", "REQUEST", "VERSIONS"};
    struct session session;
    struct answers all;
    session_begin(&session, in);
    int code = ask_all(&session, &all);
    if (!code && in->json) {
        struct printing to = {&all, NULL, json_array()};
        for_each_key(&all, add_key, &to);
        print_json(json_pack("{s:o,s:o}", "apis", to.list, "clients", json_of_clients(&all)));
    } else if (!code) {
        struct printing to = {&all, table_new(names, 3), NULL};
        for_each_key(&all, add_key, &to);
        table_print(to.table);
        print_clients(&all);
    }
    return session_end(&session, code);
}
