/* Reading, changing and writing the file of profiles. */
#include "client/profile/profile_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io/output.h"
#include "base/mem.h"
#include "base/nearest_name.h"
#include "client/line/duration.h"

enum { PATH_ROOM = 4096 };

void profiles_path(char *path, size_t room) {
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    path[0] = 0;
    if (config && *config) {
        snprintf(path, room, "%s/drave/profiles", config);
    } else if (home && *home) {
        snprintf(path, room, "%s/.config/drave/profiles", home);
    }
}

/* ---- In memory ---- */

static void free_profile(struct profile *profile) {
    mem_free(profile->bootstrap);
    mem_free(profile->timeout);
    mem_free(profile->description);
    mem_free(profile->tls_ca);
    mem_free(profile->tls_cert);
    mem_free(profile->user);
    mem_free(profile->password_file);
    mem_free(profile->sasl);
}

void profiles_free(struct profiles *profiles) {
    for (size_t i = 0; i < profiles->count; i++) {
        free_profile(&profiles->items[i]);
    }
    mem_free(profiles->items);
    *profiles = (struct profiles){NULL, 0, 0, ""};
}

struct profile *profiles_find(const struct profiles *profiles, const char *name) {
    for (size_t i = 0; i < profiles->count; i++) {
        if (strcmp(profiles->items[i].name, name) == 0) {
            return &profiles->items[i];
        }
    }
    return NULL;
}

static bool is_name(const char *name) {
    size_t len = strlen(name);
    return len > 0 && len <= PROFILE_NAME_MAX &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == len;
}

int profiles_add(struct profiles *profiles, const char *name, struct profile **profile,
                 struct error_text *why) {
    if (!is_name(name)) {
        return error_set(
            why, ERR_INVALID,
            "\"%.80s\" is no name of a profile: letters, digits, . _ and -, %d at most", name,
            PROFILE_NAME_MAX);
    }
    if (profiles->count == PROFILES_MAX) {
        return error_set(why, ERR_LIMIT, "there are %d profiles already; remove one first",
                         PROFILES_MAX);
    }
    profiles->items = mem_grow(profiles->items, profiles->count, &profiles->room,
                               sizeof(*profiles->items));
    *profile = &profiles->items[profiles->count++];
    **profile = (struct profile){.bootstrap = NULL};
    snprintf((*profile)->name, sizeof((*profile)->name), "%s", name);
    return ERR_NONE;
}

void profiles_remove(struct profiles *profiles, struct profile *profile) {
    if (strcmp(profiles->used, profile->name) == 0) {
        profiles->used[0] = 0;
    }
    free_profile(profile);
    struct profile *end = profiles->items + profiles->count--;
    memmove(profile, profile + 1, (size_t)(end - profile - 1) * sizeof(*profile));
}

int profile_missing(const struct profiles *profiles, const char *name, struct error_text *why) {
    const char *names[PROFILES_MAX];
    for (size_t i = 0; i < profiles->count; i++) {
        names[i] = profiles->items[i].name;
    }
    const char *near = nearest_name(name, names, profiles->count);
    if (near) {
        return error_set(why, ERR_NOT_FOUND, "there is no profile \"%.80s\"; did you mean \"%s\"?",
                         name, near);
    }
    return error_set(
        why, ERR_NOT_FOUND,
        "there is no profile \"%.80s\"; drave profile list shows those that exist, drave profile add makes one",
        name);
}

/* ---- Settings ---- */

static void replace(char **text, const char *value) {
    mem_free(*text);
    *text = *value ? mem_strdup(value) : NULL;
}

static int unknown_setting(const char *key, struct error_text *why) {
    static const char *const names[] = {"bootstrap", "timeout",    "tls",           "tls.ca",
                                        "tls.cert",  "user",       "password.file", "sasl",
                                        "read.only", "description"};
    const char *near = nearest_name(key, names, sizeof(names) / sizeof(names[0]));
    return error_set(why, ERR_INVALID, "a profile has no setting \"%.80s\"; %s%s", key,
                     near ? "did you mean " : "there are ", near ? near : PROFILE_SETTINGS);
}

static int set_truth(bool *truth, const char *key, const char *value, struct error_text *why) {
    bool is_true = strcmp(value, "true") == 0;
    if (!is_true && *value && strcmp(value, "false") != 0) {
        return error_set(why, ERR_INVALID, "%s=%.80s is neither true nor false", key, value);
    }
    *truth = is_true;
    return ERR_NONE;
}

/* Where a setting that is any text stands; NULL: there is none of that name. */
static char **text_of(struct profile *profile, const char *key) {
    const struct {
        const char *key;
        char **text;
    } texts[] = {{"bootstrap", &profile->bootstrap},
                 {"description", &profile->description},
                 {"tls.ca", &profile->tls_ca},
                 {"tls.cert", &profile->tls_cert},
                 {"user", &profile->user},
                 {"password.file", &profile->password_file},
                 {"sasl", &profile->sasl}};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (strcmp(key, texts[i].key) == 0) {
            return texts[i].text;
        }
    }
    return NULL;
}

int profile_set(struct profile *profile, const char *pair, struct error_text *why) {
    const char *equals = strchr(pair, '=');
    if (!equals || equals == pair || strpbrk(pair, "\n\r")) {
        return error_set(why, ERR_INVALID,
                         "\"%.80s\" is not KEY=VALUE; write for example bootstrap=node1:9092",
                         pair);
    }
    char *key = mem_strndup(pair, (size_t)(equals - pair));
    const char *value = equals + 1;
    char **text = text_of(profile, key);
    int error = ERR_NONE;
    if (text) {
        replace(text, value);
    } else if (strcmp(key, "timeout") == 0) {
        if (*value && duration_parse(value) == 0) {
            error = error_set(why, ERR_INVALID, "timeout=%.80s is no time; write 10s, 500ms or 2m",
                              value);
        } else {
            replace(&profile->timeout, value);
        }
    } else if (strcmp(key, "tls") == 0) {
        error = set_truth(&profile->tls, key, value, why);
    } else if (strcmp(key, "read.only") == 0) {
        error = set_truth(&profile->read_only, key, value, why);
    } else if (strcmp(key, "password") == 0) {
        error = error_set(why, ERR_INVALID,
                          "a profile keeps no password; name the file that has it with "
                          "password.file=FILE");
    } else {
        error = unknown_setting(key, why);
    }
    mem_free(key);
    return error;
}

/* ---- The file ---- */

/* One line, without its newline. `profile`: whose section it is in; NULL: none yet. */
static int take_line(struct profiles *profiles, char *line, struct profile **profile,
                     struct error_text *why) {
    size_t len = strlen(line);
    if (len == 0 || *line == '#') {
        return ERR_NONE;
    }
    if (*line == '[' && line[len - 1] == ']') {
        line[len - 1] = 0;
        if (profiles_find(profiles, line + 1)) {
            return error_set(why, ERR_INVALID, "profile \"%.80s\" is there twice", line + 1);
        }
        return profiles_add(profiles, line + 1, profile, why);
    }
    if (*profile) {
        return profile_set(*profile, line, why);
    }
    if (strncmp(line, "use=", 4) == 0 && (line[4] == 0 || is_name(line + 4))) {
        snprintf(profiles->used, sizeof(profiles->used), "%s", line + 4);
        return ERR_NONE;
    }
    return error_set(why, ERR_INVALID, "\"%.80s\" is neither use=NAME nor [NAME]", line);
}

static int take_text(struct profiles *profiles, FILE *file, const char *path,
                     struct error_text *why) {
    struct profile *profile = NULL;
    struct error_text wrong = {""};
    char *line = NULL;
    size_t room = 0;
    ssize_t len;
    int error = ERR_NONE;
    for (unsigned number = 1; !error && (len = getline(&line, &room, file)) >= 0; number++) {
        while (len > 0 && strchr("\r\n \t", line[len - 1])) {
            line[--len] = 0;
        }
        error = take_line(profiles, line, &profile, &wrong);
        if (error) {
            error_set(why, error, "%s, line %u: %s", path, number, wrong.text);
        }
    }
    free(line);
    return !error && ferror(file) ? error_set(why, ERR_IO, "%s cannot be read to its end", path)
                                  : error;
}

int profiles_read(struct profiles *profiles, struct error_text *why) {
    char path[PATH_ROOM];
    *profiles = (struct profiles){NULL, 0, 0, ""};
    profiles_path(path, sizeof(path));
    FILE *file = *path ? fopen(path, "re") : NULL;
    if (!file) {
        int error = *path ? error_from_errno(errno) : ERR_NOT_FOUND;
        return error == ERR_NOT_FOUND ? ERR_NONE
                                      : error_set(why, ERR_IO, "%s cannot be read: %s; %s", path,
                                                  error_phrase(error), error_advice(error));
    }
    int error = take_text(profiles, file, path, why);
    fclose(file);
    return error;
}

/* The folders above the file. */
static void make_folders(char *path) {
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        mkdir(path, 0700); /* one that cannot be made is seen when the file is */
        *slash = '/';
    }
}

static int write_text(const struct profiles *profiles, int fd) {
    struct output *out = mem_alloc(sizeof(*out));
    output_open(out, fd);
    if (profiles->used[0]) {
        output_print(out, "use=%s\n", profiles->used);
    }
    for (size_t i = 0; i < profiles->count; i++) {
        const struct profile *one = &profiles->items[i];
        output_print(out, "\n[%s]\n", one->name);
        const char *const pairs[][2] = {{"bootstrap", one->bootstrap},
                                        {"timeout", one->timeout},
                                        {"tls", one->tls ? "true" : NULL},
                                        {"tls.ca", one->tls_ca},
                                        {"tls.cert", one->tls_cert},
                                        {"user", one->user},
                                        {"password.file", one->password_file},
                                        {"sasl", one->sasl},
                                        {"read.only", one->read_only ? "true" : NULL},
                                        {"description", one->description}};
        for (size_t k = 0; k < sizeof(pairs) / sizeof(pairs[0]); k++) {
            if (pairs[k][1]) {
                output_print(out, "%s=%s\n", pairs[k][0], pairs[k][1]);
            }
        }
    }
    output_flush(out);
    int failed = out->failed ? out->failed : fsync(fd) != 0 ? errno : 0;
    mem_free(out);
    return failed ? error_from_errno(failed) : ERR_NONE;
}

int profiles_write(const struct profiles *profiles, struct error_text *why) {
    char path[PATH_ROOM], aside[PATH_ROOM + 8];
    profiles_path(path, sizeof(path));
    if (!*path) {
        return error_set(why, ERR_NOT_FOUND,
                         "profiles have no place: neither XDG_CONFIG_HOME nor HOME is set");
    }
    make_folders(path);
    snprintf(aside, sizeof(aside), "%s.new", path);
    unlink(aside); /* of one that was ended while it wrote */
    int fd = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    int error = fd < 0 ? error_from_errno(errno) : write_text(profiles, fd);
    if (fd >= 0) {
        close(fd);
    }
    if (!error && rename(aside, path) != 0) {
        error = error_from_errno(errno);
    }
    return error ? error_set(why, error, "%s cannot be written: %s; %s", path, error_phrase(error),
                             error_advice(error))
                 : ERR_NONE;
}
