/* A hash table from names to the how many-eth of its kind each is. */
#include "client/bundle/pseudonyms.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/mem.h"

enum { SLOTS_FIRST = 256, KINDS_MOST = 16, WORD_MOST = 300, PSEUDONYM = 48 };

struct entry {
    const char *kind;
    char *name; /* NULL: the slot is free */
    size_t len;
    unsigned number;
};

struct pseudonyms {
    struct entry *slots;
    size_t room, count; /* room: a power of two */
    size_t longest;
    struct {
        const char *kind;
        unsigned count;
    } kinds[KINDS_MOST];
};

#define HASH_BEGIN UINT64_C(0xcbf29ce484222325)

static uint64_t hash_more(uint64_t hash, char byte) {
    return (hash ^ (unsigned char)byte) * UINT64_C(0x100000001b3);
}

static uint64_t hash_of(const char *name, size_t len) {
    uint64_t hash = HASH_BEGIN;
    for (size_t i = 0; i < len; i++) {
        hash = hash_more(hash, name[i]);
    }
    return hash;
}

/* The slot of the name, or the free one where it belongs. */
static size_t place_of(const struct pseudonyms *names, uint64_t hash, const char *name,
                       size_t len) {
    size_t at = (size_t)(hash ^ hash >> 32) & (names->room - 1);
    while (names->slots[at].name &&
           (names->slots[at].len != len || memcmp(names->slots[at].name, name, len) != 0)) {
        at = (at + 1) & (names->room - 1);
    }
    return at;
}

static void grow(struct pseudonyms *names) {
    struct entry *old = names->slots;
    size_t room = names->room;
    names->room = room ? 2 * room : SLOTS_FIRST;
    names->slots = mem_zalloc(names->room * sizeof(*names->slots));
    for (size_t i = 0; i < room; i++) {
        if (old[i].name) {
            size_t at = place_of(names, hash_of(old[i].name, old[i].len), old[i].name, old[i].len);
            names->slots[at] = old[i];
        }
    }
    mem_free(old);
}

struct pseudonyms *pseudonyms_new(void) {
    struct pseudonyms *names = mem_zalloc(sizeof(*names));
    grow(names);
    return names;
}

void pseudonyms_free(struct pseudonyms *names) {
    for (size_t i = 0; i < names->room; i++) {
        mem_free(names->slots[i].name);
    }
    mem_free(names->slots);
    mem_free(names);
}

static unsigned next_of(struct pseudonyms *names, const char *kind) {
    size_t i = 0;
    while (i < KINDS_MOST - 1 && names->kinds[i].kind && strcmp(names->kinds[i].kind, kind) != 0) {
        i++;
    }
    names->kinds[i].kind = kind;
    return ++names->kinds[i].count;
}

static bool put_in(struct pseudonyms *names, struct entry entry) {
    if (2 * names->count >= names->room) {
        grow(names);
    }
    struct entry *slot =
        &names->slots[place_of(names, hash_of(entry.name, entry.len), entry.name, entry.len)];
    if (slot->name) {
        return false;
    }
    *slot = entry;
    slot->name = mem_text(entry.name, entry.len);
    names->count++;
    names->longest = entry.len > names->longest ? entry.len : names->longest;
    return true;
}

static bool is_number(const char *name, size_t len) {
    for (size_t i = 0; i < len; i++) {
        if (!isdigit((unsigned char)name[i])) {
            return false;
        }
    }
    return true;
}

void pseudonyms_add(struct pseudonyms *names, const char *kind, const char *name, size_t len) {
    if (is_number(name, len) || len > WORD_MOST ||
        names->slots[place_of(names, hash_of(name, len), name, len)].name) {
        return;
    }
    json_t *string = json_stringn(name, len);
    char *as_json = string ? json_dumps(string, JSON_ENCODE_ANY) : NULL;
    size_t inside = as_json ? strlen(as_json) - 2 : 0;
    struct entry entry = {kind, (char *)(uintptr_t)name, len, next_of(names, kind)};
    if (put_in(names, entry) && as_json && inside <= WORD_MOST) {
        entry.name = as_json + 1;
        entry.len = inside;
        put_in(names, entry);
    }
    free(as_json);
    json_decref(string);
}

/* ---- Rewriting ---- */

struct writing {
    char *text;
    size_t len, room;
};

static void put(struct writing *out, const char *bytes, size_t len) {
    if (out->len + len + 1 > out->room) {
        out->room = 2 * (out->len + len + 1);
        out->text = mem_realloc(out->text, out->room);
    }
    memcpy(out->text + out->len, bytes, len);
    out->len += len;
    out->text[out->len] = '\0';
}

static void put_entry(struct writing *out, const struct entry *entry) {
    char made[PSEUDONYM];
    int len = snprintf(made, sizeof(made), "%.24s-%u", entry->kind, entry->number);
    put(out, made, (size_t)len);
}

static bool is_word(char c) {
    return isalnum((unsigned char)c) || c == '.' || c == '_' || c == '-' || (unsigned char)c >= 128;
}

static bool is_address(const char *word, size_t len) {
    char text[INET6_ADDRSTRLEN + 1];
    struct in6_addr address;
    if (len < 2 || len >= sizeof(text)) {
        return false;
    }
    memcpy(text, word, len);
    text[len] = '\0';
    return inet_pton(strchr(text, ':') ? AF_INET6 : AF_INET, text, &address) == 1;
}

/* The address that begins here, of those signs that addresses have; 0: there is none. */
static size_t address_at(const char *text, size_t len) {
    size_t reach = 0;
    while (reach < len && reach < INET6_ADDRSTRLEN &&
           (isxdigit((unsigned char)text[reach]) || text[reach] == '.' || text[reach] == ':')) {
        reach++;
    }
    for (; reach >= 2; reach--) {
        bool whole = reach == len || !isalnum((unsigned char)text[reach]);
        if (whole && is_address(text, reach)) {
            return reach;
        }
    }
    return 0;
}

/* The longest name that begins here and ends where a word does, or a '.' or '-' is behind it. */
static const struct entry *name_at(const struct pseudonyms *names, const char *text, size_t len) {
    const struct entry *found = NULL;
    uint64_t hash = HASH_BEGIN;
    for (size_t reach = 1; reach <= len && reach <= names->longest; reach++) {
        hash = hash_more(hash, text[reach - 1]);
        bool edge = reach == len || !is_word(text[reach]) || text[reach] == '-' ||
                    text[reach] == '.';
        const struct entry *slot = edge ? &names->slots[place_of(names, hash, text, reach)] : NULL;
        found = slot && slot->name ? slot : found;
    }
    return found;
}

/* `"topic":` is what a value is called, whatever else is called so. */
static bool is_key(const char *text, size_t len, size_t at, size_t reach) {
    return at > 0 && text[at - 1] == '"' && at + reach + 1 < len && text[at + reach] == '"' &&
           text[at + reach + 1] == ':';
}

char *pseudonyms_apply(struct pseudonyms *names, const char *text, size_t len, size_t *made) {
    struct writing out = {NULL, 0, 0};
    put(&out, "", 0);
    for (size_t at = 0; at < len;) {
        bool begins = at == 0 || !is_word(text[at - 1]);
        size_t address = begins ? address_at(text + at, len - at) : 0;
        if (address > 0) {
            pseudonyms_add(names, "address", text + at, address);
        }
        const struct entry *entry = begins ? name_at(names, text + at, len - at) : NULL;
        if (entry && !is_key(text, len, at, entry->len)) {
            put_entry(&out, entry);
            at += entry->len;
        } else {
            put(&out, text + at, 1);
            at++;
        }
    }
    *made = out.len;
    return out.text;
}
