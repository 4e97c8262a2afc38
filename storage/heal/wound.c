/* The list of wounds; one that is being mended, in jobs of the pool. */
#include "storage/heal/wound.h"

#include "base/check.h"
#include "base/mem.h"

/* ---- What starts have found ---- */

void wounds_add(struct wounds *wounds, const struct wound *wound) {
    size_t i = 0;
    while (i < wounds->count && wounds->list[i].group != wound->group)
        i++;
    if (i == WOUNDS_MOST) { /* it is noted again, when there is room */
        mem_free(wound->group_path);
        return;
    }
    if (i < wounds->count)
        mem_free(wounds->list[i].group_path);
    else
        wounds->count++;
    wounds->list[i] = *wound;
}

bool wounds_take(struct wounds *wounds, struct wound *into) {
    if (wounds->count == 0) return false;
    *into = wounds->list[0];
    wounds->count--;
    for (size_t i = 0; i < wounds->count; i++)
        wounds->list[i] = wounds->list[i + 1];
    return true;
}

void wounds_close(struct wounds *wounds) {
    struct wound wound;
    while (wounds_take(wounds, &wound))
        mem_free(wound.group_path);
}

/* ---- One that is mended ---- */

enum { STEP_BYTES = 4 << 20, LAST_INDEX_UNKNOWN = 0, INTERVAL_BYTES = 64 << 10 };

enum wound_stage {
    WOUND_CHECK,
    WOUND_MEND,
    WOUND_ASK,
    WOUND_TAKE,
    WOUND_WRITE,
    WOUND_FILL_BEGIN, /* of a refill; */
    WOUND_FILL_ASK,
    WOUND_FILL,
};

struct wound_mending {
    struct env_job job; /* first: a job is its mending */
    struct env *env;
    struct wound wound;
    const struct wound_mending_events *events; /* NULL: canceled */
    void *arg;
    enum wound_stage stage;
    struct env_file *file; /* NULL: not open */
    struct segment_check check;
    struct segment_mend mend;
    struct mend_points points;
    bool is_mending;              /* `mend` is open */
    uint64_t mended_at, entries;  /* where the last one was; of all that is mended */
    struct entry *entry;          /* that was given */
    struct segment_output output; /* of a refill */
    struct entry **given;         /* to be added to it, */
    size_t given_count;
    bool through; /* ... as the last */
    bool busy, sync_failed;
    int error;
};

static void drop_given(struct wound_mending *mending) {
    for (size_t i = 0; i < mending->given_count; i++)
        entry_unref(mending->given[i]);
    mem_free(mending->given);
    mending->given = NULL;
    mending->given_count = 0;
}

/* A start removes what is left of an unfinished one. */
static void mending_free(struct wound_mending *mending) {
    kafka_offset unfinished;
    segment_output_close(&mending->output, &unfinished);
    drop_given(mending);
    if (mending->is_mending) segment_mend_close(&mending->mend);
    if (mending->file != NULL) segment_check_close(&mending->check);
    env_file_close(mending->file);
    mem_free(mending->points.points);
    entry_unref(mending->entry);
    mem_free(mending->wound.group_path);
    mem_free(mending);
}

static int open_file(struct wound_mending *mending) {
    const struct wound *wound = &mending->wound;
    if (mending->file != NULL) return ERR_NONE;
    char *path = path_of_segment(wound->group_path, wound->header.base_offset, SEGMENT_FILE_LOG);
    int error = env_file_open(mending->env, path, ENV_READ | ENV_WRITE, &mending->file);
    mem_free(path);
    if (error) {
        mending->file = NULL;
        return error;
    }
    segment_check_begin(&mending->check, mending->file, &wound->header, &wound->end);
    mending->points = mend_points_load(mending->env, wound->group_path, &wound->header,
                                       wound->end.position);
    return ERR_NONE;
}

static int check(struct wound_mending *mending) {
    int error = open_file(mending);
    return error ? error : segment_check_step(&mending->check, STEP_BYTES);
}

static int begin_mend(struct wound_mending *mending) {
    const struct wound *wound = &mending->wound;
    struct segment_end end = wound->end;
    if (end.last_index == LAST_INDEX_UNKNOWN) end.last_index = INT64_MAX;
    mending->is_mending = true;
    if (mending->check.header_damaged)
        segment_mend_open_header(&mending->mend, mending->env, wound->group_path, mending->file,
                                 &wound->header, &end);
    else
        segment_mend_open(&mending->mend, mending->env, wound->group_path, mending->file,
                          &wound->header, &end, &mending->check.at, &mending->points);
    return mending->mend.whole ? ERR_NONE : ERR_AGAIN;
}

/* What was written is read again. */
static void check_again(struct wound_mending *mending) {
    const struct wound *wound = &mending->wound;
    struct check_place at = mending->check.at;
    bool header = mending->check.header_damaged;
    mending->mended_at = header ? 0 : at.position;
    mending->entries += mending->mend.count;
    segment_mend_close(&mending->mend);
    mending->is_mending = false;
    segment_check_close(&mending->check);
    if (header)
        segment_check_begin(&mending->check, mending->file, &wound->header, &wound->end);
    else
        segment_check_begin_at(&mending->check, mending->file, &wound->header, &wound->end, &at);
}

/* ---- A refill ---- */

static int fill_begin(struct wound_mending *mending) {
    struct segment_header header = mending->wound.header;
    kafka_offset ignored;
    segment_output_close(&mending->output, &ignored); /* of a giver before */
    mending->entries = 0;
    header.generation++;
    header.unread = UINT32_MAX;
    header.keeps_stale = false;
    return segment_output_begin(&mending->output, mending->env, mending->wound.group_path, &header,
                                INTERVAL_BYTES);
}

/* The index of what was there before must not be taken for that of the new one. */
static int fill_end(struct wound_mending *mending) {
    const struct wound *wound = &mending->wound;
    kafka_offset base = wound->header.base_offset;
    char *clean = path_of_segment(wound->group_path, base, SEGMENT_FILE_CLEAN),
         *path = path_of_segment(wound->group_path, base, SEGMENT_FILE_LOG),
         *index = path_of_segment(wound->group_path, base, SEGMENT_FILE_INDEX);
    int error = segment_output_finish(&mending->output);
    mending->sync_failed = mending->output.sync_failed;
    if (!error) error = env_unlink(mending->env, index);
    if (error == ERR_NOT_FOUND) error = ERR_NONE;
    if (!error) error = env_rename(mending->env, clean, path);
    if (!error) {
        error = env_sync_dir(mending->env, wound->group_path);
        mending->sync_failed = error != ERR_NONE && error != ERR_LIMIT;
    }
    mem_free(clean);
    mem_free(path);
    mem_free(index);
    return error;
}

static int fill(struct wound_mending *mending) {
    int error = ERR_NONE;
    for (size_t i = 0; i < mending->given_count && !error; i++) {
        const struct entry *entry = mending->given[i];
        if (entry->type != ENTRY_BATCHES) continue; /* nobody needs it any more */
        if (entry->group != mending->wound.group ||
            !segment_index_takes(&mending->output.index, entry))
            return ERR_CORRUPT;
        error = segment_output_add(&mending->output, entry);
        mending->entries++;
    }
    return !error && mending->through ? fill_end(mending) : error;
}

/* ---- Jobs ---- */

static void mending_work(struct env_job *job) {
    struct wound_mending *mending = (struct wound_mending *)job;
    switch (mending->stage) {
    case WOUND_CHECK: mending->error = check(mending); break;
    case WOUND_MEND: mending->error = begin_mend(mending); break;
    case WOUND_TAKE: mending->error = segment_mend_take(&mending->mend, mending->entry); break;
    case WOUND_WRITE:
        mending->error = segment_mend_write(&mending->mend, &mending->sync_failed);
        break;
    case WOUND_FILL_BEGIN: mending->error = fill_begin(mending); break;
    case WOUND_FILL: mending->error = fill(mending); break;
    case WOUND_ASK:
    case WOUND_FILL_ASK: break;
    }
}

static void mending_done(struct env_job *job);

static void run(struct wound_mending *mending, enum wound_stage stage) {
    mending->stage = stage;
    mending->busy = true;
    mending->job = (struct env_job){.work = mending_work, .done = mending_done};
    env_pool_run(mending->env, &mending->job);
}

static void end(struct wound_mending *mending, int error) {
    const struct wound_mending_events *events = mending->events;
    void *arg = mending->arg;
    uint64_t entries = mending->entries;
    mending_free(mending);
    events->done(arg, error, entries);
}

static void checked(struct wound_mending *mending) {
    uint64_t at = mending->check.header_damaged ? 0 : mending->check.at.position;
    if (mending->error == ERR_NONE)
        run(mending, WOUND_CHECK);
    else if (mending->error == ERR_EOF)
        end(mending, ERR_NONE);
    else if (mending->file == NULL || !error_is_damage(mending->error) || mending->mended_at == at)
        end(mending, mending->error);
    else
        run(mending, WOUND_MEND);
}

static void take_filled(struct wound_mending *mending) {
    const struct segment_header *header = &mending->wound.header;
    bool begins = mending->stage == WOUND_FILL_BEGIN;
    if (mending->error || (!begins && mending->through)) {
        end(mending, mending->error);
        return;
    }
    mending->stage = WOUND_FILL_ASK;
    mending->events->lacks_range(mending->arg, header->first_index, header->last_index, begins);
}

static void take_result(struct wound_mending *mending) {
    entry_unref(mending->entry);
    mending->entry = NULL;
    drop_given(mending);
    if (mending->wound.refill) {
        take_filled(mending);
    } else if (mending->stage == WOUND_CHECK) {
        checked(mending);
    } else if (mending->error == ERR_AGAIN) {
        mending->stage = WOUND_ASK;
        mending->events->lacks(mending->arg, mending->mend.first + mending->mend.count);
    } else if (mending->error) {
        end(mending, mending->error);
    } else if (mending->stage == WOUND_WRITE) {
        check_again(mending);
        run(mending, WOUND_CHECK);
    } else {
        run(mending, WOUND_WRITE);
    }
}

static void mending_done(struct env_job *job) {
    struct wound_mending *mending = (struct wound_mending *)job;
    mending->busy = false;
    if (mending->sync_failed)
        env_fatal(
            mending->env, "cannot sync what was mended in %s (%s); %s, and start this broker again",
            mending->wound.group_path, error_phrase(mending->error), error_advice(mending->error));
    if (mending->events == NULL)
        mending_free(mending);
    else
        take_result(mending);
}

struct wound_mending *wound_mending_begin(struct env *env, const struct wound *wound,
                                          const struct wound_mending_events *events, void *arg) {
    struct wound_mending *mending = mem_zalloc(sizeof *mending);
    mending->env = env;
    mending->wound = *wound;
    mending->events = events;
    mending->arg = arg;
    mending->mended_at = UINT64_MAX;
    run(mending, wound->refill ? WOUND_FILL_BEGIN : WOUND_CHECK);
    return mending;
}

static bool is_lacking(const struct wound_mending *mending, const struct entry *entry) {
    const struct segment_mend *mend = &mending->mend;
    const struct wound *wound = &mending->wound;
    const struct entry *before = mend->count > 0 ? mend->entries[mend->count - 1] : NULL;
    kafka_offset offset = before ? before->base_offset + before->records : mending->check.at.offset;
    return entry->group == wound->group && entry->index == mend->first + mend->count &&
           entry->base_offset == offset && entry->term >= wound->least &&
           entry->term <= wound->most;
}

int wound_mending_give(struct wound_mending *mending, struct entry *entry) {
    CHECK(mending->stage == WOUND_ASK && !mending->busy); /* the owner's own state */
    if (!is_lacking(mending, entry)) return ERR_CORRUPT;
    mending->entry = entry_ref(entry);
    run(mending, WOUND_TAKE);
    return ERR_NONE;
}

void wound_mending_give_range(struct wound_mending *mending, struct entry *const *entries,
                              size_t count, bool through) {
    CHECK(mending->stage == WOUND_FILL_ASK && !mending->busy); /* the owner's own state */
    mending->given = count > 0 ? mem_alloc(count * sizeof(struct entry *)) : NULL;
    for (size_t i = 0; i < count; i++)
        mending->given[i] = entry_ref(entries[i]);
    mending->given_count = count;
    mending->through = through;
    run(mending, WOUND_FILL);
}

void wound_mending_range_again(struct wound_mending *mending) {
    CHECK(mending->stage == WOUND_FILL_ASK && !mending->busy);
    run(mending, WOUND_FILL_BEGIN);
}

void wound_mending_give_up(struct wound_mending *mending) {
    CHECK((mending->stage == WOUND_ASK || mending->stage == WOUND_FILL_ASK) && !mending->busy);
    end(mending, ERR_NOT_FOUND);
}

void wound_mending_cancel(struct wound_mending *mending) {
    if (mending == NULL) return;
    mending->events = NULL;
    if (!mending->busy) mending_free(mending);
}
