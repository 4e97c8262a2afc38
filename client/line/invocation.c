/* Reading a parsed call: values of options, numbers with limits, pairs. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "client/line/command.h"
#include "client/line/duration.h"
#include "client/line/talk.h"

const char *invocation_value(const struct invocation *in, int key, const char *fallback) {
    for (size_t i = in->value_count; i-- > 0;) {
        if (in->values[i].key == key) {
            return in->values[i].value;
        }
    }
    return fallback;
}

bool invocation_has(const struct invocation *in, int key) {
    return invocation_value(in, key, NULL) != NULL;
}

const char *invocation_nth(const struct invocation *in, int key, size_t n) {
    for (size_t i = 0; i < in->value_count; i++) {
        if (in->values[i].key == key && n-- == 0) {
            return in->values[i].value;
        }
    }
    return NULL;
}

const struct command_option *command_option_of(const struct command *command, int key) {
    for (size_t i = 0; i < command->option_count; i++) {
        if (command->options[i].key == key) {
            return &command->options[i];
        }
    }
    return NULL;
}

const struct command_option *command_option_named(const struct command *command, const char *name) {
    for (size_t i = 0; i < command->option_count; i++) {
        if (strcmp(command->options[i].name, name) == 0) {
            return &command->options[i];
        }
    }
    return NULL;
}

bool command_changes(const struct invocation *in) {
    const char *name = in->command->name;
    if (strcmp(name, "bench") == 0) {
        return strcmp(in->words[0], "consume") != 0 || invocation_has(in, 'G');
    }
    if (strcmp(name, "consume") == 0) {
        return invocation_has(in, 'G') || invocation_has(in, OPTION_SHARE); /* it is taken note of
                                                                               what was printed */
    }
    if (strcmp(name, "recover") == 0) {
        return invocation_has(in, OPTION_ACCEPT_LOSS);
    }
    return command_option_of(in->command, OPTION_DRY_RUN) && !invocation_has(in, OPTION_DRY_RUN);
}

static const char *option_name(const struct invocation *in, int key) {
    const struct command_option *option = command_option_of(in->command, key);
    return option ? option->name : "?";
}

int64_t invocation_number(const struct invocation *in, int key, int64_t fallback, int64_t min,
                          int64_t max) {
    const char *text = invocation_value(in, key, NULL);
    if (!text) {
        return fallback;
    }
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (end == text || *end || errno || value < min || value > max) {
        say("--%s %s is not a number from %" PRId64 " to %" PRId64, option_name(in, key), text, min,
            max);
        exit(EXIT_USAGE);
    }
    return value;
}

uint64_t invocation_duration(const struct invocation *in, int key, uint64_t fallback_s,
                             uint64_t min_s, uint64_t max_s) {
    const char *text = invocation_value(in, key, NULL);
    if (!text) {
        return fallback_s * 1000;
    }
    bool zero = *text && strspn(text, "0") == strlen(text); /* no duration otherwise */
    uint64_t ms = zero ? 0 : duration_parse(text);
    if ((ms == 0 && !zero) || ms < min_s * 1000 || ms > max_s * 1000) {
        say("--%s %s is not a time from %" PRIu64 " s to %" PRIu64
            " s; write 10s, 2m, or 10 for seconds",
            option_name(in, key), text, min_s, max_s);
        exit(EXIT_USAGE);
    }
    return ms;
}

bool pair_split(const char *pair, char **key, const char **value) {
    const char *equals = strchr(pair, '=');
    if (!equals || equals == pair) {
        return false;
    }
    *key = mem_strndup(pair, (size_t)(equals - pair));
    *value = equals + 1;
    return true;
}
