/* The list of dynamic settings, the checks, and the layers over what was read. */
#include "broker/config/dynamic_settings.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "broker/config/interval.h"

/* Each is obeyed from the moment on in which it is set: read where it is used, or brought there by
 * broker_follow.c. */
static const struct dynamic_setting table[] = {
    {.name = "log.level"},
    {.name = "advertised.listeners", .one_broker = true},
    /* What is made. */
    {.name = "num.partitions"},
    {.name = "default.replication.factor"},
    {.name = "max.request.partitions"},
    {.name = "max.partitions"},
    {.name = "max.broker.partitions"},
    {.name = "auto.create.topics.enable"},
    {.name = "offsets.topic.num.partitions"},
    {.name = "offsets.topic.replication.factor"},
    {.name = "transaction.state.log.num.partitions"},
    {.name = "transaction.state.log.replication.factor"},
    /* Topics that do not say. */
    {.name = "min.insync.replicas"},
    {.name = "message.max.bytes"},
    {.name = "compression.type"},
    {.name = "log.message.timestamp.type"},
    {.name = "log.message.timestamp.before.max.ms"},
    {.name = "log.message.timestamp.after.max.ms"},
    {.name = "log.retention.ms"},
    {.name = "log.retention.bytes"},
    {.name = "log.retention.check.interval.ms"},
    {.name = "log.segment.bytes"},
    {.name = "log.roll.ms"},
    {.name = "log.roll.jitter.ms"},
    {.name = "log.segment.delete.delay.ms"},
    {.name = "log.compression"},
    {.name = "message.unfolded.max.bytes"},
    {.name = "producer.id.expiration.ms"},
    /* Transactions. */
    {.name = "transaction.max.timeout.ms"},
    {.name = "transactional.id.expiration.ms"},
    {.name = "transaction.memory.bytes"},
    /* Groups. */
    {.name = "group.consumer.session.timeout.ms"},
    {.name = "group.consumer.min.session.timeout.ms"},
    {.name = "group.consumer.max.session.timeout.ms"},
    {.name = "group.consumer.heartbeat.interval.ms"},
    {.name = "group.consumer.min.heartbeat.interval.ms"},
    {.name = "group.consumer.max.heartbeat.interval.ms"},
    {.name = "group.consumer.assignment.interval.ms"},
    {.name = "group.consumer.min.assignment.interval.ms"},
    {.name = "group.consumer.max.assignment.interval.ms"},
    {.name = "group.consumer.regex.refresh.interval.ms"},
    {.name = "group.consumer.max.size"},
    {.name = "group.consumer.migration.policy"},
    {.name = "group.min.session.timeout.ms"},
    {.name = "group.max.session.timeout.ms"},
    {.name = "group.initial.rebalance.delay.ms"},
    {.name = "group.max.size"},
    {.name = "group.max.bytes"},
    {.name = "group.id.max.bytes"},
    {.name = "group.memory.bytes"},
    {.name = "offset.metadata.max.bytes"},
    {.name = "offsets.retention.minutes"},
    {.name = "offsets.retention.check.interval.ms"},
    /* Clients. */
    {.name = "max.connections"},
    {.name = "max.connections.per.ip"},
    {.name = "max.connection.creation.rate"},
    {.name = "connections.max.idle.ms"},
    {.name = "connection.max.requests"},
    {.name = "queued.max.request.bytes"},
    {.name = "queued.max.parked.bytes"},
    {.name = "fetch.max.bytes"},
    {.name = "max.incremental.fetch.session.cache.slots"},
    {.name = "fetch.session.cache.bytes"},
    /* The disk, and memory for what lies on it. */
    {.name = "tail.cache.bytes"},
    {.name = "disk.min.free.bytes"},
    /* Compaction. */
    {.name = "log.cleanup.policy"},
    {.name = "log.cleaner.min.compaction.lag.ms"},
    {.name = "log.cleaner.max.compaction.lag.ms"},
    {.name = "log.cleaner.delete.retention.ms"},
    {.name = "log.cleaner.min.cleanable.ratio"},
    {.name = "log.cleaner.backoff.ms"},
    {.name = "log.cleaner.dedupe.buffer.size"},
    {.name = "log.cleaner.io.max.bytes.per.second"},
    /* Damage. */
    {.name = "scrub.interval.ms"},
    {.name = "scrub.bytes.per.second"},
    /* Between brokers. */
    {.name = "auto.leader.rebalance.enable"},
    {.name = "leader.imbalance.check.interval.seconds"},
    {.name = "leader.imbalance.per.broker.percentage"},
    {.name = "broker.session.timeout.ms"},
    {.name = "broker.heartbeat.interval.ms"},
    {.name = "isolated.clients.ms"},
    {.name = "recovery.bytes.per.second"},
    /* What is so: Kafka's are dynamic, and these may be asked for as they are. */
    {.name = "log.cleaner.threads"},
    {.name = "log.index.size.max.bytes"},
    {.name = "log.preallocate"},
    {.name = "log.flush.interval.messages"},
    {.name = "log.flush.interval.ms"},
    {.name = "compression.gzip.level"},
    {.name = "compression.lz4.level"},
    {.name = "compression.zstd.level"},
    {.name = "log.local.retention.ms"},
    {.name = "log.local.retention.bytes"},
    {.name = "unclean.leader.election.enable"},
    {.name = "max.connections.per.ip.overrides"},
};
enum { ROWS = sizeof table / sizeof table[0] };

const struct dynamic_setting *dynamic_settings_table(size_t *n) {
    *n = ROWS;
    return table;
}

const struct dynamic_setting *dynamic_settings_find(const char *name) {
    for (size_t i = 0; i < ROWS; i++)
        if (strcmp(table[i].name, name) == 0) return &table[i];
    return NULL;
}

/* ---- Checks ---- */

int dynamic_settings_check_name(enum settings_layer layer, const char *name,
                                struct error_text *why) {
    const struct setting_table *rows = broker_settings_rows();
    const struct dynamic_setting *dynamic = dynamic_settings_find(name);
    if (dynamic != NULL && dynamic->one_broker && layer == LAYER_ALL_BROKERS)
        return error_set(why, ERR_DENIED,
                         "%s cannot be set for all brokers at once; name a broker by its id", name);
    if (dynamic != NULL) return ERR_NONE;
    if (setting_table_find(rows, name) >= 0)
        return error_set(why, ERR_DENIED,
                         "%s needs a restart: change it in the broker's configuration file (draved "
                         "--config FILE, --set), and start the broker again",
                         name);
    size_t count;
    const struct setting_absent *absent = broker_settings_absent(&count);
    const char *reason = setting_absent_why(absent, count, name);
    return reason == NULL
               ? setting_table_unknown(rows, name, why)
               : error_set(why, ERR_NOT_FOUND, "%s is of another architecture. %s", name, reason);
}

int dynamic_settings_check(enum settings_layer layer, const char *name, const char *value,
                           struct error_text *why) {
    const struct setting_table *rows = broker_settings_rows();
    int error = dynamic_settings_check_name(layer, name, why);
    return error == ERR_NONE
               ? setting_check(setting_table_row(rows, (size_t)setting_table_find(rows, name)),
                               value, why)
               : error;
}

/* The layer has what is set, as far as it is possible, and nothing else. `warn` NULL: nobody is
 * told of what is not. */
static void lay_all(struct settings *values, enum settings_layer layer,
                    const struct config_set *set, void (*warn)(void *arg, const char *sentence),
                    void *arg) {
    struct error_text why, sentence;
    for (size_t i = 0; i < ROWS; i++)
        settings_lay(values, layer, table[i].name, NULL, &why);
    for (size_t i = 0; set != NULL && i < set->count; i++) {
        const struct config_pair *pair = &set->pairs[i];
        int error = dynamic_settings_check(layer, pair->name, pair->value, &why);
        if (error == ERR_NONE) error = settings_lay(values, layer, pair->name, pair->value, &why);
        if (error == ERR_NONE || warn == NULL) continue;
        error_set(&sentence, error, "%.80s=%.60s, set for %s, does not hold here: %s", pair->name,
                  pair->value, layer == LAYER_BROKER ? "this broker" : "all brokers", why.text);
        warn(arg, sentence.text);
    }
}

int dynamic_settings_check_set(const struct broker_settings *settings, enum settings_layer layer,
                               const struct config_set *set, struct error_text *why) {
    struct broker_settings *outcome = mem_alloc(sizeof *outcome); /* too large for a stack */
    struct settings *values = settings_copy(settings->values);
    lay_all(values, layer, set, NULL, NULL);
    int error = broker_settings_from(values, outcome, why);
    settings_free(values);
    mem_free(outcome);
    return error;
}

/* ---- What holds on one broker ---- */

struct dynamic_settings {
    const struct broker_settings *read;
    struct settings *values; /* with the layers */
    struct broker_settings now;
    struct intervals intervals; /* of those who have them from `now` */
};

struct dynamic_settings *dynamic_settings_new(const struct broker_settings *read) {
    struct dynamic_settings *dynamic = mem_alloc(sizeof *dynamic);
    dynamic->read = read;
    dynamic->values = settings_copy(read->values);
    dynamic->now = *read;
    dynamic->now.values = dynamic->values;
    dynamic->now.intervals = &dynamic->intervals;
    dynamic->intervals = (struct intervals){0};
    return dynamic;
}

void dynamic_settings_free(struct dynamic_settings *dynamic) {
    if (dynamic == NULL) return;
    settings_free(dynamic->values);
    mem_free(dynamic);
}

const struct broker_settings *dynamic_settings_now(const struct dynamic_settings *dynamic) {
    return &dynamic->now;
}

/* Which of the two sets hold: one that contradicts the file, or the other, is left out as a whole.
 * What this broker's own set says was checked with its file, so that of all goes first. */
static struct settings *values_that_fit(const struct dynamic_settings *dynamic,
                                        const struct config_set *of_all,
                                        const struct config_set *of_broker,
                                        struct broker_settings *into,
                                        void (*warn)(void *arg, const char *sentence), void *arg) {
    struct error_text why, later, sentence;
    struct settings *values = settings_copy(dynamic->read->values);
    static const struct {
        bool all, broker;
    } tries[] = {{true, true}, {false, true}, {true, false}, {false, false}};
    for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
        bool first = i == 0;
        lay_all(values, LAYER_ALL_BROKERS, tries[i].all ? of_all : NULL, first ? warn : NULL, arg);
        lay_all(values, LAYER_BROKER, tries[i].broker ? of_broker : NULL, first ? warn : NULL, arg);
        if (broker_settings_from(values, into, first ? &why : &later) != ERR_NONE) continue;
        if (first) return values;
        error_set(&sentence, ERR_INVALID,
                  "what is set for %s does not fit what else this broker has, and does not hold "
                  "here: %s",
                  tries[i].broker ? "all brokers"
                  : tries[i].all  ? "this broker"
                                  : "all brokers and for this one",
                  why.text);
        warn(arg, sentence.text);
        return values;
    }
    CHECK(!"the settings with which the broker started"); /* they were checked then */
    return values;
}

/* Whether the layers of a name are different. */
static bool differs(const struct settings *a, const struct settings *b, unsigned layer,
                    const char *name) {
    const char *one = settings_laid(a, layer, name), *other = settings_laid(b, layer, name);
    return one == NULL || other == NULL ? one != other : strcmp(one, other) != 0;
}

/* What a start found out, and no file says; and texts that people hold on to. */
static void carry_over(const struct broker_settings *read, struct broker_settings *into) {
    into->data_dir = read->data_dir;
    into->rack = read->rack;
    into->segment_files = read->segment_files;
    into->open_files = read->open_files;
    into->connections_most = read->connections_most;
    broker_settings_bound_connections(into);
}

bool dynamic_settings_follow(struct dynamic_settings *dynamic, const struct config_set *of_all,
                             const struct config_set *of_broker,
                             void (*warn)(void *arg, const char *sentence), void *arg) {
    struct broker_settings *next = mem_alloc(sizeof *next); /* too large for a stack */
    struct settings *values = values_that_fit(dynamic, of_all, of_broker, next, warn, arg);
    struct error_text why;
    bool changed = false;
    /* In place: whoever has a text of another setting keeps it. */
    for (size_t i = 0; i < ROWS; i++)
        for (unsigned layer = 0; layer < SETTINGS_LAYERS; layer++) {
            if (!differs(values, dynamic->values, layer, table[i].name)) continue;
            settings_lay(dynamic->values, layer, table[i].name,
                         settings_laid(values, layer, table[i].name), &why);
            changed = true;
        }
    if (changed) {
        int error = broker_settings_from(dynamic->values, next, &why);
        CHECK(error == ERR_NONE); /* values_that_fit found them so */
        carry_over(dynamic->read, next);
        next->intervals = &dynamic->intervals;
        dynamic->now = *next;
        intervals_changed(&dynamic->intervals);
    }
    settings_free(values);
    mem_free(next);
    return changed;
}
