/* When the table is kept, and what a start makes of it. */
#include "broker/metadata/image/metadata_keeper.h"

#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"
#include "broker/metadata/image/metadata_image.h"
#include "broker/metadata/image/metadata_keeping.h"
#include "broker/metadata/image/metadata_restoring.h"
#include "protocol/record/record_batch.h"
#include "protocol/record/record_batch_builder.h"
#include "storage/little_endian.h"

enum { MARK_FORMAT = 1, MARK_SIZE = 9 };

struct metadata_keeper {
    struct env *env;
    struct log *lines;
    struct metadata *metadata;
    uint64_t every_bytes;
    void (*restored)(void *arg);
    void *arg;
    struct metadata_group *group;
    struct partition_log *log;            /* of the group; NULL: it is not open */
    struct metadata_keeping *keeping;     /* NULL: the log has not asked, or has its answer */
    struct metadata_restoring *restoring; /* NULL: the table is as the log says */
    struct metadata_restoring *leaving;   /* an earlier one, which ends; NULL: none does */
    log_index restored_index;             /* of that image */
    bool waits;                           /* one begins when that has ended, with: */
    struct slice image;
    log_index told; /* the table says what an image of that entry said, or more; 0: none was read */
    bool older;     /* an older image came: the log is told that the table stays */
    struct env_task stay;
    uint64_t marked_bytes; /* of the log, behind the last mark */
    log_index mark;        /* that was submitted and is not applied; 0: none is */
};

/* ---- Marks ---- */

struct slice metadata_mark_encode(log_index everywhere, kafka_offset offset, int64_t wall_ms) {
    struct record_batch_options options = record_batch_plain();
    options.base_offset = offset;
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    uint8_t value[MARK_SIZE] = {MARK_FORMAT}, *bytes;
    size_t len;
    le_put_u64(value + 1, everywhere);
    record_batch_builder_append(builder, wall_ms, NULL, -1, value, sizeof value, NULL, 0);
    int error = record_batch_builder_finish(builder, &bytes, &len);
    CHECK(error == ERR_NONE); /* one small record */
    return slice_adopt(NULL, bytes, len);
}

bool metadata_mark_decode(const void *bytes, size_t len, log_index *everywhere) {
    struct record_batch batch;
    struct record_iterator records;
    struct record record;
    struct error_text why;
    if (record_batch_parse(bytes, len, &batch, &why) != ERR_NONE ||
        record_iterator_open(&records, &batch, ENTRY_BODY_MAX) != ERR_NONE)
        return false;
    bool is_mark = record_iterator_next(&records, &record) == ERR_NONE &&
                   record.value_len == MARK_SIZE && record.value[0] == MARK_FORMAT;
    if (is_mark) *everywhere = le_get_u64(record.value + 1);
    record_iterator_close(&records);
    return is_mark;
}

static void on_marked(void *arg, const struct entry *entry) {
    struct metadata_keeper *keeper = arg;
    log_index everywhere;
    struct slice raw;
    keeper->marked_bytes = partition_log_committed_bytes(keeper->log);
    if (keeper->mark <= entry->index) keeper->mark = 0;
    if (entry_raw((struct entry *)entry, NULL, false, &raw) != ERR_NONE) return;
    bool is_mark = metadata_mark_decode(raw.data, raw.len, &everywhere);
    slice_unref(&raw);
    if (!is_mark) return; /* of a newer version */
    partition_log_roll(keeper->log);
    partition_log_drop_prefix(keeper->log, entry->base_offset + entry->records, everywhere, 0);
}

static void submit_mark(struct metadata_keeper *keeper) {
    struct raft_group *raft = metadata_group_raft(keeper->group);
    kafka_offset offset = partition_log_end_offset(keeper->log);
    int64_t wall_ms = env_wall_ms(keeper->env);
    struct entry_spec spec = {
        .type = ENTRY_BATCHES,
        .batches = 1,
        .records = 1,
        .base_offset = offset,
        .max_timestamp = wall_ms,
        .raw = metadata_mark_encode(raft_group_everywhere(raft), offset, wall_ms)};
    if (raft_group_submit(raft, &spec, &keeper->mark) == ERR_NONE) return;
    keeper->mark = 0;
    slice_unref(&spec.raw); /* with one of the next commands */
}

static void on_applied(void *arg) {
    struct metadata_keeper *keeper = arg;
    uint64_t bytes = partition_log_committed_bytes(keeper->log);
    bool leads = metadata_group_is_leading(keeper->group);
    if (!leads) keeper->mark = 0;
    if (bytes < keeper->marked_bytes) keeper->marked_bytes = bytes; /* its beginning has gone */
    if (leads && keeper->mark == 0 && bytes - keeper->marked_bytes >= keeper->every_bytes)
        submit_mark(keeper);
}

/* ---- Keeping ---- */

static void on_kept(void *arg, struct slice *parts, size_t count) {
    struct metadata_keeper *keeper = arg;
    keeper->keeping = NULL;
    partition_log_keep(keeper->log, metadata_group_applied(keeper->group), parts, count);
}

static void on_keep_wanted(void *arg) {
    struct metadata_keeper *keeper = arg;
    CHECK(keeper->keeping == NULL); /* the log asks once for each answer */
    bool busy = keeper->restoring != NULL || keeper->waits || keeper->older;
    if (busy || metadata_group_applied(keeper->group) == 0)
        partition_log_keep(keeper->log, 0, NULL, 0);
    else
        keeper->keeping = metadata_keeping_begin(keeper->env, keeper->metadata, on_kept, keeper);
}

static void on_left(void *arg, int error);

static void stop(struct metadata_keeper *keeper) {
    metadata_keeping_end(keeper->keeping);
    keeper->keeping = NULL;
    slice_unref(&keeper->image);
    keeper->waits = keeper->older = false;
    env_defer_cancel(keeper->env, &keeper->stay);
    if (keeper->restoring == NULL) return;
    CHECK(keeper->leaving == NULL); /* that one begins when there is none */
    keeper->leaving = keeper->restoring;
    keeper->restoring = NULL;
    if (metadata_restoring_leave(keeper->leaving, on_left, keeper))
        keeper->told = keeper->restored_index;
}

/* ---- Restoring ---- */

static void on_restored(void *arg, int error) {
    struct metadata_keeper *keeper = arg;
    keeper->restoring = NULL;
    if (error == ERR_NONE) {
        keeper->told = keeper->restored_index;
        keeper->restored(keeper->arg);
    } else {
        log_event(
            keeper->lines, LOGGED_METADATA_COPY_BAD,
            "the table of metadata that is kept beside its log cannot be read (%s): all of the "
            "log is applied again instead",
            error_phrase(error));
        partition_log_refuse_snapshot(keeper->log);
    }
    metadata_group_restored(keeper->group, error == ERR_NONE ? keeper->restored_index : 0);
}

static void begin_restoring(struct metadata_keeper *keeper) {
    struct slice image = keeper->image;
    keeper->image = (struct slice){0};
    keeper->waits = false;
    keeper->restoring = metadata_restoring_begin(keeper->env, keeper->metadata, image,
                                                 keeper->restored_index,
                                                 env_random_u64(keeper->env), on_restored, keeper);
}

static void on_left(void *arg, int error) {
    struct metadata_keeper *keeper = arg;
    (void)error;
    keeper->leaving = NULL;
    if (keeper->waits) begin_restoring(keeper);
    if (keeper->older) env_defer(keeper->env, &keeper->stay);
}

static log_index table_index(const struct metadata_keeper *keeper) {
    log_index applied = metadata_group_applied(keeper->group);
    return applied > keeper->told ? applied : keeper->told;
}

/* What nobody has been told of yet, because an earlier image was left, they are told now. */
static void on_stay(struct env_task *task) {
    struct metadata_keeper *keeper = CONTAINER_OF(task, struct metadata_keeper, stay);
    keeper->older = false;
    keeper->restored(keeper->arg);
    metadata_group_restored(keeper->group, table_index(keeper));
}

static bool on_restore(void *arg, struct metadata_group *group, struct partition_log *log) {
    struct metadata_keeper *keeper = arg;
    bool asked = keeper->keeping != NULL;
    stop(keeper);
    if (asked) partition_log_keep(log, 0, NULL, 0); /* of the log that was in force */
    keeper->group = group;
    keeper->log = log;
    keeper->marked_bytes = 0;
    partition_log_on_seal(log, keeper->every_bytes, on_keep_wanted, keeper);
    if (!partition_log_snapshot(log, &keeper->restored_index, &keeper->image)) {
        metadata_restoring_end(keeper->leaving); /* what is applied next ends its telling */
        keeper->leaving = NULL;
        return false;
    }
    keeper->older = keeper->restored_index < table_index(keeper);
    if (keeper->older) {
        slice_unref(&keeper->image);
        keeper->image = (struct slice){0};
        if (keeper->leaving == NULL) env_defer(keeper->env, &keeper->stay);
        return true;
    }
    keeper->waits = true;
    if (keeper->leaving == NULL) begin_restoring(keeper);
    return true;
}

/* Its log is closed next. */
static void on_closed(void *arg) {
    stop(arg);
}

struct metadata_group_keeper metadata_keeper_hooks(struct metadata_keeper *keeper) {
    return (struct metadata_group_keeper){.restore = on_restore,
                                          .reads = image_is_known,
                                          .marked = on_marked,
                                          .applied = on_applied,
                                          .closed = on_closed,
                                          .arg = keeper};
}

struct metadata_keeper *metadata_keeper_new(struct env *env, struct log *log,
                                            struct metadata *metadata, uint64_t every_bytes,
                                            void (*restored)(void *arg), void *arg) {
    struct metadata_keeper *keeper = mem_zalloc(sizeof *keeper);
    keeper->env = env;
    keeper->lines = log;
    keeper->metadata = metadata;
    keeper->every_bytes = every_bytes;
    keeper->stay.run = on_stay;
    keeper->restored = restored;
    keeper->arg = arg;
    return keeper;
}

void metadata_keeper_free(struct metadata_keeper *keeper) {
    if (keeper == NULL) return;
    stop(keeper);
    metadata_restoring_end(keeper->leaving);
    mem_free(keeper);
}
