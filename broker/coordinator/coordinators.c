/* The partitions of the topic that are open here, by number, and who waits for one to lead. */
#include "broker/coordinator/coordinators.h"

#include <string.h>

#include <utlist.h>

#include "base/check.h"
#include "base/env.h"
#include "base/mem.h"
#include "broker/coordinator/coordinator_key.h"
#include "broker/coordinator/coordinator_partition.h"
#include "protocol/kafka_error.h"

struct coordinators {
    struct coordinators_options options;
    struct coordinator_partition *open[METADATA_PARTITIONS_MAX];
    int32_t end;                    /* behind the last number that was ever open */
    struct coordinator_find *finds; /* that wait, as they came */
    struct env_timer *timer;        /* for the first of them */
};

/* ---- Waiting ---- */

static void start_timer(struct coordinators *coordinators) {
    const struct coordinator_find *first = coordinators->finds;
    if (first == NULL)
        env_timer_stop(coordinators->timer);
    else
        env_timer_start(coordinators->timer,
                        env_ms_until(coordinators->options.env, first->until_ms) * UINT64_C(1000));
}

static void take_out(struct coordinator_find *find) {
    struct coordinators *coordinators = find->coordinators;
    bool first = coordinators->finds == find;
    DL_DELETE(coordinators->finds, find);
    find->coordinators = NULL;
    if (first) start_timer(coordinators);
}

static void find_end(struct coordinator_find *find, void *state) {
    take_out(find);
    find->done(find, state, state == NULL ? KAFKA_NOT_COORDINATOR : KAFKA_NONE);
}

/* Who is told may begin to wait again, behind the others, or take others out. */
static struct coordinator_find *next_of(const struct coordinators *coordinators,
                                        int32_t partition) {
    struct coordinator_find *find;
    DL_FOREACH(coordinators->finds, find)
    if (find->partition == partition) break;
    return find;
}

static void settle(struct coordinators *coordinators, int32_t partition, void *state) {
    struct coordinator_find *find;
    while ((find = next_of(coordinators, partition)) != NULL)
        find_end(find, state);
}

static void on_late(void *arg) {
    struct coordinators *coordinators = arg;
    uint64_t now_ms = env_now_ms(coordinators->options.env);
    while (coordinators->finds != NULL && coordinators->finds->until_ms <= now_ms)
        find_end(coordinators->finds, NULL);
    start_timer(coordinators);
}

/* ---- Partitions ---- */

static void on_leading(void *arg, struct coordinator_partition *partition) {
    settle(arg, coordinator_partition_index(partition), coordinator_partition_state(partition));
}

static void on_not_leading(void *arg, struct coordinator_partition *partition) {
    settle(arg, coordinator_partition_index(partition), NULL);
}

static void on_gone(void *arg, struct coordinator_partition *partition) {
    struct coordinators *coordinators = arg;
    int32_t index = coordinator_partition_index(partition);
    if (coordinators->open[index] != partition) return;
    coordinators->open[index] = NULL;
    settle(coordinators, index, NULL);
}

void coordinators_make(void *arg, const struct metadata_partition *partition,
                       struct applier *applier) {
    struct coordinators *coordinators = arg;
    const struct coordinators_options *options = &coordinators->options;
    if (strcmp(partition->topic->name, options->topic) != 0) return;
    struct coordinator_partition_spec spec = {.env = options->env,
                                              .index = partition->index,
                                              .write_timeout_ms = options->write_timeout_ms,
                                              .type = options->type,
                                              .state_new = options->state_new,
                                              .state_arg = options->arg,
                                              .leading = on_leading,
                                              .not_leading = on_not_leading,
                                              .gone = on_gone,
                                              .arg = coordinators};
    struct coordinator_partition *made = coordinator_partition_new(&spec);
    coordinators->open[partition->index] = made;
    if (partition->index >= coordinators->end) coordinators->end = partition->index + 1;
    *applier = coordinator_partition_applier(made);
}

/* ---- Finding ---- */

const struct metadata_partition *coordinators_partition_of(const struct coordinators *coordinators,
                                                           const char *key, size_t len) {
    const struct coordinators_options *options = &coordinators->options;
    const struct metadata_topic *topic = metadata_topic_named(options->metadata, options->topic,
                                                              strlen(options->topic));
    if (topic == NULL) return NULL;
    return &topic->partitions[coordinator_key_partition(key, len, topic->partition_count)];
}

void coordinators_find(struct coordinators *coordinators, const char *key, size_t len,
                       struct coordinator_find *find) {
    const struct metadata_partition *source = coordinators_partition_of(coordinators, key, len);
    struct coordinator_partition *partition = source == NULL ? NULL
                                                             : coordinators->open[source->index];
    find->coordinators = NULL;
    if (partition != NULL && coordinator_partition_is_leading(partition)) {
        find->done(find, coordinator_partition_state(partition), KAFKA_NONE);
        return;
    }
    if (partition == NULL || !coordinator_partition_is_electing(partition)) {
        find->done(find, NULL, KAFKA_NOT_COORDINATOR);
        return;
    }
    find->coordinators = coordinators;
    find->partition = source->index;
    find->until_ms = env_now_ms(coordinators->options.env) + COORDINATOR_WAIT_MS;
    DL_APPEND(coordinators->finds, find);
    if (coordinators->finds == find) start_timer(coordinators);
}

void coordinators_find_cancel(struct coordinator_find *find) {
    if (find->coordinators != NULL) take_out(find);
}

size_t coordinators_each(struct coordinators *coordinators, void (*each)(void *arg, void *state),
                         void *arg) {
    size_t electing = 0;
    for (int32_t i = 0; i < coordinators->end; i++) {
        struct coordinator_partition *partition = coordinators->open[i];
        if (partition == NULL) continue;
        if (coordinator_partition_is_leading(partition))
            each(arg, coordinator_partition_state(partition));
        else if (coordinator_partition_is_electing(partition))
            electing++;
    }
    return electing;
}

/* ---- Life ---- */

struct coordinators *coordinators_new(const struct coordinators_options *options) {
    struct coordinators *coordinators = mem_zalloc(sizeof *coordinators);
    coordinators->options = *options;
    coordinators->timer = env_timer_new(options->env, on_late, coordinators);
    return coordinators;
}

void coordinators_free(struct coordinators *coordinators) {
    if (coordinators == NULL) return;
    CHECK(coordinators->finds == NULL); /* they have ended with their partitions */
    env_timer_free(coordinators->timer);
    mem_free(coordinators);
}
