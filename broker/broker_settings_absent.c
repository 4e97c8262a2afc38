/*
 * Kafka's settings of brokers that mean nothing here, by name or by family, and what to say to who sets one.
 *
 * tests/golden/kafka_settings.txt has all names of Kafka 4.3; a test finds each of them in the table or here.
 */
#include "broker/broker_settings.h"

#define OWN_LOOP "A broker runs one event loop and decides about its helpers itself; there is nothing to set."
#define NO_QUORUM_OF_ITS_OWN \
    "Metadata is kept by the brokers themselves: cluster.nodes names them, metadata.voters says how many vote."
#define BY_RAFT "Replication is Raft's; raft.* and peer.* are what can be set."
#define NO_GROUPS "There are no consumer groups yet; consumers assign partitions themselves."
#define NO_TRANSACTIONS "There are no transactions yet."
#define NO_TLS "TLS is not built yet: let only those reach the ports who may read and write."
#define NO_SASL "SASL is not built yet: there are no logins."
#define ONE_DIRECTORY "A broker stores everything in one directory: data.dir."
#define NO_METRICS "There are no metrics yet."
#define NO_QUOTAS "There are no quotas yet."
#define NO_TIERED_STORAGE "Records are stored on the brokers alone."
#define NO_PLUGINS "A broker loads no classes."
#define NO_CLEANER "There is no compaction yet: a topic keeps every record until it is deleted."
#define PEERS_BY_LIST "Brokers reach each other at cluster.nodes, and listen for each other at peer.listen."
#define BY_THE_SYSTEM "The system decides about sockets by itself."

static const struct setting_absent table[] = {
    {"broker.id", "It is called node.id."},
    {"log.dir", ONE_DIRECTORY},
    {"log.dirs", ONE_DIRECTORY},
    {"metadata.log.dir", ONE_DIRECTORY},
    {"log.dir.failure.timeout.ms", ONE_DIRECTORY},
    {"cordoned.log.dirs", ONE_DIRECTORY},
    {"num.*", OWN_LOOP},
    {"background.threads", OWN_LOOP},
    {"queued.max.requests", "Requests in flight are bounded by queued.max.request.bytes and connection.max.requests."},
    {"controller.quota.*", NO_QUOTAS},
    {"controller.*", NO_QUORUM_OF_ITS_OWN},
    {"metadata.*", NO_QUORUM_OF_ITS_OWN},
    {"early.start.listeners", NO_QUORUM_OF_ITS_OWN},
    {"initial.broker.registration.timeout.ms", NO_QUORUM_OF_ITS_OWN},
    {"internal.*", "It is internal to Kafka."},
    {"unstable.*", "It is internal to Kafka."},
    {"server.max.startup.time.ms", "It is internal to Kafka."},
    {"inter.broker.listener.name", PEERS_BY_LIST},
    {"log.cleaner.*", NO_CLEANER},
    {"log.retention.check.interval.ms", "There is no retention yet: a topic keeps everything until it is deleted."},
    {"log.flush.*", "Each acknowledged batch is flushed to the disks of a majority first."},
    {"log.initial.task.delay.ms", OWN_LOOP},
    {"replica.selector.class", "Consumers are served by the leader of a partition."},
    {"replica.*", BY_RAFT},
    {"replication.quota.*", NO_QUOTAS},
    {"alter.log.dirs.*", ONE_DIRECTORY},
    {"quota.*", NO_QUOTAS},
    {"client.quota.callback.class", NO_PLUGINS},
    {"alter.config.policy.class.name", NO_PLUGINS},
    {"create.topic.policy.class.name", NO_PLUGINS},
    {"config.providers", NO_PLUGINS},
    {"principal.builder.class", NO_PLUGINS},
    {"unclean.leader.election.interval.ms", "A replica that lacks acknowledged records never leads."},
    {"group.*", NO_GROUPS},
    {"offset*", NO_GROUPS},
    {"share.*", NO_GROUPS},
    {"transaction*", NO_TRANSACTIONS},
    {"add.partitions.to.txn.*", NO_TRANSACTIONS},
    {"producer.id.expiration.check.interval.ms",
     "What expires is looked for when it is needed: producer.id.expiration.ms."},
    {"producer.purgatory.purge.interval.requests", OWN_LOOP},
    {"fetch.purgatory.purge.interval.requests", OWN_LOOP},
    {"delete.records.purgatory.purge.interval.requests", OWN_LOOP},
    {"max.request.partition.size.limit",
     "What one request may ask for is bounded by its size: socket.request.max.bytes."},
    {"ssl.*", NO_TLS},
    {"security.providers", NO_TLS},
    {"sasl.*", NO_SASL},
    {"delegation.token.*", NO_SASL},
    {"connection.failed.authentication.delay.ms", NO_SASL},
    {"connections.max.reauth.ms", NO_SASL},
    {"kafka.metrics.*", NO_METRICS},
    {"metric*", NO_METRICS},
    {"telemetry.max.bytes", NO_METRICS},
    {"remote.*", NO_TIERED_STORAGE},
    {"follower.fetch.last.tiered.offset.enable", NO_TIERED_STORAGE},
    {"request.timeout.ms", PEERS_BY_LIST},
    {"socket.connection.setup.timeout*", PEERS_BY_LIST},
    {"socket.listen.backlog.size", BY_THE_SYSTEM},
    {"socket.receive.buffer.bytes", BY_THE_SYSTEM},
    {"socket.send.buffer.bytes", BY_THE_SYSTEM},
};

const struct setting_absent *broker_settings_absent(size_t *n) {
    *n = sizeof table / sizeof table[0];
    return table;
}
