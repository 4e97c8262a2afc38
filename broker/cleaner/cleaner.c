/* The walk, its timer, and the round under way. */
#include "broker/cleaner/cleaner.h"

#include <inttypes.h>

#include "base/container_of.h"
#include "base/mem.h"
#include "broker/cleaner/tombstone_marking.h"
#include "broker/config/interval.h"

/* More than that of one batch is not unfolded at once only to drop some records of it: the batch
 * stays as it is. */
enum { UNFOLDED_MAX = 64 << 20 };

struct cleaner {
    struct env *env;
    struct log *log;
    const struct broker_settings *settings;
    struct log_store *store;
    struct partition_set *partitions;
    struct tombstone_marking *marking;
    struct interval backoff;
    struct partition_walk walk;
    uint64_t dirtiest; /* its group; 0: none was found so far */
    struct partition_dirt dirt;
    struct log_cleaning cleaning; /* of `cleaned`, while its round is not NULL */
    uint64_t cleaned;
    struct log_limiter complaints;
};

static uint64_t backoff_us(const struct broker_settings *settings) {
    return settings->cleaner_backoff_ms * 1000;
}

static void look_later(struct cleaner *cleaner) {
    interval_begin(&cleaner->backoff);
}

static bool goes_before(const struct partition_dirt *dirt, const struct partition_dirt *other) {
    if (dirt->internal != other->internal) return dirt->internal;
    if (dirt->overdue != other->overdue) return dirt->overdue;
    return dirt->ratio > other->ratio;
}

/* Why it is not cleaned now. NULL: it is closed. */
static void tell(struct cleaner *cleaner, const struct partition *partition, int error) {
    char label[PARTITION_LABEL_MAX] = "a partition";
    if (partition != NULL)
        partition_label(partition_topic(partition), partition_index(partition), label);
    log_limited(cleaner->log, &cleaner->complaints, LOGGED_CLEANING_FAILED,
                "%s could not be cleaned (%s); %s; it is tried again", label, error_phrase(error),
                error_advice(error));
}

static void weigh(struct cleaner *cleaner, struct partition *partition) {
    struct partition_dirt dirt;
    if (!partition_is_dirty(partition, &dirt)) return;
    if (dirt.no_room) {
        tell(cleaner, partition, ERR_NO_SPACE);
        return;
    }
    if (cleaner->dirtiest > 0 && !goes_before(&dirt, &cleaner->dirt)) return;
    cleaner->dirtiest = raft_group_id(partition_group(partition));
    cleaner->dirt = dirt;
}

static void clean_dirtiest(struct cleaner *cleaner) {
    const struct broker_settings *settings = cleaner->settings;
    struct log_clean_options options = {.map_bytes = settings->cleaner_map_bytes,
                                        .bytes_per_second = settings->cleaner_bytes_per_second,
                                        .unfolded_max = settings->message_unfolded_max_bytes};
    if (options.unfolded_max > UNFOLDED_MAX) options.unfolded_max = UNFOLDED_MAX;
    struct partition *partition = cleaner->dirtiest > 0
                                      ? partition_set_find_group(cleaner->partitions,
                                                                 cleaner->dirtiest)
                                      : NULL;
    cleaner->cleaned = cleaner->dirtiest;
    int error = partition != NULL ? partition_clean(partition, &options, &cleaner->cleaning)
                                  : ERR_NONE;
    if (error != ERR_NONE) partition_was_cleaned(partition, error, settings->cleaner_backoff_ms);
    look_later(cleaner); /* also behind a round whose partition is closed */
}

static void meet(struct partition_walk *walk, struct partition *partition) {
    struct cleaner *cleaner = CONTAINER_OF(walk, struct cleaner, walk);
    tombstone_marking_meet(cleaner->marking, partition);
    weigh(cleaner, partition);
}

static void on_over(struct partition_walk *walk) {
    struct cleaner *cleaner = CONTAINER_OF(walk, struct cleaner, walk);
    tombstone_marking_ask(cleaner->marking);
    clean_dirtiest(cleaner);
}

static void look(struct cleaner *cleaner) {
    bool short_of_room = disk_space_is_short(log_store_room(cleaner->store), DISK_ROOM_LEADER);
    if (cleaner->cleaning.round != NULL || partition_walk_is_on(&cleaner->walk) || short_of_room) {
        look_later(cleaner);
        return;
    }
    cleaner->dirtiest = 0;
    partition_walk_begin(cleaner->partitions, &cleaner->walk);
}

static void backoff_over(struct interval *interval) {
    look(CONTAINER_OF(interval, struct cleaner, backoff));
}

static void cleaned(struct log_cleaning *cleaning, int error) {
    struct cleaner *cleaner = CONTAINER_OF(cleaning, struct cleaner, cleaning);
    struct partition *partition = partition_set_find_group(cleaner->partitions, cleaner->cleaned);
    char label[PARTITION_LABEL_MAX] = "a partition";
    if (partition != NULL)
        partition_was_cleaned(partition, error, cleaner->settings->cleaner_backoff_ms);
    if (error != ERR_NONE) {
        tell(cleaner, partition, error);
        return; /* the timer runs */
    }
    if (partition != NULL)
        partition_label(partition_topic(partition), partition_index(partition), label);
    log_debug(cleaner->log, "cleaned %s: %" PRIu64 " bytes of segments are %" PRIu64 " now", label,
              cleaning->bytes_before, cleaning->bytes_after);
    look(cleaner);
}

struct cleaner *cleaner_new(struct env *env, struct log *log,
                            const struct broker_settings *settings, struct log_store *store,
                            struct partition_set *partitions, struct broker_messages *messages) {
    struct cleaner *cleaner = mem_zalloc(sizeof *cleaner);
    cleaner->env = env;
    cleaner->log = log;
    cleaner->settings = settings;
    cleaner->store = store;
    cleaner->partitions = partitions;
    cleaner->marking = tombstone_marking_new(settings->node_id, partitions, messages);
    cleaner->walk.meet = meet;
    cleaner->walk.over = on_over;
    cleaner->cleaning.done = cleaned;
    interval_open(&cleaner->backoff, env, settings, backoff_us, backoff_over);
    look_later(cleaner);
    return cleaner;
}

void cleaner_free(struct cleaner *cleaner) {
    if (cleaner == NULL) return;
    log_cleaning_cancel(&cleaner->cleaning);
    partition_walk_end(&cleaner->walk);
    interval_close(&cleaner->backoff);
    tombstone_marking_free(cleaner->marking);
    mem_free(cleaner);
}
