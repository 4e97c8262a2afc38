/* Unpacking all of it, and finding the file of a call. */
#include "client/bundle/bundle_read.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <zlib.h>

#include "base/error.h"
#include "base/mem.h"
#include "client/bundle/bundle_files.h"
#include "client/line/talk.h"

enum { BLOCK = 512, PIECE = 256 << 10, SIZE_AT = 124, SIZE_DIGITS = 12 };

struct unpacked {
    char *data;
    size_t len;
};

static bool unpack(const char *path, struct unpacked *into) {
    gzFile file = gzopen(path, "rb");
    size_t room = 0;
    int got = 1;
    *into = (struct unpacked){NULL, 0};
    if (!file) {
        say("%s cannot be read: %s", path, error_phrase(error_from_errno(errno)));
        return false;
    }
    while (got > 0 && into->len < BUNDLE_READ_MOST) {
        if (into->len + PIECE > room) {
            room = 2 * (into->len + PIECE);
            into->data = mem_realloc(into->data, room);
        }
        got = gzread(file, into->data + into->len, PIECE);
        into->len += got > 0 ? (size_t)got : 0;
    }
    bool whole = gzclose(file) == Z_OK && got == 0;
    if (!whole) {
        say("%s is no whole bundle of drave debug bundle: it cannot be unpacked", path);
    }
    return whole;
}

/* The contents of a file of the archive; NULL: it has none of that name, or ends within it. */
static const char *find(const struct unpacked *all, const char *name, size_t *len) {
    char wanted[ARCHIVE_NAME + 1];
    snprintf(wanted, sizeof(wanted), BUNDLE_FOLDER "%.85s", name);
    for (size_t at = 0; at + BLOCK <= all->len && all->data[at];) {
        char digits[SIZE_DIGITS + 1] = {0};
        memcpy(digits, all->data + at + SIZE_AT, SIZE_DIGITS);
        size_t size = strtoull(digits, NULL, 8), data = at + BLOCK;
        if (size > all->len - data) {
            return NULL;
        }
        if (strncmp(all->data + at, wanted, ARCHIVE_NAME) == 0) {
            *len = size;
            return all->data + data;
        }
        at = data + (size + BLOCK - 1) / BLOCK * BLOCK;
    }
    return NULL;
}

/* This call as a bundle names it. */
static json_t *wanted_call(const struct invocation *in) {
    const char *flags[INVOCATION_VALUES];
    size_t count = 0;
    for (size_t i = 0; i < in->value_count; i++) {
        int key = in->values[i].key;
        const struct command_option *option = command_option_of(in->command, key);
        if (option && key != OPTION_FROM && key != OPTION_WATCH) {
            flags[count++] = option->name;
        }
    }
    return bundle_call(in->command->name, in->words, in->word_count, flags, count);
}

/* The name of the file of the call, for people or for programs; what it printed, or what it said in
 * place of that. */
static const char *file_of(const json_t *files, const json_t *call, bool as_json,
                           const json_t **entry) {
    const char *name, *found = NULL;
    json_t *one;
    json_object_foreach((json_t *)files, name, one) {
        size_t len = strlen(name);
        bool failed = strstr(name, ".failed.txt") != NULL;
        bool fits = failed || (len > 5 && strcmp(name + len - 5, ".json") == 0) == as_json;
        if (fits && json_equal(json_object_get(one, "call"), call)) {
            found = name;
            *entry = one;
        }
    }
    return found;
}

/* The call, as it would be typed. */
static void spell(const json_t *call, char *into, size_t room) {
    size_t used = 0, i;
    json_t *word;
    into[0] = '\0';
    json_array_foreach(call, i, word) {
        int wrote = snprintf(into + used, room - used, " %s", json_string_value(word));
        used += wrote < 0 || (size_t)wrote >= room - used ? 0 : (size_t)wrote;
    }
}

/* Calls of the same command that it has; a few. */
static void say_others(const json_t *files, const json_t *call) {
    enum { SHOWN = 8 };
    const char *name, *command = json_string_value(json_array_get(call, 0));
    json_t *one;
    int shown = 0;
    json_object_foreach((json_t *)files, name, one) {
        const json_t *other = json_object_get(one, "call");
        const char *its = json_string_value(json_array_get(other, 0));
        char text[300];
        if (its && strcmp(its, command) == 0 && !strstr(name, ".json") && shown++ < SHOWN) {
            spell(other, text, sizeof(text));
            say_plain("  drave%s", text);
        }
    }
    if (shown > SHOWN) {
        say_plain("  and %d others", shown - SHOWN);
    }
}

static int show_call(const struct invocation *in, const char *path, const struct unpacked *all,
                     const json_t *manifest) {
    const json_t *files = json_object_get(manifest, "files"), *entry = NULL;
    json_t *call = wanted_call(in);
    char text[300], when[32];
    size_t len = 0;
    const char *name = file_of(files, call, in->json, &entry);
    const char *data = name ? find(all, name, &len) : NULL;
    time_t time = (time_t)(json_integer_value(json_object_get(manifest, "time_ms")) / 1000);
    struct tm tm;
    int code = EXIT_REFUSED;
    strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", gmtime_r(&time, &tm));
    spell(call, text, sizeof(text));
    if (!data) {
        say("%s does not hold what drave%s prints; of that command it holds:", path, text);
        say_others(files, call);
    } else {
        code = (int)json_integer_value(json_object_get(entry, "exit"));
        say_plain("as it was at %s UTC", when);
        print_bytes(data, strstr(name, ".failed.txt") ? 0 : len);
        const json_t *said = json_object_get(entry, "said");
        say_held(&(struct held_talk){.said = (char *)json_string_value(said),
                                     .said_len = json_string_length(said)});
    }
    json_decref(call);
    return code;
}

int bundle_show(const struct invocation *in) {
    const char *path = invocation_value(in, OPTION_FROM, "");
    struct unpacked all;
    int code = EXIT_REFUSED;
    size_t len = 0;
    if (unpack(path, &all)) {
        const char *text = find(&all, BUNDLE_MANIFEST, &len);
        json_t *manifest = text ? json_loadb(text, len, 0, NULL) : NULL;
        if (json_is_object(json_object_get(manifest, "files"))) {
            code = show_call(in, path, &all, manifest);
        } else {
            say("%s is no bundle of drave debug bundle: it has no %s", path, BUNDLE_MANIFEST);
        }
        json_decref(manifest);
    }
    mem_free(all.data);
    return code;
}
