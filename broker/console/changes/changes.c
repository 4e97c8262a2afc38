/* Who may change things, and the list of changes. */
#include "broker/console/changes/changes.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "broker/console/changes/change_answer.h"

enum { BAD_REQUEST = 400, UNAUTHORIZED = 401, FORBIDDEN = 403, NO_FORM = 415, SHOWN = 100 };

static const char BEARER[] = "Bearer ", FORM[] = "application/x-www-form-urlencoded";

/* So that a page can ask whether a token is the right one. */
static void unlock(struct inquiry *inquiry) {
    json_object(&inquiry->json, NULL);
    json_bool(&inquiry->json, "unlocked", true);
    json_end(&inquiry->json);
    inquiry_respond(inquiry);
}

#define OFFSETS "name topic to earliest latest offset time ago offsets"

static const struct change {
    const char *path;
    void (*begin)(struct inquiry *inquiry);
    const char *fields; /* of its form, beside dry_run; NULL: it is not looked at */
} changes[] = {
    {"/api/change/unlock", unlock, NULL},
    {"/api/change/create-topic", change_create_topic, "name partitions replicas settings"},
    {"/api/change/delete-topic", change_delete_topic, "name confirm"},
    {"/api/change/add-partitions", change_add_partitions, "topic more"},
    {"/api/change/move-leader", change_move_leader, "topic partition to"},
    {"/api/change/settings", change_settings, "topic settings"},
    {"/api/change/delete-group", change_delete_group, "name confirm"},
    {"/api/change/drain", change_drain, "broker undo"},
    {"/api/change/seek", change_seek, OFFSETS " by"},
    {"/api/change/share-reset", change_share_reset, OFFSETS},
    {"/api/change/produce", change_produce,
     "topic partition key key_base64 value value_base64 headers"},
};

static const struct change *find(const struct http_request *request) {
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
        if (request->path_len == strlen(changes[i].path) &&
            memcmp(request->path, changes[i].path, request->path_len) == 0)
            return &changes[i];
    return NULL;
}

/* Whether a list of words has that one. */
static bool has_word(const char *list, const char *word, size_t len) {
    for (const char *at = list; *at != '\0';) {
        size_t piece = strcspn(at, " ");
        if (piece == len && memcmp(at, word, len) == 0) return true;
        at += piece + (at[piece] == ' ');
    }
    return false;
}

/* Whether it stands before that, too. Among known names, so there are few. */
static bool is_said(const char *form, const struct http_pair *pair) {
    struct http_pair before = {.next = form};
    size_t len = (size_t)(pair->name - form);
    while (http_query_next(form, len, &before) == HTTP_PAIR)
        if (before.name_len == pair->name_len &&
            memcmp(before.name, pair->name, pair->name_len) == 0)
            return true;
    return false;
}

/* False: refused. What is misspelt, said in the address, said twice, or not encoded would count as
 * not said at all: a change would be done that was only to be tried, and a value be null. */
static bool form_is_understood(struct inquiry *inquiry, const char *fields) {
    const struct http_request *request = inquiry->request;
    const char *form = request->body, *why = NULL;
    struct http_pair pair = {.next = form};
    enum http_paired paired = HTTP_PAIR;
    if (request->query_len > 0) {
        inquiry_refuse(inquiry, BAD_REQUEST, "query",
                       "All of a change stands in its form; nothing of it is read behind the ?.");
        return false;
    }
    while (fields != NULL && why == NULL && paired == HTTP_PAIR) {
        paired = http_query_next(form, request->body_len, &pair);
        bool known = has_word(fields, pair.name, pair.name_len) ||
                     has_word("dry_run", pair.name, pair.name_len);
        if (paired == HTTP_PAIR_BROKEN)
            why = "is not NAME=VALUE as application/x-www-form-urlencoded has it, without a zero "
                  "byte (curl --data-urlencode encodes it)";
        else if (paired == HTTP_PAIR && !known)
            why = "is no field of this change";
        else if (paired == HTTP_PAIR && is_said(form, &pair))
            why = "stands there twice";
    }
    if (why == NULL) return true;
    inquiry_refuse(inquiry, BAD_REQUEST, "form", "\"%.*s\" %s; a change has: %s dry_run.",
                   pair.name_len < SHOWN ? (int)pair.name_len : SHOWN, pair.name, why, fields);
    return false;
}

static void begin(struct inquiry *inquiry) {
    const struct change *change = find(inquiry->request);
    if (form_is_understood(inquiry, change->fields) && change_dry_is_known(inquiry))
        change->begin(inquiry);
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
