/*
 * drave txn find-hanging: transactions that are open in a partition, and that no coordinator will
 * ever end.
 *
 * Happy path: the leaders say what is open, the coordinators what they have open. A coordinator
 * has a partition before it takes a record of the transaction, and until its marker has committed
 * there; so what is open in a partition, before and after all coordinators were asked for its
 * producer, and in no transaction of theirs, hangs. Failures: a partition, or a coordinator, that
 * cannot be asked: said. Ends with 1 if something hangs.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "client/kafka/cluster_view.h"
#include "client/line/amount.h"
#include "client/line/command.h"
#include "client/line/moment.h"
#include "client/line/talk.h"
#include "client/records/topic_pattern.h"
#include "client/transactions/transaction_json.h"

enum { ARENA_MAX = 512 << 20 };

struct hunt {
    const struct invocation *in;
    struct admin_client *admin;
    struct kp_arena arena;
    struct partition_of_topic *partitions;
    size_t partition_count;
    struct open_transaction *open;
    size_t open_count;
    struct transaction_row *known; /* whose producers they are */
    size_t known_count;
};

/* ---- Where is looked ---- */

/* Once, however many words mean it. */
static int add_topic(struct hunt *h, const struct kp_metadata_response_topic *topic) {
    const char *name = cluster_text(&h->arena, topic->name);
    size_t count = (size_t)topic->partitions.count;
    for (size_t i = 0; i < h->partition_count; i++) {
        if (strcmp(h->partitions[i].topic, name) == 0) return EXIT_DONE;
    }
    h->partitions = mem_realloc(h->partitions,
                                (h->partition_count + count + 1) * sizeof(*h->partitions));
    for (size_t p = 0; p < count; p++) {
        h->partitions[h->partition_count++] = (struct partition_of_topic){
            .topic = name, .partition = topic->partitions.items[p].partition_index};
    }
    return EXIT_DONE;
}

static int add_matching(struct hunt *h, const struct kp_metadata_response *metadata,
                        const char *word) {
    struct topic_pattern pattern;
    struct error_text why = {""};
    if (topic_pattern_open(&pattern, word, &why)) {
        say("%s is no regular expression: %s", word, why.text);
        return EXIT_USAGE;
    }
    for (int32_t i = 0; i < metadata->topics.count; i++) {
        const char *name = cluster_text(&h->arena, metadata->topics.items[i].name);
        if (topic_pattern_matches(&pattern, name)) {
            add_topic(h, &metadata->topics.items[i]);
        }
    }
    topic_pattern_close(&pattern);
    return EXIT_DONE;
}

/* All topics, the cluster's own among them: offsets are committed in transactions, too. */
static int choose_partitions(struct hunt *h) {
    struct kp_metadata_response metadata;
    int code = cluster_metadata(h->admin, &h->arena, NULL, &metadata);
    for (int32_t i = 0; !code && h->in->word_count == 0 && i < metadata.topics.count; i++) {
        add_topic(h, &metadata.topics.items[i]);
    }
    for (int w = 0; !code && w < h->in->word_count; w++) {
        const char *word = h->in->words[w];
        const struct kp_metadata_response_topic *named = cluster_find_topic(&metadata, word);
        code = topic_pattern_is(word) ? add_matching(h, &metadata, word)
               : named                ? add_topic(h, named)
                       : cluster_topic_missing(h->admin, &h->arena, word, TOPIC_TO_CHANGE);
    }
    return code;
}

/* ---- What hangs ---- */

static bool is_known(const struct hunt *h, const struct open_transaction *open) {
    for (size_t i = 0; i < h->known_count; i++) {
        const struct transaction_row *row = &h->known[i];
        if (row->producer_id == open->producer_id &&
            (!row->described ||
             (transaction_is_open(row) && transaction_has(row, open->topic, open->partition)))) {
            return true;
        }
    }
    return false;
}

/* Asks all coordinators for their producers, and drops what one of them has open. */
static int drop_known(struct hunt *h) {
    int64_t *ids = mem_alloc((h->open_count + 1) * sizeof(*ids));
    struct transaction_filter filter = {.longer_ms = -1, .producer_ids = ids, .describe = true};
    size_t kept = 0;
    for (size_t i = 0; i < h->open_count; i++) {
        ids[i] = h->open[i].producer_id;
    }
    filter.producer_count = (int32_t)h->open_count;
    int code = transactions_list(h->admin, &h->arena, &filter, &h->known, &h->known_count);
    for (size_t i = 0; !code && i < h->open_count; i++) {
        if (!is_known(h, &h->open[i])) {
            h->open[kept++] = h->open[i];
        }
    }
    h->open_count = code ? 0 : kept;
    mem_free(ids);
    return code;
}

static bool is_open_in(const struct open_transaction *rows, size_t count,
                       const struct open_transaction *open) {
    for (size_t i = 0; i < count; i++) {
        if (rows[i].producer_id == open->producer_id &&
            rows[i].first_offset == open->first_offset && rows[i].partition == open->partition &&
            strcmp(rows[i].topic, open->topic) == 0) {
            return true;
        }
    }
    return false;
}

/* Asks the leaders of what is left once more, and drops what has ended meanwhile. */
static int drop_ended(struct hunt *h) {
    struct partition_of_topic *asked = mem_alloc((h->open_count + 1) * sizeof(*asked));
    struct open_transaction *rows;
    size_t count, kept = 0, asked_count = 0;
    for (size_t i = 0; i < h->open_count; i++) {
        const struct open_transaction *one = &h->open[i];
        const struct partition_of_topic *last = asked_count ? &asked[asked_count - 1] : NULL;
        if (!last || last->partition != one->partition || strcmp(last->topic, one->topic) != 0) {
            asked[asked_count++] = (struct partition_of_topic){.topic = one->topic,
                                                               .partition = one->partition};
        }
    }
    int code = open_transactions_find(h->admin, &h->arena, asked, asked_count, &rows, &count);
    for (size_t i = 0; i < h->open_count; i++) {
        if (is_open_in(rows, count, &h->open[i])) {
            h->open[kept++] = h->open[i];
        }
    }
    h->open_count = kept;
    mem_free(asked);
    return code;
}

static int by_place(const void *a, const void *b) {
    const struct open_transaction *one = a, *other = b;
    int order = strcmp(one->topic, other->topic);
    order = order ? order
                  : (one->partition > other->partition) - (one->partition < other->partition);
    return order ? order
                 : (one->first_offset > other->first_offset) -
                       (one->first_offset < other->first_offset);
}

/* What nobody has written to for so long. */
static void drop_young(struct hunt *h, int64_t longer_ms) {
    int64_t now = moment_now();
    size_t kept = 0;
    for (size_t i = 0; i < h->open_count; i++) {
        if (h->open[i].written_ms < 0 || now - h->open[i].written_ms >= longer_ms) {
            h->open[kept++] = h->open[i];
        }
    }
    h->open_count = kept;
}

/* ---- Showing ---- */

static const char *id_of(const struct hunt *h, const struct open_transaction *open) {
    for (size_t i = 0; i < h->known_count; i++) {
        if (h->known[i].producer_id == open->producer_id) {
            return h->known[i].id;
        }
    }
    return NULL;
}

static void print_hanging(const struct hunt *h) {
    static const char *const names[] = {"TOPIC", "PARTITION", "OFFSET",          "PRODUCER",
                                        "EPOCH", "WRITTEN",   "TRANSACTIONAL ID"};
    struct table *table = table_new(names, 7);
    int64_t now = moment_now();
    for (size_t i = 0; i < h->open_count; i++) {
        const struct open_transaction *one = &h->open[i];
        char partition[16], offset[24], producer[24], epoch[16], age[AMOUNT_ROOM];
        snprintf(partition, sizeof(partition), "%d", (int)one->partition);
        snprintf(offset, sizeof(offset), "%" PRId64, one->first_offset);
        snprintf(producer, sizeof(producer), "%" PRId64, one->producer_id);
        snprintf(epoch, sizeof(epoch), "%d", (int)one->producer_epoch);
        amount_time(one->written_ms < 0 ? -1 : (double)(now - one->written_ms) / 1000, age);
        table_row(table, (const char *[]){one->topic, partition, offset, producer, epoch, age,
                                          id_of(h, one)});
    }
    table_print(table);
}

/* `all`: every partition was asked. */
static int show_hanging(const struct hunt *h, bool all) {
    if (h->in->json) {
        json_t *list = json_array();
        for (size_t i = 0; i < h->open_count; i++) {
            json_array_append_new(list, open_transaction_json(&h->open[i], id_of(h, &h->open[i])));
        }
        print_json(list);
    } else if (h->open_count > 0) {
        print_hanging(h);
    }
    if (h->open_count == 0) {
        if (!h->in->json && all) {
            say("no transaction hangs: each that is open has a coordinator that ends it");
        }
        return EXIT_DONE;
    }
    say("no coordinator will end %s; readers of what is committed stop there. drave txn abort -t %s:%d -o %" PRId64
        " --yes aborts the first",
        h->open_count == 1 ? "it" : "these", h->open->topic, (int)h->open->partition,
        h->open->first_offset);
    return EXIT_REFUSED;
}

int command_txn_find_hanging(struct invocation *in) {
    int64_t longer_ms = (int64_t)invocation_duration(in, OPTION_LONGER, 0, 0, 10L * 365 * 86400);
    struct hunt h = {.in = in, .admin = admin_client_for(in)};
    kp_arena_init(&h.arena, ARENA_MAX);
    int code = choose_partitions(&h);
    code = code ? code
                : open_transactions_find(h.admin, &h.arena, h.partitions, h.partition_count,
                                         &h.open, &h.open_count);
    drop_young(&h, longer_ms);
    if (h.open_count > 1) {
        qsort(h.open, h.open_count, sizeof(*h.open), by_place);
    }
    int asked = h.open_count > 0 ? drop_known(&h) : EXIT_DONE;
    asked = !asked && h.open_count > 0 ? drop_ended(&h) : asked;
    int found = asked ? asked : show_hanging(&h, code == EXIT_DONE);
    code = code ? code : found;
    mem_free(h.partitions);
    kp_arena_close(&h.arena);
    admin_client_free(h.admin);
    return code;
}
