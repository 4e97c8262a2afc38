/*
 * bundle_hide: which texts of a bundle are names, and rewriting all of it.
 *
 * Names are found where JSON says what they are; then they are replaced everywhere, in sentences
 * and tables, too. Settings that hold addresses or paths are replaced as a whole.
 */
#include <string.h>

#include "base/mem.h"
#include "client/bundle/bundle_files.h"
#include "client/bundle/pseudonyms.h"

static const struct {
    const char *key, *kind;
} keys[] = {{"topic", "topic"},     {"group", "group"},        {"client_id", "client"},
            {"host", "host"},       {"rack", "rack"},          {"instance", "member"},
            {"member", "member"},   {"path", "directory"},     {"directory", "directory"},
            {"subject", "name"},    {"cluster_id", "cluster"}, {"user", "user"},
            {"client-id", "client"}};

/* Settings whose value says where something is, or who may what. */
static const char *const places[] = {".dir",   ".file",  "listeners", ".listen",
                                     ".nodes", ".hosts", ".rack",     ".users"};

static bool is_place(const char *setting) {
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (strstr(setting, places[i])) {
            return true;
        }
    }
    return false;
}

static void add(struct pseudonyms *names, const char *kind, const char *name) {
    bool internal = strncmp(name, "__", 2) == 0 || name[0] == '(' || strcmp(name, "*") == 0;
    if (*name && !internal) {
        pseudonyms_add(names, kind, name, strlen(name));
    }
}

/* "topic:orders", "orders-3": what events are about. */
static void add_subject(struct pseudonyms *names, const char *subject) {
    char name[ARCHIVE_NAME + 1];
    const char *colon = strchr(subject, ':');
    size_t len = strlen(colon ? colon + 1 : subject);
    if (len >= sizeof(name)) {
        return;
    }
    memcpy(name, colon ? colon + 1 : subject, len + 1);
    size_t cut = len;
    while (cut > 0 && strchr("0123456789", name[cut - 1])) {
        cut--;
    }
    if (cut > 1 && cut < len && name[cut - 1] == '-') {
        name[cut - 1] = '\0';
    }
    add(names, "name", name);
}

/* "10.1.2.3:4711" without its port; an address itself is seen as one anyway. */
static void add_address(struct pseudonyms *names, const char *address) {
    const char *colon = strrchr(address, ':');
    pseudonyms_add(names, "host", address, colon ? (size_t)(colon - address) : strlen(address));
}

/* What a client calls itself is no name where it is only what its software is called. */
static void add_client(struct pseudonyms *names, const json_t *object, const char *name) {
    const char *software = json_string_value(json_object_get(object, "software"));
    if (!software || !strstr(software, name)) {
        add(names, "client", name);
    }
}

/* "User:alice" */
static void add_principal(struct pseudonyms *names, const char *principal) {
    const char *colon = strchr(principal, ':');
    add(names, "user", colon ? colon + 1 : principal);
}

static void add_member(struct pseudonyms *names, const json_t *object, const char *key,
                       const char *name) {
    if (strcmp(key, "subject") == 0) {
        add_subject(names, name);
    } else if (strcmp(key, "address") == 0) {
        add_address(names, name);
    } else if (strcmp(key, "principal") == 0) {
        add_principal(names, name);
    } else if (strcmp(key, "client_id") == 0) {
        add_client(names, object, name);
    } else if (strcmp(key, "value") == 0) {
        const char *setting = json_string_value(json_object_get(object, "name"));
        if (setting && is_place(setting)) {
            add(names, "setting", name);
        }
    } else {
        for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
            if (strcmp(keys[i].key, key) == 0) {
                add(names, keys[i].kind, name);
            }
        }
    }
}

/* `named`: what "name", or "id", of an object is; NULL: nothing to hide. */
static void collect(struct pseudonyms *names, const json_t *value, const char *name_is,
                    const char *id_is) {
    const char *key;
    json_t *member;
    size_t at;
    json_array_foreach(value, at, member) {
        collect(names, member, name_is, id_is);
    }
    if (!json_is_object(value)) {
        return;
    }
    json_object_foreach((json_t *)value, key, member) {
        const char *text = json_string_value(member);
        const char *kind = strcmp(key, "name") == 0 ? name_is
                           : strcmp(key, "id") == 0 ? id_is
                                                    : NULL;
        if (!text) {
            collect(names, member, name_is, id_is);
        } else if (kind) {
            add(names, kind, text);
        } else {
            add_member(names, value, key, text);
        }
    }
}

static bool begins(const char *name, const char *with) {
    return strncmp(name, with, strlen(with)) == 0;
}

static void collect_file(struct pseudonyms *names, const struct bundle_file *file) {
    json_t *value = json_loadb(file->data, file->len, JSON_DECODE_ANY, NULL);
    bool topics = begins(file->name, "topics"), groups = begins(file->name, "groups"),
         transactions = begins(file->name, "transactions"), rules = begins(file->name, "acls");
    collect(names, value,
            topics  ? "topic"
            : rules ? "name"
                    : NULL,
            groups         ? "member"
            : transactions ? "transaction"
                           : NULL);
    json_decref(value);
}

void bundle_hide(struct bundle_files *files) {
    struct pseudonyms *names = pseudonyms_new();
    size_t made;
    /* The most telling lists first: what is a topic is no "name" of a rule, or of an event. */
    for (int vague = 0; vague <= 1; vague++) {
        for (size_t i = 0; i < files->count; i++) {
            const char *file = files->items[i].name;
            if ((begins(file, "events") || begins(file, "acls")) == vague) {
                collect_file(names, &files->items[i]);
            }
        }
    }
    for (size_t i = 0; i < files->count; i++) {
        char *hidden = pseudonyms_apply(names, files->items[i].data, files->items[i].len, &made);
        mem_free(files->items[i].data);
        files->items[i].data = hidden;
        files->items[i].len = made;
    }
    char *calls = json_dumps(files->calls, JSON_COMPACT);
    char *hidden = pseudonyms_apply(names, calls, strlen(calls), &made);
    json_t *read = json_loadb(hidden, made, 0, NULL);
    json_decref(files->calls);
    files->calls = read ? read : json_object();
    mem_free(calls);
    mem_free(hidden);
    pseudonyms_free(names);
}
