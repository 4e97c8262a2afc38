/*
 * Several topics by one word: "^orders-[0-9]+$" is an extended regular expression (it begins with
 * ^, as in librdkafka, and is not anchored at its end), "orders-*" a glob with * ? [...]. Any other
 * word is the name of one topic: no topic's name holds these.
 */
#ifndef CLIENT_RECORDS_TOPIC_PATTERN_H
#define CLIENT_RECORDS_TOPIC_PATTERN_H

#include <regex.h>
#include <stdbool.h>

#include "base/error.h"

struct topic_pattern {
    const char *text; /* the caller's */
    bool is_regex;
    regex_t regex;
};

/* Whether the word is a pattern at all. */
bool topic_pattern_is(const char *word);

/* The word of -r, which is a regular expression that may match anywhere, as a pattern; mem_free it.
 */
char *topic_pattern_of_regex(const char *regex);

/* ERR_NONE: free it with topic_pattern_close. ERR_INVALID: `why` says what is wrong with the
 * regular expression. */
int topic_pattern_open(struct topic_pattern *pattern, const char *word, struct error_text *why);
void topic_pattern_close(struct topic_pattern *pattern);

/* Names that begin with "__" are the cluster's own: only a pattern that begins so matches them. */
bool topic_pattern_matches(const struct topic_pattern *pattern, const char *topic);

/* The word as librdkafka takes it for a subscription: the name, the regular expression, or one that
 * says what the glob says. mem_free it. */
char *topic_pattern_expression(const char *word);

#endif
