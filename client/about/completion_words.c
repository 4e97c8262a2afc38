/* What may stand at the end of a line: client/about/completion.h. */
#include <stdio.h>
#include <string.h>

#include "client/about/completion.h"
#include "client/kafka/cluster_view.h"
#include "client/kafka/group_client.h"
#include "client/kafka/kafka_property.h"
#include "client/line/command_line.h"
#include "client/line/talk.h"
#include "client/profile/profile_file.h"
#include "client/transactions/transaction_view.h"
#include "protocol/messages/describe_configs.h"
#include "protocol/messages/meta_query.h"

enum { ARENA_MAX = 512 << 20, ASK_MS = 1000, RESOURCE_TOPIC = 2, SOURCE_TOPIC = 1 };

/* The line, read up to the word that is completed. */
struct line {
    const struct command *command; /* NULL: not known yet */
    const char *names[2];          /* the words of it so far that may name a command */
    int name_count;
    int word_count;                       /* words behind the command's name */
    const char *first_word;               /* of those */
    const struct command_option *waiting; /* the option whose value comes next; NULL: none */
    const char *bootstrap, *profile; /* -b and --profile of the line, else of the environment */
    const char *current;
    const char *prefix; /* what stands before a candidate: "--compression=" */
    size_t prefix_len;
};

/* One candidate, if the current word is its beginning. */
static void words_offer(const struct line *line, const char *candidate, const char *meaning) {
    const char *typed = line->current + line->prefix_len;
    if (strncmp(candidate, typed, strlen(typed)) == 0) {
        const char *end = meaning ? strpbrk(meaning, ".:;(")
                                  : NULL; /* what fits on a line beside others */
        int len = end ? (int)(end - meaning) : meaning ? (int)strlen(meaning) : 0;
        print_text("%.*s%s%s%.*s\n", (int)line->prefix_len, line->prefix, candidate,
                   len ? "\t" : "", len, meaning ? meaning : "");
    }
}

/* ---- Reading the line ---- */

static const struct command_option *option_in(const struct command_option *options, size_t count,
                                              const char *name, size_t len) {
    for (size_t i = 0; i < count; i++) {
        bool same = name[1] == '-' ? strlen(options[i].name) == len - 2 &&
                                         memcmp(options[i].name, name + 2, len - 2) == 0
                                   : options[i].letter == name[1];
        if (same) {
            return &options[i];
        }
    }
    return NULL;
}

/* Of the command, or, while it is not known, of any. */
static const struct command_option *find_option(const struct command *command, const char *word,
                                                size_t len) {
    const struct command_option *found =
        command ? option_in(command->options, command->option_count, word, len) : NULL;
    found = found ? found : option_in(every_command, every_command_count, word, len);
    for (size_t i = 0; !found && !command && i < command_count; i++) {
        found = option_in(commands[i].options, commands[i].option_count, word, len);
    }
    return found;
}

/* The command that one or two words name; NULL: none. */
static const struct command *named(const char *first, const char *second) {
    for (size_t i = 0; i < command_count; i++) {
        size_t len = strlen(first);
        const char *name = commands[i].name;
        if (second ? strncmp(name, first, len) == 0 && name[len] == ' ' &&
                         strcmp(name + len + 1, second) == 0
                   : strcmp(name, first) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

static void take_word(struct line *line, const char *word) {
    if (line->name_count == 0) {
        line->names[line->name_count++] = word;
        line->command = named(word, NULL);
        return;
    }
    const struct command *longer = line->name_count == 1 && line->word_count == 0
                                       ? named(line->names[0], word)
                                       : NULL;
    if (longer) {
        line->names[line->name_count++] = word;
        line->command = longer;
    } else if (line->word_count++ == 0) {
        line->first_word = word;
    }
}

/* Which brokers are asked for what could stand there. */
static void take_value(struct line *line, const struct command_option *option, const char *value) {
    line->bootstrap = option->key == 'b' ? value : line->bootstrap;
    line->profile = option->key == OPTION_PROFILE ? value : line->profile;
}

static void take_option(struct line *line, const char *word) {
    size_t len = strcspn(word, "=");
    bool is_long = word[1] == '-';
    const struct command_option *option = find_option(line->command, word, is_long ? len : 2);
    bool attached = is_long ? word[len] == '=' : word[2] != 0;
    if (option && option->value && !attached) {
        line->waiting = option;
    } else if (option && attached) {
        take_value(line, option, is_long ? word + len + 1 : word + 2);
    }
}

static void read_line(struct line *line, char **words, int count) {
    for (int i = 0; i < count - 1; i++) {
        if (line->waiting) {
            take_value(line, line->waiting, words[i]);
            line->waiting = NULL;
        } else if (words[i][0] == '-' && words[i][1]) {
            take_option(line, words[i]);
        } else {
            take_word(line, words[i]);
        }
    }
    line->current = count > 0 ? words[count - 1] : "";
    line->prefix = line->current;
    size_t equals = strcspn(line->current, "=");
    if (!line->waiting && strncmp(line->current, "--", 2) == 0 && line->current[equals] == '=') {
        line->waiting = find_option(line->command, line->current, equals);
        line->prefix_len = equals + 1;
    }
}

/* ---- Candidates ---- */

/* Names with `before` in front. */
static void offer_topics(const struct line *line, const char *before) {
    struct admin_client *admin = admin_client_new(line->bootstrap, ASK_MS);
    struct kp_arena arena;
    struct kp_metadata_response response;
    kp_arena_init(&arena, ARENA_MAX);
    if (cluster_metadata(admin, &arena, NULL, &response) == EXIT_DONE) {
        for (int32_t i = 0; i < response.topics.count; i++) {
            struct kp_string name = response.topics.items[i].name;
            words_offer(line,
                        kp_arena_printf(&arena, "%s%.*s", before, (int)name.len, name.data).data,
                        NULL);
        }
    }
    kp_arena_close(&arena);
    admin_client_free(admin);
}

static void offer_groups(const struct line *line, const char *before) {
    struct admin_client *admin = admin_client_new(line->bootstrap, ASK_MS);
    struct kp_arena arena;
    struct group_row *rows;
    size_t count;
    kp_arena_init(&arena, ARENA_MAX);
    if (groups_list(admin, &arena, NULL, &rows, &count) == EXIT_DONE) {
        for (size_t i = 0; i < count; i++) {
            words_offer(line, kp_arena_printf(&arena, "%s%s", before, rows[i].group).data, NULL);
        }
    }
    kp_arena_close(&arena);
    admin_client_free(admin);
}

static void offer_transactional_ids(const struct line *line) {
    const struct transaction_filter all = {.longer_ms = -1};
    struct admin_client *admin = admin_client_new(line->bootstrap, ASK_MS);
    struct kp_arena arena;
    struct transaction_row *rows;
    size_t count;
    kp_arena_init(&arena, ARENA_MAX);
    if (transactions_list(admin, &arena, &all, &rows, &count) == EXIT_DONE) {
        for (size_t i = 0; i < count; i++) {
            words_offer(line, rows[i].id, rows[i].state);
        }
    }
    kp_arena_close(&arena);
    admin_client_free(admin);
}

/* Settings of the topic that is named already, or, while it is made, of any: with -d those that the
 * topic itself has. */
static void offer_settings(const struct line *line, bool own) {
    struct admin_client *admin = admin_client_new(line->bootstrap, ASK_MS);
    struct kp_arena arena;
    struct kp_metadata_response all;
    struct kp_describe_configs_request request;
    struct kp_describe_configs_request_resource resource;
    struct kp_describe_configs_response response;
    struct error_text why = {""};
    kp_arena_init(&arena, ARENA_MAX);
    kp_set_fallbacks(&kp_describe_configs_request_schema, &request);
    kp_set_fallbacks(&kp_describe_configs_request_resource_schema, &resource);
    resource.resource_type = RESOURCE_TOPIC;
    resource.configuration_keys.count = -1;
    request.resources.items = &resource;
    request.resources.count = 1;
    bool known = cluster_metadata(admin, &arena, NULL, &all) == EXIT_DONE && all.topics.count > 0;
    for (int32_t i = 0; known && i < all.topics.count; i++) {
        bool named = line->first_word && kp_string_is(all.topics.items[i].name, line->first_word);
        resource.resource_name = i == 0 || named ? all.topics.items[i].name
                                                 : resource.resource_name;
    }
    if (known &&
        admin_request(admin, KP_DESCRIBE_CONFIGS, 1, &request, &arena, &response, NULL, &why) ==
            ERR_NONE &&
        response.results.count == 1) {
        for (int32_t i = 0; i < response.results.items[0].configs.count; i++) {
            const struct kp_describe_configs_response_config *one =
                &response.results.items[0].configs.items[i];
            if (!own || one->config_source == SOURCE_TOPIC) {
                words_offer(line,
                            kp_arena_printf(&arena, "%.*s%s", (int)one->name.len, one->name.data,
                                            own ? "" : "=")
                                .data,
                            NULL);
            }
        }
    }
    kp_arena_close(&arena);
    admin_client_free(admin);
}

static void offer_profiles(const struct line *line) {
    struct profiles profiles;
    struct error_text why;
    if (profiles_read(&profiles, &why) == ERR_NONE) {
        for (size_t i = 0; i < profiles.count; i++) {
            words_offer(line, profiles.items[i].name, profiles.items[i].description);
        }
    }
    profiles_free(&profiles);
}

/* Places in the metadata tree, one floor at a time. */
static void offer_places(struct line *line) {
    const char *slash = strrchr(line->current, '/');
    char folder[1024];
    snprintf(folder, sizeof(folder), "%.*s",
             slash && slash > line->current ? (int)(slash - line->current) : 1,
             slash && slash > line->current ? line->current : "/");
    struct admin_client *admin = admin_client_new(line->bootstrap, ASK_MS);
    struct kp_arena arena;
    struct kp_meta_query_request request;
    struct kp_meta_query_response answer;
    struct error_text why = {""};
    kp_arena_init(&arena, ARENA_MAX);
    kp_set_fallbacks(&kp_meta_query_request_schema, &request);
    request.path = kp_string_of(folder);
    if (admin_request(admin, KP_META_QUERY, 0, &request, &arena, &answer, NULL, &why) == ERR_NONE) {
        for (int32_t i = 0; i < answer.entries.count; i++) {
            char place[2048];
            snprintf(place, sizeof(place), "%s/%s", strcmp(folder, "/") == 0 ? "" : folder,
                     cluster_text(&arena, answer.entries.items[i].name));
            words_offer(line, place, NULL);
        }
    }
    kp_arena_close(&arena);
    admin_client_free(admin);
}

/* "a|b|c" */
static void offer_alternatives(const struct line *line, const char *text, size_t len) {
    for (const char *at = text; at < text + len;) {
        size_t one = strcspn(at, "|");
        one = at + one > text + len ? (size_t)(text + len - at) : one;
        char word[64];
        snprintf(word, sizeof(word), "%.*s", (int)one, at);
        words_offer(line, word, NULL);
        at += one + 1;
    }
}

/* First words, or the second words of `first`; each once. */
static void offer_names(const struct line *line, const char *first) {
    size_t len = first ? strlen(first) : 0;
    for (size_t i = 0; i < command_count; i++) {
        const char *name = commands[i].name, *space = strchr(name, ' ');
        if (first && strncmp(name, first, len) == 0 && name[len] == ' ') {
            words_offer(line, name + len + 1, commands[i].help);
        } else if (!first && !space) {
            words_offer(line, name, commands[i].help);
        } else if (!first) {
            char group[32];
            size_t group_len = (size_t)(space - name);
            snprintf(group, sizeof(group), "%.*s", (int)group_len, name);
            bool seen = named(group, NULL) != NULL;
            for (size_t k = 0; k < i && !seen; k++) {
                seen = strncmp(commands[k].name, name, group_len + 1) == 0;
            }
            if (!seen) {
                words_offer(line, group, NULL);
            }
        }
    }
}

/* The word of the usage text at which the line stands: "[PATH]", "TOPIC...", "bash|zsh|fish". */
static void offer_words(struct line *line) {
    const char *at = line->command->words, *last = at;
    for (int i = 0; i < line->word_count && *at; i++) {
        last = at;
        at += strcspn(at, " ");
        at += *at == ' ';
    }
    if (!*at && strstr(last, "...")) {
        at = last; /* it may come again */
    }
    at += *at == '[';
    size_t len = strcspn(at, " ].");
    if (len == 5 && memcmp(at, "TOPIC", len) == 0) {
        offer_topics(line, "");
    } else if (len == 5 && memcmp(at, "GROUP", len) == 0) {
        offer_groups(line, "");
    } else if (len == 16 && memcmp(at, "TRANSACTIONAL_ID", len) == 0) {
        offer_transactional_ids(line);
    } else if (len == 7 && memcmp(at, "PROFILE", len) == 0) {
        offer_profiles(line);
    } else if (len == 4 && memcmp(at, "PATH", len) == 0) {
        offer_places(line);
    } else if (len == 8 && memcmp(at, "RESOURCE", len) == 0) {
        words_offer(line, "brokers", NULL);
        offer_topics(line, "topic:");
        offer_groups(line, "group:");
    } else if (len == 7 && memcmp(at, "COMMAND", len) == 0) {
        offer_names(line, line->first_word);
    } else if (memchr(at, '|', len)) {
        offer_alternatives(line, at, len);
    }
}

static void offer_option(const struct line *line, const struct command_option *option) {
    char name[64];
    snprintf(name, sizeof(name), "--%s", option->name);
    words_offer(line, name, option->help);
    if (option->letter) {
        snprintf(name, sizeof(name), "-%c", option->letter);
        words_offer(line, name, option->help);
    }
}

static void offer_options(struct line *line) {
    for (size_t i = 0; line->command && i < line->command->option_count; i++) {
        offer_option(line, &line->command->options[i]);
    }
    for (size_t i = 0; i < every_command_count; i++) {
        if (!line->command || !command_option_named(line->command, every_command[i].name)) {
            offer_option(line, &every_command[i]);
        }
    }
}

static void offer_property(void *arg, const char *name) {
    char pair[80];
    snprintf(pair, sizeof(pair), "%s=", name);
    words_offer(arg, pair, NULL);
}

static void offer_values(struct line *line) {
    const char *value = line->waiting->value, *name = line->command ? line->command->name : "";
    if (strncmp(name, "topic ", 6) == 0 &&
        (line->waiting->key == 'c' || line->waiting->key == 'd')) {
        offer_settings(line, line->waiting->key == 'd');
    } else if (line->waiting->key == 'X') {
        kafka_properties_list(strcmp(name, "produce") == 0   ? KAFKA_FOR_PRODUCE
                              : strcmp(name, "consume") == 0 ? KAFKA_FOR_CONSUME
                                                             : KAFKA_FOR_BENCH,
                              offer_property, line);
    } else if (line->waiting->key == OPTION_PROFILE) {
        offer_profiles(line);
    } else if (value && strcmp(value, "GROUP") == 0) {
        offer_groups(line, "");
    } else if (value && strncmp(value, "TOPIC", 5) == 0) {
        offer_topics(line, "");
    } else if (value && strchr(value, '|')) {
        offer_alternatives(line, value, strlen(value));
    }
}

static void offer(struct line *line) {
    if (line->waiting) {
        offer_values(line);
    } else if (line->current[0] == '-') {
        offer_options(line);
    } else if (line->name_count == 0) {
        offer_names(line, NULL);
    } else {
        if (line->name_count == 1 && line->word_count == 0) {
            offer_names(line, line->names[0]);
        }
        if (line->command) {
            offer_words(line);
        }
    }
}

void completion_words(const struct invocation *in, char **words, int count) {
    struct line line = {.bootstrap = in->bootstrap};
    struct profiles profiles;
    struct error_text why;
    read_line(&line, words, count);
    bool known = profiles_read(&profiles, &why) == ERR_NONE && line.profile;
    const struct profile *profile = known ? profiles_find(&profiles, line.profile) : NULL;
    if (profile && profile->bootstrap) {
        line.bootstrap = profile->bootstrap;
    }
    offer(&line);
    profiles_free(&profiles);
}
