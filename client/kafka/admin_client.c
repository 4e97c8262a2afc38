/* Brokers in turn, a connection to each that answers, a request tried again elsewhere, and the
 * words for what came of it. */
#include "client/kafka/admin_client.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "client/kafka/admin_connection.h"
#include "client/kafka/bootstrap.h"
#include "client/line/command.h"
#include "client/line/talk.h"

enum {
    CONNECTIONS_MAX = 16,
    AGAIN_MS = 50,
    REFUSED_MS = 2000,
};

struct admin_client {
    char *bootstrap;
    struct admin_wait wait; /* quiet: one try, no words */
    /* From then on it is over when each address refuses to be connected; 0: not before the
     * deadline. */
    uint64_t refused_ms;
    unsigned sent; /* how often the last request has left, whole or in part */
    struct admin_connection connections[CONNECTIONS_MAX];
    int connection_count;
};

struct admin_client *admin_client_new(const char *bootstrap, uint64_t timeout_ms) {
    bootstrap_check(bootstrap);
    struct admin_client *admin = mem_zalloc(sizeof(*admin));
    admin->bootstrap = mem_strdup(bootstrap);
    admin->wait.deadline_ms = now_ms() + timeout_ms;
    patience_begin(&admin->wait.patience);
    return admin;
}

struct admin_client *admin_client_for(const struct invocation *in) {
    struct admin_client *admin = admin_client_new(in->bootstrap, in->timeout_ms);
    admin->refused_ms = in->timeout_given ? 0 : now_ms() + REFUSED_MS;
    return admin;
}

struct admin_client *admin_client_new_quiet(const char *bootstrap, uint64_t timeout_ms) {
    struct admin_client *admin = admin_client_new(bootstrap, timeout_ms);
    admin->wait.quiet = true;
    return admin;
}

void admin_client_renew(struct admin_client *admin, uint64_t timeout_ms) {
    admin->wait.deadline_ms = now_ms() + timeout_ms;
    patience_begin(&admin->wait.patience);
}

bool admin_client_repeated(const struct admin_client *admin) {
    return admin->sent > 1;
}

static void drop_connection(struct admin_client *admin, struct admin_connection *connection) {
    admin_connection_close(connection);
    *connection = admin->connections[--admin->connection_count];
}

void admin_client_free(struct admin_client *admin) {
    while (admin->connection_count > 0) {
        drop_connection(admin, &admin->connections[0]);
    }
    mem_free(admin->bootstrap);
    mem_free(admin);
}

uint64_t admin_client_left_ms(const struct admin_client *admin) {
    return admin_wait_left_ms(&admin->wait);
}

int32_t admin_client_answer_ms(const struct admin_client *admin) {
    enum { WAY_MS = 500 };
    uint64_t left = admin_client_left_ms(admin), way = left / 4 < WAY_MS ? left / 4 : WAY_MS;
    return left - way > INT32_MAX ? INT32_MAX : (int32_t)(left - way);
}

/* The connection to an address, made if there is none. */
static int connection_to(struct admin_client *admin, const char *host, const char *port,
                         struct admin_connection **found, struct error_text *why) {
    char address[300];
    snprintf(address, sizeof(address), "%s:%s", host, port);
    for (int i = 0; i < admin->connection_count; i++) {
        if (strcmp(admin->connections[i].address, address) == 0) {
            *found = &admin->connections[i];
            return ERR_NONE;
        }
    }
    if (admin->connection_count == CONNECTIONS_MAX) {
        drop_connection(admin, &admin->connections[0]);
    }
    struct admin_connection *made = &admin->connections[admin->connection_count];
    int error = admin_connection_open(made, &admin->wait, host, port, why);
    admin->connection_count += error == ERR_NONE;
    *found = made;
    return error;
}

static int request_on(struct admin_client *admin, struct admin_connection *with,
                      enum kp_api_key key, int version_min, const void *request,
                      struct kp_arena *arena, void *response, int *version,
                      struct error_text *why) {
    const struct kp_api *api = kp_api_find(key);
    int spoken = admin_connection_version(with, api, version_min);
    if (spoken < 0) {
        return error_set(
            why, ERR_VERSION,
            "%s does not serve %s as this drave (%s) needs it; use a drave of the broker's version",
            with->address, api->name, DRAVE_VERSION);
    }
    if (version) {
        *version = spoken;
    }
    admin->sent++;
    int error = admin_connection_exchange(with, &admin->wait, api, spoken, request, arena, response,
                                          why);
    if (error == ERR_TIMEOUT) { /* it has told its versions before: reached it is */
        error = error_set(
            why, ERR_AGAIN,
            "%s is there, but has not answered %s in time: most of its cluster may be missing, which drave "
            "info shows. Whether it was done is not known",
            with->address, api->name);
    }
    if (error) {
        drop_connection(admin, with);
    }
    return error;
}

int admin_request_to(struct admin_client *admin, const char *host, int port, enum kp_api_key key,
                     int version_min, const void *request, struct kp_arena *arena, void *response,
                     int *version, struct error_text *why) {
    struct admin_connection *with;
    char port_text[16];
    snprintf(port_text, sizeof(port_text), "%d", port);
    int error = connection_to(admin, host, port_text, &with, why);
    return error
               ? error
               : request_on(admin, with, key, version_min, request, arena, response, version, why);
}

struct admin_call {
    enum kp_api_key key;
    int version_min;
    const void *request;
    struct kp_arena *arena;
    void *response;
    int *version;
};

/* To be reached, each address has its share of the time that is left, so that a broker that is
 * frozen does not take that of the others; one that has told its versions is alive, and gets all of
 * it. */
static int try_each(struct admin_client *admin, const struct admin_call *call,
                    struct error_text *tried, bool *all_refused) {
    char *list = mem_strdup(admin->bootstrap), *rest = list, *one;
    uint64_t end_ms = admin->wait.deadline_ms;
    int error = ERR_NONE;
    tried->text[0] = 0;
    *all_refused = true;
    while ((one = strsep(&rest, ",")) != NULL) {
        if (!*one || (*tried->text && admin_client_left_ms(admin) == 0)) {
            continue;
        }
        const char *host, *port;
        struct admin_connection *with;
        struct error_text this_one = {""};
        bootstrap_split(one, &host, &port);
        uint64_t others = bootstrap_count(rest);
        admin->wait.deadline_ms = end_ms - admin_client_left_ms(admin) * others / (others + 1);
        error = connection_to(admin, host, port, &with, &this_one);
        admin->wait.deadline_ms = end_ms;
        error = error ? error
                      : request_on(admin, with, call->key, call->version_min, call->request,
                                   call->arena, call->response, call->version, &this_one);
        *all_refused = *all_refused && error == ERR_REFUSED;
        if (!error) {
            break;
        }
        size_t used = strlen(tried->text);
        snprintf(tried->text + used, sizeof(tried->text) - used, "%s%.*s", used ? "; " : "",
                 (int)(sizeof(tried->text) - used), this_one.text);
    }
    mem_free(list);
    return error;
}

/* Whether the next moment may bring what is missing: a broker that starts, a name that is made. */
static bool may_come(int error) {
    return error == ERR_CONNECTION || error == ERR_REFUSED || error == ERR_NAME ||
           error == ERR_TIMEOUT;
}

int admin_request(struct admin_client *admin, enum kp_api_key key, int version_min,
                  const void *request, struct kp_arena *arena, void *response, int *version,
                  struct error_text *why) {
    const struct admin_call call = {key, version_min, request, arena, response, version};
    struct error_text tried = {""}, tried_before = {""};
    bool all_refused;
    int error, error_before = ERR_NONE;
    admin->sent = 0;
    for (;; error_before = error, tried_before = tried) {
        error = try_each(admin, &call, &tried, &all_refused);
        if (error == ERR_REFUSED && !all_refused) {
            error = ERR_CONNECTION;
        }
        uint64_t left = admin_client_left_ms(admin);
        if (error == ERR_TIMEOUT && left == 0 &&
            error_before != ERR_NONE) { /* cut short: the try before it says more */
            error = error_before;
            tried = tried_before;
        }
        bool nothing_listens = all_refused && admin->refused_ms > 0 &&
                               now_ms() + AGAIN_MS >= admin->refused_ms;
        if (!may_come(error) || admin->wait.quiet || left <= AGAIN_MS || nothing_listens) {
            break;
        }
        patience_say(&admin->wait.patience, "a broker to answer (%s)", tried.text);
        pause_ms(AGAIN_MS);
    }
    if (error) {
        *why = *tried.text ? tried : *why;
    }
    return error;
}

int admin_failed(int error, const struct error_text *why) {
    if (error == ERR_REFUSED) {
        say("no broker is reachable, nothing listens there: %s. Is the cluster running? Name its brokers with -b HOST:PORT,... or "
            "DRAVE_BOOTSTRAP; while it starts, give it longer with --timeout 60s",
            why->text);
        return EXIT_UNREACHABLE;
    }
    if (may_come(error)) {
        say("no broker is reachable: %s. Is the cluster running? Name its brokers with -b HOST:PORT,... or DRAVE_BOOTSTRAP; "
            "give it longer with --timeout 60s",
            why->text);
        return EXIT_UNREACHABLE;
    }
    say("%s", why->text);
    return EXIT_REFUSED;
}
