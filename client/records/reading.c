/* Finding the topics, asking for their offsets, and planning each partition from its first to its
 * last record. */
#include "client/records/reading.h"

#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <string.h>

#include "base/mem.h"
#include "client/line/moment.h"
#include "client/line/talk.h"
#include "client/records/topic_pattern.h"

enum { ARENA_MAX = 512 << 20, TRY_MS = 1000 };

/* ---- What was typed ---- */

static int say_where(const char *text, bool ends_early) {
    if (ends_early) {
        say("--offset %s ends before it begins", text);
    } else {
        say("--offset %s is not beginning, end, an offset, +N (behind the first N), -N (the last N), A:B (offsets), @TIME, "
            "@TIME:TIME, or one of each of s@TIME and e@TIME; TIME is %s",
            text, MOMENT_FORMS);
    }
    return EXIT_USAGE;
}

static int take_where(struct reading *reading, const struct invocation *in) {
    const char *text = invocation_nth(in, 'o', 0);
    int64_t now = moment_now();
    bool ends_early;
    text = text ? text : "beginning";
    int error = where_parse(text, now, &reading->where, &ends_early);
    for (size_t i = 1; !error && invocation_nth(in, 'o', i); i++) {
        text = invocation_nth(in, 'o', i);
        error = where_add(text, now, &reading->where, &ends_early);
    }
    if (error) {
        return say_where(text, ends_early);
    }
    if (reading->where.kind == WHERE_STORED) {
        say("--offset stored is where a group stands; name the group with -G");
        return EXIT_USAGE;
    }
    reading->until_end = reading->until_end || reading->where.until == UNTIL_END;
    return EXIT_DONE;
}

int reading_open(struct reading *reading, const struct invocation *in) {
    *reading = (struct reading){.until_end = invocation_has(in, 'e'),
                                .isolation = invocation_has(in, OPTION_READ_COMMITTED)
                                                 ? OFFSETS_COMMITTED
                                                 : OFFSETS_UNCOMMITTED};
    const char *partitions = invocation_value(in, 'p', NULL);
    int error = partition_set_parse(partitions, &reading->partitions);
    if (error == ERR_LIMIT) {
        say("--partition names more than %d parts; write ranges (-p 0-99)", PARTITION_SPANS_MAX);
        return EXIT_USAGE;
    }
    if (error) {
        say("--partition %s is no list of partitions; write for example -p 0 or -p 0,2,5-7",
            partitions);
        return EXIT_USAGE;
    }
    if (take_where(reading, in)) {
        return EXIT_USAGE;
    }
    for (int i = 0; i < in->word_count; i++) {
        struct topic_pattern pattern;
        struct error_text why = {""};
        if (topic_pattern_open(&pattern, in->words[i], &why)) {
            say("%s", why.text);
            return EXIT_USAGE;
        }
        topic_pattern_close(&pattern);
    }
    return EXIT_DONE;
}

void reading_close(struct reading *reading) {
    for (size_t i = 0; i < reading->topic_count; i++) {
        mem_free(reading->topics[i].name);
        mem_free(reading->topics[i].partitions);
    }
    mem_free(reading->topics);
    reading->topics = NULL;
    reading->topic_count = 0;
}

/* ---- Topics and partitions ---- */

static int add_topic(struct reading *reading, const char *name, int32_t partitions) {
    for (size_t i = 0; i < reading->topic_count; i++) {
        if (strcmp(reading->topics[i].name, name) == 0) {
            return EXIT_DONE;
        }
    }
    int32_t highest = partition_set_highest(&reading->partitions);
    if (highest >= partitions) {
        return cluster_no_such_partition(name, partitions, highest);
    }
    reading->topics = mem_realloc(reading->topics,
                                  (reading->topic_count + 1) * sizeof(*reading->topics));
    struct reading_topic *topic = &reading->topics[reading->topic_count++];
    topic->name = mem_strdup(name);
    topic->partitions = mem_zalloc((size_t)partitions * sizeof(*topic->partitions));
    topic->count = 0;
    for (int32_t p = 0; p < partitions; p++) {
        if (partition_set_has(&reading->partitions, p)) {
            topic->partitions[topic->count++] = (struct reading_partition){
                .partition = p, .stop = -1, .next = -1};
        }
    }
    reading->open += (size_t)topic->count;
    return EXIT_DONE;
}

static int add_matching(struct reading *reading, struct kp_arena *arena, const char *word,
                        const struct kp_metadata_response *all) {
    struct topic_pattern pattern;
    struct error_text why = {""};
    int code = EXIT_DONE, matched = 0;
    if (topic_pattern_open(&pattern, word, &why)) {
        say("%s", why.text); /* reading_open has seen it already */
        return EXIT_USAGE;
    }
    for (int32_t i = 0; !code && i < all->topics.count; i++) {
        const char *name = cluster_text(arena, all->topics.items[i].name);
        if (topic_pattern_matches(&pattern, name)) {
            code = add_topic(reading, name, all->topics.items[i].partitions.count);
            matched++;
        }
    }
    topic_pattern_close(&pattern);
    if (!code && matched == 0) {
        say("no topic matches \"%s\"; drave topic list shows those that exist", word);
        code = EXIT_REFUSED;
    }
    return code;
}

int reading_find_topics(struct reading *reading, const struct invocation *in,
                        struct admin_client *admin) {
    struct kp_arena arena;
    int code = EXIT_DONE;
    kp_arena_init(&arena, ARENA_MAX);
    for (int i = 0; !code && i < in->word_count; i++) {
        struct kp_metadata_response metadata;
        const struct kp_metadata_response_topic *found;
        if (topic_pattern_is(in->words[i])) {
            code = cluster_metadata(admin, &arena, NULL, &metadata);
            code = code ? code : add_matching(reading, &arena, in->words[i], &metadata);
        } else {
            code = cluster_topic(admin, &arena, in->words[i], TOPIC_TO_USE, &metadata, &found);
            code = code ? code : add_topic(reading, in->words[i], found->partitions.count);
        }
    }
    kp_arena_close(&arena);
    return code;
}

/* ---- Where each partition begins and ends ---- */

/* One item for each partition that is not done, in their order. */
static struct partition_offset *items_of(const struct reading *reading) {
    struct partition_offset *items = mem_zalloc((reading->open + 1) * sizeof(*items)),
                            *next = items;
    for (size_t t = 0; t < reading->topic_count; t++) {
        for (int32_t p = 0; p < reading->topics[t].count; p++) {
            if (!reading->topics[t].partitions[p].done) {
                *next++ = (struct partition_offset){
                    .topic = reading->topics[t].name,
                    .partition = reading->topics[t].partitions[p].partition};
            }
        }
    }
    return items;
}

/* The same in one quick round; what is not answered stays so. A partition without a leader, or
 * whose leader is frozen, must not hold up the others. */
static struct partition_offset *try_ask(const struct reading *reading, const struct invocation *in,
                                        int64_t time) {
    struct partition_offset *items = items_of(reading);
    struct admin_client *admin = admin_client_new(in->bootstrap, TRY_MS);
    struct kp_arena arena;
    struct kp_metadata_response metadata;
    kp_arena_init(&arena, ARENA_MAX);
    if (cluster_metadata(admin, &arena, NULL, &metadata) == EXIT_DONE) {
        offsets_ask_once(admin, &arena, &metadata, time, reading->isolation, items, reading->open);
    }
    kp_arena_close(&arena);
    admin_client_free(admin);
    return items;
}

/* The offsets of all open partitions at one time; NULL: said, *code is set. */
static struct partition_offset *reading_ask(const struct reading *reading,
                                            const struct invocation *in, int64_t time, int *code) {
    struct partition_offset *items = items_of(reading);
    *code = offsets_ask(in->bootstrap, now_ms() + in->timeout_ms, time, reading->isolation, items,
                        reading->open);
    if (*code) {
        mem_free(items);
        return NULL;
    }
    return items;
}

/* What was asked about each partition; a list is NULL when it is not needed. */
struct facts {
    int64_t asked_ms;
    struct partition_offset *begin, *first, *until,
        *end; /* log start, at @TIME, at :TIME, high watermark */
};

static int ask_facts(const struct reading *reading, const struct invocation *in,
                     struct facts *facts) {
    const struct where *where = &reading->where;
    int code = EXIT_DONE;
    bool skips = where->kind == WHERE_BEGINNING && where->value > 0;
    bool bounded = reading->until_end || where->until == UNTIL_TIME || skips ||
                   where->kind == WHERE_LAST || where->kind == WHERE_TIME;
    *facts = (struct facts){.asked_ms = moment_now()};
    /* librdkafka would ask for the beginning and the end itself, but half a second later. */
    if (!bounded && where->kind == WHERE_BEGINNING) {
        facts->begin = try_ask(reading, in, OFFSETS_EARLIEST);
    } else if (!bounded && where->kind == WHERE_END) {
        facts->end = try_ask(reading, in, OFFSETS_LATEST);
    } else if (where->kind == WHERE_LAST || where->kind == WHERE_BEGINNING) {
        facts->begin = reading_ask(reading, in, OFFSETS_EARLIEST, &code);
    }
    if (!code && where->kind == WHERE_TIME) {
        facts->first = reading_ask(reading, in, where->value, &code);
    }
    if (!code && where->until == UNTIL_TIME) {
        facts->until = reading_ask(reading, in, where->until_value, &code);
    }
    if (!code && bounded) {
        facts->end = reading_ask(reading, in, OFFSETS_LATEST,
                                 &code); /* last, so that nothing lies behind it */
    }
    return code;
}

static int place(struct reading *reading, const char *topic, struct reading_partition *p,
                 const struct facts *facts, size_t i) {
    const struct where *where = &reading->where;
    int64_t end = facts->end ? facts->end[i].offset : -1;
    switch (where->kind) {
    case WHERE_BEGINNING:
        p->start = facts->begin[i].answered ? facts->begin[i].offset : RD_KAFKA_OFFSET_BEGINNING;
        if (where->value > 0) {
            p->start = where->value < end - p->start ? p->start + where->value : end;
        }
        break;
    case WHERE_STORED: break; /* take_where has refused it */
    case WHERE_END: p->start = end >= 0 ? end : RD_KAFKA_OFFSET_END; break;
    case WHERE_OFFSET: p->start = where->value; break;
    case WHERE_LAST:
        p->start = end - facts->begin[i].offset > where->value ? end - where->value
                                                               : facts->begin[i].offset;
        break;
    case WHERE_TIME: p->start = facts->first[i].offset >= 0 ? facts->first[i].offset : end; break;
    }
    if (where->kind == WHERE_OFFSET && end >= 0 && p->start > end) {
        say("partition %d of \"%s\" has no offset %" PRId64
            "; drave topic describe %s shows where it starts and ends",
            (int)p->partition, topic, p->start, topic);
        return EXIT_REFUSED;
    }
    if (where->until == UNTIL_OFFSET) {
        p->stop = where->until_value;
    }
    if (facts->until) {
        bool ahead = facts->until[i].offset < 0 && where->until_value > facts->asked_ms;
        p->stop = facts->until[i].offset >= 0 ? facts->until[i].offset : ahead ? -1 : end;
        reading->stops_pending = reading->stops_pending || (ahead && !reading->until_end);
    }
    if (reading->until_end && (p->stop < 0 || p->stop > end)) {
        p->stop = end;
    }
    return EXIT_DONE;
}

/* The offsets at which each partition begins and ends; one that is empty is done at once. */
static int find_places(struct reading *reading, const struct invocation *in) {
    struct facts facts;
    int code = ask_facts(reading, in, &facts);
    size_t i = 0;
    for (size_t t = 0; !code && t < reading->topic_count; t++) {
        for (int32_t k = 0; !code && k < reading->topics[t].count; k++) {
            struct reading_partition *p = &reading->topics[t].partitions[k];
            code = place(reading, reading->topics[t].name, p, &facts, i++);
            if (!code && p->start >= 0) {
                reading_advance(reading, p, p->start);
            }
        }
    }
    mem_free(facts.begin);
    mem_free(facts.first);
    mem_free(facts.until);
    mem_free(facts.end);
    return code;
}

int reading_plan(struct reading *reading, const struct invocation *in) {
    struct admin_client *admin = admin_client_for(in);
    int code = reading_find_topics(reading, in, admin);
    code = code ? code : find_places(reading, in);
    admin_client_free(admin);
    return code;
}

bool reading_passes(const struct reading *reading, const struct reading_partition *partition,
                    int64_t offset, int64_t timestamp_ms) {
    return (partition->stop >= 0 && offset >= partition->stop) ||
           (reading->where.until == UNTIL_TIME && partition->stop < 0 &&
            timestamp_ms >= reading->where.until_value);
}

int reading_resolve_stops(struct reading *reading, const struct invocation *in) {
    int code;
    struct partition_offset *until = reading_ask(reading, in, reading->where.until_value, &code),
                            *end = NULL;
    if (!code) {
        end = reading_ask(reading, in, OFFSETS_LATEST, &code);
    }
    size_t i = 0;
    for (size_t t = 0; !code && t < reading->topic_count; t++) {
        for (int32_t k = 0; k < reading->topics[t].count; k++) {
            struct reading_partition *p = &reading->topics[t].partitions[k];
            if (!p->done) {
                int64_t stop = until[i].offset >= 0 ? until[i].offset : end[i].offset;
                p->stop = p->stop >= 0 ? p->stop : stop;
                i++;
                reading_advance(reading, p, p->next);
            }
        }
    }
    reading->stops_pending = false;
    mem_free(until);
    mem_free(end);
    return code;
}

/* ---- While it is read ---- */

struct reading_partition *reading_find(struct reading_topic *topic, int32_t partition) {
    int32_t low = 0, high = topic->count;
    while (low < high) {
        int32_t middle = low + (high - low) / 2;
        if (topic->partitions[middle].partition < partition) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < topic->count && topic->partitions[low].partition == partition
               ? &topic->partitions[low]
               : NULL;
}

bool reading_advance(struct reading *reading, struct reading_partition *partition, int64_t next) {
    partition->next = next > partition->next ? next : partition->next;
    if (!partition->done && partition->stop >= 0 && partition->next >= partition->stop) {
        partition->done = true;
        reading->open--;
    }
    return partition->done;
}
