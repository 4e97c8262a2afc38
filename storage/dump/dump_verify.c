/*
 * Checks everything that lies in a data directory: dump_verify of dump.h.
 *
 * Happy path: entries were checked by the walk; here their batches are (checksum, offsets that
 * follow each other, epoch, record count), and along the way each point, term and change that the
 * index file beside the segment names is compared with the entries. drave.meta is checked, too.
 * Failures: each is reported with file and position. Invariant: an index of a segment that is still
 * written may end early, it may not say what is not so.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "protocol/record/record_batch.h"
#include "storage/data_dir.h"
#include "storage/dump/dump.h"
#include "storage/dump/dump_walk.h"
#include "storage/log_types.h"
#include "storage/segment/segment_index.h"
#include "storage/segment/start_file.h"
#include "storage/state/state_files.h"

struct verifying {
    struct env *env;
    const char *data_dir;
    void (*found)(void *arg, const struct dump_damage *damage);
    void *arg;
    struct dump_totals *totals;
    /* The segment under way, and what its index says of it. */
    bool in_segment;
    uint64_t synced;
    char *index_path; /* below the data directory */
    uint64_t index_size;
    struct segment_index claimed; /* as loaded from the file */
    struct segment_index real;    /* as the entries are; without points */
    size_t next_point;
};

static void damage(void *arg, const char *path, uint64_t position, const char *what) {
    struct verifying *verifying = arg;
    verifying->totals->damages++;
    struct dump_damage one = {.file = path, .position = position, .what = what};
    verifying->found(verifying->arg, &one);
}

/* ---- Batches ---- */

/* Control batches are no records; where records are held back, the times of those that nobody sees
 * yet are not the entry's. */
static bool is_time_of(const struct entry *entry, int64_t max_timestamp) {
    return entry->delays ? entry->max_timestamp <= max_timestamp
                         : entry->max_timestamp == max_timestamp;
}

static void check_batches(struct verifying *verifying, const char *path, uint64_t position,
                          const struct entry *entry, const struct slice *raw) {
    kafka_offset offset = entry->base_offset, end = entry->base_offset + entry->records;
    bool gaps = verifying->in_segment && segment_is_cleaned(&verifying->real.header);
    int64_t max_timestamp = -1;
    size_t at = 0;
    uint64_t count = 0;
    while (at < raw->len) {
        struct record_batch batch;
        if (record_batch_next(raw->data, raw->len, &at, &batch, NULL) != 0) {
            damage(verifying, path, position, "the entry does not hold whole record batches");
            return;
        }
        if (record_batch_check_crc(&batch) != 0)
            damage(verifying, path, position, "a batch does not match its checksum");
        if (gaps ? batch.base_offset < offset : batch.base_offset != offset)
            damage(verifying, path, position,
                   "a batch does not begin where the one before it ends");
        if (batch.leader_epoch != (int32_t)entry->term)
            damage(verifying, path, position, "a batch has another leader epoch than its entry");
        if (batch.max_timestamp > max_timestamp && !record_batch_is_control(&batch))
            max_timestamp = batch.max_timestamp;
        offset = record_batch_last_offset(&batch) + 1;
        count++;
    }
    verifying->totals->batches += count;
    if (gaps ? offset > end : offset != end)
        damage(verifying, path, position, "the entry holds another number of records than it says");
    if (!is_time_of(entry, max_timestamp))
        damage(verifying, path, position, "the entry has another largest timestamp than it says");
}

/* ---- Indexes ---- */

static void check_point(struct verifying *verifying, uint64_t position, const struct entry *entry) {
    struct segment_index *claimed = &verifying->claimed;
    while (verifying->next_point < claimed->point_count &&
           claimed->points[verifying->next_point].position <= position) {
        const struct index_point *point = &claimed->points[verifying->next_point++];
        if (point->position != position || point->index != entry->index ||
            point->offset != entry->base_offset ||
            point->max_before != verifying->real.end.max_timestamp)
            damage(verifying, verifying->index_path, 0,
                   "a point of the index does not lead to the entry that it names");
    }
}

static bool same_tables(const struct segment_index *claimed, const struct segment_index *real) {
    if (claimed->term_count > real->term_count || claimed->change_count > real->change_count)
        return false;
    for (size_t i = 0; i < claimed->term_count; i++) {
        const struct index_term *a = &claimed->terms[i], *b = &real->terms[i];
        if (a->first_index != b->first_index || a->start_offset != b->start_offset ||
            a->term != b->term)
            return false;
    }
    for (size_t i = 0; i < claimed->change_count; i++)
        if (claimed->changes[i] != real->changes[i]) return false;
    return true;
}

static void segment_begins(void *arg, const struct walk_log *log, const char *path,
                           const struct segment_header *header, uint64_t size, uint64_t synced) {
    struct verifying *verifying = arg;
    (void)path;
    verifying->totals->files++;
    verifying->in_segment = true;
    verifying->synced = synced;
    verifying->next_point = 0;
    verifying->index_path = path_of_segment(log->path, header->base_offset, SEGMENT_FILE_INDEX);
    segment_index_init(&verifying->claimed, header, UINT64_MAX);
    segment_index_init(&verifying->real, header, UINT64_MAX);
    char *full = dump_full_path(verifying->data_dir, verifying->index_path);
    struct env_file *file;
    verifying->index_size = 0;
    if (env_file_open(verifying->env, full, ENV_READ, &file) == 0) {
        if (env_file_size(file, &verifying->index_size) != 0) verifying->index_size = 0;
        env_file_close(file);
        verifying->totals->files++;
    }
    if (segment_index_load(verifying->env, full, size, true, &verifying->claimed) != 0)
        damage(verifying, verifying->index_path, 0, "the index cannot be read");
    mem_free(full);
}

static void segment_ends(void *arg, const struct walk_log *log, const char *path,
                         const struct segment_header *header, uint64_t end) {
    struct verifying *verifying = arg;
    struct segment_index *claimed = &verifying->claimed;
    (void)log;
    (void)header;
    verifying->totals->bytes += end;
    /* Behind a place where entries could not be read, nothing can be compared. */
    uint64_t last_ends = verifying->real.end.position;
    bool comparable = segment_index_goes_on_at(&verifying->real, end);
    bool complete = claimed->end.position >= verifying->synced;
    segment_index_close_gap(&verifying->real); /* of a cleaned one the last entries may be gone */
    if (!complete && verifying->index_size > claimed->file_size)
        damage(verifying, verifying->index_path, claimed->file_size,
               "a block of the index does not match its checksum; the next start makes it again");
    else if (comparable && claimed->end.position <= end &&
             claimed->end.last_index > verifying->real.end.last_index)
        damage(verifying, path, last_ends, "zeros follow, where the index has entries");
    else if (comparable &&
             (claimed->end.position > end || verifying->next_point < claimed->point_count ||
              !same_tables(claimed, &verifying->real)))
        damage(verifying, verifying->index_path, 0,
               "the index tells of entries that the segment does not have");
    segment_index_close(&verifying->claimed);
    segment_index_close(&verifying->real);
    mem_free(verifying->index_path);
    verifying->in_segment = false;
}

/* Takes up the entry as write-behind would, if it goes on where the last one ended. */
static void follow(struct verifying *verifying, uint64_t position, const struct entry *entry) {
    if (!verifying->in_segment || !segment_index_goes_on_at(&verifying->real, position)) return;
    if (!segment_index_takes(&verifying->real, entry)) return;
    check_point(verifying, position, entry);
    segment_index_add(&verifying->real, entry, entry_stored_size(entry));
}

static void take_entry(void *arg, const struct walk_log *log, const char *path, uint64_t position,
                       struct entry *entry, bool sound) {
    struct verifying *verifying = arg;
    (void)log;
    verifying->totals->entries++;
    follow(verifying, position, entry);
    if (!sound || entry->type != ENTRY_BATCHES) return;
    struct slice raw;
    if (entry_raw(entry, NULL, false, &raw) != 0) {
        damage(verifying, path, position, "the entry cannot be decompressed");
        return;
    }
    check_batches(verifying, path, position, entry, &raw);
    slice_unref(&raw);
}

/* ---- Snapshots ---- */

struct snapshots {
    struct verifying *verifying;
    const struct walk_log *log;
};

static void check_snapshot(void *arg, const char *name) {
    const struct snapshots *snapshots = arg;
    struct verifying *verifying = snapshots->verifying;
    log_index index;
    bool is_copy = path_number(name, ".copy", &index);
    if (!is_copy && !path_number(name, ".snapshot", &index)) return;
    verifying->totals->files++;
    char *below = is_copy ? path_of_snapshot_copy(snapshots->log->path, index)
                          : path_of_snapshot(snapshots->log->path, index),
         *full = dump_full_path(verifying->data_dir, below);
    struct slice state = {0};
    bool was_durable;
    int error = state_file_read(verifying->env, full, snapshots->log->group, index, &was_durable,
                                &state);
    if (error && error != ERR_NOT_FOUND)
        damage(
            verifying, below, 0,
            error == ERR_VERSION
                ? "the snapshot was written by a newer version of draved; the next start of this one does without it"
                : "the snapshot is not whole; the next start does without it");
    slice_unref(&state);
    mem_free(full);
    mem_free(below);
}

static void check_start(struct verifying *verifying, const struct walk_log *log, const char *full) {
    if (start_file_check(verifying->env, full, log->group) != ERR_CORRUPT) return;
    char *below = path_join(log->path, "start");
    damage(verifying, below, 0,
           "one of its two copies at least is not whole; the scrub writes it again");
    mem_free(below);
}

static void log_ends(void *arg, const struct walk_log *log) {
    struct verifying *verifying = arg;
    verifying->totals->logs++;
    struct snapshots snapshots = {.verifying = verifying, .log = log};
    char *full = dump_full_path(verifying->data_dir, log->path);
    env_list_dir(verifying->env, full, check_snapshot, &snapshots);
    check_start(verifying, log, full);
    mem_free(full);
}

int dump_verify(struct env *env, const char *data_dir,
                void (*found)(void *arg, const struct dump_damage *damage), void *arg,
                struct dump_totals *totals, struct error_text *why) {
    static const struct walk_events events = {.segment_begins = segment_begins,
                                              .entry = take_entry,
                                              .segment_ends = segment_ends,
                                              .log_ends = log_ends,
                                              .damage = damage};
    *totals = (struct dump_totals){0};
    struct verifying verifying = {
        .env = env, .data_dir = data_dir, .found = found, .arg = arg, .totals = totals};
    int error = dump_walk(env, data_dir, NULL, -1, &events, &verifying, why);
    if (error) return error;
    struct error_text of_meta;
    totals->files++;
    if (data_dir_check(env, data_dir, &of_meta) != ERR_NONE)
        damage(&verifying, "drave.meta", 0, of_meta.text);
    if (totals->damages == 0) return 0;
    return error_set(
        why, ERR_CORRUPT,
        "%" PRIu64
        " damaged places in %s; put these files back as they were, with the broker stopped (what the next start "
        "makes again is named so). Where that cannot be, keep the directory: the other brokers go on without it",
        totals->damages, data_dir);
}
