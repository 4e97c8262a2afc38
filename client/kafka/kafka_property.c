/* The table of properties that librdkafka has, those that are not allowed, and setting the rest. */
#include "client/kafka/kafka_property.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/nearest_name.h"
#include "client/kafka/kafka_client.h"
#include "client/line/talk.h"

enum { PROPERTIES_MAX = 512, NAME_MAX_LEN = 64 };

/* What drave itself decides. `allowed`: values that say the same; NULL: none. */
static const struct rule {
    const char *name; /* ends with '.': all that begin so */
    int uses;
    const char *allowed[2];
    const char *sentence; /* NULL: any value is allowed */
} rules[] = {
    {"bootstrap.servers", 7, {NULL}, "name the brokers with -b HOST:PORT,..."},
    {"metadata.broker.list", 7, {NULL}, "name the brokers with -b HOST:PORT,..."},
    {"security.protocol",
     7,
     {"ssl", "plaintext"},
     "it is ssl, as with --tls or --ca FILE, or plaintext; a login is said with --user NAME"},
    {"ssl.ca.location", 7, {NULL}, NULL}, /* as --ca */
    {"sasl.",
     7,
     {NULL},
     "a login is said with --user NAME, --password-file FILE and --sasl MECHANISM"},
    {"ssl.", 7, {NULL}, "what TLS needs is said with --ca FILE and --cert FILE"},
    {"acks",
     KAFKA_FOR_PRODUCE,
     {"all", "-1"},
     "a record counts when a majority has it on disk, which is acks=all (acks=1 would mean the same); that cannot be less"},
    {"request.required.acks",
     KAFKA_FOR_PRODUCE,
     {"all", "-1"},
     "a record counts when a majority has it on disk, which is acks=all (acks=1 would mean the same); that cannot be less"},
    {"enable.idempotence",
     KAFKA_FOR_PRODUCE,
     {"true", NULL},
     "without it a retry could store a record twice"},
    {"transactional.id", 7, {NULL}, "it is said with --transactional-id of drave produce"},
    {"group.id", 7, {NULL}, "the group is named with -G of drave consume"},
    {"group.protocol", 7, {NULL}, "the protocol is said with --protocol, beside -G"},
    {"enable.auto.offset.store",
     7,
     {"false", NULL},
     "what was printed is committed, and nothing else"},
    {"auto.offset.reset",
     KAFKA_FOR_CONSUME,
     {NULL},
     "where to begin is said with -o; an offset that is not there is an error"},
    {"isolation.level",
     KAFKA_FOR_CONSUME,
     {NULL},
     "committed records only is said with --read-committed"},
    {"enable.partition.eof", KAFKA_FOR_CONSUME, {"true", NULL}, "-e ends by it"},
    {"allow.auto.create.topics",
     7,
     {"false", NULL},
     "a mistyped name never makes a topic; create it with drave topic create"},
};

/* librdkafka prints its properties as a table of Markdown: "name | C/P | range | default | ...", P:
 * producers only, C: consumers only. */
struct property {
    char name[NAME_MAX_LEN];
    char side; /* 'P', 'C', or '*' */
};

static size_t read_properties(struct property *list) {
    char *text = NULL;
    size_t len = 0, count = 0;
    FILE *memory = open_memstream(&text, &len);
    if (!memory) {
        return 0;
    }
    rd_kafka_conf_properties_show(memory);
    fclose(memory);
    char *rest = text, *line;
    while ((line = strsep(&rest, "\n")) != NULL && count < PROPERTIES_MAX) {
        struct property one = {"", 0};
        if (sscanf(line, "%63[a-z0-9._] | %c", one.name, &one.side) == 2 &&
            strchr("PC*", one.side)) {
            list[count++] = one;
        }
    }
    free(text);
    return count;
}

static bool fits(char side, enum kafka_use use) {
    return side == '*' || use == KAFKA_FOR_BENCH || (side == 'P') == (use == KAFKA_FOR_PRODUCE);
}

void kafka_properties_list(enum kafka_use use, void (*take)(void *arg, const char *name),
                           void *arg) {
    struct property *list = mem_alloc(PROPERTIES_MAX * sizeof(*list));
    size_t count = read_properties(list);
    for (size_t i = 0; i < count; i++) {
        if (fits(list[i].side, use)) {
            take(arg, list[i].name);
        }
    }
    mem_free(list);
}

static int unknown_property(const char *name, const struct property *list, size_t count) {
    const char **names = mem_alloc((count + 1) * sizeof(*names));
    for (size_t i = 0; i < count; i++) {
        names[i] = list[i].name;
    }
    const char *near = nearest_name(name, names, count);
    if (near) {
        say("-X %s: librdkafka has no property of that name; did you mean %s?", name, near);
    } else {
        say("-X %s: librdkafka has no property of that name; its page CONFIGURATION.md lists those that exist",
            name);
    }
    mem_free(names);
    return EXIT_USAGE;
}

/* The rule that forbids the value; NULL: none. */
static const struct rule *forbidden(const char *name, const char *value, enum kafka_use use) {
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        const struct rule *rule = &rules[i];
        size_t len = strlen(rule->name);
        bool whole = rule->name[len - 1] != '.';
        bool same = false;
        for (int k = 0; k < 2; k++) {
            same = same || (rule->allowed[k] && strcasecmp(value, rule->allowed[k]) == 0);
        }
        bool named = whole ? strcmp(name, rule->name) == 0 : strncmp(name, rule->name, len) == 0;
        if ((rule->uses & (int)use) && named) {
            return same || !rule->sentence ? NULL : rule;
        }
    }
    return NULL;
}

static int check_one(const char *name, const char *value, enum kafka_use use,
                     const struct property *list, size_t count) {
    const struct property *found = NULL;
    for (size_t i = 0; i < count && !found; i++) {
        found = strcmp(list[i].name, name) == 0 ? &list[i] : NULL;
    }
    if (!found) {
        return unknown_property(name, list, count);
    }
    const struct rule *rule = forbidden(name, value, use);
    if (rule) {
        say("-X %s=%s: %s", name, value, rule->sentence);
        return EXIT_USAGE;
    }
    if (!fits(found->side, use)) {
        say("-X %s: it is a property of %s only and would do nothing here; leave it out", name,
            found->side == 'P' ? "producers" : "consumers");
        return EXIT_USAGE;
    }
    return EXIT_DONE;
}

/* bench has had -c before all of them had -X. */
static const char *nth_pair(const struct invocation *in, size_t n) {
    size_t count = 0;
    while (invocation_nth(in, 'X', count)) {
        count++;
    }
    return n < count ? invocation_nth(in, 'X', n) : invocation_nth(in, 'c', n - count);
}

int kafka_properties_check(const struct invocation *in, enum kafka_use use) {
    const char *pair;
    if (!nth_pair(in, 0)) {
        return EXIT_DONE;
    }
    struct property *list = mem_alloc(PROPERTIES_MAX * sizeof(*list));
    size_t count = read_properties(list);
    int code = EXIT_DONE;
    for (size_t i = 0; !code && (pair = nth_pair(in, i)); i++) {
        char *name;
        const char *value;
        if (!pair_split(pair, &name, &value)) {
            say("the property %s is not NAME=VALUE; write for example -X linger.ms=20", pair);
            code = EXIT_USAGE;
            break;
        }
        code = check_one(name, value, use, list, count);
        mem_free(name);
    }
    mem_free(list);
    return code;
}

void kafka_properties_set(rd_kafka_conf_t *conf, const struct invocation *in) {
    const char *pair;
    for (size_t i = 0; (pair = nth_pair(in, i)); i++) {
        char *name;
        const char *value;
        if (pair_split(pair, &name, &value)) {
            /* kafka_conf has it of the call: with a login it is another value. */
            if (strcmp(name, "security.protocol") != 0) {
                kafka_conf_set(conf, name, value);
            }
            kafka_show_log(strcmp(name, "debug") == 0);
            mem_free(name);
        }
    }
}

int kafka_properties_take(struct invocation *in) {
    const char *pair;
    for (size_t i = 0; (pair = invocation_nth(in, 'X', i)); i++) {
        const char *equals = strchr(pair, '=');
        size_t len = equals ? (size_t)(equals - pair) : 0;
        if (len == strlen("ssl.ca.location") && memcmp(pair, "ssl.ca.location", len) == 0) {
            in->ca = equals + 1;
            in->tls = true;
        } else if (len == strlen("security.protocol") &&
                   memcmp(pair, "security.protocol", len) == 0) {
            bool plain = strcasecmp(equals + 1, "plaintext") == 0;
            if (plain && in->tls) {
                say("-X %s: --tls, --ca, --cert or the profile say TLS; leave one out", pair);
                return EXIT_USAGE;
            }
            in->tls = in->tls || strcasecmp(equals + 1, "ssl") == 0;
        }
    }
    return EXIT_DONE;
}
