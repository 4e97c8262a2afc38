/*
 * Settings: one table says everything (name, type, default, limits, one sentence); the file parser,
 * `--set`,
 * `--help-config`, DescribeConfigs and the reference in docs/ all come from it.
 *
 * A file is Kafka's: `key=value` a line, `#` comments, blanks around both trimmed. An unknown name,
 * an impossible value and a repeated name are errors with file and line, and the nearest name or
 * the limits.
 */
#ifndef BASE_SETTINGS_H
#define BASE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

/* A list is of any texts, or of different ones of the choices; DescribeConfigs tells clients of the
 * last two. */
enum setting_type {
    SETTING_TEXT,
    SETTING_INT,
    SETTING_BOOL,
    SETTING_CHOICE,
    SETTING_LIST,
    SETTING_DECIMAL
};

struct setting {
    const char *name;
    enum setting_type type;
    const char *fallback; /* the default, as text */
    int64_t min, max;     /* SETTING_INT, SETTING_DECIMAL */
    const char *choices;  /* SETTING_CHOICE: "producer,none,gzip,..."; SETTING_LIST: NULL: any */
    const char *unit;     /* "ms", "bytes", "" */
    const char *help;     /* one sentence; of a fixed one: why nothing else is possible */
    bool fixed; /* only the default is possible: what is so, for those who ask for it by name */
    const char *also; /* of a fixed one: another way to ask for the same; NULL: none */
    bool secret;      /* a password: never shown, and not for a command line */
};

/* Names that others (Kafka) know and that have no row here, and what to say of them. */
struct setting_absent {
    const char *name;
    const char *why; /* a sentence: what is not there, and what to set instead if anything */
};

/* Values for one table. Where a value came from is kept for messages and DescribeConfigs. */
struct settings;
struct settings *settings_new(const struct setting *table, size_t count);
/* Those of `absent` are refused with their own sentence, not as names that nobody knows. `absent`
 * stays. */
void settings_know_absent(struct settings *settings, const struct setting_absent *absent,
                          size_t count);
void settings_free(struct settings *settings);

/* ERR_NOT_FOUND (file), ERR_INVALID; `why` has the sentence. Later calls override earlier ones;
 * --set comes last. */
int settings_read_file(struct settings *settings, const char *path, struct error_text *why);
/* For reading, of what a setting is the path of: fclose. What is no file is refused at once, as
 * env_file_open does (ERR_NO_FILE, ERR_DIRECTORY): nobody waits for the other end of a FIFO. */
int settings_open_file(const char *path, FILE **file);
/* The first line of a file that its owner alone may read, which the setting `name` is the path of:
 * `least` or more letters, digits and signs, which with their end fit into `room`. ERR_INVALID, or
 * why it cannot be read; what is in it is never part of the sentence. */
int settings_read_secret(const char *name, const char *path, size_t least, size_t room, char *into,
                         struct error_text *why);
int settings_set(struct settings *settings, const char *name, const char *value, const char *source,
                 struct error_text *why);
int settings_set_pair(struct settings *settings, const char *pair,
                      struct error_text *why); /* "key=value" of --set */

/* The name must be of the table (checked) and the type must fit. */
const char *settings_text(const struct settings *settings, const char *name);
int64_t settings_int(const struct settings *settings, const char *name);
bool settings_bool(const struct settings *settings, const char *name);
bool settings_is_default(const struct settings *settings, const char *name); /* nobody set it */
/* The place of the value among the choices, from 0. */
int settings_choice(const struct settings *settings, const char *name);
/* Where the value under all layers came from: "FILE:LINE", "--set", or what settings_set was told;
 * NULL: the default. */
const char *settings_source(const struct settings *settings, const char *name);

/* ---- Values that are laid over the others, and taken away again ---- */

/* A value of a higher layer goes before one of a lower, and any goes before what was read. What was
 * read stays under them, as does its source. */
enum { SETTINGS_LAYERS = 2 };
/* With the same values, sources and layers. */
struct settings *settings_copy(const struct settings *settings);
/* `value` NULL: takes away what is there. ERR_INVALID, as settings_set. Texts of other settings
 * stay where they are. */
int settings_lay(struct settings *settings, unsigned layer, const char *name, const char *value,
                 struct error_text *why);
/* NULL: that layer has none. */
const char *settings_laid(const struct settings *settings, unsigned layer, const char *name);
/* What was read, or the default: under all layers. */
const char *settings_read_text(const struct settings *settings, const char *name);

/* Checks one value against its row, without setting it (topic configurations). */
int setting_check(const struct setting *row, const char *value, struct error_text *why);
/* Whether a list has that item. */
bool setting_lists(const char *list, const char *item);
/* The place of `value` among the choices of its row, from 0; -1: it is none of them. */
int setting_choice(const struct setting *row, const char *value);
/* The row of that name, or NULL. */
const struct setting *setting_find(const struct setting *table, size_t count, const char *name);
/* The sentence for a name of `absent`, or NULL. */
const char *setting_absent_why(const struct setting_absent *absent, size_t count, const char *name);

#endif
