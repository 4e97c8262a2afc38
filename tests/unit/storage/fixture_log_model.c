/* Doing the same to the log and to the array, and comparing them. */
#include "tests/unit/storage/fixture_log_model.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "protocol/record/record_batch.h"
#include "storage/log/write_behind.h"
#include "tests/unit/unit.h"

/* ---- Opening and closing ---- */

static void durable(void *arg, uint64_t index) {
    struct log_model *model = arg;
    assert_true(index <= model->last);
    assert_true(index > model->durable);
    assert_int_equal(partition_log_durable_index(model->log), index);
    model->durable = index;
    if (model->waiting_for && index >= model->waiting_for) folder_stop(&model->folder);
}

static void hard_state_durable(void *arg, uint64_t version) {
    struct log_model *model = arg;
    assert_true(version > model->durable_version && version <= model->version);
    model->durable_version = version;
    if (version == model->version) model->durable_term = model->term;
}

void log_model_open(struct log_model *model, uint64_t seed) {
    *model = (struct log_model){
        .dice = {.state = seed}, .time = 1700000000000, .value_max = 60, .first = 1};
    folder_open(&model->folder);
    model->options = (struct log_store_options){.journal_file_bytes = 64 << 10,
                                                .journal_max_bytes = 1 << 20,
                                                .segment_bytes = 4096,
                                                .index_interval_bytes = 300,
                                                .tail_cache_bytes = 3000,
                                                .open_files = 32};
}

static void damaged(void *arg, const struct partition_log_damage *damage) {
    struct log_model *model = arg;
    model->damages++;
    model->damaged_at = damage->position;
}

static void start_moved(void *arg) {
    struct log_model *model = arg;
    assert_true(partition_log_first_index(model->log) + model->cleans > model->first);
    model->first = partition_log_first_index(model->log);
    model->start_offset = partition_log_start_offset(model->log);
    assert_true(model->first <= model->commit && model->first <= model->last);
    int64_t offset = model->entries[model->first - 1]->base_offset;
    assert_true(model->cleans ? model->start_offset <= offset : model->start_offset == offset);
    model->starts_moved++;
}

static void installed(void *arg) {
    struct log_model *model = arg;
    model->installs++;
    folder_stop(&model->folder);
}

/* The applier's state is the index up to which it has applied: all that is committed. */
void log_model_keep(struct log_model *model) {
    uint64_t commit = partition_log_commit_index(model->log),
             last = partition_log_last_index(model->log), index = commit < last ? commit : last;
    struct slice *parts = index == 0 ? NULL : mem_alloc(sizeof *parts);
    if (parts != NULL) *parts = slice_copy(NULL, &index, sizeof index);
    partition_log_keep(model->log, index, parts, parts != NULL ? 1 : 0);
}

static void keep_wanted(void *arg) {
    log_model_keep(arg);
}

static void take_state(struct log_model *model) {
    struct slice state;
    uint64_t index;
    model->state_index = 0;
    if (!partition_log_snapshot(model->log, &model->state_index, &state)) return;
    memcpy(&index, state.data, sizeof index);
    assert_int_equal(index, model->state_index);
    slice_unref(&state);
}

static void drop_ghosts(struct log_model *model) {
    for (size_t i = 0; i < model->ghost_count; i++)
        entry_unref(model->ghosts[i]);
    model->ghost_count = 0;
}

void log_model_close(struct log_model *model) {
    for (uint64_t i = 0; i < model->last; i++)
        entry_unref(model->entries[i]);
    mem_free(model->entries);
    drop_ghosts(model);
    mem_free(model->ghosts);
    folder_close(&model->folder);
}

bool log_model_try_start(struct log_model *model, struct error_text *why) {
    static const struct partition_log_events events = {.durable = durable,
                                                       .hard_state_durable = hard_state_durable,
                                                       .damaged = damaged,
                                                       .start_moved = start_moved,
                                                       .installed = installed};
    char path[96];
    snprintf(path, sizeof path, "%s/shard-0", model->folder.path);
    if (log_store_open(model->folder.env, &model->folder.log, path, &model->options, &model->store,
                       why) != 0)
        return false;
    model->options.must_exist = true;
    if (partition_log_open(model->store, LOG_MODEL_GROUP, "orders-3", &events, model, &model->log,
                           why) == 0) {
        if (model->has_state) {
            partition_log_on_seal(model->log, 2000, keep_wanted, model);
            take_state(model);
        }
        return true;
    }
    log_store_close(model->store);
    folder_run_out(&model->folder);
    return false;
}

static bool same_header(const struct entry *left, const struct entry *right) {
    return memcmp(left->header, right->header, ENTRY_HEADER_SIZE) == 0;
}

/* The entry of the model, or the one that was truncated and is back, that the log has at this
 * index. */
static struct entry *known_entry(struct log_model *model, uint64_t index) {
    struct partition_log_read read;
    log_model_read(model, index, index, 0, &read);
    assert_int_equal(model->error, 0);
    struct entry *found = NULL;
    if (index <= model->last && same_header(read.entries[0], model->entries[index - 1]))
        found = model->entries[index - 1];
    for (size_t i = 0; !found && index > model->durable && i < model->ghost_count; i++)
        if (same_header(read.entries[0], model->ghosts[i])) found = model->ghosts[i];
    if (!found)
        fail_msg("the log has an entry %llu that was never appended", (unsigned long long)index);
    partition_log_read_release(&read);
    return entry_ref(found);
}

/* What the log says after it was opened again: nothing durable is gone, and the model follows. */
static void follow(struct log_model *model) {
    uint64_t last = partition_log_last_index(model->log);
    assert_true(last >= model->durable);
    /* `start` may have become durable without anybody hearing of it. */
    assert_true(partition_log_first_index(model->log) >= model->first);
    model->first = partition_log_first_index(model->log);
    model->start_offset = partition_log_start_offset(model->log);
    assert_true(model->first == 1 || model->state_index + 1 >= model->first);
    struct entry **entries = mem_alloc((last + 1) * sizeof(struct entry *));
    model->end_offset = 0;
    for (uint64_t i = 1; i <= last; i++) {
        entries[i - 1] = i < model->first ? entry_ref(model->entries[i - 1])
                                          : known_entry(model, i);
        model->end_offset += entries[i - 1]->records;
    }
    for (uint64_t i = 0; i < model->last; i++)
        entry_unref(model->entries[i]);
    mem_free(model->entries);
    drop_ghosts(model);
    model->entries = entries;
    model->room = last + 1;
    model->last = last;
    uint64_t commit = partition_log_commit_index(model->log);
    assert_true(commit <= model->commit);
    assert_true(commit <= last || commit == model->state_index); /* a leader gave that state */
    model->commit = commit;
    model->durable = last;
    uint32_t term = partition_log_term(model->log);
    assert_in_range(term, model->durable_term, model->term);
    if (term == model->term)
        assert_int_equal(partition_log_voted_for(model->log), model->voted_for);
    model->term = model->durable_term = term;
    model->voted_for = partition_log_voted_for(model->log);
    model->version = model->durable_version = 0;
    /* Terms of later entries must not be below those that are there. */
    if (last > 0 && model->term < model->entries[last - 1]->term)
        log_model_vote(model, model->entries[last - 1]->term, 0);
}

void log_model_start(struct log_model *model) {
    struct error_text why = {0};
    if (!log_model_try_start(model, &why)) fail_msg("the log does not open: %s", why.text);
    model->reopens++;
    follow(model);
}

void log_model_stop(struct log_model *model, bool clean) {
    if (clean) {
        log_model_settle(model);
        log_model_flush(model);
    }
    partition_log_close(model->log);
    log_store_close(model->store);
    folder_run_out(&model->folder);
    model->log = NULL;
}

/* ---- Changes ---- */

static void take(struct log_model *model, struct entry *entry) {
    if (model->last == model->room) {
        model->room = model->room ? model->room * 2 : 64;
        model->entries = mem_realloc(model->entries, model->room * sizeof(struct entry *));
    }
    model->entries[model->last++] = entry;
    model->end_offset += entry->records;
}

static struct entry *make(struct log_model *model, enum entry_type type) {
    uint32_t term = model->term ? model->term : 1;
    uint64_t index = model->last + 1;
    model->time += (int64_t)dice_below(&model->dice, 300);
    if (type == ENTRY_BATCHES)
        return entry_of_batches(&model->dice, LOG_MODEL_GROUP, index, term, model->end_offset,
                                1 + (int)dice_below(&model->dice, 3), 5, model->value_max,
                                model->time);
    return entry_internal(type, LOG_MODEL_GROUP, index, term, model->end_offset,
                          type == ENTRY_BARRIER ? "" : "something internal");
}

void log_model_append_entry(struct log_model *model, struct entry *entry) {
    take(model, entry);
    partition_log_append(model->log, &entry, 1);
}

void log_model_append_one(struct log_model *model, enum entry_type type) {
    log_model_append_entry(model, make(model, type));
}

void log_model_append(struct log_model *model, unsigned n) {
    struct entry *entries[16];
    for (unsigned i = 0; i < n; i++) {
        uint64_t kind = dice_below(&model->dice, 12);
        entries[i] = make(model, kind == 0   ? ENTRY_BARRIER
                                 : kind == 1 ? ENTRY_CHANGE
                                 : kind == 2 ? ENTRY_COMMAND
                                             : ENTRY_BATCHES);
        take(model, entries[i]);
    }
    partition_log_append(model->log, entries, n);
}

void log_model_truncate(struct log_model *model, uint64_t index) {
    if (index > model->last) return;
    partition_log_truncate(model->log, index);
    model->truncations++;
    while (model->last >= index) {
        struct entry *entry = model->entries[--model->last];
        model->end_offset = entry->base_offset;
        model->ghosts = mem_realloc(model->ghosts,
                                    (model->ghost_count + 1) * sizeof(struct entry *));
        model->ghosts[model->ghost_count++] = entry;
    }
    if (model->durable > model->last) model->durable = model->last;
}

void log_model_commit(struct log_model *model, uint64_t index) {
    partition_log_commit(model->log, index);
    if (index > model->commit) model->commit = index;
}

void log_model_vote(struct log_model *model, uint32_t term, uint64_t voted_for) {
    model->term = term;
    model->voted_for = voted_for;
    model->version = partition_log_set_hard_state(model->log, term, voted_for);
}

void log_model_settle(struct log_model *model) {
    if (model->durable == model->last) return;
    model->waiting_for = model->last;
    folder_run(&model->folder);
    model->waiting_for = 0;
    assert_int_equal(model->durable, model->last);
}

static void stop(void *arg) {
    struct log_model *model = arg;
    model->done = true;
    folder_stop(&model->folder);
}

void log_model_flush(struct log_model *model) {
    model->done = false;
    log_store_flush(model->store, stop, model);
    folder_run(&model->folder);
    assert_true(model->done);
}

static void run_a_while(struct log_model *model) {
    struct env_timer *timer = env_timer_new(model->folder.env, stop, model);
    env_timer_start(timer, 2000);
    folder_run(&model->folder);
    env_timer_free(timer);
}

void log_model_run(struct log_model *model) {
    run_a_while(model);
}

void log_model_drop(struct log_model *model, int64_t offset, uint64_t index) {
    partition_log_drop_prefix(model->log, offset, index, 0);
    while (model->store->jobs > 0 || model->log->prefix.reading)
        run_a_while(model);
}

void log_model_write_behind(struct log_model *model) {
    struct write_behind *write_behind = &model->store->write_behind;
    uint64_t enough = write_behind->enough_bytes;
    write_behind->enough_bytes = 0;
    write_behind_look(model->log);
    while (model->store->jobs > 0 || model->log->written < model->log->committed)
        run_a_while(model);
    write_behind->enough_bytes = enough;
    assert_int_equal(model->log->written, model->log->committed);
}

/* ---- Reading: the model is found by the env's only user ---- */

struct waiting_read {
    struct partition_log_read read; /* first */
    struct log_model *model;
};

static void read_done(struct partition_log_read *read, int error) {
    struct log_model *model = ((struct waiting_read *)read)->model;
    model->error = error;
    stop(model);
}

void log_model_read(struct log_model *model, uint64_t first, uint64_t last, uint64_t max_bytes,
                    struct partition_log_read *read) {
    struct waiting_read waiting = {.read = {.done = read_done}, .model = model};
    model->done = false;
    bool at_once = partition_log_read(model->log, first, last, max_bytes, &waiting.read);
    assert_int_equal(at_once, model->done);
    folder_run(&model->folder); /* a stop before the run ends it at once */
    assert_true(model->done);
    assert_null(waiting.read.reading);
    *read = waiting.read;
    if (read->entries == &waiting.read.only) read->entries = &read->only;
}

struct waiting_fetch {
    struct partition_log_fetch fetch; /* first */
    struct log_model *model;
};

static void fetch_done(struct partition_log_fetch *fetch, int error) {
    struct log_model *model = ((struct waiting_fetch *)fetch)->model;
    model->error = error;
    stop(model);
}

void log_model_fetch(struct log_model *model, int64_t offset, int64_t end, uint64_t max_bytes,
                     struct partition_log_fetch *fetch) {
    struct waiting_fetch waiting = {.fetch = {.done = fetch_done}, .model = model};
    model->done = false;
    bool at_once = partition_log_fetch(model->log, offset, end, max_bytes, &waiting.fetch);
    assert_int_equal(at_once, model->done);
    folder_run(&model->folder);
    assert_true(model->done);
    *fetch = waiting.fetch;
}

struct waiting_search {
    struct partition_log_search search; /* first */
    struct log_model *model;
};

static void search_done(struct partition_log_search *search, int error) {
    struct log_model *model = ((struct waiting_search *)search)->model;
    model->error = error;
    stop(model);
}

void log_model_search(struct log_model *model, int64_t timestamp, int64_t end,
                      struct partition_log_search *search) {
    struct waiting_search waiting = {.search = {.done = search_done}, .model = model};
    model->done = false;
    bool at_once = partition_log_search(model->log, timestamp, model->log_start, end,
                                        &waiting.search);
    assert_int_equal(at_once, model->done);
    folder_run(&model->folder);
    assert_true(model->done);
    *search = waiting.search;
}

/* ---- Comparing ---- */

int64_t log_model_watermark(const struct log_model *model) {
    uint64_t commit = model->commit < model->last ? model->commit : model->last;
    return commit == model->last ? model->end_offset : model->entries[commit]->base_offset;
}

struct term_check {
    const struct log_model *model;
    uint64_t next;
};

static void check_term(void *arg, uint64_t first, uint64_t count, uint32_t term) {
    struct term_check *check = arg;
    assert_int_equal(first, check->next);
    assert_true(count > 0);
    for (uint64_t i = first; i < first + count; i++)
        assert_int_equal(check->model->entries[i - 1]->term, term);
    check->next = first + count;
}

static void check_positions(const struct log_model *model) {
    const struct partition_log *log = model->log;
    assert_int_equal(partition_log_first_index(log), model->first);
    assert_int_equal(partition_log_last_index(log), model->last);
    assert_int_equal(partition_log_durable_index(log), model->durable);
    assert_int_equal(partition_log_start_offset(log), model->start_offset);
    uint64_t known = model->first > 1 ? model->first - 1 : 1;
    assert_int_equal(partition_log_end_offset(log), model->end_offset);
    assert_int_equal(partition_log_term_at(log, 0), 0);
    assert_int_equal(partition_log_term_at(log, model->last + 1), 0);
    struct term_check check = {.model = model, .next = known};
    partition_log_each_term(log, check_term, &check);
    assert_int_equal(check.next, model->last > 0 ? model->last + 1 : 1);

    uint64_t changes[4096], uncommitted = 0;
    size_t count = partition_log_changes(log, changes, 4096), at = 0;
    uint64_t base_index = 0, last_gone = 0;
    struct slice base;
    for (uint64_t i = 1; i < model->first; i++)
        if (model->entries[i - 1]->type == ENTRY_CHANGE) last_gone = i;
    assert_int_equal(partition_log_base_change(log, &base_index, &base), last_gone > 0);
    assert_int_equal(base_index, last_gone);
    if (last_gone > 0) {
        const struct slice *body = &model->entries[last_gone - 1]->body;
        assert_int_equal(base.len, body->len);
        assert_memory_equal(base.data, body->data, body->len);
        assert_int_equal(changes[at++], last_gone);
    }
    for (uint64_t i = known; i <= model->last; i++) {
        const struct entry *entry = model->entries[i - 1];
        assert_int_equal(partition_log_term_at(log, i), entry->term);
        if (i < model->first) continue;
        if (entry->type == ENTRY_CHANGE) assert_int_equal(changes[at++], i);
        if (i > model->commit) uncommitted += entry_stored_size(entry);
        int64_t behind = partition_log_offset_behind(log, i);
        if (behind >= 0) assert_int_equal(behind, entry->base_offset + entry->records);
        if (i >= model->commit) assert_true(behind >= 0);
    }
    assert_int_equal(at, count);
    assert_int_equal(partition_log_uncommitted_bytes(log), uncommitted);
    assert_int_equal(log_store_uncommitted_bytes(model->store), uncommitted);
}

static void assert_same_entry(const struct entry *got, const struct entry *want) {
    assert_memory_equal(got->header, want->header, ENTRY_HEADER_SIZE);
    assert_int_equal(got->body.len, want->body.len);
    if (want->body.len > 0) assert_memory_equal(got->body.data, want->body.data, want->body.len);
}

void log_model_check(struct log_model *model) {
    check_positions(model);
    for (uint64_t next = model->first; next <= model->last;) {
        struct partition_log_read read;
        uint64_t max = dice_below(&model->dice, 3000), bytes = 0;
        uint64_t last = next + dice_below(&model->dice, 40);
        log_model_read(model, next, last, max, &read);
        assert_int_equal(model->error, 0);
        assert_true(read.count > 0);
        for (size_t i = 0; i < read.count; i++, next++) {
            assert_true(next <= last);
            assert_same_entry(read.entries[i], model->entries[next - 1]);
            bytes += entry_stored_size(read.entries[i]);
        }
        if (read.count > 1) assert_true(bytes <= max);
        partition_log_read_release(&read);
    }
}

/* The batch of the model that begins at or behind `offset`, as the bytes that a consumer gets. */
static struct record_batch batch_from(const struct log_model *model, int64_t offset,
                                      struct slice *raw) {
    for (uint64_t i = 0; i < model->last; i++) {
        struct entry *entry = model->entries[i];
        if (entry->base_offset + entry->records <= offset) continue;
        assert_int_equal(entry_raw(entry, NULL, false, raw), 0);
        size_t at = 0;
        struct record_batch batch;
        while (record_batch_next(raw->data, raw->len, &at, &batch, NULL) == 0)
            if (record_batch_last_offset(&batch) >= offset) return batch;
        fail_msg("no batch holds offset %lld", (long long)offset);
    }
    fail_msg("no entry holds offset %lld", (long long)offset);
    return (struct record_batch){0};
}

int64_t log_model_check_fetch(struct log_model *model, int64_t offset, int64_t end,
                              uint64_t max_bytes) {
    struct partition_log_fetch fetch;
    log_model_fetch(model, offset, end, max_bytes, &fetch);
    assert_int_equal(model->error, 0);
    uint64_t bytes = 0;
    size_t batches = 0;
    for (size_t i = 0; i < fetch.count; i++) {
        size_t at = 0;
        while (at < fetch.slices[i].len) {
            struct slice raw;
            struct record_batch want = batch_from(model, offset, &raw);
            assert_true(want.size <= fetch.slices[i].len - at);
            assert_memory_equal(fetch.slices[i].data + at, want.data, want.size);
            at += want.size;
            bytes += want.size;
            batches++;
            offset = record_batch_last_offset(&want) + 1;
            slice_unref(&raw);
        }
    }
    assert_int_equal(bytes, fetch.bytes);
    if (batches > 1) assert_true(bytes <= max_bytes);
    if (batches > 0) assert_true(offset <= end);
    if (batches == 0 && offset < end) {
        struct slice raw;
        struct record_batch next = batch_from(model, offset, &raw);
        assert_true(record_batch_last_offset(&next) >= end); /* the end is inside of it */
        slice_unref(&raw);
    }
    partition_log_fetch_release(&fetch);
    return offset;
}

/* What a search must find, as the log is now. */
static struct partition_log_search naive_search(const struct log_model *model, int64_t timestamp,
                                                int64_t end) {
    struct partition_log_search found = {.offset = -1, .timestamp = -1};
    for (uint64_t i = 0; i < model->last && (timestamp == -3 || found.offset < 0); i++) {
        struct entry *entry = model->entries[i];
        if (entry->type != ENTRY_BATCHES) continue;
        struct slice raw;
        assert_int_equal(entry_raw(entry, NULL, false, &raw), 0);
        size_t at = 0;
        struct record_batch batch;
        while (record_batch_next(raw.data, raw.len, &at, &batch, NULL) == 0) {
            if (record_batch_last_offset(&batch) >= end) break;
            struct record_iterator records;
            struct record record;
            assert_int_equal(record_iterator_open(&records, &batch, 1 << 20), 0);
            while (record_iterator_next(&records, &record) == 0) {
                int64_t time = record_batch_has_log_append_time(&batch) ? batch.max_timestamp
                                                                        : record.timestamp_ms;
                if (record.offset < model->log_start || record.offset < model->start_offset)
                    continue;
                if (timestamp == -3 ? time > found.timestamp
                                    : found.offset < 0 && time >= timestamp) {
                    found.offset = record.offset;
                    found.timestamp = time;
                    found.leader_epoch = entry->term;
                }
            }
            record_iterator_close(&records);
        }
        slice_unref(&raw);
    }
    return found;
}

/* Where the start moves meanwhile, what is right before it and what is right after it both are. */
void log_model_check_search(struct log_model *model, int64_t timestamp, int64_t end) {
    if (end < model->end_offset) {
        struct slice raw;
        end = batch_from(model, end, &raw).base_offset; /* a watermark is where a batch ends */
        slice_unref(&raw);
    }
    struct partition_log_search search, want;
    unsigned moved;
    do {
        moved = model->starts_moved;
        want = naive_search(model, timestamp, end);
        log_model_search(model, timestamp, end, &search);
        if (model->error == ERR_AGAIN) assert_true(model->starts_moved > moved);
    } while (model->error == ERR_AGAIN);
    if (model->starts_moved > moved && search.offset != want.offset)
        want = naive_search(model, timestamp, end);
    assert_int_equal(model->error, 0);
    assert_int_equal(search.offset, want.offset);
    assert_int_equal(search.timestamp, want.timestamp);
    assert_int_equal(search.leader_epoch, want.leader_epoch);
}

char *log_model_group_path(const struct log_model *model) {
    char path[128];
    snprintf(path, sizeof path, "%s/shard-0/groups/%016x", model->folder.path, LOG_MODEL_GROUP);
    return mem_strdup(path);
}
