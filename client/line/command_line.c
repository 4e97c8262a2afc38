/* Taking the line apart: the command, then options and words in any order. */
#include "client/line/command_line.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/nearest_name.h"
#include "client/line/duration.h"
#include "client/line/foreign_options.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const struct command_option every_command[] = {
    {'b', 'b', "bootstrap", "HOSTS",
     "brokers to ask, host:port,... ($DRAVE_BOOTSTRAP, the profile's, 127.0.0.1:9092)"},
    {0, OPTION_PROFILE, "profile", "NAME",
     "the cluster of this profile ($DRAVE_PROFILE, that of drave profile use)"},
    {0, OPTION_TLS, "tls", NULL, "speak TLS with the brokers, whose CA this system trusts"},
    {0, OPTION_CA, "ca", "FILE", "the same, and their CA is in this file (PEM)"},
    {0, OPTION_CERT, "cert", "FILE",
     "the same, with a certificate of one's own: it and its private key (PEM)"},
    {0, OPTION_USER, "user", "NAME", "log in as this user"},
    {0, OPTION_PASSWORD_FILE, "password-file", "FILE",
     "whose password is the first line of this file ($DRAVE_PASSWORD, else it is asked for)"},
    {0, OPTION_SASL, "sasl", "MECHANISM", "by SCRAM-SHA-256, SCRAM-SHA-512 or PLAIN (the first)"},
    {0, OPTION_JSON, "json", NULL, "the result as JSON on stdout"},
    {0, OPTION_TIMEOUT, "timeout", "TIME",
     "how long to try: 10s, 500ms, 2m (10s; where nothing listens 2s)"},
    {'h', OPTION_HELP, "help", NULL, "this text"},
};
const size_t every_command_count = COUNT(every_command);
static const struct command_option version_option = {0, OPTION_VERSION, "version", NULL, ""};

/* The line as one command would read it. */
struct reading {
    const struct command *command; /* NULL: none; then any command's options may be meant */
    char name[48];                 /* "drave topic create" */
    struct invocation in;
    struct error_text wrong; /* the first thing that is; empty: nothing */
    bool help, version;
    char **argv; /* what is read */
    int argc, at;
};

__attribute__((format(printf, 2, 3))) static void note_wrong(struct reading *r, const char *format,
                                                             ...) {
    if (!*r->wrong.text) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(r->wrong.text, sizeof(r->wrong.text), format, arguments);
        va_end(arguments);
    }
}

/* The n-th option that may be given; NULL behind the last. What a command has of its own comes
 * first: the word is its own then. */
static const struct command_option *option_at(const struct command *command, size_t n) {
    if (command && n < command->option_count) {
        return &command->options[n];
    }
    n -= command ? command->option_count : 0;
    if (n < every_command_count) {
        return &every_command[n];
    }
    n -= every_command_count;
    if (command) {
        return NULL;
    }
    for (size_t i = 0; n > 0 && i < command_count; n -= commands[i++].option_count) {
        if (n - 1 < commands[i].option_count) {
            return &commands[i].options[n - 1];
        }
    }
    return n == 0 ? &version_option : NULL;
}

/* By its name, or by a beginning that only one has. */
static const struct command_option *find_long(const struct command *command, const char *name,
                                              size_t len) {
    const struct command_option *option, *begins = NULL;
    int candidates = 0;
    for (size_t i = 0; (option = option_at(command, i)); i++) {
        if (strncmp(option->name, name, len) == 0) {
            if (option->name[len] == 0) {
                return option;
            }
            if (!begins || strcmp(begins->name, option->name) != 0) {
                begins = option;
                candidates++;
            }
        }
    }
    return candidates == 1 && len > 0 ? begins : NULL;
}

static const struct command_option *find_letter(const struct command *command, char letter) {
    const struct command_option *option;
    for (size_t i = 0; (option = option_at(command, i)); i++) {
        if (option->letter == letter) {
            return option;
        }
    }
    return NULL;
}

static void take_timeout(struct reading *r, const char *value) {
    enum { DAY_MS = 86400000 };
    r->in.timeout_ms = duration_parse(value);
    r->in.timeout_given = true;
    if (r->in.timeout_ms == 0 || r->in.timeout_ms > DAY_MS) {
        note_wrong(r, "--timeout %.100s is not a time; write 10s, 500ms or 2m (at most a day)",
                   value);
    }
}

static void take_option(struct reading *r, int key, const char *value) {
    struct invocation *in = &r->in;
    switch (key) {
    case 'b': in->bootstrap = value; break;
    case OPTION_PROFILE: in->profile = value; break;
    case OPTION_TLS: in->tls = true; break;
    case OPTION_CA: in->ca = value; break;
    case OPTION_CERT: in->cert = value; break;
    case OPTION_USER: in->user = value; break;
    case OPTION_PASSWORD_FILE: in->password_file = value; break;
    case OPTION_SASL: in->mechanism = value; break;
    case OPTION_JSON: in->json = true; break;
    case OPTION_HELP: r->help = true; break;
    case OPTION_VERSION: r->version = true; break;
    case OPTION_TIMEOUT: take_timeout(r, value); break;
    default:
        if (in->value_count == INVOCATION_VALUES) {
            note_wrong(r, "more than %d options; give fewer", INVOCATION_VALUES);
            return;
        }
        in->values[in->value_count].key = key;
        in->values[in->value_count++].value = value;
    }
}

/* The next argument as the value of an option; NULL (and said): there is none. */
static const char *next_value(struct reading *r, const char *option) {
    if (r->at < r->argc) {
        return r->argv[r->at++];
    }
    note_wrong(r, "option %.100s needs a value; see %s --help", option, r->name);
    return NULL;
}

static void unknown_option(struct reading *r, const char *word) {
    const struct command_option *option;
    const char *near = NULL, *here = foreign_option(word);
    size_t count = 0;
    if (here) {
        note_wrong(r, "%s has no option %.100s; %s", r->name, word, here);
        return;
    }
    while (option_at(r->command, count)) {
        count++;
    }
    const char **names = mem_alloc((count + 1) * sizeof(*names));
    for (size_t i = 0; (option = option_at(r->command, i)); i++) {
        names[i] = option->name;
    }
    if (word[1] == '-') {
        char *name = mem_strndup(word + 2, strcspn(word + 2, "="));
        near = nearest_name(name, names, count);
        mem_free(name);
    }
    mem_free(names);
    if (near) {
        note_wrong(r, "%s has no option %.100s; did you mean --%s?", r->name, word, near);
    } else {
        note_wrong(r, "%s has no option %.100s; see %s --help", r->name, word, r->name);
    }
}

static void read_long(struct reading *r, const char *word) {
    const char *name = word + 2, *equals = strchr(name, '=');
    const struct command_option *option = find_long(
        r->command, name, equals ? (size_t)(equals - name) : strlen(name));
    if (!option) {
        unknown_option(r, word);
    } else if (option->value) {
        const char *value = equals ? equals + 1 : next_value(r, word);
        if (value) {
            take_option(r, option->key, value);
        }
    } else if (equals) {
        note_wrong(r, "option %.100s takes no value; see %s --help", word, r->name);
    } else {
        take_option(r, option->key, "");
    }
}

/* "-en3": flags, and at the end one with a value. */
static void read_letters(struct reading *r, const char *word) {
    for (const char *at = word + 1; *at; at++) {
        const struct command_option *option = find_letter(r->command, *at);
        char letter[] = {'-', *at, 0};
        if (!option) {
            unknown_option(r, at == word + 1 ? word : letter);
            return;
        }
        if (option->value) {
            const char *value = at[1] ? at + 1 : next_value(r, letter);
            if (value) {
                take_option(r, option->key, value);
            }
            return;
        }
        take_option(r, option->key, "");
    }
}

static void read_line(struct reading *r, const struct command *command,
                      const struct invocation *defaults) {
    bool options_ended = false;
    char **words = r->in.words;
    *r = (struct reading){
        .command = command, .in = *defaults, .argc = r->argc, .argv = r->argv, .at = 1};
    snprintf(r->name, sizeof(r->name), "drave%s%s", command ? " " : "",
             command ? command->name : "");
    r->in.words = words;
    while (r->at < r->argc) {
        char *word = r->argv[r->at++];
        if (options_ended || word[0] != '-' || !word[1]) {
            r->in.words[r->in.word_count++] = word;
        } else if (strcmp(word, "--") == 0) {
            options_ended = true;
        } else if (word[1] == '-') {
            read_long(r, word);
        } else {
            read_letters(r, word);
        }
    }
}

/* How many words the command's name takes from the line; 0: another command is meant. */
static int name_words(const struct command *command, char **words, int count) {
    int taken = 0;
    for (const char *at = command->name; *at; taken++) {
        size_t len = strcspn(at, " ");
        if (taken == count || strlen(words[taken]) != len || memcmp(words[taken], at, len) != 0) {
            return 0;
        }
        at += len + (at[len] == ' ');
    }
    return taken;
}

/* "topic": a word that only begins names of commands. */
static bool is_group(const char *word) {
    size_t len = strlen(word);
    for (size_t i = 0; i < command_count; i++) {
        if (strncmp(commands[i].name, word, len) == 0 && commands[i].name[len] == ' ') {
            return true;
        }
    }
    return false;
}

static void unknown_command(const struct reading *r, struct error_text *why) {
    char given[160];
    char **words = r->in.words;
    if (*r->wrong.text) {
        *why = r->wrong;
        return;
    }
    snprintf(given, sizeof(given), "%.70s%s%.70s", words[0], r->in.word_count > 1 ? " " : "",
             r->in.word_count > 1 ? words[1] : "");
    const char *here = foreign_command(given);
    if (here) {
        error_set(why, ERR_INVALID, "no command \"%s\"; here it is drave %s", given, here);
        return;
    }
    const char **names = mem_alloc(command_count * sizeof(*names));
    for (size_t i = 0; i < command_count; i++) {
        names[i] = commands[i].name;
    }
    const char *near = nearest_name(given, names, command_count);
    near = near ? near : nearest_name(words[0], names, command_count);
    mem_free(names);
    if (near) {
        error_set(why, ERR_INVALID,
                  "no command \"%s\"; did you mean \"drave %s\"? drave --help lists them all",
                  given, near);
    } else {
        error_set(why, ERR_INVALID, "no command \"%s\"; drave --help lists them all", given);
    }
}

/* The command whose name the words begin with; of two ("dev", "dev stop") the longer. *taken: words
 * of its name. */
static const struct command *find_command(struct reading *r, const struct invocation *defaults,
                                          int *taken) {
    const struct command *found = NULL;
    *taken = 0;
    for (size_t i = 0; i < command_count; i++) {
        read_line(r, &commands[i], defaults);
        int n = name_words(&commands[i], r->in.words, r->in.word_count);
        /* "dev frobnicate": a word that "dev" does not take is a mistyped second word. */
        bool other = n == 1 && commands[i].max_words == 0 && r->in.word_count > 1;
        if (n > *taken && !other) {
            found = &commands[i];
            *taken = n;
        }
    }
    read_line(r, found, defaults);
    return found;
}

static enum command_line_result without_command(struct reading *r, struct error_text *why) {
    if (r->version && r->in.word_count == 0) {
        return COMMAND_LINE_VERSION;
    }
    if (r->help) {
        return COMMAND_LINE_HELP;
    }
    if (!*r->wrong.text && r->in.word_count == 1 && is_group(r->in.words[0])) {
        return COMMAND_LINE_ALONE;
    }
    if (r->in.word_count > 0 || *r->wrong.text) {
        unknown_command(r, why);
    } else {
        error_set(why, ERR_INVALID, "name a command; drave --help lists them all");
    }
    return COMMAND_LINE_WRONG;
}

enum command_line_result command_line_parse(int argc, char **argv, struct invocation *in,
                                            struct error_text *why) {
    struct reading *r = mem_zalloc(sizeof(*r));
    int taken;
    r->argc = argc;
    r->argv = argv;
    r->in.words = mem_alloc((size_t)(argc + 1) * sizeof(char *));
    const struct command *command = find_command(r, in, &taken);
    enum command_line_result result = COMMAND_LINE_RUN;
    *in = r->in;
    in->command = command;
    if (!command) {
        result = without_command(r, why);
    } else if (r->help) {
        result = COMMAND_LINE_HELP;
    } else if (*r->wrong.text) {
        *why = r->wrong;
        result = COMMAND_LINE_WRONG;
    } else if (command->min_words > 0 && r->argc == 1 + taken) {
        result = COMMAND_LINE_ALONE;
    } else {
        in->word_count -= taken;
        memmove(in->words, in->words + taken, (size_t)in->word_count * sizeof(char *));
        if (in->word_count < command->min_words || in->word_count > command->max_words) {
            error_set(why, ERR_INVALID, "usage: drave %s %s [options]; see drave %s --help",
                      command->name, command->words, command->name);
            result = COMMAND_LINE_WRONG;
        }
    }
    mem_free(r);
    return result;
}
