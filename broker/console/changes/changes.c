/* Who may change things, and the list of changes. */
#include "broker/console/changes/changes.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "broker/console/changes/change_answer.h"

enum { UNAUTHORIZED = 401, FORBIDDEN = 403, NO_FORM = 415 };

static const char BEARER[] = "Bearer ", FORM[] = "application/x-www-form-urlencoded";

/* So that a page can ask whether a token is the right one. */
static void unlock(struct inquiry *inquiry) {
    json_object(&inquiry->json, NULL);
    json_bool(&inquiry->json, "unlocked", true);
    json_end(&inquiry->json);
    inquiry_respond(inquiry);
}

static const struct change {
    const char *path;
    void (*begin)(struct inquiry *inquiry);
} changes[] = {
    {"/api/change/unlock", unlock},
    {"/api/change/create-topic", change_create_topic},
    {"/api/change/delete-topic", change_delete_topic},
    {"/api/change/add-partitions", change_add_partitions},
    {"/api/change/move-leader", change_move_leader},
    {"/api/change/settings", change_settings},
    {"/api/change/delete-group", change_delete_group},
    {"/api/change/drain", change_drain},
    {"/api/change/seek", change_seek},
    {"/api/change/share-reset", change_share_reset},
    {"/api/change/produce", change_produce},
};

static const struct change *find(const struct http_request *request) {
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
        if (request->path_len == strlen(changes[i].path) &&
            memcmp(request->path, changes[i].path, request->path_len) == 0)
            return &changes[i];
    return NULL;
}

static void begin(struct inquiry *inquiry) {
    if (change_dry_is_known(inquiry)) find(inquiry->request)->begin(inquiry);
}

void (*change_of(const struct http_request *request))(struct inquiry *inquiry) {
    return find(request) == NULL ? NULL : begin;
}

/* ---- Who may ---- */

/* Each byte is looked at, whatever those before it were; only the lengths may be told apart. */
static bool is_token(const char *value, size_t len, const char *token) {
    size_t token_len = strlen(token);
    volatile uint8_t difference = 0;
    if (len != token_len) return false;
    for (size_t i = 0; i < token_len; i++)
        difference |= (uint8_t)(value[i] ^ token[i]);
    return difference == 0;
}

static bool has_token(const struct http_request *request, const char *token) {
    const char *value;
    size_t len, scheme = sizeof BEARER - 1;
    return http_request_field(request, "authorization", &value, &len) == 1 && len > scheme &&
           strncasecmp(value, BEARER, scheme) == 0 && is_token(value + scheme, len - scheme, token);
}

/* Browsers say where a page comes from; it must be from this very console, also behind a proxy that
 * speaks TLS. Who is no browser says nothing. */
static bool is_ours(const struct http_request *request) {
    const char *value;
    size_t len;
    unsigned sites = http_request_field(request, "sec-fetch-site", &value, &len);
    if (sites > 1 || (sites == 1 && (len != 11 || memcmp(value, "same-origin", 11) != 0)))
        return false;
    unsigned origins = http_request_field(request, "origin", &value, &len);
    if (origins == 0) return true;
    size_t scheme = len > 8 && memcmp(value, "https://", 8) == 0  ? 8
                    : len > 7 && memcmp(value, "http://", 7) == 0 ? 7
                                                                  : len;
    return origins == 1 && request->host != NULL && len - scheme == request->host_len &&
           strncasecmp(value + scheme, request->host, request->host_len) == 0;
}

static bool has_value(const struct http_request *request, const char *name, const char *wanted) {
    const char *value;
    size_t len;
    return http_request_field(request, name, &value, &len) == 1 && len >= strlen(wanted) &&
           strncasecmp(value, wanted, strlen(wanted)) == 0 &&
           (len == strlen(wanted) || value[strlen(wanted)] == ';');
}

int change_guard(const struct http_request *request, const char *token, const char **text) {
    if (!is_ours(request)) {
        *text = "changes are taken from the pages of this console alone\n";
        return FORBIDDEN;
    }
    /* What a form of a stranger's page cannot send, nor a script there without asking first. */
    if (!has_value(request, "x-drave", "1")) {
        *text = "a change needs the line X-Drave: 1\n";
        return FORBIDDEN;
    }
    if (!has_token(request, token)) {
        *text = "a change needs the line Authorization: Bearer TOKEN, with what console.token.file "
                "holds\n";
        return UNAUTHORIZED;
    }
    if (!has_value(request, "content-type", FORM)) {
        *text = "a change is a form: Content-Type: application/x-www-form-urlencoded\n";
        return NO_FORM;
    }
    return 0;
}
