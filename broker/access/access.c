/* Rows as a table of bits by API; super users as pieces of one text; limiters of lines by what they
 * are about. */
#include "broker/access/access.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "broker/access/access_rows.h"
#include "broker/config/listener_settings.h"
#include "broker/config/name_hash.h"
#include "broker/config/topic_name.h"
#include "protocol/messages/api_table.h"

enum {
    APIS = 128,     /* of Kafka, */
    OUR_APIS = 16,  /* and our own, from KP_PRIVATE on */
    LIMITERS = 512, /* those that are about different things may share one */
    SHOWN = 128,    /* bytes of a name in a line */
};

struct asks {
    bool known, strict;               /* as their row has it */
    uint16_t of[AUTHORIZE_RESOURCES]; /* bit n: operation n */
};

struct access {
    struct log *log;
    struct access_options options;
    const struct acl_table *rules; /* NULL: not yet */
    struct asks asks[APIS + OUR_APIS];
    struct log_limiter limiters[LIMITERS];
    struct log_limiter strays;
    uint64_t refusals[AUTHORIZE_OPERATIONS][AUTHORIZE_RESOURCES];
};

/* ---- Super users ---- */

static bool is_super(const struct access *access, struct kp_string principal) {
    const char *at = access->options.super_users;
    const char *user;
    size_t len;
    while (super_users_next(&at, &user, &len))
        if (len == (size_t)principal.len && memcmp(user, principal.data, len) == 0) return true;
    return false;
}

/* ---- Life ---- */

static int place_of(int16_t api_key) {
    if (api_key >= 0 && api_key < APIS) return api_key;
    int own = api_key - KP_PRIVATE;
    return own >= 0 && own < OUR_APIS ? APIS + own : -1;
}

struct access *access_new(struct log *log, const struct access_options *options) {
    if (options->mode == AUTHORIZER_OFF) return NULL;
    struct access *access = mem_zalloc(sizeof *access);
    size_t count;
    const struct access_row *rows = access_rows(&count);
    access->log = log;
    access->options = *options;
    for (size_t i = 0; i < count; i++) {
        int place = place_of(rows[i].api_key);
        CHECK(place >= 0); /* the rows are ours */
        access->asks[place].known = true;
        access->asks[place].strict = rows[i].strict;
        for (int of = 0; of < AUTHORIZE_RESOURCES; of++)
            access->asks[place].of[of] = (uint16_t)access_row_asks(&rows[i],
                                                                   (enum authorize_resource)of);
    }
    return access;
}

void access_free(struct access *access) {
    mem_free(access);
}

void access_follow(struct access *access, const struct acl_table *rules) {
    access->rules = rules;
}

/* ---- Deciding ---- */

bool access_serves(const struct access *access, int16_t api_key) {
    int place = place_of(api_key);
    return place >= 0 && access->asks[place].known;
}

static bool may_ask(const struct access *access, const struct access_question *question) {
    return access_serves(access, question->api_key) &&
           (access->asks[place_of(question->api_key)].of[question->resource] &
            1u << question->operation) != 0;
}

/* Java writes it so, too. */
struct kp_string access_host(const char *peer) {
    static const char mapped[] = "::ffff:";
    const char *port = strrchr(peer, ':');
    size_t len = port == NULL ? strlen(peer) : (size_t)(port - peer);
    if (len > 1 && peer[0] == '[' && peer[len - 1] == ']') {
        peer++;
        len -= 2;
    }
    if (len > sizeof mapped && strncmp(peer, mapped, sizeof mapped - 1) == 0 &&
        memchr(peer, '.', len) != NULL) {
        peer += sizeof mapped - 1;
        len -= sizeof mapped - 1;
    }
    return (struct kp_string){.data = peer, .len = (int32_t)len};
}

static struct acl_asker asker_of(const struct access_question *question) {
    return (struct acl_asker){.principal = kp_string_of(question->principal),
                              .host = access_host(question->peer)};
}

static struct kp_string name_of(const struct access_question *question) {
    return question->resource == AUTHORIZE_CLUSTER ? kp_string_of(ACL_CLUSTER_NAME)
                                                   : question->name;
}

/* The topics of coordinators hold what others have committed: nobody but they writes them. */
static bool is_closed(const struct access_question *question) {
    return question->resource == AUTHORIZE_TOPIC && question->operation == AUTHORIZE_WRITE &&
           question->name.len >= 0 &&
           topic_name_is_internal(question->name.data, (size_t)question->name.len);
}

static bool is_granted(const struct access *access, enum acl_answer answer) {
    return answer == ACL_ALLOWS || (answer == ACL_SAYS_NOTHING && access->options.allow_everyone);
}

static enum acl_answer ask(const struct access *access, const struct access_question *question) {
    struct acl_asker asker = asker_of(question);
    struct kp_string name = name_of(question);
    if (is_super(access, asker.principal)) return ACL_ALLOWS;
    if (access->rules == NULL || name.len < 0 || is_closed(question)) return ACL_FORBIDS;
    return acl_table_ask(access->rules, &asker, question->operation, question->resource, name);
}

bool access_could(const struct access *access, const struct access_question *question) {
    return access->options.mode != AUTHORIZER_ENFORCES || is_granted(access, ask(access, question));
}

bool access_has(const struct access *access, const struct access_question *question) {
    return may_ask(access, question) && is_granted(access, ask(access, question));
}

bool access_may(const struct access *access, const struct access_question *question) {
    return may_ask(access, question) && access_could(access, question);
}

/* ---- Refusals ---- */

static const char *api_name(int16_t api_key) {
    const struct kp_api *api = kp_api_find(api_key);
    return api == NULL ? "?" : api->name;
}

static struct log_limiter *limiter_of(struct access *access, const struct access_question *question,
                                      struct kp_string name) {
    uint64_t what = (uint64_t)question->resource << 8 | (uint64_t)question->operation;
    unsigned hash = metadata_name_hash(what, question->principal, strlen(question->principal));
    if (name.len > 0) hash = metadata_name_hash(hash, name.data, (size_t)name.len);
    return &access->limiters[hash % LIMITERS];
}

static bool only_observes(const struct access *access, const struct access_question *question) {
    return access->options.mode == AUTHORIZER_OBSERVES &&
           !access->asks[place_of(question->api_key)].strict;
}

/* Whether a shell takes it as it is, and `drave acl add` for what it is: a client chose it. Names
 * of certificates have = and commas. */
static bool is_word(struct kp_string text) {
    for (int32_t i = 0; i < text.len; i++)
        if (!isalnum((unsigned char)text.data[i]) && memchr("._-:@=,", text.data[i], 7) == NULL)
            return false;
    return text.len >= 0 && text.len <= SHOWN;
}

static int shown(struct kp_string text) {
    return text.len < 0 ? 0 : text.len < SHOWN ? (int)text.len : SHOWN;
}

/* What is known of why, and what to do. */
static void explain(const struct access *access, const struct access_question *question,
                    enum acl_answer answer, struct kp_string name, char *into, size_t room) {
    bool of_cluster = question->resource == AUTHORIZE_CLUSTER;
    struct kp_string principal = kp_string_of(question->principal);
    bool every = kp_string_is(name, "*");
    if (access->rules == NULL)
        snprintf(into, room, "the rules are not known yet");
    else if (is_closed(question))
        snprintf(into, room, "coordinators alone write it");
    else if (answer == ACL_FORBIDS)
        snprintf(into, room, "a rule denies it; drave acl list shows which");
    else if (!is_word(principal) || (!every && !is_word(name)))
        snprintf(into, room, "no rule allows it; drave help acl add shows how to allow it");
    else
        snprintf(into, room, "no rule allows it; to allow it: drave acl add %s%s %s %s%s%.*s",
                 name.len > 0 && name.data[0] == '-' ? "-- " : "", question->principal,
                 acl_operation_name((int)question->operation),
                 acl_resource_name((int)question->resource), of_cluster ? "" : " ",
                 every ? 3 : (int)name.len, every ? "'*'" : name.data);
}

static void tell(struct access *access, const struct access_question *question,
                 enum acl_answer answer, bool any) {
    char why[3 * SHOWN];
    bool of_cluster = question->resource == AUTHORIZE_CLUSTER;
    struct kp_string name = of_cluster ? kp_string_of("")
                            : any      ? kp_string_of("*")
                                       : question->name;
    explain(access, question, answer, name, why, sizeof why);
    log_limited(access->log, limiter_of(access, question, name), LOGGED_ACCESS_DENIED,
                "%.*s at %s (listener %s) %s %s %s%s%.*s%s, asked by %s: %s",
                shown(kp_string_of(question->principal)), question->principal, question->peer,
                question->listener,
                only_observes(access, question) ? "would not be allowed to" : "may not",
                acl_operation_name((int)question->operation),
                acl_resource_name((int)question->resource), of_cluster ? "" : " '", shown(name),
                name.data, of_cluster ? "" : "'", api_name(question->api_key), why);
}

static bool refuse(struct access *access, const struct access_question *question,
                   enum acl_answer answer, bool any) {
    access->refusals[question->operation][question->resource]++;
    tell(access, question, answer, any);
    return only_observes(access, question);
}

/* What a handler asks and its row has not: nothing of the kind was tried, and it is let through for
 * nobody. */
static bool is_stray(struct access *access, const struct access_question *question) {
    if (may_ask(access, question)) return false;
    log_limited(access->log, &access->strays, LOGGED_INTERNAL_ERROR,
                "%s asks whether it may %s %s, which is not among what it asks; it is refused",
                api_name(question->api_key), acl_operation_name((int)question->operation),
                acl_resource_name((int)question->resource));
    return true;
}

bool access_allows(struct access *access, const struct access_question *question) {
    if (is_stray(access, question)) return false;
    enum acl_answer answer = ask(access, question);
    return is_granted(access, answer) || refuse(access, question, answer, false);
}

/* A name that nothing but the rules for all names hold for, as Kafka asks it first. */
static const char HARDCODE[] = "hardcode";

bool access_allows_some(struct access *access, const struct access_question *question) {
    struct access_question one = *question;
    struct acl_asker asker = asker_of(question);
    one.name = kp_string_of(HARDCODE);
    if (is_stray(access, question)) return false;
    enum acl_answer answer = ask(access, &one);
    return is_granted(access, answer) ||
           (access->rules != NULL &&
            acl_table_allows_some(access->rules, &asker, question->operation,
                                  question->resource)) ||
           refuse(access, question, answer, true);
}

uint64_t access_refusals(const struct access *access, enum authorize_operation operation,
                         enum authorize_resource resource) {
    return access->refusals[operation][resource];
}
