/*
 * Settings: values over one table, and the reader of Kafka's properties files.
 *
 * Happy path: settings_new holds the defaults; a file and then --set put values over them, each
 * checked against its row before it is kept. Failures leave everything as it was and a sentence
 * that begins with where the value stood. Invariant: a value that is held has passed setting_check.
 * The file is read by stdio, not by the environment: it is read before there is one.
 */
#include "base/settings.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/nearest_name.h"
#include "base/text.h"

struct held {
    char *value;
    char *source;                /* NULL: the default */
    char *laid[SETTINGS_LAYERS]; /* over it; NULL: nothing */
};

struct settings {
    const struct setting *table;
    size_t count;
    const struct setting_absent *absent;
    size_t absent_count;
    struct held held[]; /* beside the rows of the table */
};

/* ---- Values against their rows ---- */

static bool parse_int(const char *text, int64_t *number) {
    const char *digits = text[0] == '-' ? text + 1 : text;
    if (!isdigit((unsigned char)digits[0])) return false;
    char *end;
    errno = 0;
    long long parsed = strtoll(text, &end, 10);
    if (errno != 0 || *end != '\0') return false;
    *number = parsed;
    return true;
}

static bool parse_bool(const char *text, bool *truth) {
    *truth = strcasecmp(text, "true") == 0;
    return *truth || strcasecmp(text, "false") == 0;
}

int setting_choice(const struct setting *row, const char *value) {
    size_t len = strlen(value);
    if (len == 0 || strchr(value, ',') != NULL) return -1;
    int place = 0;
    for (const char *at = row->choices; at != NULL; at = strchr(at, ','), place++) {
        if (*at == ',') at++;
        if (strncmp(at, value, len) == 0 && (at[len] == ',' || at[len] == '\0')) return place;
    }
    return -1;
}

bool setting_lists(const char *list, const char *item) {
    size_t len = strlen(item);
    for (const char *at = list; at != NULL; at = strchr(at, ',')) {
        if (*at == ',') at++;
        if (strncmp(at, item, len) == 0 && (at[len] == ',' || at[len] == '\0')) return true;
    }
    return false;
}

/* Items of the choices, each once; none of them is possible, too. */
static int check_list(const struct setting *row, const char *value, struct error_text *why) {
    bool good = true;
    for (const char *at = value; good && *at != '\0';) {
        char item[64];
        size_t len = strcspn(at, ",");
        good = len < sizeof item && (at[len] == '\0' || at[len + 1] != '\0');
        if (!good) break;
        memcpy(item, at, len);
        item[len] = '\0';
        at += at[len] == ',' ? len + 1 : len;
        good = setting_choice(row, item) >= 0 && !setting_lists(at, item);
    }
    if (good) return ERR_NONE;
    return error_set(why, ERR_INVALID,
                     "%s=%.100s is not possible; it takes some of %s, each once, with commas",
                     row->name, value, row->choices);
}

static int check_decimal(const struct setting *row, const char *value, struct error_text *why) {
    char *end;
    double number = strtod(value, &end);
    bool good = end != value && *end == '\0' && number >= (double)row->min &&
                number <= (double)row->max;
    if (good) return ERR_NONE;
    return error_set(why, ERR_INVALID,
                     "%s=%.100s is not possible; it takes a number from %" PRId64 " to %" PRId64,
                     row->name, value, row->min, row->max);
}

static int check_fixed(const struct setting *row, const char *value, struct error_text *why) {
    if (strcmp(value, row->fallback) == 0 || (row->also != NULL && strcmp(value, row->also) == 0))
        return ERR_NONE;
    if (row->type == SETTING_BOOL && strcasecmp(value, row->fallback) == 0) return ERR_NONE;
    return error_set(why, ERR_INVALID, "%s=%.60s is not possible. %s Leave it out%s%s", row->name,
                     value, row->help, row->fallback[0] == '\0' ? ", or empty" : ", or set it to ",
                     row->fallback);
}

int setting_check(const struct setting *row, const char *value, struct error_text *why) {
    int64_t number;
    bool truth;
    if (!text_is_plain(value, strlen(value)))
        return error_set(why, ERR_INVALID,
                         "%s=%.60s is not possible; a value is UTF-8 without control characters",
                         row->name, row->secret ? "(hidden)" : value);
    if (row->fixed) return check_fixed(row, value, why);
    switch (row->type) {
    case SETTING_TEXT: return ERR_NONE;
    case SETTING_LIST: return row->choices == NULL ? ERR_NONE : check_list(row, value, why);
    case SETTING_DECIMAL: return check_decimal(row, value, why);
    case SETTING_INT:
        if (parse_int(value, &number) && number >= row->min && number <= row->max) return ERR_NONE;
        return error_set(why, ERR_INVALID,
                         "%s=%.100s is not possible; it takes a whole number from %" PRId64
                         " to %" PRId64 "%s%s",
                         row->name, value, row->min, row->max, row->unit[0] == '\0' ? "" : " ",
                         row->unit);
    case SETTING_BOOL:
        if (parse_bool(value, &truth)) return ERR_NONE;
        return error_set(why, ERR_INVALID, "%s=%.100s is not possible; it takes true or false",
                         row->name, value);
    case SETTING_CHOICE:
        if (setting_choice(row, value) >= 0) return ERR_NONE;
        return error_set(why, ERR_INVALID, "%s=%.100s is not possible; it takes one of %s",
                         row->name, value, row->choices);
    }
    CHECK(!"a type of the table"); /* types are the table's, never the file's */
    return ERR_INVALID;
}

const struct setting *setting_find(const struct setting *table, size_t count, const char *name) {
    for (size_t i = 0; i < count;
         i++) /* the table's own text: who walks over hundreds of rows asks with it, for each */
        if (table[i].name == name) return &table[i];
    for (size_t i = 0; i < count; i++)
        if (strcmp(table[i].name, name) == 0) return &table[i];
    return NULL;
}

const char *setting_absent_why(const struct setting_absent *absent, size_t count,
                               const char *name) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(absent[i].name, name) == 0) return absent[i].why;
    return NULL;
}

/* ---- The values of one table ---- */

struct settings *settings_new(const struct setting *table, size_t count) {
    struct settings *settings = mem_zalloc(sizeof *settings + count * sizeof settings->held[0]);
    settings->table = table;
    settings->count = count;
    for (size_t i = 0; i < count; i++) {
        struct error_text why;
        /* The table's own defaults. */
        CHECK(setting_check(&table[i], table[i].fallback, &why) == ERR_NONE);
        settings->held[i].value = mem_strdup(table[i].fallback);
    }
    return settings;
}

void settings_know_absent(struct settings *settings, const struct setting_absent *absent,
                          size_t count) {
    settings->absent = absent;
    settings->absent_count = count;
}

void settings_free(struct settings *settings) {
    if (settings == NULL) return;
    for (size_t i = 0; i < settings->count; i++) {
        mem_free(settings->held[i].value);
        mem_free(settings->held[i].source);
        for (unsigned layer = 0; layer < SETTINGS_LAYERS; layer++)
            mem_free(settings->held[i].laid[layer]);
    }
    mem_free(settings);
}

static char *copy_or_null(const char *text) {
    return text == NULL ? NULL : mem_strdup(text);
}

struct settings *settings_copy(const struct settings *settings) {
    size_t held_bytes = settings->count * sizeof settings->held[0];
    struct settings *copy = mem_alloc(sizeof *copy + held_bytes);
    memcpy(copy, settings, sizeof *copy + held_bytes);
    for (size_t i = 0; i < copy->count; i++) {
        struct held *held = &copy->held[i];
        held->value = mem_strdup(held->value);
        held->source = copy_or_null(held->source);
        for (unsigned layer = 0; layer < SETTINGS_LAYERS; layer++)
            held->laid[layer] = copy_or_null(held->laid[layer]);
    }
    return copy;
}

static int unknown_name(const struct settings *settings, const char *name, const char *source,
                        struct error_text *why) {
    const char *absent = setting_absent_why(settings->absent, settings->absent_count, name);
    if (absent != NULL)
        return error_set(why, ERR_INVALID, "%s: Kafka's setting %.100s is not there. %s", source,
                         name, absent);
    const char **names = mem_alloc(settings->count * sizeof *names);
    for (size_t i = 0; i < settings->count; i++)
        names[i] = settings->table[i].name;
    const char *near = nearest_name(name, names, settings->count);
    mem_free(names);
    if (near != NULL)
        return error_set(why, ERR_INVALID, "%s: there is no setting %.100s; did you mean %s?",
                         source, name, near);
    return error_set(why, ERR_INVALID,
                     "%s: there is no setting %.100s; --help-config lists those that exist", source,
                     name);
}

int settings_set(struct settings *settings, const char *name, const char *value, const char *source,
                 struct error_text *why) {
    const struct setting *row = setting_find(settings->table, settings->count, name);
    if (row == NULL) return unknown_name(settings, name, source, why);
    struct error_text reason;
    if (setting_check(row, value, &reason) != ERR_NONE)
        return error_set(why, ERR_INVALID, "%s: %s", source, reason.text);
    struct held *held = &settings->held[row - settings->table];
    char *old_value = held->value, *old_source = held->source; /* `value` may be the old one */
    held->value = mem_strdup(value);
    held->source = mem_strdup(source);
    mem_free(old_value);
    mem_free(old_source);
    return ERR_NONE;
}

int settings_lay(struct settings *settings, unsigned layer, const char *name, const char *value,
                 struct error_text *why) {
    CHECK(layer < SETTINGS_LAYERS); /* layers are ours, in the code */
    const struct setting *row = setting_find(settings->table, settings->count, name);
    if (row == NULL) return error_set(why, ERR_INVALID, "there is no setting %.100s", name);
    int error = value == NULL ? ERR_NONE : setting_check(row, value, why);
    if (error != ERR_NONE) return error;
    char **laid = &settings->held[row - settings->table].laid[layer], *old = *laid;
    *laid = copy_or_null(value);
    mem_free(old);
    return ERR_NONE;
}

/* Cuts blanks off both ends, in place. */
static char *settings_trim(char *text) {
    while (isspace((unsigned char)*text))
        text++;
    size_t len = strlen(text);
    while (len > 0 && isspace((unsigned char)text[len - 1]))
        len--;
    text[len] = '\0';
    return text;
}

/* Cuts "key = value" in place. False: there is no '=' or nothing before it. */
static bool cut_pair(char *pair, char **name, char **value) {
    char *equals = strchr(pair, '=');
    if (equals == NULL) return false;
    *equals = '\0';
    *name = settings_trim(pair);
    *value = settings_trim(equals + 1);
    return (*name)[0] != '\0';
}

int settings_set_pair(struct settings *settings, const char *pair, struct error_text *why) {
    char *copy = mem_strdup(pair), *name, *value;
    int error;
    bool cut = cut_pair(copy, &name, &value);
    const struct setting *row = cut ? setting_find(settings->table, settings->count, name) : NULL;
    if (row != NULL && row->secret)
        error = error_set(
            why, ERR_INVALID,
            "--set %s would show a password to everybody who lists processes; write it "
            "into the file of --config",
            name);
    else if (cut)
        error = settings_set(settings, name, value, "--set", why);
    else
        error = error_set(why, ERR_INVALID,
                          "--set %.100s is not key=value; write for example --set node.id=1", pair);
    mem_free(copy);
    return error;
}

/* One line of a file, without its end. `seen` holds the line on which each row was set in this
 * file, or 0. */
static int read_line(struct settings *settings, const char *path, unsigned number, char *line,
                     size_t len, unsigned *seen, struct error_text *why) {
    if (strlen(line) != len)
        return error_set(why, ERR_INVALID,
                         "%.200s:%u: the line holds a zero byte; this is not a text file", path,
                         number);
    line = settings_trim(line);
    if (line[0] == '\0' || line[0] == '#') return ERR_NONE;
    char source[256], *name, *value;
    snprintf(source, sizeof source, "%.200s:%u", path, number);
    if (!cut_pair(line, &name, &value))
        return error_set(why, ERR_INVALID,
                         "%s: a line must be key=value, or a comment that begins with #", source);
    const struct setting *row = setting_find(settings->table, settings->count, name);
    if (row != NULL) {
        unsigned *first = &seen[row - settings->table];
        if (*first != 0)
            return error_set(why, ERR_INVALID,
                             "%s: %s is set a second time (first on line %u); remove one", source,
                             name, *first);
        *first = number;
    }
    return settings_set(settings, name, value, source, why);
}

int settings_read_file(struct settings *settings, const char *path, struct error_text *why) {
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        int error = error_from_errno(errno);
        return error_set(why, error, "cannot read the configuration file %.200s (%s)", path,
                         error_phrase(error));
    }
    unsigned *seen = mem_zalloc(settings->count * sizeof *seen);
    unsigned number = 0;
    char *line = NULL;
    size_t room = 0;
    ssize_t len;
    int error = ERR_NONE;
    while (error == ERR_NONE && (len = getline(&line, &room, file)) >= 0)
        error = read_line(settings, path, ++number, line, (size_t)len, seen, why);
    if (error == ERR_NONE && ferror(file))
        error = error_set(why, ERR_IO, "cannot read the configuration file %.200s to its end (%s)",
                          path, error_phrase(error_from_errno(errno)));
    free(line); /* getline's own */
    mem_free(seen);
    fclose(file);
    return error;
}

int settings_open_file(const char *path, FILE **file) {
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* of a FIFO it would wait else */
    int error = fd < 0                     ? errno == ENXIO ? ERR_NO_FILE : error_from_errno(errno)
                                    : fstat(fd, &status) != 0 ? error_from_errno(errno)
                : S_ISDIR(status.st_mode)  ? ERR_DIRECTORY
                : !S_ISREG(status.st_mode) ? ERR_NO_FILE
                                           : ERR_NONE;
    *file = error == ERR_NONE ? fdopen(fd, "rb") : NULL;
    if (error == ERR_NONE && *file == NULL) error = error_from_errno(errno);
    if (*file == NULL && fd >= 0) close(fd);
    return error;
}

/* The bytes of its first line into `into`, with its end; 0: it has none that fits. */
static size_t read_secret(FILE *file, size_t room, char *into) {
    if (fgets(into, (int)room, file) == NULL) into[0] = '\0';
    size_t used = strcspn(into, "\r\n");
    int next = into[used] == '\0' ? fgetc(file) : '\n';
    if (next != EOF && next != '\r' && next != '\n') used = 0; /* it goes on */
    for (size_t i = 0; i < used; i++)
        if (into[i] <= ' ' || into[i] > '~') used = 0;
    into[used] = '\0';
    return used;
}

int settings_read_secret(const char *name, const char *path, size_t least, size_t room, char *into,
                         struct error_text *why) {
    struct stat status;
    FILE *file;
    int error = settings_open_file(path, &file);
    if (error == ERR_NONE && fstat(fileno(file), &status) != 0) error = error_from_errno(errno);
    if (error != ERR_NONE) {
        if (file != NULL) fclose(file);
        return error_set(why, error, "%s=%.200s cannot be read (%s)", name, path,
                         error_phrase(error));
    }
    size_t len = read_secret(file, room, into);
    fclose(file);
    if ((status.st_mode & (S_IRWXG | S_IRWXO)) == 0 && len >= least) return ERR_NONE;
    into[0] = '\0';
    if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return error_set(why, ERR_INVALID,
                         "%s=%.200s may be read by others than its owner; chmod 600", name, path);
    return error_set(
        why, ERR_INVALID,
        "%s=%.200s has no line of %zu to %zu letters, digits or signs; write one with: "
        "head -c 32 /dev/urandom | base64",
        name, path, least, room - 1);
}

static const struct held *held_of(const struct settings *settings, const char *name,
                                  enum setting_type *type) {
    const struct setting *row = setting_find(settings->table, settings->count, name);
    CHECK(row != NULL); /* names are ours, in the code */
    *type = row->type;
    return &settings->held[row - settings->table];
}

/* The value that goes before all others. */
static const char *holds(const struct held *held) {
    for (unsigned layer = SETTINGS_LAYERS; layer-- > 0;)
        if (held->laid[layer] != NULL) return held->laid[layer];
    return held->value;
}

const char *settings_text(const struct settings *settings, const char *name) {
    enum setting_type type;
    return holds(held_of(settings, name, &type)); /* any type has its text */
}

const char *settings_read_text(const struct settings *settings, const char *name) {
    enum setting_type type;
    return held_of(settings, name, &type)->value;
}

const char *settings_laid(const struct settings *settings, unsigned layer, const char *name) {
    enum setting_type type;
    CHECK(layer < SETTINGS_LAYERS); /* as above */
    return held_of(settings, name, &type)->laid[layer];
}

int64_t settings_int(const struct settings *settings, const char *name) {
    enum setting_type type;
    int64_t number = 0;
    bool parsed = parse_int(holds(held_of(settings, name, &type)), &number);
    CHECK(type == SETTING_INT); /* as above */
    CHECK(parsed);              /* setting_check took the text when it was set */
    return number;
}

bool settings_bool(const struct settings *settings, const char *name) {
    enum setting_type type;
    bool truth = false;
    bool parsed = parse_bool(holds(held_of(settings, name, &type)), &truth);
    CHECK(type == SETTING_BOOL); /* as above */
    CHECK(parsed);               /* setting_check took the text when it was set */
    return truth;
}

int settings_choice(const struct settings *settings, const char *name) {
    const struct setting *row = setting_find(settings->table, settings->count, name);
    CHECK(row != NULL && row->type == SETTING_CHOICE); /* names are ours, in the code */
    int place = setting_choice(row, holds(&settings->held[row - settings->table]));
    CHECK(place >= 0); /* setting_check took the text when it was set */
    return place;
}

const char *settings_source(const struct settings *settings, const char *name) {
    enum setting_type type;
    return held_of(settings, name, &type)->source;
}

bool settings_is_default(const struct settings *settings, const char *name) {
    enum setting_type type;
    const struct held *held = held_of(settings, name, &type);
    return held->source == NULL && holds(held) == held->value;
}
