/* Whole brokers: start, forming, leaders, leases, stop, restart, and what an operator is told. */
#include <stdio.h>
#include <string.h>

#include "broker/api/local_partition.h"
#include "broker/broker_internal.h"
#include "broker/cluster/applicants.h"
#include "broker/cluster/cluster_record.h"
#include "broker/metadata/metadata_features.h"
#include "broker/metadata/metadata_group.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/alter_broker.h"
#include "protocol/messages/create_topics.h"
#include "protocol/messages/metadata.h"
#include "tests/unit/broker/fixture_brokers.h"
#include "tests/unit/patience.h"
#include "tests/unit/unit.h"

static const struct metadata *metadata_of(struct broker_node *node) {
    return broker_services(node->broker)->metadata;
}

static void assert_said(const struct broker_node *node, const char *part) {
    if (strstr(node->sentence, part) == NULL)
        fail_msg("\"%s\" is not in: %s", part, node->sentence);
}

/* Whether the group has a directory. */
static bool has_files(struct broker_node *node, unsigned group) {
    char path[256];
    enum env_kind kind;
    snprintf(path, sizeof path, "%s/shard-0/groups/%016x", node->dir, group);
    assert_int_equal(env_kind_of(node->brokers->env, path, &kind), ERR_NONE);
    return kind == ENV_DIRECTORY;
}

/* Partitions are opened behind `ready`, a few at a time. */
static bool all_are_open(struct brokers *brokers) {
    if (!brokers_all_ready(brokers)) return false;
    for (int i = 0; i < brokers->count; i++) {
        struct broker_node *node = &brokers->nodes[i];
        if (partition_set_count(broker_services(node->broker)->partitions) !=
            metadata_partition_count(metadata_of(node)))
            return false;
    }
    return true;
}

/* One broker forms its cluster alone, is ready, and says where; after a clean stop it finds
 * everything again. */
static void test_broker_alone(void **state) {
    struct brokers *brokers = *state;
    struct broker_node *node = &brokers->nodes[0];
    char expected[64], id[CLUSTER_ID_SIZE];
    brokers_start(brokers, 1, NULL);
    snprintf(expected, sizeof expected, "127.0.0.1:%d (1 broker, 0 topics, ",
             broker_port(node->broker, NULL));
    assert_int_equal(strncmp(node->sentence, expected, strlen(expected)), 0);
    memcpy(id, broker_services(node->broker)->cluster->id, sizeof id);
    assert_int_equal(brokers_create_topic(node, "orders", 3, 1, NULL), 0);
    assert_int_equal(partition_set_count(broker_services(node->broker)->partitions), 3);
    assert_int_equal(brokers_create_topic(node, "brief", 1, 1, NULL), 0);
    assert_int_equal(brokers_delete_topic(node, "brief"), 0);
    assert_false(has_files(node, 3)); /* the journal holds what little there is */
    brokers_stop(node);
    assert_int_equal(brokers_start_one(node), ERR_NONE);
    brokers_until(brokers, all_are_open);
    assert_said(node, "(1 broker, 1 topic, ");
    assert_string_equal(broker_services(node->broker)->cluster->id, id);
    assert_int_equal(partition_set_count(broker_services(node->broker)->partitions), 3);
}

/* Killed at once after a topic was made, it has the topic after the start, and no partition is made
 * twice. */
static void test_broker_alone_killed(void **state) {
    struct brokers *brokers = *state;
    struct broker_node *node = &brokers->nodes[0];
    brokers_start(brokers, 1, NULL);
    for (int round = 0; round < 4; round++) {
        char name[24];
        snprintf(name, sizeof name, "topic-%d", round);
        assert_int_equal(brokers_create_topic(node, name, 2, 1, NULL), 0);
        brokers_kill(node);
        assert_int_equal(brokers_start_one(node), ERR_NONE);
        brokers_until(brokers, all_are_open);
        assert_int_equal(metadata_topic_count(metadata_of(node)), round + 1);
        assert_int_equal(partition_set_count(broker_services(node->broker)->partitions),
                         2 * (round + 1));
    }
}

static bool is_answered(struct brokers *brokers) {
    return brokers_missing(brokers) == 0;
}

/* ---- What is asked for first ---- */

enum { MANY = 600, AHEAD_MOST = 350 }; /* those in the lane at that time, and some turns */

static struct {
    const char *topic;
    size_t open; /* when it was asked for */
    bool by_metadata, asked;
    struct kp_metadata_response answer;
} wanted;

static struct partition *find_wanted(struct broker_node *node) {
    const struct broker_services *services = broker_services(node->broker);
    struct topic_ref ref = {.name = kp_string_of(wanted.topic)};
    const struct metadata_topic *topic = topic_of_ref(services, &ref);
    return topic == NULL ? NULL
                         : partition_set_find(services->partitions, wanted.topic,
                                              strlen(wanted.topic), topic->partition_count - 1);
}

static void ask_for_wanted(struct broker_node *node) {
    const struct broker_services *services = broker_services(node->broker);
    struct topic_ref ref = {.name = kp_string_of(wanted.topic)};
    const struct metadata_topic *topic = topic_of_ref(services, &ref);
    int16_t code;
    if (topic == NULL || services->partitions == NULL) return;
    if (!wanted.asked) wanted.open = partition_set_count(services->partitions);
    wanted.asked = true;
    if (!wanted.by_metadata) {
        local_partition_of_ref(services, NULL, AUTHORIZE_NOTHING, &ref, topic->partition_count - 1,
                               &code);
        return;
    }
    struct kp_metadata_request_topic asked;
    struct kp_metadata_request request;
    kp_set_fallbacks(&kp_metadata_request_topic_schema, &asked);
    kp_set_fallbacks(&kp_metadata_request_schema, &request);
    asked.name = ref.name;
    request.topics.items = &asked;
    request.topics.count = 1;
    brokers_ask_later(node, KP_METADATA, 12, &request, &wanted.answer);
}

static bool wanted_is_open(struct brokers *brokers) {
    struct broker_node *node = &brokers->nodes[0];
    if (!node->ready && wanted.by_metadata) return false;
    /* Before the broker is ready the set may not know yet what it is asked for. */
    if (!wanted.asked || !wanted.by_metadata) ask_for_wanted(node);
    return wanted.asked && find_wanted(node) != NULL;
}

/* Behind a start partitions are opened one after the other; one that is asked for comes before all
 * that wait: by who wants to use it, and by who wants to know where it is. */
static void test_broker_opens_what_is_asked_for(void **state) {
    struct brokers *brokers = *state;
    struct broker_node *node = &brokers->nodes[0];
    brokers_start(brokers, 1, NULL);
    assert_int_equal(brokers_create_topic(node, "many", MANY, 1, NULL), 0);
    assert_int_equal(brokers_create_topic(node, "last", 1, 1, NULL), 0);
    for (int by_metadata = 0; by_metadata < 2; by_metadata++) {
        brokers_until(brokers, all_are_open);
        brokers_kill(node);
        memset(&wanted, 0, sizeof wanted);
        wanted.topic = by_metadata ? "last" : "many";
        wanted.by_metadata = by_metadata;
        assert_int_equal(brokers_start_one(node), ERR_NONE);
        brokers_until(brokers, wanted_is_open);
        size_t open = partition_set_count(broker_services(node->broker)->partitions);
        /* How many come before a request is on its way in is up to the machine. */
        if (!by_metadata) assert_in_range(open - wanted.open, 1, AHEAD_MOST);
    }
    brokers_until(brokers, is_answered);
}

static bool nobody_else_is_ready(struct brokers *brokers) {
    return brokers->nodes[0].ready || brokers->nodes[0].failed;
}

/* Three brokers form one cluster only when all are there; every one of them has every topic. */
static void test_broker_three_form(void **state) {
    struct brokers *brokers = *state;
    brokers_configure(brokers, 3, NULL);
    assert_int_equal(brokers_start_one(&brokers->nodes[0]), ERR_NONE);
    assert_int_equal(brokers_start_one(&brokers->nodes[1]), ERR_NONE);
    assert_false(nobody_else_is_ready(brokers));
    assert_int_equal(brokers_start_one(&brokers->nodes[2]), ERR_NONE);
    brokers_until(brokers, brokers_all_ready);
    for (int i = 1; i < 3; i++)
        assert_string_equal(broker_services(brokers->nodes[i].broker)->cluster->id,
                            broker_services(brokers->nodes[0].broker)->cluster->id);
    for (int i = 0; i < 3; i++) {
        char name[24];
        snprintf(name, sizeof name, "from-%d", i);
        assert_int_equal(brokers_create_topic(&brokers->nodes[i], name, 3, 3, NULL), 0);
        assert_non_null(metadata_topic_named(metadata_of(&brokers->nodes[i]), name, strlen(name)));
    }
    for (int32_t node = 1; node <= 3; node++) /* first leaders are spread evenly */
        assert_int_equal(
            leader_table_led_by(broker_services(brokers->nodes[0].broker)->leaders, node), 3);
}

/* ---- A directory is lost ---- */

static int change_broker(struct broker_node *asked, int32_t node, enum kp_broker_change change,
                         bool accept_loss) {
    struct kp_alter_broker_request request = {.broker_id = node,
                                              .change = (int8_t)change,
                                              .timeout_ms = 10000,
                                              .accept_loss = accept_loss};
    struct kp_alter_broker_response response;
    brokers_ask(asked, KP_ALTER_BROKER, 0, &request, &response);
    return response.error_code;
}

static bool two_has_asked(struct brokers *brokers) {
    const struct applicant *found;
    return applicants_find(broker_services(brokers->nodes[0].broker)->applicants, 2,
                           env_now_ms(brokers->env), &found) == 1;
}

/* Kills broker 2, and starts it with an empty directory, the old one being kept beside it. */
static void lose_second(struct brokers *brokers) {
    struct broker_node *two = &brokers->nodes[1];
    char kept[200];
    snprintf(kept, sizeof kept, "%s.old", two->dir);
    brokers_kill(two);
    assert_int_equal(rename(two->dir, kept), 0);
    assert_int_equal(brokers_start_one(two), ERR_NONE);
    brokers_until(brokers, two_has_asked);
}

static bool is_whole(struct brokers *brokers) {
    struct broker_node *leader = brokers_metadata_leader(brokers);
    struct raft_group_configuration now;
    if (leader == NULL || !brokers_all_ready(brokers)) return false;
    const struct broker_services *services = broker_services(leader->broker);
    raft_group_configuration(metadata_group_raft(services->metadata_group), &now);
    size_t voters = 0;
    for (size_t i = 0; i < now.count; i++)
        voters += now.servers[i].voter;
    return voters == 3 && now.count == 3 && now.committed &&
           metadata_plan_count(services->metadata) == 0;
}

static bool old_one_was_refused(struct brokers *brokers) {
    struct broker_stats one, three;
    broker_stats_get(brokers->nodes[0].broker, &one);
    broker_stats_get(brokers->nodes[2].broker, &three);
    /* It ends with the first word that it is another one. */
    return one.directories_refused + three.directories_refused > 0 && brokers->nodes[1].failed;
}

/* An empty directory is not let in, and holds nothing, until it is said that it takes the place of
 * the lost one. Then all that was there comes to it under new ids, it votes, and is needed: and
 * neither of the two directories counts when it is the old one that runs. */
static void test_broker_replaced(void **state) {
    struct brokers *brokers = *state;
    struct broker_node *two = &brokers->nodes[1];
    brokers_start(brokers, 3, NULL);
    assert_int_equal(brokers_create_topic(&brokers->nodes[0], "orders", 2, 3, NULL), 0);
    assert_int_equal(change_broker(&brokers->nodes[0], 2, KP_BROKER_REPLACE, false),
                     KAFKA_RESOURCE_NOT_FOUND);
    assert_int_equal(change_broker(&brokers->nodes[0], 7, KP_BROKER_REPLACE, false),
                     KAFKA_BROKER_ID_NOT_REGISTERED);
    lose_second(brokers);
    assert_false(two->failed);
    assert_null(broker_services(two->broker)->metadata_group);
    assert_int_equal(brokers_create_topic(&brokers->nodes[2], "payments", 1, 2, NULL), 0);
    assert_int_equal(change_broker(&brokers->nodes[0], 2, KP_BROKER_REPLACE, false), KAFKA_NONE);
    brokers_until(brokers, is_whole);
    brokers_kill(&brokers->nodes[0]); /* now the new one is needed for everything */
    assert_int_equal(brokers_create_topic(&brokers->nodes[2], "needed", 1, 2, NULL), 0);
    brokers_kill(two); /* it comes back as what it is */
    assert_int_equal(brokers_start_one(two), ERR_NONE);
    assert_int_equal(brokers_start_one(&brokers->nodes[0]), ERR_NONE);
    brokers_until(brokers, is_whole);
    brokers_kill(two);
    char kept[200], new[200];
    snprintf(kept, sizeof kept, "%s.old", two->dir);
    snprintf(new, sizeof new, "%s.new", two->dir);
    assert_int_equal(rename(two->dir, new), 0);
    assert_int_equal(rename(kept, two->dir), 0);
    assert_int_equal(brokers_start_one(two), ERR_NONE);
    brokers_until(brokers, old_one_was_refused);
    assert_false(two->ready);
}

/* What has no majority without the lost directory is given up only if that is said. */
static void test_broker_replaced_with_loss(void **state) {
    struct brokers *brokers = *state;
    brokers_start(brokers, 3, NULL);
    assert_int_equal(brokers_create_topic(&brokers->nodes[0], "single", 3, 1, NULL), 0);
    lose_second(brokers);
    assert_int_equal(change_broker(&brokers->nodes[0], 2, KP_BROKER_REPLACE, false),
                     KAFKA_POLICY_VIOLATION);
    assert_int_equal(change_broker(&brokers->nodes[0], 2, KP_BROKER_REPLACE, true), KAFKA_NONE);
    brokers_until(brokers, brokers_all_ready);
    assert_int_equal(brokers_delete_topic(&brokers->nodes[1], "single"), 0);
    brokers_until(brokers, is_whole);
}

static bool somebody_leads(struct brokers *brokers) {
    return brokers_metadata_leader(brokers) != NULL;
}

/* When the metadata leader dies, topics can be made again at any other broker soon after, also
 * those that were asked for meanwhile. */
static void test_broker_metadata_leader_dies(void **state) {
    struct brokers *brokers = *state;
    brokers_start(brokers, 3, NULL);
    for (int round = 0; round < 3; round++) {
        char name[24];
        snprintf(name, sizeof name, "topic-%d", round);
        brokers_until(brokers, somebody_leads);
        struct broker_node *leader = brokers_metadata_leader(brokers);
        struct broker_node *other = &brokers->nodes[leader->id % 3];
        brokers_kill(leader);
        assert_int_equal(brokers_create_topic(other, name, 2, 2, NULL), 0);
        assert_int_equal(brokers_start_one(leader), ERR_NONE);
        brokers_until(brokers, brokers_all_ready);
        assert_int_equal(metadata_topic_count(metadata_of(leader)), round + 1);
    }
}

static bool three_is_fenced(struct brokers *brokers) {
    const struct metadata_broker *row = metadata_broker_of(metadata_of(&brokers->nodes[0]), 3);
    return row != NULL && row->fenced;
}

static uint64_t watch_until_ms;

/* For 300 ms after a metadata leader is there; fails at once if broker 3 is taken for alive. */
static bool three_stays_fenced(struct brokers *brokers) {
    struct broker_node *leader = brokers_metadata_leader(brokers);
    if (leader == NULL) return false;
    if (watch_until_ms == 0) watch_until_ms = env_now_ms(brokers->env) + 300;
    assert_true(metadata_broker_of(metadata_of(leader), 3)->fenced);
    return env_now_ms(brokers->env) >= watch_until_ms;
}

static bool three_has_two_partitions(struct brokers *brokers) {
    return partition_set_count(broker_services(brokers->nodes[2].broker)->partitions) == 2;
}

/* A broker that is gone is fenced, and gets replicas only where there are too few others; back and
 * ready, it is not fenced any more, and has them. */
static void test_broker_fenced(void **state) {
    struct brokers *brokers = *state;
    char message[256];
    brokers_start(brokers, 3, NULL);
    brokers_kill(&brokers->nodes[2]);
    brokers_until(brokers, three_is_fenced);
    assert_int_equal(brokers_create_topic(&brokers->nodes[0], "orders", 4, 2, message), 0);
    assert_int_equal(brokers_create_topic(&brokers->nodes[0], "invoices", 2, 3, message), 0);
    /* The next metadata leader begins the leases anew, but hears nothing of 3. */
    brokers_until(brokers, somebody_leads);
    struct broker_node *leader = brokers_metadata_leader(brokers);
    brokers_kill(leader);
    assert_int_equal(brokers_start_one(leader), ERR_NONE);
    watch_until_ms = 0;
    brokers_until(brokers, three_stays_fenced);
    assert_int_equal(brokers_start_one(&brokers->nodes[2]), ERR_NONE);
    brokers_until(brokers, brokers_all_ready);
    brokers_until(brokers, three_has_two_partitions);
    assert_int_equal(brokers_create_topic(&brokers->nodes[1], "payments", 1, 3, message), 0);
}

/* A clean stop hands all leaderships over, gives the lease back, and takes little time. */
static void test_broker_clean_stop(void **state) {
    struct brokers *brokers = *state;
    brokers_start(brokers, 3, (const char *const[]){"broker.session.timeout.ms=60000", NULL});
    assert_int_equal(brokers_create_topic(&brokers->nodes[0], "orders", 6, 3, NULL), 0);
    uint64_t begun_ms = env_now_ms(brokers->env);
    brokers_stop(&brokers->nodes[2]);
    assert_true(is_within_ms(env_now_ms(brokers->env) - begun_ms, 3000));
    brokers_until(brokers, three_is_fenced);
    assert_int_equal(leader_table_led_by(broker_services(brokers->nodes[0].broker)->leaders, 3), 0);
}

/* Files go in a lane of their own. */
static bool second_has_nothing_of_gone(struct brokers *brokers) {
    return !has_files(&brokers->nodes[1], 2);
}

/* What is deleted while a broker is away is gone there, too, when it is back; a topic that came and
 * went meanwhile opens nothing. */
static void test_broker_away_meanwhile(void **state) {
    struct brokers *brokers = *state;
    brokers_start(brokers, 3, NULL);
    assert_int_equal(brokers_create_topic(&brokers->nodes[0], "kept", 1, 3, NULL), 0);
    assert_int_equal(brokers_create_topic(&brokers->nodes[0], "gone", 2, 3, NULL), 0);
    brokers_kill(&brokers->nodes[1]);
    assert_int_equal(brokers_delete_topic(&brokers->nodes[0], "gone"), 0);
    assert_int_equal(brokers_create_topic(&brokers->nodes[2], "brief", 1, 2, NULL), 0);
    assert_int_equal(brokers_delete_topic(&brokers->nodes[0], "brief"), 0);
    assert_int_equal(brokers_delete_topic(&brokers->nodes[0], "brief"),
                     KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    assert_int_equal(brokers_start_one(&brokers->nodes[1]), ERR_NONE);
    brokers_until(brokers, all_are_open);
    assert_int_equal(metadata_topic_count(metadata_of(&brokers->nodes[1])), 1);
    assert_int_equal(partition_set_count(broker_services(brokers->nodes[1].broker)->partitions), 1);
    brokers_until(brokers, second_has_nothing_of_gone);
}

static bool one_of_two_leads(struct brokers *brokers) {
    return brokers_metadata_leader(brokers) != NULL;
}

static bool third_has_its_table(struct brokers *brokers) {
    const struct broker_services *services = broker_services(brokers->nodes[2].broker);
    return services->metadata_group != NULL && metadata_version(services->metadata) > 0;
}

static bool third_has_a_topic(struct brokers *brokers) {
    return metadata_topic_count(metadata_of(&brokers->nodes[2])) > 0;
}

/* Alone, a broker lets clients in to what its table says when it has found nobody to lead the
 * metadata twice: at the first look it may not have listened to anybody yet. */
static void test_broker_alone_of_three(void **state) {
    struct brokers *brokers = *state;
    brokers_start(brokers, 3, NULL);
    /* With its entry the third one's journal says that those before it are committed. */
    assert_int_equal(brokers_create_topic(&brokers->nodes[0], "orders", 1, 3, NULL), 0);
    brokers_until(brokers, third_has_a_topic);
    for (int i = 0; i < 3; i++)
        brokers_kill(&brokers->nodes[i]);
    assert_int_equal(brokers_start_one(&brokers->nodes[2]), ERR_NONE);
    struct broker *third = brokers->nodes[2].broker;
    brokers_until(brokers, third_has_its_table);
    bool looked = third->unled; /* on a machine that is slow */
    broker_keep_clients_waiting_no_longer(third);
    assert_int_equal(third->accepting, looked);
    broker_keep_clients_waiting_no_longer(third);
    assert_true(third->accepting);
}

static bool third_asks_again(struct brokers *brokers) {
    const struct broker_services *services = broker_services(brokers->nodes[2].broker);
    struct metadata_group_changes changes = {0};
    if (services->metadata_group != NULL)
        changes = metadata_group_changes(services->metadata_group);
    return changes.refused > 0;
}

static uint64_t until_ms;

static bool passed(struct brokers *brokers) {
    return env_now_ms(brokers->env) >= until_ms;
}

/* A broker that is refused, because it is of an older version, say, asks again now and then: each
 * time that is an entry in the log of the metadata. */
static void test_broker_that_is_refused(void **state) {
    struct brokers *brokers = *state;
    struct broker_node *third = &brokers->nodes[2];
    brokers_start(brokers, 3, NULL);
    brokers_kill(third);
    brokers_until(brokers, one_of_two_leads);
    for (int i = 0; i < 2; i++) /* as if they were of a later one, which knows more */
        metadata_features_put((struct metadata *)metadata_of(&brokers->nodes[i]),
                              kp_string_of("later.version"), 1);
    third->settings.rack = "elsewhere"; /* it has something to tell */
    assert_int_equal(brokers_start_one(third), ERR_NONE);
    brokers_until(brokers, third_asks_again);
    const struct metadata_group *group =
        broker_services(brokers_metadata_leader(brokers)->broker)->metadata_group;
    uint64_t before = metadata_group_applied(group);
    until_ms = env_now_ms(brokers->env) + 1000;
    brokers_until(brokers, passed);
    assert_in_range(metadata_group_applied(group) - before, 0, 2);
    assert_false(third->ready);
    assert_true(third->broker->accepting); /* it may lead partitions, and knows what there is */
}

static bool third_is_turned_away(struct brokers *brokers) {
    struct broker_node *leader = brokers_metadata_leader(brokers);
    const struct metadata_broker *third = leader == NULL
                                              ? NULL
                                              : metadata_broker_of(metadata_of(leader), 3);
    return third != NULL && third->fenced && third->turned_away;
}

/* One that knows what is set, and not what was written when that was higher: the leader does not
 * let it come back, and there is no entry of that. */
static void test_broker_that_cannot_read_logs(void **state) {
    struct brokers *brokers = *state;
    struct broker_node *third = &brokers->nodes[2];
    brokers_start(brokers, 3, NULL);
    brokers_kill(third);
    brokers_until(brokers, one_of_two_leads);
    for (int i = 0; i < 2; i++) { /* as if they were of a later one, which knows more */
        struct metadata *metadata = (struct metadata *)metadata_of(&brokers->nodes[i]);
        struct kp_string name = kp_string_of(FEATURE_SHARE_VERSION);
        int16_t level = metadata_feature_level(metadata, FEATURE_SHARE_VERSION);
        metadata_features_put(metadata, name, 9);
        metadata_features_put(metadata, name, level);
    }
    third->settings.rack = "elsewhere"; /* it has something to tell */
    assert_int_equal(brokers_start_one(third), ERR_NONE);
    brokers_until(brokers, third_is_turned_away);
    const struct metadata_group *group =
        broker_services(brokers_metadata_leader(brokers)->broker)->metadata_group;
    uint64_t before = metadata_group_applied(group);
    brokers_until(brokers, third_asks_again);
    until_ms = env_now_ms(brokers->env) + 1000;
    brokers_until(brokers, passed);
    assert_int_equal(metadata_group_applied(group), before);
    assert_true(third_is_turned_away(brokers)); /* although it renews its session */
    assert_true(third->broker->accepting);
}

/* The errors of a start: each a sentence, and nothing left behind. */
static void test_broker_start_refused(void **state) {
    struct brokers *brokers = *state;
    struct broker_node *node = &brokers->nodes[0], *second = &brokers->nodes[1];
    brokers_start(brokers, 1, NULL);
    second->brokers = brokers;
    second->settings = node->settings;
    assert_int_equal(brokers_start_one(second), ERR_BUSY);
    assert_said(second, "is in use by pid");
    char other[200];
    snprintf(other, sizeof other, "%s/other", brokers->dir);
    second->settings.data_dir = other;
    second->settings.listeners[0].port = broker_port(node->broker, NULL);
    assert_int_equal(brokers_start_one(second), ERR_BUSY);
    assert_said(second, "in use by another program");
}

static bool nobody_leads_metadata(struct brokers *brokers) {
    return brokers_metadata_leader(brokers) == NULL;
}

/* More changes than are under way at one time, and no majority: those that wait for their turn have
 * no more time than those before them. */
static void test_broker_many_changes_time_out(void **state) {
    enum { TOPICS = 150 };
    struct brokers *brokers = *state;
    brokers_start(brokers, 3, NULL);
    brokers_kill(&brokers->nodes[1]);
    brokers_kill(&brokers->nodes[2]);
    brokers_until(brokers, nobody_leads_metadata);
    static struct kp_create_topics_request_topic topics[TOPICS];
    static char names[TOPICS][32];
    struct kp_create_topics_request request;
    static struct kp_create_topics_response response;
    kp_set_fallbacks(&kp_create_topics_request_schema, &request);
    for (int i = 0; i < TOPICS; i++) {
        kp_set_fallbacks(&kp_create_topics_request_topic_schema, &topics[i]);
        snprintf(names[i], sizeof names[i], "topic-%d", i);
        topics[i].name = kp_string_of(names[i]);
        topics[i].num_partitions = topics[i].replication_factor = 1;
    }
    request.topics.items = topics;
    request.topics.count = TOPICS;
    request.timeout_ms = 300;
    brokers_ask_later(&brokers->nodes[0], KP_CREATE_TOPICS, 7, &request, &response);
    brokers_until(brokers, is_answered);
    assert_int_equal(response.topics.count, TOPICS);
    for (int i = 0; i < TOPICS; i++)
        assert_int_equal(response.topics.items[i].error_code, KAFKA_REQUEST_TIMED_OUT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, brokers_setup, brokers_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_broker_alone),
        TEST(test_broker_alone_killed),
        TEST(test_broker_opens_what_is_asked_for),
        TEST(test_broker_three_form),
        TEST(test_broker_replaced),
        TEST(test_broker_replaced_with_loss),
        TEST(test_broker_metadata_leader_dies),
        TEST(test_broker_fenced),
        TEST(test_broker_clean_stop),
        TEST(test_broker_away_meanwhile),
        TEST(test_broker_alone_of_three),
        TEST(test_broker_that_is_refused),
        TEST(test_broker_that_cannot_read_logs),
        TEST(test_broker_start_refused),
        TEST(test_broker_many_changes_time_out),
    };
    return cmocka_run_group_tests_name("broker", tests, NULL, NULL);
}
