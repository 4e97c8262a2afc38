/* Forming a cluster: every row of the table in cluster_forming.c, with the sentences. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "broker/cluster/cluster_forming.h"
#include "tests/unit/unit.h"

enum { BROKERS = 3 };

/* Three brokers that hear each other's hellos, in whatever order a test wants. */
struct fixture {
    struct node {
        struct settings *values;
        struct broker_settings settings;
        uint8_t directory[CLUSTER_UUID_SIZE];
        struct cluster_forming *forming;
        char list[FORMING_LIST_MAX];
        uint8_t record[CLUSTER_RECORD_MAX];
        struct error_text refusal;
    } nodes[BROKERS];
};

static void node_init(struct node *node, int id, const char *list) {
    struct error_text why;
    char pair[300];
    size_t count;
    const struct setting *table = broker_settings_table(&count);
    settings_free(node->values);
    cluster_forming_free(node->forming);
    node->values = settings_new(table, count);
    snprintf(pair, sizeof pair, "node.id=%d", id);
    assert_int_equal(settings_set_pair(node->values, pair, &why), ERR_NONE);
    snprintf(pair, sizeof pair, "cluster.nodes=%s", list);
    assert_int_equal(settings_set_pair(node->values, pair, &why), ERR_NONE);
    assert_int_equal(broker_settings_from(node->values, &node->settings, &why), ERR_NONE);
    memset(node->directory, 16 * id, sizeof node->directory);
    node->forming = cluster_forming_new(&node->settings, node->directory, NULL);
}

static const char three[] = "1@127.0.0.1:1,2@127.0.0.1:2,3@127.0.0.1:3";

static int setup(void **state) {
    struct fixture *fixture = mem_zalloc(sizeof *fixture);
    for (int i = 0; i < BROKERS; i++)
        node_init(&fixture->nodes[i], i + 1, three);
    *state = fixture;
    return 0;
}

static int teardown(void **state) {
    struct fixture *fixture = *state;
    for (int i = 0; i < BROKERS; i++) {
        cluster_forming_free(fixture->nodes[i].forming);
        settings_free(fixture->nodes[i].values);
    }
    mem_free(fixture);
    return 0;
}

static struct peer_hello hello_of(struct node *node) {
    const struct cluster_record *record = cluster_forming_record(node->forming);
    cluster_forming_list(&node->settings, node->list);
    struct peer_hello hello = {
        .version = PEER_PROTOCOL_VERSION,
        .node = node->settings.node_id,
        .cluster_id = record == NULL ? "" : record->id,
        .nodes = node->list,
        .record = node->record,
        .record_len = record == NULL ? 0 : (uint32_t)cluster_record_encode(record, node->record)};
    memcpy(hello.directory, node->directory, PEER_UUID_SIZE);
    return hello;
}

/* `who` hears the hello of `whom`. */
static int hear(struct node *who, struct node *whom) {
    struct peer_hello hello = hello_of(whom);
    who->refusal.text[0] = '\0';
    return cluster_forming_judge(who->forming, &hello, &who->refusal);
}

static void form(struct fixture *fixture) {
    for (int i = 0; i < BROKERS; i++)
        for (int j = 0; j < BROKERS; j++)
            if (i != j) assert_int_equal(hear(&fixture->nodes[i], &fixture->nodes[j]), ERR_NONE);
}

static void assert_said(const struct error_text *why, const char *part) {
    if (strstr(why->text, part) == NULL) fail_msg("\"%s\" is not in: %s", part, why->text);
}

/* A restart with another, empty directory. */
static void wipe(struct node *node) {
    cluster_forming_free(node->forming);
    node->directory[0] ^= 0xff;
    node->forming = cluster_forming_new(&node->settings, node->directory, NULL);
}

static void restart(struct node *node) {
    const struct cluster_record *record = cluster_forming_record(node->forming);
    struct cluster_forming *again = cluster_forming_new(&node->settings, node->directory, record);
    cluster_forming_free(node->forming);
    node->forming = again;
}

/* All heard all: all have the same record. Nobody has one before. */
static void test_cluster_forming_all_heard(void **state) {
    struct fixture *fixture = *state;
    struct node *nodes = fixture->nodes;
    char whom[200];
    assert_int_equal(hear(&nodes[0], &nodes[1]), ERR_NONE);
    assert_int_equal(cluster_forming_state(nodes[0].forming), FORMING_WAITING);
    cluster_forming_waits_for(nodes[0].forming, whom, sizeof whom);
    assert_string_equal(whom, "3 (127.0.0.1:3)");
    form(fixture);
    const struct cluster_record *first = cluster_forming_record(nodes[0].forming);
    assert_non_null(first);
    assert_int_equal(strlen(first->id), 22);
    assert_int_equal(first->voters, 3);
    for (int i = 0; i < BROKERS; i++) {
        assert_string_equal(cluster_forming_record(nodes[i].forming)->id, first->id);
        assert_int_equal(cluster_record_replica(first, i + 1), i + 1);
        assert_true(cluster_record_names(first, i + 1, nodes[i].directory));
    }
}

/* A broker alone forms its cluster at once. */
static void test_cluster_forming_alone(void **state) {
    struct fixture *fixture = *state;
    node_init(&fixture->nodes[0], 1, "");
    assert_int_equal(cluster_forming_state(fixture->nodes[0].forming), FORMING_DONE);
    assert_int_equal(cluster_forming_record(fixture->nodes[0].forming)->node_count, 1);
}

/* A crash between the others' records and ours: we take the record from a hello, or from a message,
 * that names us. */
static void test_cluster_forming_takes_the_record(void **state) {
    struct fixture *fixture = *state;
    struct node *nodes = fixture->nodes;
    form(fixture);
    cluster_forming_free(nodes[2].forming);
    nodes[2].forming = cluster_forming_new(&nodes[2].settings, nodes[2].directory, NULL);
    assert_int_equal(hear(&nodes[0], &nodes[2]), ERR_NONE);
    assert_int_equal(hear(&nodes[2], &nodes[0]), ERR_NONE);
    assert_string_equal(cluster_forming_record(nodes[2].forming)->id,
                        cluster_forming_record(nodes[0].forming)->id);
    cluster_forming_free(nodes[2].forming);
    nodes[2].forming = cluster_forming_new(&nodes[2].settings, nodes[2].directory, NULL);
    hello_of(&nodes[0]);
    cluster_forming_heard_record(nodes[2].forming, nodes[0].record, 3 + 3 * 20);
    assert_int_equal(cluster_forming_state(nodes[2].forming), FORMING_DONE);
}

/* An empty directory under a known id: it is not let in, and waits until it is told that it takes
 * the lost one's place, under a replica id of its own; the cluster's record alone says nothing. */
static void test_cluster_forming_wiped_directory(void **state) {
    struct fixture *fixture = *state;
    struct node *nodes = fixture->nodes;
    uint8_t bytes[CLUSTER_RECORD_MAX];
    form(fixture);
    wipe(&nodes[1]);
    assert_int_equal(hear(&nodes[0], &nodes[1]), ERR_NOT_FOUND);
    const struct cluster_record *record = cluster_forming_record(nodes[0].forming);
    assert_null(strstr(nodes[0].refusal.text, record->id)); /* nothing is told */
    assert_said(&nodes[0].refusal, "the other brokers go on without it");
    assert_said(&nodes[0].refusal, "drave broker replace 2");
    assert_int_equal(cluster_forming_directories_refused(nodes[0].forming), 0);
    assert_int_equal(hear(&nodes[1], &nodes[0]), ERR_NONE);
    assert_int_equal(cluster_forming_state(nodes[1].forming), FORMING_WAITING);
    assert_true(cluster_forming_would_replace(nodes[1].forming));
    size_t len = cluster_record_encode(record, bytes);
    cluster_forming_heard_record(nodes[1].forming, bytes, len);
    cluster_forming_admitted(nodes[1].forming, bytes, len, 2); /* that of the lost one */
    assert_null(cluster_forming_record(nodes[1].forming));
    cluster_forming_admitted(nodes[1].forming, bytes, len, 9);
    record = cluster_forming_record(nodes[1].forming);
    assert_int_equal(cluster_record_replica(record, 2), 9);
    assert_true(cluster_record_names(record, 2, nodes[1].directory));
    assert_false(cluster_record_names(
        record, 2, cluster_forming_record(nodes[0].forming)->nodes[1].directory));
}

/* A copy is another cluster, also of one that came later, and says so wherever it is read. */
static void test_cluster_record_of_a_copy(void **state) {
    struct fixture *fixture = *state;
    static const uint8_t number[CLUSTER_UUID_SIZE] = {7, 7}, other[CLUSTER_UUID_SIZE] = {7, 8};
    uint8_t bytes[CLUSTER_RECORD_MAX];
    struct cluster_record back;
    form(fixture);
    const struct cluster_record *first = cluster_forming_record(fixture->nodes[0].forming);
    for (int later = 0; later <= 1; later++) {
        struct cluster_record copy = *first, second = *first;
        struct cluster_node four = {4, {4, 4}};
        if (later) cluster_record_join(&copy, &four, 9);
        cluster_record_adopt(&copy, number);
        cluster_record_adopt(&second, other);
        assert_string_not_equal(copy.id, first->id);
        assert_string_not_equal(copy.id, second.id);
        assert_true(cluster_record_same_beginning(&copy, first));
        size_t len = cluster_record_encode(&copy, bytes);
        assert_int_equal(cluster_record_decode(bytes, len, &back), ERR_NONE);
        assert_string_equal(back.id, copy.id);
        assert_int_equal(cluster_record_replica(&back, 4), later ? 9 : 0);
        assert_int_equal(cluster_record_decode(bytes, len - 1, &back), ERR_MALFORMED);
        memset(bytes + len - CLUSTER_UUID_SIZE, 0, CLUSTER_UUID_SIZE);
        assert_int_equal(cluster_record_decode(bytes, len, &back), ERR_MALFORMED);
        bytes[0] = 5;
        assert_int_equal(cluster_record_decode(bytes, len, &back), ERR_VERSION);
    }
}

/* What the metadata of one that knows a new broker 2, and of one that is behind, says. */
static enum forming_standing replaced_two(void *arg, int32_t node,
                                          const uint8_t directory[CLUSTER_UUID_SIZE],
                                          replica_id replica) {
    if (node != 2 || memcmp(directory, arg, CLUSTER_UUID_SIZE) == 0) return FORMING_BELONGS;
    return replica > 8 ? FORMING_AHEAD : FORMING_OTHER_DIRECTORY;
}

static enum forming_standing replaced_led(void *arg, int32_t node,
                                          const uint8_t directory[CLUSTER_UUID_SIZE],
                                          replica_id replica) {
    enum forming_standing standing = replaced_two(arg, node, directory, replica);
    return standing == FORMING_AHEAD ? FORMING_LATER : standing;
}

/* The old directory comes back: refused for good, and counted. One that by its word came later than
 * the table knows is let in, or tries again while the table comes by itself; it does not end. */
static void test_cluster_forming_replaced(void **state) {
    struct fixture *fixture = *state;
    struct node *nodes = fixture->nodes;
    uint8_t bytes[CLUSTER_RECORD_MAX], other[CLUSTER_UUID_SIZE] = {1, 2, 3};
    form(fixture);
    cluster_forming_follow(nodes[0].forming, replaced_two, other);
    assert_int_equal(hear(&nodes[0], &nodes[1]), ERR_DENIED);
    assert_said(&nodes[0].refusal, "took the place of this one for good");
    assert_int_equal(cluster_forming_directories_refused(nodes[0].forming), 1);
    wipe(&nodes[1]);
    assert_int_equal(hear(&nodes[0], &nodes[1]), ERR_NOT_FOUND);
    assert_int_equal(hear(&nodes[1], &nodes[0]), ERR_NONE);
    cluster_forming_admitted(nodes[1].forming, bytes,
                             cluster_record_encode(cluster_forming_record(nodes[0].forming), bytes),
                             9);
    assert_int_equal(hear(&nodes[0], &nodes[1]), ERR_NONE);
    cluster_forming_follow(nodes[0].forming, replaced_led, other);
    assert_int_equal(hear(&nodes[0], &nodes[1]), ERR_INVALID);
    assert_said(&nodes[0].refusal, "has not heard of broker 2 yet");
    assert_int_equal(cluster_forming_directories_refused(nodes[0].forming), 1);
}

static enum forming_standing gave_two_up(void *arg, int32_t node,
                                         const uint8_t directory[CLUSTER_UUID_SIZE],
                                         replica_id replica) {
    (void)arg, (void)directory, (void)replica;
    return node == 2 ? FORMING_GIVEN_UP : FORMING_BELONGS;
}

/* The metadata went on without it: it never takes part again as it was, and hears what to do. */
static void test_cluster_forming_given_up(void **state) {
    struct fixture *fixture = *state;
    struct node *nodes = fixture->nodes;
    form(fixture);
    cluster_forming_follow(nodes[0].forming, gave_two_up, NULL);
    assert_int_equal(hear(&nodes[0], &nodes[1]), ERR_DENIED);
    assert_said(&nodes[0].refusal, "broker 2 was given up");
    assert_said(&nodes[0].refusal, "drave broker replace 2");
    assert_int_equal(cluster_forming_directories_refused(nodes[0].forming), 1);
    assert_int_equal(hear(&nodes[0], &nodes[2]), ERR_NONE);
}

/* One that is told that it is refused for good ends with that sentence, whether it has a record or
 * not. */
static void test_cluster_forming_refused_for_good(void **state) {
    struct fixture *fixture = *state;
    struct node *nodes = fixture->nodes;
    form(fixture);
    cluster_forming_refused(nodes[0].forming, "replaced by another");
    assert_int_equal(cluster_forming_state(nodes[0].forming), FORMING_REFUSED);
    assert_string_equal(cluster_forming_refusal(nodes[0].forming), "replaced by another");
    wipe(&nodes[1]);
    cluster_forming_refused(nodes[1].forming, "not of this cluster");
    assert_int_equal(cluster_forming_state(nodes[1].forming), FORMING_REFUSED);
    assert_string_equal(cluster_forming_refusal(nodes[1].forming), "not of this cluster");
}

/* Two wiped brokers and one that knows: no new cluster comes to be. */
static void test_cluster_forming_two_wiped(void **state) {
    struct fixture *fixture = *state;
    struct node *nodes = fixture->nodes;
    form(fixture);
    wipe(&nodes[1]);
    wipe(&nodes[2]);
    assert_int_equal(hear(&nodes[1], &nodes[2]), ERR_NONE);
    assert_int_equal(hear(&nodes[2], &nodes[1]), ERR_NONE);
    assert_int_equal(cluster_forming_state(nodes[1].forming), FORMING_WAITING);
    assert_int_equal(hear(&nodes[1], &nodes[0]), ERR_NONE);
    assert_int_equal(hear(&nodes[2], &nodes[0]), ERR_NONE);
    assert_int_equal(hear(&nodes[1], &nodes[2]), ERR_NONE);
    assert_int_equal(cluster_forming_state(nodes[1].forming), FORMING_WAITING);
    assert_int_equal(cluster_forming_state(nodes[2].forming), FORMING_WAITING);
    assert_int_equal(hear(&nodes[0], &nodes[2]), ERR_NOT_FOUND);
}

/* Lists that differ: the other's is named, ours is not told, and nobody counts as heard. */
static void test_cluster_forming_lists_differ(void **state) {
    struct fixture *fixture = *state;
    struct node *nodes = fixture->nodes;
    node_init(&nodes[1], 2, "1@127.0.0.1:1,2@127.0.0.1:2,3@127.0.0.1:4");
    assert_int_equal(hear(&nodes[0], &nodes[1]), ERR_INVALID);
    assert_said(&nodes[0].refusal, "cluster.nodes differ");
    assert_null(strstr(nodes[0].refusal.text, "3@127.0.0.1:3 "));
    assert_said(&nodes[0].refusal, "3@127.0.0.1:4 ");
    assert_int_equal(hear(&nodes[0], &nodes[2]), ERR_NONE);
    assert_int_equal(cluster_forming_state(nodes[0].forming), FORMING_WAITING);
}

/* Once formed, the list says only where to begin: addresses may change one broker after the other,
 * and brokers may be missing. */
static void test_cluster_forming_moved_addresses(void **state) {
    struct fixture *fixture = *state;
    struct node *nodes = fixture->nodes;
    form(fixture);
    struct cluster_record record = *cluster_forming_record(nodes[1].forming);
    node_init(&nodes[1], 2, "1@127.0.0.1:11,2@127.0.0.1:12,3@127.0.0.1:13");
    cluster_forming_free(nodes[1].forming);
    nodes[1].forming = cluster_forming_new(&nodes[1].settings, nodes[1].directory, &record);
    assert_int_equal(hear(&nodes[0], &nodes[1]), ERR_NONE);
    assert_int_equal(hear(&nodes[1], &nodes[0]), ERR_NONE);
    node_init(&nodes[1], 2, "1@127.0.0.1:1,2@127.0.0.1:2");
    cluster_forming_free(nodes[1].forming);
    nodes[1].forming = cluster_forming_new(&nodes[1].settings, nodes[1].directory, &record);
    assert_int_equal(hear(&nodes[0], &nodes[1]), ERR_NONE);
}

/* ---- Newcomers ---- */

static const char four[] = "1@127.0.0.1:1,2@127.0.0.1:2,3@127.0.0.1:3,4@127.0.0.1:4";

static void newcomer_free(struct node *newcomer) {
    cluster_forming_free(newcomer->forming);
    settings_free(newcomer->values);
}

/* What the metadata of one that has admitted broker 4 says; `arg`: its directory. */
static enum forming_standing has_four(void *arg, int32_t node,
                                      const uint8_t directory[CLUSTER_UUID_SIZE],
                                      replica_id replica) {
    (void)replica;
    if (node < 4) return FORMING_BELONGS;
    if (node > 4) return FORMING_UNKNOWN;
    return memcmp(directory, arg, CLUSTER_UUID_SIZE) == 0 ? FORMING_BELONGS
                                                          : FORMING_OTHER_DIRECTORY;
}

/* One whose id the record does not have is not let in before it is admitted, and waits; it never
 * takes the record by itself, nor makes one with others like it. */
static void test_cluster_forming_newcomer_waits(void **state) {
    struct fixture *fixture = *state;
    struct node *nodes = fixture->nodes, newcomer = {0};
    form(fixture);
    node_init(&newcomer, 4, four);
    assert_int_equal(hear(&nodes[0], &newcomer), ERR_NOT_FOUND);
    assert_said(&nodes[0].refusal, "broker 4 is not admitted yet: drave broker add 4");
    assert_int_equal(cluster_forming_directories_refused(nodes[0].forming), 0);
    assert_int_equal(hear(&newcomer, &nodes[0]), ERR_NONE);
    assert_int_equal(cluster_forming_state(newcomer.forming), FORMING_WAITING);
    assert_true(cluster_forming_is_outside(newcomer.forming));
    for (int i = 0; i < BROKERS; i++) { /* all of them empty, and with its list */
        node_init(&nodes[i], i + 1, four);
        hear(&newcomer, &nodes[i]);
    }
    assert_int_equal(cluster_forming_state(newcomer.forming), FORMING_WAITING);
    newcomer_free(&newcomer);
}

/* It is told that it was admitted: the record is the cluster's, with itself behind it, and keeps
 * being so after a restart. */
static void test_cluster_forming_newcomer_is_admitted(void **state) {
    struct fixture *fixture = *state;
    struct node *nodes = fixture->nodes, newcomer = {0};
    uint8_t bytes[CLUSTER_RECORD_MAX];
    struct cluster_record back;
    form(fixture);
    node_init(&newcomer, 4, four);
    const struct cluster_record *first = cluster_forming_record(nodes[0].forming);
    size_t len = cluster_record_encode(first, bytes);
    cluster_forming_admitted(newcomer.forming, bytes, len, 9); /* by nobody that was let in */
    assert_int_equal(cluster_forming_state(newcomer.forming), FORMING_WAITING);
    assert_int_equal(hear(&newcomer, &nodes[0]), ERR_NONE);
    cluster_forming_admitted(newcomer.forming, bytes, len, 3); /* somebody else's replica */
    cluster_forming_admitted(newcomer.forming, bytes, len - 1, 9);
    assert_int_equal(cluster_forming_state(newcomer.forming), FORMING_WAITING);
    cluster_forming_admitted(newcomer.forming, bytes, len, 9);
    const struct cluster_record *record = cluster_forming_record(newcomer.forming);
    assert_non_null(record);
    assert_string_equal(record->id, first->id);
    assert_int_equal(cluster_record_replica(record, 4), 9);
    assert_int_equal(cluster_record_node_of(record, 9), 4);
    assert_true(cluster_record_names(record, 4, newcomer.directory));
    len = cluster_record_encode(record, bytes);
    assert_int_equal(cluster_record_decode(bytes, len, &back), ERR_NONE);
    assert_memory_equal(record, &back, sizeof back);
    for (size_t cut = 0; cut < len; cut++)
        assert_int_equal(cluster_record_decode(bytes, cut, &back), ERR_MALFORMED);
    restart(&newcomer);
    assert_int_equal(hear(&newcomer, &nodes[0]), ERR_NONE);
    newcomer_free(&newcomer);
}

/* Who belongs to the cluster the metadata says: with that directory, and no other. One whose
 * metadata is behind does not let it in yet. */
static void test_cluster_forming_metadata_says_who(void **state) {
    struct fixture *fixture = *state;
    struct node *nodes = fixture->nodes, newcomer = {0};
    uint8_t bytes[CLUSTER_RECORD_MAX];
    form(fixture);
    node_init(&newcomer, 4, four);
    uint8_t admitted[CLUSTER_UUID_SIZE];
    memcpy(admitted, newcomer.directory, sizeof admitted);
    cluster_forming_follow(nodes[0].forming, has_four, admitted);
    assert_int_equal(hear(&nodes[0], &newcomer), ERR_NONE);
    assert_int_equal(hear(&newcomer, &nodes[0]), ERR_NONE);
    cluster_forming_admitted(newcomer.forming, bytes,
                             cluster_record_encode(cluster_forming_record(nodes[0].forming), bytes),
                             9);
    assert_int_equal(hear(&nodes[0], &newcomer), ERR_NONE);
    assert_int_equal(hear(&nodes[1], &newcomer), ERR_INVALID);
    assert_said(&nodes[1].refusal, "has not heard of broker 4 yet");
    wipe(&newcomer);
    assert_int_equal(hear(&nodes[0], &newcomer), ERR_NOT_FOUND);
    newcomer_free(&newcomer);
}

/* Brokers of two clusters do not talk. */
static void test_cluster_forming_other_cluster(void **state) {
    struct fixture *fixture = *state;
    struct node *nodes = fixture->nodes;
    form(fixture);
    char id[CLUSTER_ID_SIZE];
    memcpy(id, cluster_forming_record(nodes[0].forming)->id, sizeof id);
    for (int i = 1; i < BROKERS; i++)
        wipe(&nodes[i]);
    struct node stranger = {0};
    node_init(&stranger, 1, three);
    stranger.directory[5] ^= 1;
    cluster_forming_free(stranger.forming);
    stranger.forming = cluster_forming_new(&stranger.settings, stranger.directory, NULL);
    assert_int_equal(hear(&nodes[1], &stranger), ERR_NONE);
    assert_int_equal(hear(&nodes[1], &nodes[2]), ERR_NONE);
    assert_int_equal(cluster_forming_state(nodes[1].forming), FORMING_DONE);
    restart(&nodes[1]);
    assert_int_equal(hear(&nodes[0], &nodes[1]), ERR_INVALID);
    assert_null(strstr(nodes[0].refusal.text, id));
    assert_said(&nodes[0].refusal, cluster_forming_record(nodes[1].forming)->id);
    cluster_forming_free(stranger.forming);
    settings_free(stranger.values);
}

/* One that no list names, with a record of its own making, keeps nobody from forming: neither with
 * one that does not have us, nor with one that has our id. */
static void test_cluster_forming_stranger_with_a_record(void **state) {
    struct fixture *fixture = *state;
    struct node *nodes = fixture->nodes, stranger = {0};
    static const char *const lists[] = {"", "1@127.0.0.1:1,9@127.0.0.1:9"};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        node_init(&stranger, 9, lists[i]);
        if (cluster_forming_state(stranger.forming) != FORMING_DONE) {
            struct node first = {0};
            node_init(&first, 1, lists[i]);
            first.directory[3] ^= 1;
            assert_int_equal(hear(&stranger, &first), ERR_NONE);
            newcomer_free(&first);
        }
        assert_non_null(cluster_forming_record(stranger.forming));
        assert_int_equal(hear(&nodes[0], &stranger), ERR_INVALID);
        assert_said(&nodes[0].refusal, "broker 9 is not in the cluster.nodes of broker 1");
        assert_int_equal(cluster_forming_state(nodes[0].forming), FORMING_WAITING);
        assert_false(cluster_forming_is_outside(nodes[0].forming));
    }
    form(fixture);
    assert_int_equal(cluster_forming_state(nodes[0].forming), FORMING_DONE);
    newcomer_free(&stranger);
}

/* A copied directory under another id is noticed while forming. */
static void test_cluster_forming_copied_directory(void **state) {
    struct fixture *fixture = *state;
    struct node *nodes = fixture->nodes;
    memcpy(nodes[2].directory, nodes[1].directory, CLUSTER_UUID_SIZE);
    assert_int_equal(hear(&nodes[0], &nodes[1]), ERR_NONE);
    assert_int_equal(hear(&nodes[0], &nodes[2]), ERR_INVALID);
    assert_said(&nodes[0].refusal, "copy of the data directory");
    assert_int_equal(cluster_forming_state(nodes[0].forming), FORMING_WAITING);
}

/* A broker that came back with a new directory before all were heard counts with the new one. */
static void test_cluster_forming_changed_before_formed(void **state) {
    struct fixture *fixture = *state;
    struct node *nodes = fixture->nodes;
    assert_int_equal(hear(&nodes[0], &nodes[1]), ERR_NONE);
    wipe(&nodes[1]);
    assert_int_equal(hear(&nodes[0], &nodes[1]), ERR_NONE);
    form(fixture);
    assert_true(
        cluster_record_names(cluster_forming_record(nodes[0].forming), 2, nodes[1].directory));
}

/* A record that does not name who sends it, or that is no record, is refused. */
static void test_cluster_forming_wrong_record(void **state) {
    struct fixture *fixture = *state;
    struct node *nodes = fixture->nodes;
    form(fixture);
    struct peer_hello hello = hello_of(&nodes[1]);
    hello.directory[0] ^= 1;
    assert_int_equal(cluster_forming_judge(nodes[0].forming, &hello, &nodes[0].refusal),
                     ERR_INVALID);
    assert_said(&nodes[0].refusal, "makes no sense");
    hello = hello_of(&nodes[1]);
    hello.record_len--;
    assert_int_equal(cluster_forming_judge(nodes[0].forming, &hello, &nodes[0].refusal),
                     ERR_INVALID);
}

/* The record as bytes: what goes in comes out; cut or strange bytes do not. */
static void test_cluster_record_bytes(void **state) {
    (void)state;
    const struct cluster_node nodes[] = {{7, {1, 2}}, {2, {3}}, {5, {4}}, {3, {9}}};
    struct cluster_record record, back;
    uint8_t bytes[CLUSTER_RECORD_MAX];
    cluster_record_make(&record, nodes, 4, 3);
    assert_int_equal(record.nodes[0].node, 2);
    assert_int_equal(cluster_record_replica(&record, 7), 4);
    assert_int_equal(cluster_record_replica(&record, 6), 0);
    assert_int_equal(cluster_record_node_of(&record, 2), 3);
    assert_int_equal(cluster_record_node_of(&record, 5), -1);
    assert_int_equal(cluster_record_node_of(&record, 0), -1);
    size_t len = cluster_record_encode(&record, bytes);
    assert_int_equal(cluster_record_decode(bytes, len, &back), ERR_NONE);
    assert_memory_equal(&record, &back, sizeof record);
    for (size_t cut = 0; cut < len; cut++)
        assert_int_equal(cluster_record_decode(bytes, cut, &back), ERR_MALFORMED);
    bytes[0] = 9;
    assert_int_equal(cluster_record_decode(bytes, len, &back), ERR_VERSION);
    bytes[0] = 1;
    bytes[1] = 5; /* more voters than brokers */
    assert_int_equal(cluster_record_decode(bytes, len, &back), ERR_MALFORMED);
    cluster_record_make(&back, nodes, 4, 2);
    assert_string_not_equal(back.id, record.id); /* who votes is part of the identity */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_cluster_forming_all_heard),
        TEST(test_cluster_forming_alone),
        TEST(test_cluster_forming_takes_the_record),
        TEST(test_cluster_forming_wiped_directory),
        TEST(test_cluster_record_of_a_copy),
        TEST(test_cluster_forming_replaced),
        TEST(test_cluster_forming_given_up),
        TEST(test_cluster_forming_refused_for_good),
        TEST(test_cluster_forming_two_wiped),
        TEST(test_cluster_forming_lists_differ),
        TEST(test_cluster_forming_moved_addresses),
        TEST(test_cluster_forming_newcomer_waits),
        TEST(test_cluster_forming_newcomer_is_admitted),
        TEST(test_cluster_forming_metadata_says_who),
        TEST(test_cluster_forming_other_cluster),
        TEST(test_cluster_forming_stranger_with_a_record),
        TEST(test_cluster_forming_copied_directory),
        TEST(test_cluster_forming_changed_before_formed),
        TEST(test_cluster_forming_wrong_record),
        cmocka_unit_test(test_cluster_record_bytes),
    };
    return cmocka_run_group_tests_name("cluster_forming", tests, NULL, NULL);
}
