/* Compiling a glob or a regular expression, and matching names. */
#include "client/records/topic_pattern.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

bool topic_pattern_is(const char *word) {
    return *word == '^' || strpbrk(word, "*?[") != NULL;
}

char *topic_pattern_of_regex(const char *regex) {
    bool anchored = *regex == '^' || strncmp(regex, "__", 2) == 0;
    size_t room = strlen(regex) + 8;
    char *text = mem_alloc(room);
    snprintf(text, room, *regex == '^' ? "%s" : anchored ? "^%s" : "^.*(%s)", regex);
    return text;
}

int topic_pattern_open(struct topic_pattern *pattern, const char *word, struct error_text *why) {
    pattern->text = word;
    pattern->is_regex = *word == '^';
    int failed = pattern->is_regex ? regcomp(&pattern->regex, word, REG_EXTENDED | REG_NOSUB) : 0;
    if (failed) {
        char reason[160];
        regerror(failed, &pattern->regex, reason, sizeof(reason));
        return error_set(why, ERR_INVALID, "\"%s\" is no regular expression: %s", word, reason);
    }
    return ERR_NONE;
}

void topic_pattern_close(struct topic_pattern *pattern) {
    if (pattern->is_regex) {
        regfree(&pattern->regex);
    }
}

bool topic_pattern_matches(const struct topic_pattern *pattern, const char *topic) {
    const char *begin = pattern->text + pattern->is_regex;
    if (strncmp(topic, "__", 2) == 0 && strncmp(begin, "__", 2) != 0) {
        return false;
    }
    return pattern->is_regex ? regexec(&pattern->regex, topic, 0, NULL, 0) == 0
                             : fnmatch(pattern->text, topic, 0) == 0;
}

char *topic_pattern_expression(const char *word) {
    if (*word == '^' || !topic_pattern_is(word)) {
        return mem_strdup(word);
    }
    char *text = mem_alloc(2 * strlen(word) + 3), *to = text;
    *to++ = '^';
    for (const char *at = word; *at; at++) {
        bool in_set = at > word && at[-1] == '[';
        if (*at == '*' || *at == '?' || *at == '.') {
            *to++ = *at == '.' ? '\\' : '.';
        }
        if (*at != '?') {
            *to++ = in_set && *at == '!' ? '^' : *at;
        }
    }
    *to++ = '$';
    *to = 0;
    return text;
}
