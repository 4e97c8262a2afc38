/* The topic of letters, and reading it; letters.h has the rules. */
#include "tests/sim/queues/letters.h"

#include "base/mem.h"
#include "raft-glue/raft_group.h"
#include "tests/sim/cluster_end.h"
#include "tests/sim/queues/known_states.h"
#include "tests/sim/read_back.h"

const char letters_topic[] = "dlq.orders";

struct letters {
    struct cluster *cluster;
    struct kafka_client *client;
    struct letter_book *book;
};

struct letters *letters_new(struct cluster *cluster, struct env *env, int16_t replicas) {
    struct letters *letters = mem_zalloc(sizeof *letters);
    letters->cluster = cluster;
    letters->book = letter_book_new(cluster);
    letters->client = kafka_client_new(cluster->run, env, cluster->count, letters_topic, 1,
                                       replicas);
    kafka_client_set(letters->client, "errors.deadletterqueue.group.enable", "true");
    return letters;
}

struct letter_book *letters_book(struct letters *letters) {
    return letters->book;
}

bool letters_are_made(const struct letters *letters) {
    return kafka_client_ready(letters->client);
}

static struct partition *replica(const struct letters *letters, unsigned place) {
    return cluster_is_out(letters->cluster, place)
               ? NULL
               : cluster_partition(letters->cluster, place, letters_topic, 0);
}

bool letters_are_done(const struct letters *letters) {
    return known_are_equal(letters->cluster, letters_topic);
}

static void take_entry(void *arg, struct entry *entry) {
    letters_entry(arg, entry);
}

void letters_judge(struct letters *letters) {
    struct cluster *cluster = letters->cluster;
    for (unsigned i = 0; i < cluster->count; i++) {
        struct partition *partition = replica(letters, i);
        if (partition == NULL) continue;
        struct raft_group *group = partition_group(partition);
        if (partition_log_first_index(raft_group_log(group)) > 1) continue; /* given as files */
        letters_begin(letters->book);
        if (read_back(cluster->run, cluster->brokers[i].node, group, known_applied(partition),
                      cluster->ledger, take_entry, letters->book))
            letters_end(letters->book, i);
    }
}
