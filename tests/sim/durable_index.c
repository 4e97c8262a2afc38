/* Durable entries of a machine; durable_index.h has the rules. */
#include "tests/sim/durable_index.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "base/mem.h"

enum {
    FILES_MAX = 256,
    BLOCK = 4096,
    ROUND_MAGIC = 0x314a5244,
    ROUND_HEAD = 96,
    FOOTER_MAGIC = 0x464a5244,
    FOOTER_HEAD = 64,
    FOOTER_ENTRY = 32,
    RECORD_HEAD = 8,
    SEGMENT_MAGIC = 0x47535244,
    SEGMENT_HEAD = 64,
    FORMAT_CLEANED = 3,
};

enum record_kind {
    RECORD_ENTRY = 1,
    RECORD_COPY,
    RECORD_HARD_STATE,
    RECORD_TRUNCATE,
    RECORD_PROGRESS = 6,
    RECORD_FORGET,
    RECORD_GROUP = 11,
    RECORD_LOG_BEGINS
};

struct journal_bytes {
    uint32_t number;
    const uint8_t *data;
    uint64_t size;
};

struct round {
    uint64_t generation, sequence, base, follows, oldest, size;
    uint32_t payload_len;
    bool checkpoint;
    const uint8_t *payload;
};

/* An entry, and where in the journal it is. */
struct place {
    uint64_t index, generation, at;
    uint32_t file;
};

struct group_places {
    uint64_t group, progress, voted_for;
    int64_t progress_segment; /* in which that is; those behind it were never known to be synced */
    uint32_t term;
    struct place *places; /* ascending */
    size_t count, capacity;
    UT_hash_handle hh;
};

struct durable_index {
    struct node *node;
    char journal[64], groups_path[64];
    uint64_t version, losses; /* of the disk, when it was read last */
    struct journal_bytes files[FILES_MAX];
    unsigned file_count;
    bool begun;
    struct round last;  /* that counts */
    unsigned last_file; /* its place in `files` */
    uint64_t end;       /* behind it */
    struct group_places *groups;
};

struct durable_index *durable_index_new(struct node *node, const char *store) {
    struct durable_index *index = mem_zalloc(sizeof *index);

    index->node = node;
    snprintf(index->journal, sizeof index->journal, "%s/journal", store);
    snprintf(index->groups_path, sizeof index->groups_path, "%s/groups", store);
    index->version = UINT64_MAX;
    return index;
}

/* ---- Groups ---- */

static struct group_places *find_group(struct durable_index *index, uint64_t id, bool make) {
    struct group_places *group;

    HASH_FIND(hh, index->groups, &id, sizeof id, group);
    if (group != NULL || !make) return group;
    group = mem_zalloc(sizeof *group);
    group->group = id;
    HASH_ADD(hh, index->groups, group, sizeof group->group, group);
    return group;
}

static void forget(struct durable_index *index, struct group_places *group) {
    HASH_DEL(index->groups, group);
    mem_free(group->places);
    mem_free(group);
}

static void forget_all(struct durable_index *index) {
    struct group_places *group, *next;

    HASH_ITER(hh, index->groups, group, next) forget(index, group);
    index->last = (struct round){0};
    index->begun = false;
}

/* Those in files that are given back are not found by a recovery. */
static void drop_old(struct group_places *group, uint64_t oldest) {
    size_t kept = 0;

    for (size_t i = 0; i < group->count; i++)
        if (group->places[i].generation >= oldest) group->places[kept++] = group->places[i];
    group->count = kept;
}

static void put(struct group_places *group, size_t at, struct place place, uint64_t oldest) {
    if (group->count == group->capacity) {
        size_t before = group->count;
        drop_old(group, oldest);
        at -= before - group->count < at ? before - group->count : at;
        group->capacity = group->count * 2 + 16;
        group->places = mem_realloc(group->places, group->capacity * sizeof *group->places);
        while (at > 0 && group->places[at - 1].index > place.index)
            at--;
        while (at < group->count && group->places[at].index < place.index)
            at++;
    }
    memmove(&group->places[at + 1], &group->places[at],
            (group->count - at) * sizeof *group->places);
    group->places[at] = place;
    group->count++;
}

static void truncate_from(struct group_places *group, uint64_t index) {
    while (group->count > 0 && group->places[group->count - 1].index >= index)
        group->count--;
}

static void copy_forward(struct group_places *group, struct place place, uint64_t oldest) {
    size_t at = group->count;

    while (at > 0 && group->places[at - 1].index >= place.index)
        at--;
    if (at < group->count && group->places[at].index == place.index)
        group->places[at] = place;
    else
        put(group, at, place, oldest);
}

/* ---- Rounds ---- */

static uint64_t up_to(uint64_t n, uint64_t grain) {
    return (n + grain - 1) / grain * grain;
}

/* Bytes of the content that the sum of the round covers; the body of an entry has one of its own.
 */
static uint32_t summed(uint8_t kind, uint32_t content) {
    return kind == RECORD_ENTRY || kind == RECORD_COPY ? RAW_ENTRY_HEAD : content;
}

static bool payload_is_whole(const uint8_t *payload, uint32_t len, uint32_t crc, uint32_t entries) {
    uint32_t sum = 0, seen = 0;

    for (uint32_t at = 0; at < len;) {
        uint32_t content = le32(payload + at + 4);
        uint8_t kind = payload[at];
        struct raw_entry entry;
        if (len - at < RECORD_HEAD || content > len - at - RECORD_HEAD) return false;
        sum = crc32c(sum, payload + at, RECORD_HEAD + summed(kind, content));
        if (kind == RECORD_ENTRY || kind == RECORD_COPY) {
            if (!decode_entry(payload + at + RECORD_HEAD, content, &entry)) return false;
            if (!decode_entry_body_is_whole(&entry)) return false;
            seen++;
        }
        at += RECORD_HEAD + (uint32_t)up_to(content, 8);
    }
    return sum == crc && seen == entries;
}

/* The round at `at`, whole in all its parts and in its place. */
static bool read_round(const struct journal_bytes *file, uint64_t at, struct round *round) {
    if (at + ROUND_HEAD > file->size) return false;
    const uint8_t *head = file->data + at;
    if (le32(head) != ROUND_MAGIC || crc32c(0, head, 92) != le32(head + 92)) return false;
    if (le64(head + 56) != at || le32(head + 64) != file->number) return false;
    uint32_t entries = le32(head + 72);
    *round = (struct round){.checkpoint = head[6] & 1,
                            .generation = le64(head + 16),
                            .sequence = le64(head + 24),
                            .base = le64(head + 32),
                            .follows = le64(head + 40),
                            .oldest = le64(head + 48),
                            .payload_len = le32(head + 68),
                            .payload = head + ROUND_HEAD};
    uint64_t footer = up_to(ROUND_HEAD + (uint64_t)round->payload_len, 512);
    round->size = up_to(footer + FOOTER_HEAD + (uint64_t)entries * FOOTER_ENTRY, BLOCK);
    if (at + round->size > file->size) return false;
    if (!payload_is_whole(round->payload, round->payload_len, le32(head + 76), entries))
        return false;
    return le32(head + footer) == FOOTER_MAGIC && le64(head + footer + 24) == round->sequence;
}

/* It overtakes rounds that wait for room, and in them older records of itself. `at`: the index,
 * then the segment. */
static void raise_progress(struct group_places *group, const uint8_t *at) {
    if (group->progress > le64(at)) return;
    group->progress = le64(at);
    group->progress_segment = (int64_t)le64(at + 8);
}

static void take_record(struct durable_index *index, const struct round *round, uint32_t file,
                        uint64_t at, const uint8_t *head) {
    const uint8_t *content = head + RECORD_HEAD;
    bool is_entry = head[0] == RECORD_ENTRY || head[0] == RECORD_COPY;
    struct group_places *group;

    if (!is_entry && head[0] != RECORD_HARD_STATE && head[0] != RECORD_TRUNCATE &&
        head[0] != RECORD_PROGRESS && head[0] != RECORD_FORGET && head[0] != RECORD_GROUP &&
        head[0] != RECORD_LOG_BEGINS)
        return;
    group = find_group(index, le64(content + (is_entry ? 8 : 0)), true);
    struct place place = {.index = is_entry ? le64(content + 16) : 0,
                          .generation = round->generation,
                          .at = at + RECORD_HEAD,
                          .file = file};
    if (head[0] == RECORD_HARD_STATE || head[0] == RECORD_GROUP) {
        group->term = le32(content + 8);
        group->voted_for = le64(content + 16);
    }
    switch (head[0]) {
    case RECORD_HARD_STATE: break;
    case RECORD_ENTRY:
        truncate_from(group, place.index);
        put(group, group->count, place, round->oldest);
        break;
    case RECORD_COPY: copy_forward(group, place, round->oldest); break;
    case RECORD_TRUNCATE: truncate_from(group, le64(content + 8)); break;
    case RECORD_PROGRESS: raise_progress(group, content + 8); break;
    case RECORD_GROUP: raise_progress(group, content + 32); break;
    case RECORD_LOG_BEGINS:
        truncate_from(group, 0);
        raise_progress(group, content + 8);
        break;
    default: forget(index, group);
    }
}

static void take_round(struct durable_index *index, unsigned file, uint64_t at,
                       const struct round *round) {
    const struct journal_bytes *bytes = &index->files[file];

    for (uint32_t done = 0; done < round->payload_len;) {
        const uint8_t *head = round->payload + done;
        take_record(index, round, bytes->number, at + ROUND_HEAD + done, head);
        done += RECORD_HEAD + (uint32_t)up_to(le32(head + 4), 8);
    }
    index->last = *round;
    index->last_file = file;
    index->end = at + round->size;
    index->begun = true;
}

/* ---- The chain of rounds ---- */

/* The generation that the file holds: the newest one; 0: none. Where it begins with both its
 * checkpoints nothing newer is in it; one alone may be of an earlier life, whose block was not
 * written over. */
static uint64_t generation_of(const struct journal_bytes *file, uint64_t *oldest) {
    uint64_t newest = 0;
    struct round round, copy;

    for (uint64_t at = 0; at < file->size; at += BLOCK)
        if (read_round(file, at, &round) && round.generation > newest) {
            newest = round.generation;
            *oldest = round.oldest;
            if (at == 0 && read_round(file, round.size, &copy) && copy.generation == newest) break;
        }
    return newest;
}

static bool continues(const struct durable_index *index, const struct round *round,
                      uint64_t generation, bool begins) {
    if (round->generation != generation || (begins && !round->checkpoint)) return false;
    return !index->begun ||
           (round->base <= index->last.sequence && index->last.sequence <= round->follows);
}

/* Rounds of one file, from `at` on. */
static void read_file(struct durable_index *index, unsigned file, uint64_t at, uint64_t generation,
                      bool begins) {
    struct round round;

    while (at < index->files[file].size) {
        if (!read_round(&index->files[file], at, &round) ||
            !continues(index, &round, generation, begins)) {
            at += BLOCK;
            continue;
        }
        take_round(index, file, at, &round);
        at = index->end;
        begins = false;
    }
}

static bool find_file(const struct durable_index *index, uint64_t generation, unsigned *file) {
    uint64_t oldest;

    for (unsigned i = 0; i < index->file_count; i++)
        if (generation_of(&index->files[i], &oldest) == generation) {
            *file = i;
            return true;
        }
    return false;
}

/* The oldest generation that still counts: as the last round of the newest one says. */
static uint64_t oldest_of(const struct journal_bytes *file, uint64_t generation) {
    uint64_t oldest = 0;
    struct round round;

    for (uint64_t at = 0; at < file->size; at += BLOCK)
        if (read_round(file, at, &round) && round.generation == generation && round.oldest > oldest)
            oldest = round.oldest;
    return oldest;
}

static void read_on(struct durable_index *index) {
    uint64_t generation = index->last.generation, first = 0, newest = 0, oldest = 0;
    unsigned file;

    if (index->begun) {
        read_file(index, index->last_file, index->end, generation, false);
    } else {
        for (unsigned i = 0; i < index->file_count; i++) {
            uint64_t found = generation_of(&index->files[i], &oldest);
            if (found > newest) {
                newest = found;
                first = oldest_of(&index->files[i], found);
            }
        }
        generation = first - 1;
    }
    while (index->begun || newest > 0) {
        uint64_t before = index->last.generation;
        if (!find_file(index, ++generation, &file)) break;
        read_file(index, file, 0, generation, true);
        if (index->begun && index->last.generation == before) break;
        if (!index->begun && generation >= newest) break;
    }
}

static void take_file(void *arg, const char *name, const uint8_t *data, uint64_t size) {
    struct durable_index *index = arg;
    char *end;
    unsigned long number = strtoul(name, &end, 10);

    if (strcmp(end, ".journal") != 0) return;
    CHECK(index->file_count < FILES_MAX);
    index->files[index->file_count++] = (struct journal_bytes){(uint32_t)number, data, size};
}

/* The last round that counts is where it was. */
static bool find_last(struct durable_index *index, uint32_t number) {
    struct round round;

    for (unsigned i = 0; i < index->file_count; i++) {
        if (index->files[i].number != number) continue;
        index->last_file = i;
        return read_round(&index->files[i], index->end - index->last.size, &round) &&
               round.sequence == index->last.sequence;
    }
    return false;
}

/* Files were used again, more than once, since the last question: what led to the newest rounds is
 * gone. */
static bool is_behind(const struct durable_index *index) {
    uint64_t oldest;

    for (unsigned i = 0; i < index->file_count; i++)
        if (generation_of(&index->files[i], &oldest) > index->last.generation) return true;
    return false;
}

static void refresh(struct durable_index *index) {
    const struct disk *disk = node_disk(index->node);
    uint32_t number = index->begun ? index->files[index->last_file].number : 0;

    if (index->version == disk_version(disk)) return;
    bool anew = index->losses != disk_losses(disk);
    index->version = disk_version(disk);
    index->losses = disk_losses(disk);
    index->file_count = 0;
    disk_each_durable(disk, index->journal, take_file, index);
    if (anew || !index->begun || !find_last(index, number)) forget_all(index);
    read_on(index);
    if (!is_behind(index)) return;
    forget_all(index);
    read_on(index);
}

/* ---- Segments ---- */

struct segment_search {
    const struct durable_question *question;
    const struct group_places *group;
    const uint8_t *data;
    uint64_t size, first; /* of the segment that begins last before what is asked for */
    bool any;
};

static void look_at_segment(void *arg, const char *name, const uint8_t *data, uint64_t size) {
    struct segment_search *search = arg;
    const struct durable_question *question = search->question;
    size_t len = strlen(name);

    if (len < 4 || strcmp(name + len - 4, ".log") != 0 || size < SEGMENT_HEAD) return;
    if (le32(data) != SEGMENT_MAGIC || crc32c(0, data, 60) != le32(data + 60) ||
        le64(data + 8) != question->group)
        return;
    uint64_t first = le64(data + 24);
    bool begins_before = question->index > 0 ? first <= question->index
                                             : (int64_t)le64(data + 16) <= question->offset;
    if (!begins_before || (search->any && first <= search->first)) return;
    /* A start removes it, without a sync of the directory: it may be here again, beside newer ones.
     */
    if ((int64_t)le64(data + 16) > search->group->progress_segment) return;
    *search = (struct segment_search){question, search->group, data, size, first, true};
}

/* Behind what a sync ended with, zeros fill the block. */
static bool next_entry(const struct segment_search *search, uint64_t *at, struct raw_entry *entry) {
    if (*at < search->size && search->data[*at] == 0) *at = up_to(*at, BLOCK);
    return *at < search->size && decode_entry(search->data + *at, search->size - *at, entry);
}

static bool covers(const struct durable_question *question, const struct raw_entry *entry) {
    if (question->index > 0) return entry->index == question->index;
    return question->offset >= entry->base_offset &&
           question->offset < entry->base_offset + (int64_t)entry->records;
}

/* What was cleaned had been there whole; what is left of it the final reading tells. */
static bool was_cleaned(const struct segment_search *search) {
    const struct durable_question *question = search->question;
    if (!search->any || le32(search->data + 4) != FORMAT_CLEANED) return false;
    return question->index > 0 ? question->index <= le64(search->data + 40)
                               : question->offset < (int64_t)le64(search->data + 48);
}

static bool is_in_segment(struct durable_index *index, const struct durable_question *question,
                          const struct group_places *group) {
    struct segment_search search = {.question = question, .group = group};
    struct raw_entry entry;
    char path[100];

    snprintf(path, sizeof path, "%s/%016" PRIx64, index->groups_path, question->group);
    disk_each_durable(node_disk(index->node), path, look_at_segment, &search);
    if (was_cleaned(&search)) return true;
    for (uint64_t at = SEGMENT_HEAD; search.any && next_entry(&search, &at, &entry);
         at += RAW_ENTRY_HEAD + entry.body_len)
        if (covers(question, &entry))
            return entry.index <= group->progress && decode_entry_body_is_whole(&entry) &&
                   question->is_it(question->arg, &entry);
    return false;
}

/* ---- Questions ---- */

static bool entry_at(const struct durable_index *index, const struct place *place,
                     struct raw_entry *entry) {
    if (place->generation < index->last.oldest) return false;
    for (unsigned i = 0; i < index->file_count; i++) {
        const struct journal_bytes *file = &index->files[i];
        if (file->number != place->file || place->at >= file->size) continue;
        return decode_entry(file->data + place->at, file->size - place->at, entry) &&
               entry->index == place->index;
    }
    return false;
}

bool durable_index_has(struct durable_index *index, const struct durable_question *question) {
    struct raw_entry entry;

    refresh(index);
    struct group_places *group = find_group(index, question->group, false);
    if (group == NULL) return false;
    for (size_t i = group->count; i-- > 0;) {
        if (!entry_at(index, &group->places[i], &entry)) continue;
        if (entry.group == question->group && covers(question, &entry))
            return question->is_it(question->arg, &entry);
        bool before = question->index > 0
                          ? entry.index < question->index
                          : entry.base_offset + (int64_t)entry.records <= question->offset;
        if (before) break;
    }
    return is_in_segment(index, question, group);
}

uint32_t durable_index_term(struct durable_index *index, uint64_t id, uint64_t *voted_for) {
    refresh(index);
    const struct group_places *group = find_group(index, id, false);

    *voted_for = group == NULL ? 0 : group->voted_for;
    return group == NULL ? 0 : group->term;
}
