/*
 * The state of all appliers of a partition into one snapshot and back, in steps: neither takes a
 * turn of the loop for itself, however much it is.
 *
 * A snapshot, little-endian: u32 "DRAS", u32 appliers; for each u32 mark, u32 version, u32 length,
 * its bytes. What holds it has a checksum (storage/state/state_files.h). Before there were
 * several appliers a snapshot was the producer state alone; before the start of a log could move
 * there was none of it, before tombstones went there were no marks of them, before there were
 * groups that share, none of those, and before records were delivered later, none of those. All are
 * still read: of the last appliers some may be missing, which are empty then; so those that are
 * empty are left out, for programs that do not know them.
 *
 * Happy path of keeping: the appliers that need many steps go first, one after the other, while
 * entries go on being applied; in the turn in which the last of them ends follow the others, and
 * what has changed meanwhile of those that had ended before, so that all are of one index. Of
 * restoring: applier after applier, before the first entry is applied.
 * Failures: bytes that cannot be read leave all appliers empty. Invariants: nothing is restored
 * while something is kept; both end with the partition.
 */
#include "broker/partition/partition_internal.h"
#include "storage/little_endian.h"

enum {
    SNAPSHOT_MARK = 0x53415244, /* "DRAS" */
    HEAD_SIZE = 8,
    APPLIER_HEAD_SIZE = 12,
    APPLIERS_LATER = 4, /* the last ones, which came one after the other */
};

struct appliers_keeping {
    struct env_task task; /* first */
    struct partition *partition;
    size_t rank; /* of the one whose turn it is */
    void *walks[APPLIERS_MAX];
    struct snapshot_bytes parts[APPLIERS_MAX];
};

struct appliers_restoring {
    struct env_task task; /* first */
    struct partition *partition;
    struct slice bytes;
    log_index index;
    size_t at;      /* in the bytes */
    size_t applier; /* whose turn it is */
    size_t count;   /* of those that the bytes have */
    size_t end;     /* of its bytes; 0: they have not begun */
    void (*done)(struct partition *partition, log_index index);
};

/* ---- Keeping ---- */

/* The one whose turn it is as the `rank`th of those that take several steps: the one of which no
 * rest can follow is the last. NULL: there is none. */
static const struct applier *stepping(const struct partition *partition, size_t rank,
                                      size_t *place) {
    for (int has_rest = 1; has_rest >= 0; has_rest--)
        for (*place = 0; *place < partition->applier_count; (*place)++) {
            const struct applier *applier = &partition->appliers[*place];
            if (applier->type->encode_stop != NULL &&
                (applier->type->encode_rest != NULL) == (has_rest == 1) && rank-- == 0)
                return applier;
        }
    return NULL;
}

/* A step of the one whose turn it is. True: those that take several steps are through, as of now.
 */
static bool encode_step(const struct partition *partition, size_t *rank, void **walks,
                        struct snapshot_bytes *parts) {
    size_t at;
    const struct applier *applier = stepping(partition, *rank, &at);
    if (applier == NULL) return true;
    if (!applier->type->encode(applier->state, &walks[at], &parts[at])) return false;
    if (applier->type->encode_rest == NULL) walks[at] = NULL;
    (*rank)++;
    return stepping(partition, *rank, &at) == NULL;
}

static void encode_others(const struct partition *partition, void **walks,
                          struct snapshot_bytes *parts) {
    for (size_t i = 0; i < partition->applier_count; i++) {
        const struct applier *applier = &partition->appliers[i];
        if (walks[i] != NULL) applier->type->encode_rest(applier->state, walks[i], &parts[i]);
        walks[i] = NULL;
        if (applier->type->encode_stop != NULL) continue;
        bool all = applier->type->encode(applier->state, &walks[i], &parts[i]);
        CHECK(all); /* applier.h: it takes one step */
    }
}

/* One behind the other, each with its head; empties them. */
static struct snapshot_bytes put_together(const struct partition *partition,
                                          struct snapshot_bytes *parts) {
    struct snapshot_bytes all = {0};
    uint8_t head[APPLIER_HEAD_SIZE];
    le_put_u32(head, SNAPSHOT_MARK);
    size_t count = partition->applier_count;
    while (count > partition->applier_count - APPLIERS_LATER && parts[count - 1].len == 0)
        count--;
    le_put_u32(head + 4, (uint32_t)count);
    snapshot_bytes_put(&all, head, HEAD_SIZE);
    for (size_t i = 0; i < count; i++) {
        const struct applier_type *type = partition->appliers[i].type;
        le_put_u32(head, type->mark);
        le_put_u32(head + 4, type->version);
        le_put_u32(head + 8, (uint32_t)parts[i].len);
        snapshot_bytes_put(&all, head, APPLIER_HEAD_SIZE);
        snapshot_bytes_join(&all, &parts[i]);
    }
    return all;
}

static void keeping_end(struct appliers_keeping *keeping) {
    struct partition *partition = keeping->partition;
    partition->keeping = NULL;
    for (size_t i = 0; i < APPLIERS_MAX; i++)
        snapshot_bytes_drop(&keeping->parts[i]);
    mem_free(keeping);
}

static void keep_some(struct env_task *task) {
    struct appliers_keeping *keeping = (struct appliers_keeping *)task;
    struct partition *partition = keeping->partition;
    while (!encode_step(partition, &keeping->rank, keeping->walks, keeping->parts))
        if (env_turn_is_long(partition->env)) {
            env_yield(partition->env, &keeping->task);
            return;
        }
    encode_others(partition, keeping->walks, keeping->parts);
    struct snapshot_bytes all = put_together(partition, keeping->parts);
    partition_log_keep(raft_group_log(partition->group), partition->applied, all.pieces, all.count);
    keeping_end(keeping);
}

void appliers_keep(struct partition *partition) {
    CHECK(partition->keeping == NULL); /* the log asks once for each answer */
    if (partition->applied == 0) {
        partition_log_keep(raft_group_log(partition->group), 0, NULL, 0);
        return;
    }
    struct appliers_keeping *keeping = mem_zalloc(sizeof *keeping);
    keeping->task.run = keep_some;
    keeping->partition = partition;
    partition->keeping = keeping;
    keep_some(&keeping->task);
}

struct slice appliers_encode(struct partition *partition) {
    struct snapshot_bytes parts[APPLIERS_MAX] = {{0}};
    void *walks[APPLIERS_MAX] = {NULL};
    size_t rank = 0;
    while (!encode_step(partition, &rank, walks, parts))
        continue;
    encode_others(partition, walks, parts);
    struct snapshot_bytes all = put_together(partition, parts);
    return snapshot_bytes_whole(&all);
}

/* ---- Restoring ---- */

static void restoring_end(struct appliers_restoring *restoring) {
    restoring->partition->restoring = NULL;
    slice_unref(&restoring->bytes);
    mem_free(restoring);
}

static void appliers_reset(struct partition *partition) {
    for (size_t i = 0; i < partition->applier_count; i++)
        partition->appliers[i].type->reset(partition->appliers[i].state);
}

static void over(struct appliers_restoring *restoring, int error) {
    struct partition *partition = restoring->partition;
    log_index index = error == ERR_NONE ? restoring->index : 0;
    void (*done)(struct partition *, log_index) = restoring->done;
    restoring_end(restoring);
    if (error != ERR_NONE) appliers_reset(partition);
    done(partition, index);
}

/* The head of an applier's bytes: all appliers of ours, and no others, in our order. */
static int begin_applier(struct appliers_restoring *restoring, const struct applier_type *type) {
    const uint8_t *head = restoring->bytes.data + restoring->at;
    size_t left = restoring->bytes.len - restoring->at;
    if (left < APPLIER_HEAD_SIZE || le_get_u32(head) != type->mark) return ERR_MALFORMED;
    size_t len = le_get_u32(head + 8);
    if (left - APPLIER_HEAD_SIZE < len) return ERR_MALFORMED;
    if (le_get_u32(head + 4) > type->version) return ERR_VERSION;
    restoring->at += APPLIER_HEAD_SIZE;
    restoring->end = restoring->at + len;
    return ERR_NONE;
}

/* A step of the applier whose turn it is. */
static int restore_step(struct appliers_restoring *restoring) {
    const struct applier *applier = &restoring->partition->appliers[restoring->applier];
    if (restoring->end == 0) {
        int error = begin_applier(restoring, applier->type);
        if (error != ERR_NONE) return error;
    }
    size_t took = 0;
    int error = applier->type->restore(applier->state, restoring->bytes.data + restoring->at,
                                       restoring->end - restoring->at, &took);
    restoring->at += took;
    if (error == ERR_NONE && restoring->at == restoring->end) {
        restoring->applier++;
        restoring->end = 0;
    }
    return error;
}

static void restore_some(struct env_task *task) {
    struct appliers_restoring *restoring = (struct appliers_restoring *)task;
    struct partition *partition = restoring->partition;
    int error = ERR_NONE;
    while (error == ERR_NONE && restoring->applier < restoring->count) {
        error = restore_step(restoring);
        if (error == ERR_NONE && env_turn_is_long(partition->env)) {
            env_yield(partition->env, &restoring->task);
            return;
        }
    }
    if (restoring->count == 0 || (error == ERR_NONE && restoring->at < restoring->bytes.len))
        error = ERR_MALFORMED;
    over(restoring, error);
}

/* Of how many appliers the bytes are, in our order; 0: they are none that could be ours. */
static size_t count_of(const struct partition *partition, const struct slice *bytes,
                       bool *several) {
    size_t of_old = partition->applier_count - APPLIERS_LATER;
    *several = bytes->len >= HEAD_SIZE && le_get_u32(bytes->data) == SNAPSHOT_MARK;
    if (!*several) return of_old == 1 ? 1 : 0;
    size_t count = le_get_u32(bytes->data + 4);
    return count >= of_old && count <= partition->applier_count ? count : 0;
}

bool appliers_read(const struct partition *partition, struct slice bytes) {
    bool several;
    size_t count = count_of(partition, &bytes, &several);
    struct appliers_restoring look = {.bytes = bytes, .at = HEAD_SIZE};
    for (size_t i = 0; several && i < count; i++) {
        if (begin_applier(&look, partition->appliers[i].type) != ERR_NONE) return false;
        look.at = look.end;
    }
    return several ? count > 0 && look.at == bytes.len : count == 1;
}

void appliers_restore(struct partition *partition, struct slice bytes, log_index index,
                      void (*done)(struct partition *partition, log_index index)) {
    struct appliers_restoring *restoring = mem_zalloc(sizeof *restoring);
    bool several;
    restoring->task.run = restore_some;
    restoring->partition = partition;
    restoring->bytes = bytes;
    restoring->index = index;
    restoring->done = done;
    restoring->count = count_of(partition, &bytes, &several);
    if (several)
        restoring->at = HEAD_SIZE;
    else
        restoring->end = bytes.len;
    partition->restoring = restoring;
    env_yield(partition->env, &restoring->task);
}

/* ---- The end ---- */

void appliers_forget(struct partition *partition) {
    bool asked = partition->keeping != NULL;
    appliers_snapshot_stop(partition);
    if (asked) partition_log_keep(raft_group_log(partition->group), 0, NULL, 0);
    appliers_reset(partition);
}

void appliers_snapshot_stop(struct partition *partition) {
    struct appliers_keeping *keeping = partition->keeping;
    struct appliers_restoring *restoring = partition->restoring;
    if (keeping != NULL) {
        env_defer_cancel(partition->env, &keeping->task);
        for (size_t i = 0; i < partition->applier_count; i++)
            if (keeping->walks[i] != NULL)
                partition->appliers[i].type->encode_stop(partition->appliers[i].state,
                                                         keeping->walks[i]);
        keeping_end(keeping);
    }
    if (restoring != NULL) {
        env_defer_cancel(partition->env, &restoring->task);
        restoring_end(restoring);
    }
}
