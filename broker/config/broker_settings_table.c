/*
 * The table of a broker's settings: one row each, read by everything that shows or sets them.
 *
 * A row stands here only if something obeys it, or if it says what is so (setting_rows.h). Sizes
 * are bytes and times milliseconds, as in Kafka; names are Kafka's where the meaning is. Kafka's
 * other settings are in broker_settings_absent.c.
 */
#include "broker/config/broker_settings.h"
#include "broker/config/dynamic_settings.h"
#include "broker/config/setting_rows.h"

static const struct setting table[] = {
    /* ---- Who it is and where it listens ---- */
    NUMBER("node.id", "1", 0, INT32_MAX, "",
           "The number of this broker, different on every broker and never changed."),
    TEXT("data.dir", "./drave-data", "The directory that holds everything this broker stores."),
    LIST(
        "listeners", "PLAINTEXT://127.0.0.1:9092",
        "Where clients are served: NAME://HOST:PORT, several with commas; 127.0.0.1 and localhost stand for both loopback "
        "addresses, 0.0.0.0 for all addresses, port 0 for a free one."),
    TEXT(
        "listener.security.protocol.map", "",
        "What each listener speaks, NAME:PLAINTEXT, NAME:SSL, NAME:SASL_PLAINTEXT or NAME:SASL_SSL with commas; empty: each what "
        "it is called. A listener of another name needs its entry."),
    LIST(
        "advertised.listeners", "",
        "The addresses that clients are told, NAME://HOST:PORT for each listener whose own address they cannot reach; "
        "empty: those of listeners."),
    TEXT(
        "cluster.nodes", "",
        "The brokers that form the cluster, ID@HOST:PORT of their peer ports with commas, the same text on every broker; "
        "empty: a cluster of this one. Once there is a cluster: some of its brokers, where this one begins to look, and "
        "itself; the others it learns from them."),
    TEXT(
        "peer.listen", "",
        "Where this broker listens for the others, HOST:PORT; empty: on 127.0.0.1 with the port of its own entry in "
        "cluster.nodes. Without peer.secret.file whoever reaches it may be a broker."),
    SWITCH(
        "peer.verify.address", "true",
        "Whether another broker is believed only when it connects from an address of its host in cluster.nodes, which is "
        "resolved again when it changes; false where addresses are translated (NAT) on the way."),
    TEXT("peer.secret.file", "",
         "The file with the secret that all brokers of the cluster have, and nobody else: drave "
         "cluster secret makes it (docs/security.md). What brokers say is encrypted then."),
    CHOICE(
        "peer.tls.mode", "require", "off,allow,prefer,require",
        "How brokers that have peer.secret.file speak: require: by TLS alone. By the others a "
        "cluster that runs comes there: allow: both are let in; prefer: and it connects by TLS."),
    TEXT("broker.rack", "",
         "The rack or zone of this broker; replicas of a partition are spread over racks."),
    CHOICE("log.level", "info", "error,warn,info,debug",
           "The least important lines that are logged."),
    CHOICE(
        "log.format", "text", "text,logfmt,json",
        "How lines of the log are written; text leaves the time to journald where that reads it."),

    /* ---- TLS for clients (docs/security.md) ---- */
    TEXT("ssl.keystore.location", "",
         "The file with this broker's key and certificate, and those up to its CA: PEM or PKCS12."),
    CHOICE("ssl.keystore.type", "JKS", "PEM,PKCS12,JKS",
           "What ssl.keystore.location is; unless it is set the file itself says so. JKS "
           "means PKCS12, as new keytools write it."),
    SECRET("ssl.keystore.password", "The password of a PKCS12 file in ssl.keystore.location."),
    SECRET("ssl.key.password", "The password of an encrypted private key in PEM."),
    TEXT("ssl.truststore.location", "",
         "The file with the CAs of clients: PEM or PKCS12. The system's own are never trusted."),
    CHOICE("ssl.truststore.type", "JKS", "PEM,PKCS12,JKS",
           "What ssl.truststore.location is; unless it is set the file itself says so."),
    SECRET("ssl.truststore.password", "The password of a PKCS12 file in ssl.truststore.location."),
    CHOICE("ssl.client.auth", "none", "none,requested,required",
           "Whether clients show a certificate: none: nobody is asked; requested: who has one, "
           "and it must be good; required."),
    TEXT(
        "ssl.principal.mapping.rules", "DEFAULT",
        "Who a client with a certificate is: Kafka's rules; the first that takes its name counts."),
    LIST_OF("ssl.enabled.protocols", "TLSv1.2,TLSv1.3", "TLSv1.2,TLSv1.3",
            "The versions of TLS that are served; older ones are not safe."),
    LIST("ssl.cipher.suites", "",
         "Cipher suites to be used, by names of IANA or OpenSSL; empty: those that are good."),
    NUMBER("ssl.reload.interval.ms", "60000", 100, 86400000, "ms",
           "How often the files are looked at; what has changed in them holds for new "
           "connections from then on."),
    NUMBER("connection.setup.timeout.ms", "10000", 100, 600000, "ms",
           "A client whose TLS handshake takes longer than this is closed, and one that has not "
           "logged in by then where logins are wanted."),
    NUMBER("tls.handshakes.max", "256", 1, 100000, "handshakes",
           "TLS handshakes that are under way at a time; each takes up to 100 KiB of memory. "
           "Further ones wait for their turn."),

    /* ---- Logins (docs/security.md) ---- */
    LIST_OF("sasl.enabled.mechanisms", "SCRAM-SHA-256,SCRAM-SHA-512",
            "SCRAM-SHA-256,SCRAM-SHA-512,PLAIN,OAUTHBEARER",
            "By which mechanisms clients of SASL_PLAINTEXT and SASL_SSL listeners may log in."),
    NUMBER("sasl.server.max.receive.size", "65536", 1024, 1048576, "bytes", LOGIN_SIZE),
    NUMBER("connection.failed.authentication.delay.ms", "100", 0, 5000, "ms", LOGIN_DELAY),
    NUMBER("connections.max.reauth.ms", "0", 0, INT32_MAX, "ms", LOGIN_AGAIN),
    TEXT("bootstrap.users.file", "", FIRST_USERS),
    TEXT("sasl.oauthbearer.jwks.endpoint.url", "", JWKS_URL),
    NUMBER("sasl.oauthbearer.jwks.endpoint.refresh.ms", "60000", 100, 86400000, "ms", JWKS_REFRESH),
    TEXT("sasl.oauthbearer.expected.issuer", "", TOKEN_ISSUER),
    LIST("sasl.oauthbearer.expected.audience", "", TOKEN_AUDIENCE),
    TEXT("sasl.oauthbearer.sub.claim.name", "sub", "The claim of a token that names the user."),
    NUMBER("sasl.oauthbearer.clock.skew.seconds", "30", 0, 600, "s", TOKEN_SKEW),

    /* ---- Permissions (docs/security.md) ---- */
    TEXT("authorizer.class.name", "", AUTHORIZER_CLASS),
    CHOICE("authorizer.mode", "enforce", "enforce,observe", AUTHORIZER_MODE),
    TEXT("super.users", "", SUPER_USERS),
    SWITCH("allow.everyone.if.no.acl.found", "false", ALLOW_EVERYONE),

    /* ---- Who watches it ---- */
    TEXT(
        "http.listen", "127.0.0.1:8092",
        "Where /metrics (Prometheus) and /health are served, HOST:PORT; empty: nowhere. Anybody who reaches it may read. If the "
        "default is taken by another program nothing is served, and the log says so."),
    CHOICE(
        "console.serve", "loopback", "never,loopback,always",
        "Whether the web console is served on http.listen, where whoever reaches it may read all topics with their records, groups "
        "and settings; loopback: if that address is one of this machine alone."),
    LIST(
        "console.hosts", "",
        "Names by which browsers call the console, with commas, beside addresses and localhost; others are refused, so that no "
        "page of a stranger reads through a name that it turned to this address."),
    SWITCH(
        "console.admin", "false",
        "Whether the console may change things: topics, their settings, offsets of groups, and append records. Whoever does must "
        "know the token in console.token.file."),
    TEXT(
        "console.token.file", "",
        "A file with the token of whoever may change things in the console: a line of 32 to 256 letters, digits or signs, readable by "
        "the owner alone."),
    NUMBER(
        "metrics.topics.max", "500", 0, 100000, "topics",
        "Topics that have numbers of their own in /metrics: those of which this broker stores most; the others are summed as (other)."),
    NUMBER(
        "metrics.groups.max", "500", 0, 100000, "pairs",
        "Pairs of consumer group and topic that have numbers of their own in /metrics; the others are summed as (other)."),

    /* ---- Topics ---- */
    NUMBER(
        "metadata.voters", "3", 1, 9, "brokers",
        "How many brokers, in the order of their ids, vote on metadata; the same on every broker, used when the cluster is "
        "formed."),
    NUMBER("num.partitions", "1", 1, 10000, "partitions",
           "Partitions of a topic whose creator does not say."),
    NUMBER(
        "default.replication.factor", "-1", -1, 64, "replicas",
        "Replicas of a topic whose creator does not say; -1: 3, or as many as the cluster has brokers."),
    NUMBER(
        "max.request.partitions", "10000", 1, BROKER_PARTITIONS_MOST, "partitions",
        "Partitions that one request may create, in all its topics; a request for more is refused."),
    NUMBER("max.partitions", "100000", 1, BROKER_PARTITIONS_MOST, "partitions",
           "Partitions of the whole cluster, the same on every broker; creating more is refused."),
    NUMBER(
        "max.broker.partitions", "20000", 1, BROKER_PARTITIONS_MOST, "replicas",
        "Replicas on one broker, the same on every broker; creating more is refused. Each takes about 12 KiB of memory."),
    SWITCH("auto.create.topics.enable", "true",
           "Whether a topic is created when a client that allows it asks for one that is missing."),
    NUMBER(
        "min.insync.replicas", "1", 1, 64, "replicas",
        "Produce is refused while fewer replicas than this, or than there are, are in sync; a majority always has to acknowledge."),
    NUMBER("message.max.bytes", "1048588", 100, 100 * MIB, "bytes",
           "The largest record batch that is accepted."),
    CHOICE("compression.type", "producer", "producer,uncompressed,gzip,snappy,lz4,zstd",
           "The codec in which batches are kept and served; producer: as they came."),
    CHOICE("log.message.timestamp.type", "CreateTime", "CreateTime,LogAppendTime",
           "Whether records carry the producer's time or the time of their arrival."),
    NUMBER(
        "log.message.timestamp.before.max.ms", LONG_MOST, 0, INT64_MAX, "ms",
        "How far a record's own time may lie before the broker's; unless its time is that of its arrival."),
    NUMBER(
        "log.message.timestamp.after.max.ms", "3600000", 0, INT64_MAX, "ms",
        "How far a record's own time may lie behind the broker's; unless its time is that of its arrival."),
    CHOICE(
        "log.compression", "lz4", "lz4,none",
        "How entries are compressed on disk and between brokers, when that saves something; clients never see it."),
    NUMBER(
        "producer.id.expiration.ms", "86400000", 1000, INT64_MAX / 1000, "ms",
        "How long the sequence numbers of an idempotent producer that sends nothing are kept, at least."),
    NUMBER(
        "partition.max.producers", "20000", 1, 1000000, "producers",
        "Idempotent producers that a partition remembers; new ones are refused beyond, until it forgets old ones."),

    /* ---- Consumer groups of KIP-848 ---- */
    NUMBER("group.consumer.session.timeout.ms", "45000", 1000, INT32_MAX, "ms",
           "How long a member of KIP-848 that sends no heartbeat keeps its partitions."),
    NUMBER(
        "group.consumer.min.session.timeout.ms", "45000", 1000, INT32_MAX, "ms",
        "The shortest value of group.consumer.session.timeout.ms, also of what a group sets for itself."),
    NUMBER(
        "group.consumer.max.session.timeout.ms", "60000", 1000, INT32_MAX, "ms",
        "The longest value of group.consumer.session.timeout.ms, also of what a group sets for itself."),
    NUMBER(
        "group.consumer.heartbeat.interval.ms", "5000", 100, INT32_MAX, "ms",
        "How often such members are asked to send a heartbeat; those that wait for others are asked to come back sooner."),
    NUMBER(
        "group.consumer.min.heartbeat.interval.ms", "5000", 100, INT32_MAX, "ms",
        "The shortest value of group.consumer.heartbeat.interval.ms, also of what a group sets for itself."),
    NUMBER(
        "group.consumer.max.heartbeat.interval.ms", "15000", 100, INT32_MAX, "ms",
        "The longest value of group.consumer.heartbeat.interval.ms, also of what a group sets for itself."),
    NUMBER(
        "group.consumer.assignment.interval.ms", "1000", 0, INT32_MAX, "ms",
        "How long such a group waits behind an assignment before it works out the next; 0: not at all."),
    NUMBER(
        "group.consumer.min.assignment.interval.ms", "0", 0, INT32_MAX, "ms",
        "The shortest value of group.consumer.assignment.interval.ms, also of what a group sets for itself."),
    NUMBER(
        "group.consumer.max.assignment.interval.ms", "15000", 0, INT32_MAX, "ms",
        "The longest value of group.consumer.assignment.interval.ms, also of what a group sets for itself."),
    NUMBER(
        "group.consumer.regex.refresh.interval.ms", "600000", 10000, INT32_MAX, "ms",
        "How often the regular expressions of such a group are matched with all topics, also if none came or went."),
    NUMBER("group.consumer.max.size", "10000", 1, INT32_MAX, "members",
           "Members of one such group; further ones are refused. Kafka's default has no limit."),
    CHOICE(
        "group.consumer.migration.policy", "bidirectional",
        "bidirectional,upgrade,downgrade,disabled",
        "Whether a classic group with members of type consumer becomes one of KIP-848 when a member of that joins (upgrade), and a "
        "classic one again when the last such member goes (downgrade); disabled: neither, and members of the classic protocol may not "
        "join a group of KIP-848. An empty group takes the protocol of whoever joins it, whatever stands here."),

    /* ---- Offsets of consumer groups ---- */
    NUMBER("offset.metadata.max.bytes", "4096", 0, MIB, "bytes",
           "The longest text that a client may put beside an offset that it commits."),
    NUMBER(
        "offsets.retention.minutes", "10080", 1, INT32_MAX, "minutes",
        "How long a committed offset is kept: from when its group became empty, or from the commit if the group has no members "
        "of its own or does not read the topic."),
    NUMBER(
        "offsets.retention.check.interval.ms", "600000", 1, INT64_MAX / 1000, "ms",
        "How often offsets are looked for that are too old, and groups of which nothing is left."),

    /* ---- Limits on clients ---- */
    NUMBER("socket.request.max.bytes", "104857600", 1024, 256 * MIB, "bytes",
           "The largest request that is read."),
    NUMBER(
        "queued.max.request.bytes", "134217728", 64 * KIB, (int64_t)64 * GIB, "bytes",
        "Memory for requests in flight: a quarter each for short ones, large ones, those that are half here, and what many "
        "elements are decoded to; while one is spent, clients that need it are not read."),
    NUMBER(
        "message.unfolded.max.bytes", "536870912", 64 * KIB, INT32_MAX, "bytes",
        "What the records of a compressed batch may come to when they are decompressed; larger ones are refused."),
    NUMBER(
        "produce.check.memory.bytes", "268435456", 16 * MIB, (int64_t)64 * GIB, "bytes",
        "Memory for decompressing and compressing produced batches; those that would pass it wait for others to end."),
    NUMBER(
        "produce.check.inline.us", "500", 0, 5000, "us",
        "A produced batch whose check is estimated to take longer is checked by other threads than the one that serves "
        "everybody."),
    NUMBER(
        "queued.max.parked.bytes", "268435456", 64 * KIB, (int64_t)64 * GIB, "bytes",
        "Memory for requests that wait for other members of their consumer groups, 1 to 2 KiB each; those beyond it are told to try again."),
    NUMBER(
        "max.connections", "10000", 1, 1000000, "connections",
        "Client connections at one time; further ones wait until one leaves. Beyond it are 8 places for clients of this machine (loopback)."),
    NUMBER("max.connections.per.ip", INT_MOST, 1, INT32_MAX, "connections",
           "Connections of one address at one time; those beyond it are closed at once."),
    NUMBER("max.connection.creation.rate", INT_MOST, 1, INT32_MAX, "connections a second",
           "How many new connections are taken in a second; the others wait in the kernel."),
    NUMBER("quota.window.num", "11", 1, 100, "samples", "Clients have rates of so many samples."),
    NUMBER("quota.window.size.seconds", "1", 1, 3600, "s", "How long one of these samples is."),
    NUMBER(
        "connections.max.idle.ms", "600000", 1000, INT32_MAX, "ms",
        "A client connection is closed when for so long no request came and nothing of an answer was taken."),
    NUMBER("connection.max.requests", "100", 1, 10000, "requests",
           "Requests of one connection that are in flight at one time; it is not read beyond."),
    NUMBER(
        "loop.turn.warn.ms", "50", 1, 60000, "ms",
        "A turn of the event loop that takes so much processor time is told on the log, with what ran: nobody else is served while it lasts."),
    NUMBER("fetch.max.bytes", "57671680", 1024, 256 * MIB, "bytes",
           "The most that one fetch is answered with."),
    NUMBER("max.incremental.fetch.session.cache.slots", "1000", 0, 10000, "sessions",
           "How many consumers at most are remembered with what they fetch, so that they name only "
           "what changes; the others name all of it each time."),
    NUMBER("fetch.session.cache.bytes", "67108864", MIB, GIB, "bytes",
           "The memory that they may take together; one partition of a consumer takes some 200 "
           "bytes."),

    /* ---- Consumer groups ---- */
    NUMBER(
        "offsets.topic.num.partitions", "50", 1, 10000, "partitions",
        "Partitions of __consumer_offsets, which is made when the first group asks for its coordinator; their number never changes."),
    NUMBER(
        "offsets.topic.segment.bytes", "16777216", 1024, GIB, "bytes",
        "segment.bytes of that topic when it is made: it is cleaned (compaction) behind its last segment, so small ones keep it small."),
    NUMBER(
        "offsets.topic.replication.factor", "3", 1, 64, "replicas",
        "Replicas of __consumer_offsets; or as many as the cluster has brokers, if these are fewer."),
    NUMBER(
        "offsets.commit.timeout.ms", "5000", 1, INT32_MAX, "ms",
        "How long what a consumer group changes waits for a majority; then its client is told to look for the coordinator again."),
    NUMBER(
        "transaction.state.log.num.partitions", "50", 1, 10000, "partitions",
        "Partitions of __transaction_state, which is made when the first producer asks for the coordinator of its "
        "transactional.id; their number never changes."),
    NUMBER(
        "transaction.state.log.segment.bytes", "16777216", 1024, GIB, "bytes",
        "segment.bytes of that topic when it is made: it is cleaned (compaction) behind its last segment, so small ones "
        "keep it small."),
    NUMBER(
        "transaction.state.log.replication.factor", "3", 1, 64, "replicas",
        "Replicas of __transaction_state; or as many as the cluster has brokers, if these are fewer."),
    NUMBER(
        "transaction.max.timeout.ms", "900000", 1, INT32_MAX, "ms",
        "The longest transaction.timeout.ms that a producer may ask for: so long an abandoned transaction may hold up "
        "those who read committed records."),
    NUMBER(
        "transactional.id.expiration.ms", "604800000", 1, INT32_MAX, "ms",
        "How long a transactional.id is remembered that nobody uses; looked for every hour. Its producer, if it comes "
        "back, must begin anew."),
    NUMBER(
        "transaction.memory.bytes", "134217728", 1048576, INT64_MAX, "bytes",
        "Memory for the transactional ids that this broker keeps, with the partitions of their transactions. While seven "
        "eighths are spent new ids, and while all is spent new partitions in transactions, are told to look for the "
        "coordinator again."),
    NUMBER("group.min.session.timeout.ms", "6000", 1, INT32_MAX, "ms",
           "The shortest session timeout that a member of a classic group may ask for."),
    NUMBER(
        "group.max.session.timeout.ms", "1800000", 1, INT32_MAX, "ms",
        "The longest session timeout that a member of a classic group may ask for; one that died is noticed only then."),
    NUMBER(
        "group.initial.rebalance.delay.ms", "3000", 0, INT32_MAX, "ms",
        "How long an empty classic group waits for further members behind its first; again as long behind each that comes meanwhile, "
        "at most their rebalance timeout."),
    NUMBER("group.max.size", "10000", 1, INT32_MAX, "members",
           "Members of one classic group; further ones are refused. Kafka's default has no limit."),
    NUMBER(
        "group.max.bytes", "8388608", 65536, 256 * MIB, "bytes",
        "What the members of one classic group say of themselves, all protocols with their metadata; a member beyond is refused like one "
        "beyond group.max.size."),
    NUMBER(
        "group.id.max.bytes", "1024", 64, INT16_MAX, "bytes",
        "The longest id of a group, a member or an instance that may come to be. It is in every record, and what is decided about all members of "
        "a group is one batch. Kafka's limit is that of a text in a record, 32767."),
    NUMBER(
        "group.memory.bytes", "268435456", 1048576, INT64_MAX, "bytes",
        "Memory for the members of all groups that this broker coordinates, and for the groups and offsets that it keeps (an eighth of "
        "it at most for how offsets moved, which drave group why asks for). The clients of one host make as much come as is free at most: one "
        "host alone a half. While it is spent, new members are told to look for the coordinator again, and only partitions that a group has committed before are "
        "committed."),

    /* ---- Storage ---- */
    NUMBER(
        "journal.max.bytes", "1073741824", 128 * KIB, (int64_t)64 * GIB, "bytes",
        "The most that the files of the journal have, all of which a start may have to read; producers wait beyond. A quarter of it, less a few files, bounds what is uncommitted; from another quarter on, what is committed is written to segments, and leaves memory."),
    NUMBER("journal.file.bytes", "16777216", 64 * KIB, GIB, "bytes",
           "The size of one file of the journal; a sixteenth of journal.max.bytes at most."),
    NUMBER("log.segment.bytes", "1073741824", 1024, GIB, "bytes",
           "A segment file of a partition ends when it is larger."),
    NUMBER("log.index.interval.bytes", "4096", 64, 16 * MIB, "bytes",
           "One index entry for so many bytes of a segment."),
    NUMBER(
        "tail.cache.bytes", "134217728", 0, (int64_t)64 * GIB, "bytes",
        "Memory for the newest entries of all partitions, from which consumers at the end are served."),
    NUMBER("partition.uncommitted.max.bytes", "33554432", 4 * KIB, (int64_t)4 * GIB, "bytes",
           "What one partition may hold that a majority does not have yet; produce waits beyond."),
    NUMBER(
        "disk.min.free.bytes", "104857600", 0, INT64_MAX, "bytes",
        "Records are refused while the data directory's file system would be left with less than this by what was "
        "accepted (a follower refuses below half of it)."),

    /* ---- How long records stay ---- */
    NUMBER("log.retention.ms", WEEK_MS, -1, INT64_MAX, "ms",
           "How long records are kept, by the largest timestamp in their segment; -1: for ever."),
    NUMBER("log.retention.minutes", "10080", -1, INT32_MAX, "minutes",
           "The same in minutes, where log.retention.ms is not set."),
    NUMBER("log.retention.hours", "168", -1, INT32_MAX, "hours",
           "The same in hours, where neither log.retention.ms nor log.retention.minutes is set."),
    NUMBER(
        "log.retention.bytes", "-1", -1, INT64_MAX, "bytes",
        "What the segments of a partition may have together, as they are stored; beyond it the oldest go; -1: no limit."),
    NUMBER(
        "log.retention.check.interval.ms", "300000", 1, INT64_MAX / 1000, "ms",
        "How often a leader looks for records that are too old; sizes are also looked at whenever records come, and all of it every 10 s "
        "while the disk has less free than disk.min.free.bytes."),
    NUMBER(
        "log.roll.ms", WEEK_MS, 1, INT64_MAX, "ms",
        "A segment ends when its first record has been in it for so long, also if nothing more comes."),
    NUMBER("log.roll.hours", "168", 1, INT32_MAX, "hours",
           "The same in hours, where log.roll.ms is not set."),
    NUMBER("log.roll.jitter.ms", "0", 0, INT64_MAX, "ms",
           "So much earlier at most a segment ends, drawn for each, so that not all do at once."),
    NUMBER("log.roll.jitter.hours", "0", 0, INT32_MAX, "hours",
           "The same in hours, where log.roll.jitter.ms is not set."),
    NUMBER(
        "log.segment.delete.delay.ms", "60000", 0, INT64_MAX, "ms",
        "How long the files of a segment stay when its log begins behind it; not at all while the disk has less free than "
        "disk.min.free.bytes. Those of a deleted topic go at once."),

    /* ---- Compaction ---- */
    LIST_OF(
        "log.cleanup.policy", "delete", "compact,delete",
        "What becomes of old records: delete, by their age and size; compact, all but the last of each key go; both, or none."),
    DECIMAL(
        "log.cleaner.min.cleanable.ratio", "0.5", 0, 1,
        "A topic is cleaned when more than this share of its sealed segments has not been cleaned yet."),
    NUMBER("log.cleaner.min.compaction.lag.ms", "0", 0, INT64_MAX, "ms",
           "So long each record stays, whatever comes behind it."),
    NUMBER(
        "log.cleaner.max.compaction.lag.ms", LONG_MOST, 1, INT64_MAX, "ms",
        "A segment whose records are older than this is cleaned, however few there are of them."),
    NUMBER(
        "log.cleaner.delete.retention.ms", "86400000", 0, INT64_MAX, "ms",
        "So long a record without a value, which says that its key is gone, stays at least once every replica has removed what came before it; then the next cleaning takes it."),
    NUMBER("log.cleaner.dedupe.buffer.size", "33554432", 64 * KIB, GIB, "bytes",
           "Memory for the keys of one cleaning, 24 bytes each; more keys take several rounds."),
    NUMBER("log.cleaner.io.max.bytes.per.second", LONG_MOST, 64 * KIB, INT64_MAX, "bytes/s",
           "Cleanings read and write no more than this."),
    NUMBER("log.cleaner.backoff.ms", "15000", 1, INT64_MAX / 1000, "ms",
           "How long until it is looked again whether a topic is to be cleaned, when none was."),

    /* ---- Damage ---- */
    NUMBER(
        "scrub.interval.ms", "604800000", 1000, INT64_MAX / 1000, "ms",
        "So often all segments are read and compared with their checksums; what is damaged is mended with what other brokers have."),
    NUMBER("scrub.bytes.per.second", "2097152", 0, INT64_MAX, "bytes/s",
           "That reads no more than this; 0: only what somebody reads is compared."),

    /* ---- Between brokers ---- */
    NUMBER("peer.window.bytes", "16777216", 4 * KIB, GIB, "bytes",
           "Entries on their way to one broker and not acknowledged; a larger one goes alone."),
    NUMBER("peer.receive.max.bytes", "67108864", 4 * KIB, (int64_t)16 * GIB, "bytes",
           "Memory for entries that came from other brokers and are not on disk yet."),
    SWITCH(
        "auto.leader.rebalance.enable", "true",
        "Whether leads go back to the brokers that are first in their partitions' lists, by themselves and without a gap."),
    NUMBER(
        "leader.imbalance.check.interval.seconds", "10", 1, 86400, "s",
        "How often it is looked whether leads are to move; a broker that is back gets its own at the second look."),
    NUMBER("leader.imbalance.per.broker.percentage", "10", 0, 100, "%",
           "Leads move when others lead more than this share of what prefers a broker."),
    NUMBER(
        "broker.session.timeout.ms", "9000", 100, INT32_MAX, "ms",
        "A broker that the metadata leader has not heard for so long is fenced: it gets no new replicas."),
    NUMBER("broker.heartbeat.interval.ms", "2000", 10, INT32_MAX, "ms",
           "How often a broker tells the metadata leader that it is alive."),
    NUMBER(
        "isolated.clients.ms", "2000", 0, INT32_MAX, "ms",
        "A broker that hears no majority for so long, while others may serve, sends its clients to them; 0: never."),
    NUMBER("raft.heartbeat.ms", "200", 10, 60000, "ms",
           "How often a leader tells its followers that it is alive."),
    NUMBER(
        "raft.election.timeout.ms", "1000", 50, 600000, "ms",
        "Followers that hear no leader for between one and two of these elect another; at least 3 heartbeats."),
    NUMBER(
        "raft.failover.ms", "50", 5, 10000, "ms",
        "The election timeout once a leader's process is known to be dead; more than two flushes and a round trip."),
    NUMBER(
        "replica.absent.ms", "3600000", 0, INT64_MAX / 2, "ms",
        "For how long files below a log's start stay for a replica that is away; back later, it is given the files that "
        "there are."),
    NUMBER(
        "metadata.log.max.record.bytes.between.snapshots", "4194304", 1024, INT64_MAX / 2, "bytes",
        "After so much of the metadata's log the table is kept beside it; what it covers goes from the log, and a start applies "
        "what came since."),
    NUMBER(
        "recovery.bytes.per.second", "104857600", 0, INT64_MAX / 2, "bytes/s",
        "So much a second this broker fetches of the files that replicas here lack, over all of them; 0: as fast as it goes."),

    /* ---- What is so ---- */
    SO_SWITCH("log.cleaner.enable", "true",
              "Topics with compact in their cleanup.policy are cleaned."),
    SO_INT("log.cleaner.threads", "1", "One topic is cleaned at a time."),
    NUMBER("log.index.size.max.bytes", INT_MOST, 4, INT32_MAX, "bytes", NO_INDEX_LIMIT),
    SO_SWITCH("log.preallocate", "false", NOT_PREALLOCATED),
    NUMBER("log.flush.interval.messages", "1", 1, INT64_MAX, "records", ALWAYS_FLUSHED),
    NUMBER("log.flush.interval.ms", "0", 0, INT64_MAX, "ms", ALWAYS_FLUSHED),
    SO_INT("compression.gzip.level", "-1", NO_LEVELS),
    SO_INT("compression.lz4.level", "9", NO_LEVELS),
    SO_INT("compression.zstd.level", "3", NO_LEVELS),
    SO_EITHER("log.local.retention.ms", SETTING_INT, INT64_MAX, "-2", "-1", NO_TIERS),
    SO_EITHER("log.local.retention.bytes", SETTING_INT, INT64_MAX, "-2", "-1", NO_TIERS),
    SO_SWITCH("remote.log.storage.system.enable", "false", NO_TIERS),
    SO_SWITCH("unclean.leader.election.enable", "false", NEVER_UNCLEAN),
    SO_SWITCH("controlled.shutdown.enable", "true",
              "A broker that is told to end hands its leaderships over first."),
    SO_SWITCH("delete.topic.enable", "true", "Topics can be deleted."),
    SO_EITHER("process.roles", SETTING_LIST, 0, "broker,controller", "controller,broker",
              "Every broker does both; metadata.voters of them vote on metadata."),
    SO_TEXT("security.inter.broker.protocol", "PLAINTEXT",
            "Brokers speak plainly to each other at peer.listen, whatever clients do."),
    SO_TEXT("ssl.endpoint.identification.algorithm", "https",
            "Clients check the name of a broker; brokers ask for none."),
    SO_TEXT("max.connections.per.ip.overrides", "",
            "All addresses may have as many connections: max.connections.per.ip."),
};

const struct setting *broker_settings_table(size_t *n) {
    *n = sizeof table / sizeof table[0];
    return table;
}

const struct setting_table *broker_settings_rows(void) {
    static const struct setting_table rows = {.kind = "broker",
                                              .rows = table,
                                              .count = sizeof table / sizeof table[0],
                                              .stride = sizeof table[0]};
    return &rows;
}
