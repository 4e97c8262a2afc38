/*
 * Recovery of the journal, as a table. Rounds are written one after the other, each synced before
 * the next is begun; hence at most the last one can be torn, and a bad round with a whole later one
 * behind it was damaged afterwards.
 *
 *     what is found                                  decision
 *  1  no file, or none that ever held a whole round  no journal (the caller refuses if there must
 *                                                    be one)
 *  2  the last round is whole                        everything counts, synced or not (see 12)
 *  3  the last round is not whole (header, records,  torn: it is cut
 *     a body, footer), nothing whole behind it
 *  4  rounds of an earlier life of the file behind   ignored: another generation
 *     the end
 *  5  a round with the sequence of one that was cut  ignored: below the sequence that follows the
 *                                                    cut
 *  6  a new generation of which neither checkpoint   the file is free; the journal ends in the one
 *     is whole                                       before
 *  7  the first checkpoint of a file is bad, its     the copy counts
 *     copy whole
 *  8  the first is whole, its copy bad               the first counts
 *  9  a bad round with whole later ones behind it    damage: refused, with the place and what was
 *                                                    in it
 * 10  a file does not continue the one before        damage at the end of the one before
 * 11  a generation that is needed has no file; two   damage: refused
 *     files say that they are the same one
 * 12  a bad round that a later one repeats           the repetition counts (the last round of a
 *                                                    process may have been in the cache only: the
 *                                                    next one repeats it)
 * 13  a whole round at a place that its header does  as if it were not whole: 3 or 9
 *     not name
 * 14  a file shorter than it should be               free: it was being made, and is removed; with
 *                                                    rounds in it: damage where no setting makes
 *                                                    such a size; else as it is
 *     ... ending within a round whose header is      damage: a round is begun only where it fits; a
 *     whole                                          round that lets the file grow, at a start, is
 *                                                    the exception: torn, as in 3
 * 15  rounds of another journal                      another salt: not whole; a whole file of them:
 *                                                    refused
 * 16  a file of a newer format                       refused: ERR_VERSION
 * 17  all rounds whole, but the entries of a group   damage: refused
 *     have a hole
 * 18  the last round is of a start                   it is not repeated: the round before it was
 *                                                    synced. Starts that write nothing more take
 *                                                    turns in two places, and each round says all
 *                                                    that the other does: one may be torn
 *
 * Not seen: newest files that are gone altogether, or cut exactly between two rounds, where the
 * segments hold nothing of theirs. What was promised in them is lost.
 */
#include "storage/journal/journal_recovery.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/mutant.h"

#define ADVICE \
    "Nothing was changed. Put back the file as it was, or keep the directory: the other brokers go on without this one"

struct recovery {
    struct journal_files *files;
    struct journal_state *state;
    struct journal_state newest; /* by the newest generation alone, without entries: what is synced
                                    of each group, so that such entries need not be kept */
    struct journal_state *into;  /* one of both: what this walk fills */
    struct journal_reader reader;
    struct error_text *why;
    bool begun;                       /* `last` is set */
    struct journal_round_header last; /* the last round that counts */
    struct journal_file *last_file;
    uint64_t end;     /* offset behind it */
    uint64_t settled; /* offset behind the last one that is not of a start */
};

/* ---- Sentences ---- */

static int cannot_read(struct recovery *recovery, const struct journal_file *file, int error) {
    char name[512];
    journal_files_name(recovery->files, file->number, name);
    if (error == ERR_VERSION)
        return error_set(
            recovery->why, error,
            "the journal file %s is of a newer format than this program knows (%d); start a newer draved",
            name, JOURNAL_FORMAT);
    return error_set(recovery->why, error, "cannot read the journal file %s (%s); %s", name,
                     error_phrase(error), error_advice(error));
}

/* "; it held entry 7 of group 3, ..." from the footer at `offset`; false if there is none. */
static bool describe_footer(const uint8_t *footer, size_t room,
                            const struct journal_round_header *place, char *into,
                            size_t into_size) {
    int entries = journal_footer_decode(footer, room, place);
    if (entries <= 0) return false;
    struct journal_footer_entry first, last;
    journal_footer_entry_at(footer, 0, &first);
    journal_footer_entry_at(footer, (size_t)entries - 1, &last);
    snprintf(into, into_size,
             "; it held %d %s, from entry %" PRIu64 " of group %" PRIu64 " to entry %" PRIu64
             " of group %" PRIu64,
             entries, entries == 1 ? "entry" : "entries", first.index, first.group, last.index,
             last.group);
    return true;
}

/* Looks for the footer of the round at `offset`, sector by sector, up to `until`. */
static void describe_round(struct recovery *recovery, uint64_t generation, uint64_t offset,
                           uint64_t until, char *into, size_t into_size) {
    struct journal_round_header place = {.salt = recovery->reader.salt,
                                         .generation = generation,
                                         .file = recovery->reader.file->number,
                                         .offset = offset};
    const uint8_t *bytes;
    into[0] = '\0';
    for (uint64_t block = offset; block < until; block += JOURNAL_BLOCK) {
        size_t len = until - block > UINT32_MAX ? UINT32_MAX : (size_t)(until - block);
        if (journal_reader_bytes(&recovery->reader, block, len, &bytes) != ERR_NONE) return;
        for (size_t sector = 0; sector < JOURNAL_BLOCK; sector += JOURNAL_SECTOR)
            if (describe_footer(bytes + sector, len - sector, &place, into, into_size)) return;
    }
}

/* Not what the bytes are, but that they cannot be had, or not be understood. */
static bool is_unreadable(int error) {
    return error != ERR_NONE && error != ERR_MALFORMED && error != ERR_CORRUPT && error != ERR_EOF;
}

static int damaged(struct recovery *recovery, const struct journal_file *file, uint64_t generation,
                   uint64_t offset, uint64_t until) {
    char name[512], held[160];
    journal_files_name(recovery->files, file->number, name);
    describe_round(recovery, generation, offset, until, held, sizeof held);
    return error_set(recovery->why, ERR_CORRUPT,
                     "the journal file %s is damaged at position %" PRIu64
                     "%s. Whole rounds follow, so this is not the "
                     "torn end that a power cut leaves. " ADVICE,
                     name, offset, held);
}

/* ---- Which file holds which generation ---- */

/* The next whole round at or behind `offset` that `wanted` accepts. ERR_EOF: none. */
static int find_round(struct recovery *recovery, uint64_t offset,
                      const struct journal_round_header *wanted,
                      struct journal_round_header *header) {
    const uint8_t *round;
    while (offset < recovery->reader.file->size) {
        int error = journal_reader_round(&recovery->reader, offset, header, &round);
        if (is_unreadable(error)) return error;
        bool whole = error == ERR_NONE;
        if (whole && (wanted == NULL || (header->generation == wanted->generation &&
                                         header->sequence > wanted->sequence)))
            return ERR_NONE;
        offset += whole ? journal_round_size(header->payload_len, header->entries) : JOURNAL_BLOCK;
    }
    return ERR_EOF;
}

/* The highest generation that has a whole round in the file (rows 6 and 7). */
static int search_generation(struct recovery *recovery, struct journal_file *file) {
    struct journal_round_header header;
    uint64_t offset = 0;
    int error;
    journal_reader_file(&recovery->reader, file, JOURNAL_READ_ALL);
    while ((error = find_round(recovery, offset, NULL, &header)) == ERR_NONE) {
        if (recovery->reader.salt == 0) recovery->reader.salt = header.salt;
        if (header.generation > file->generation) file->generation = header.generation;
        offset = header.offset + journal_round_size(header.payload_len, header.entries);
    }
    return error == ERR_EOF ? ERR_NONE : error;
}

/* Both checkpoints of one generation are whole: then nothing newer can hide behind a block that was
 * not written. */
static int survey_file(struct recovery *recovery, struct journal_file *file) {
    struct journal_round_header first, copy;
    const uint8_t *round;
    journal_reader_file(&recovery->reader, file, JOURNAL_READ_BEGINNING);
    int error = journal_reader_round(&recovery->reader, 0, &first, &round);
    if (is_unreadable(error)) return error;
    if (error == ERR_NONE) {
        error = journal_reader_round(
            &recovery->reader, journal_round_size(first.payload_len, first.entries), &copy, &round);
        if (is_unreadable(error)) return error;
        if (error == ERR_NONE && copy.generation == first.generation) {
            file->generation = first.generation;
            return ERR_NONE;
        }
    }
    return search_generation(recovery, file);
}

/* The salt is that of the files that begin with a round (row 15). */
static int find_salt(struct recovery *recovery) {
    struct journal_round_header header;
    const uint8_t *round;
    uint64_t salt = 0;
    for (size_t i = 0; i < recovery->files->count; i++) {
        struct journal_file *file = recovery->files->all[i];
        journal_reader_file(&recovery->reader, file, JOURNAL_READ_BEGINNING);
        int error = journal_reader_round(&recovery->reader, 0, &header, &round);
        if (is_unreadable(error)) return cannot_read(recovery, file, error);
        if (error != ERR_NONE) continue;
        if (salt != 0 && header.salt != salt)
            return error_set(
                recovery->why, ERR_CORRUPT,
                "the directory %s holds files of two journals; remove those that were copied there",
                recovery->files->path);
        salt = header.salt;
    }
    recovery->reader.salt = salt;
    return ERR_NONE;
}

static int was_cut(struct recovery *recovery, const struct journal_file *file) {
    char name[512];
    journal_files_name(recovery->files, file->number, name);
    return error_set(recovery->why, ERR_CORRUPT,
                     "the journal file %s is damaged at position %" PRIu64
                     ": it ends there, and was longer before. " ADVICE,
                     name, file->size);
}

/* The size in which files are made. */
static uint64_t made_size(const struct recovery *recovery) {
    uint64_t made = recovery->files->file_bytes;
    for (size_t i = 0; recovery->files->file_bytes == 0 && i < recovery->files->count;
         i++) { /* no setting is known here */
        uint64_t size = recovery->files->all[i]->size;
        if (size > made && size % JOURNAL_BLOCK == 0) made = size;
    }
    return made;
}

/* Row 14: files are made in whole blocks, before the first round is written. */
static int check_size(struct recovery *recovery, const struct journal_file *file) {
    uint64_t expected = made_size(recovery);
    if (file->generation == 0 || file->size >= expected || file->size % JOURNAL_BLOCK == 0)
        return ERR_NONE;
    return was_cut(recovery, file);
}

static int survey(struct recovery *recovery) {
    int error = find_salt(recovery);
    for (size_t i = 0; error == ERR_NONE && i < recovery->files->count; i++) {
        struct journal_file *file = recovery->files->all[i];
        file->generation = 0;
        error = survey_file(recovery, file);
        error = error != ERR_NONE ? cannot_read(recovery, file, error) : check_size(recovery, file);
    }
    return error;
}

/* *found: the file of `generation`, or NULL (row 11). */
static int file_of(struct recovery *recovery, uint64_t generation, struct journal_file **found) {
    *found = NULL;
    for (size_t i = 0; i < recovery->files->count; i++) {
        struct journal_file *file = recovery->files->all[i];
        if (file->generation != generation) continue;
        if (*found != NULL)
            return error_set(
                recovery->why, ERR_CORRUPT,
                "the journal files %08u and %08u in %s both say that they hold generation %" PRIu64
                ". " ADVICE,
                (*found)->number, file->number, recovery->files->path, generation);
        *found = file;
    }
    return ERR_NONE;
}

/* ---- Walking through the rounds of a generation ---- */

static bool is_needed(const struct recovery *recovery, const struct journal_record *record) {
    if (recovery->into != recovery->state) return false;
    const struct journal_group_state *group = journal_state_find(&recovery->newest, record->group);
    return group == NULL || record->index > group->progress;
}

static void apply_round(struct recovery *recovery, const uint8_t *round,
                        const struct journal_round_header *header) {
    struct journal_record record;
    int error;
    for (size_t at = 0;
         (error = journal_record_next(round + JOURNAL_HEADER_SIZE, header->payload_len, &at,
                                      &record, NULL)) == ERR_NONE;) {
        struct entry *entry = NULL;
        if (record.entry != NULL && is_needed(recovery, &record)) {
            struct slice body = slice_copy(NULL, record.body, record.body_len);
            error = entry_from_checked_bytes(record.entry, body, &entry);
            CHECK(error == ERR_NONE); /* the record was decoded */
        }
        journal_state_apply(recovery->into, &record, entry);
        entry_unref(entry);
    }
    CHECK(error == ERR_EOF); /* the round was checked */
}

/* The round continues what was read so far; a generation begins with a checkpoint. */
static bool continues(const struct recovery *recovery, const struct journal_round_header *header,
                      uint64_t generation, bool started) {
    if (MUTANT(MUTANT_STALE_TAIL_ACCEPTED) && started) return true;
    if (header->generation != generation) return false;
    if (!started && (header->flags & JOURNAL_CHECKPOINT) == 0) return false;
    if (!recovery->begun) return !started;
    return header->base <= recovery->last.sequence && recovery->last.sequence <= header->follows;
}

static void recovery_take(struct recovery *recovery, struct journal_file *file,
                          const struct journal_round_header *header, const uint8_t *round) {
    apply_round(recovery, round, header);
    recovery->last = *header;
    recovery->last_file = file;
    recovery->begun = true;
    recovery->end = header->offset + journal_round_size(header->payload_len, header->entries);
    if (!(header->flags & JOURNAL_START)) recovery->settled = recovery->end;
}

/* At `offset` nothing continues the journal. A whole later round there or behind? Then it is one
 * that stands in for what is bad here (rows 7, 8, 12), or this is damage (rows 9, 10). ERR_EOF: it
 * is the end. */
static int skip_bad(struct recovery *recovery, struct journal_file *file, uint64_t *offset,
                    bool started) {
    struct journal_round_header wanted = {
        .generation = file->generation, .sequence = recovery->begun ? recovery->last.sequence : 0};
    struct journal_round_header next;
    int error = find_round(recovery, *offset, &wanted, &next);
    if (error == ERR_EOF) return ERR_EOF;
    if (error != ERR_NONE) return cannot_read(recovery, file, error);
    if (continues(recovery, &next, file->generation, started)) {
        *offset = next.offset;
        return ERR_NONE;
    }
    bool before = !started && recovery->begun && (next.flags & JOURNAL_CHECKPOINT) != 0;
    if (before) { /* row 10: this file begins as it should, what it continues is not there */
        journal_reader_file(&recovery->reader, recovery->last_file, JOURNAL_READ_BEGINNING);
        return damaged(recovery, recovery->last_file, recovery->last.generation, recovery->end,
                       recovery->last_file->size);
    }
    return damaged(recovery, file, file->generation, *offset, next.offset);
}

/* Row 14, of the generation that the file holds: what was there in an earlier life may have been
 * longer. A round that reaches beyond the size in which files are made has let the file grow, and
 * may have been torn at that. */
static bool ends_within_round(struct recovery *recovery, const struct journal_file *file,
                              uint64_t offset) {
    struct journal_round_header header;
    if (journal_reader_header(&recovery->reader, offset, &header) != ERR_NONE) return false;
    uint64_t size = journal_round_size(header.payload_len, header.entries);
    return header.generation == file->generation && size > file->size - offset &&
           offset + size <= made_size(recovery);
}

static int walk_file(struct recovery *recovery, struct journal_file *file) {
    uint64_t offset = 0;
    bool started = false;
    journal_state_begin(recovery->into, file->generation);
    journal_reader_file(&recovery->reader, file, JOURNAL_READ_ALL);
    for (;;) {
        struct journal_round_header header;
        const uint8_t *round;
        int error = journal_reader_round(&recovery->reader, offset, &header, &round);
        if (is_unreadable(error)) return cannot_read(recovery, file, error);
        if (error == ERR_NONE && continues(recovery, &header, file->generation, started)) {
            recovery_take(recovery, file, &header, round);
            offset = recovery->end;
            started = true;
            continue;
        }
        error = skip_bad(recovery, file, &offset, started);
        if (error == ERR_EOF)
            return ends_within_round(recovery, file, offset) ? was_cut(recovery, file) : ERR_NONE;
        if (error != ERR_NONE) return error;
    }
}

/* ---- The whole ---- */

/* From the newest generation alone: which is the oldest that is needed, and what is synced. */
static int find_oldest(struct recovery *recovery, struct journal_file *newest, uint64_t *oldest) {
    recovery->into = &recovery->newest;
    recovery->begun = false;
    int error = walk_file(recovery, newest);
    if (error != ERR_NONE) return error;
    if (!recovery->begun) return damaged(recovery, newest, newest->generation, 0, newest->size);
    *oldest = recovery->last.oldest;
    return ERR_NONE;
}

static int read_generations(struct recovery *recovery, uint64_t oldest, uint64_t newest) {
    recovery->into = recovery->state;
    recovery->begun = false;
    for (uint64_t generation = oldest; generation <= newest; generation++) {
        struct journal_file *file;
        int error = file_of(recovery, generation, &file);
        if (error != ERR_NONE) return error;
        if (file == NULL)
            return error_set(recovery->why, ERR_CORRUPT,
                             "the journal in %s lacks the file of generation %" PRIu64
                             " (it needs %" PRIu64 " to %" PRIu64 "). " ADVICE,
                             recovery->files->path, generation, oldest, newest);
        error = walk_file(recovery, file);
        if (error != ERR_NONE) return error;
    }
    return ERR_NONE;
}

/* Row 17. */
static int check_groups(struct recovery *recovery) {
    struct journal_group_state *group, *next;
    HASH_ITER(hh, recovery->state->groups, group, next) {
        uint64_t missing;
        if (journal_state_check(group, &missing) != ERR_NONE)
            return error_set(recovery->why, ERR_CORRUPT,
                             "the journal in %s lacks entry %" PRIu64 " of group %" PRIu64
                             ". " ADVICE,
                             recovery->files->path, missing, group->group);
    }
    return ERR_NONE;
}

/* Was a round begun at the end, and not finished? */
static bool torn_at_end(struct recovery *recovery) {
    struct journal_round_header header;
    journal_reader_file(&recovery->reader, recovery->last_file, JOURNAL_READ_BEGINNING);
    return journal_reader_header(&recovery->reader, recovery->end, &header) == ERR_NONE &&
           header.generation == recovery->last.generation &&
           header.sequence > recovery->last.sequence;
}

static int set_tail(struct recovery *recovery, struct journal_tail *tail) {
    struct journal_round_header header;
    const uint8_t *round;
    tail->torn = torn_at_end(recovery);
    int error = journal_reader_round(&recovery->reader, recovery->last.offset, &header, &round);
    if (error != ERR_NONE) return cannot_read(recovery, recovery->last_file, error);
    tail->found = true;
    tail->file = recovery->last_file;
    tail->end = recovery->end;
    tail->last = recovery->last;
    tail->place = recovery->last.offset == recovery->settled ? recovery->end : recovery->settled;
    if (recovery->last.flags & JOURNAL_START) return ERR_NONE;
    tail->repeat = journal_round_new();
    journal_round_add_records(tail->repeat, round + JOURNAL_HEADER_SIZE, header.payload_len);
    return ERR_NONE;
}

static int recovery_recover(struct recovery *recovery, struct journal_tail *tail) {
    int error = survey(recovery);
    if (error != ERR_NONE) return error;
    uint64_t newest = 0, oldest = 0;
    for (size_t i = 0; i < recovery->files->count; i++)
        if (recovery->files->all[i]->generation > newest)
            newest = recovery->files->all[i]->generation;
    if (newest == 0) return ERR_NONE; /* row 1 */
    struct journal_file *file;
    error = file_of(recovery, newest, &file);
    if (error == ERR_NONE) error = find_oldest(recovery, file, &oldest);
    if (error == ERR_NONE) error = read_generations(recovery, oldest, newest);
    if (error == ERR_NONE) error = check_groups(recovery);
    if (error == ERR_NONE) error = set_tail(recovery, tail);
    if (error != ERR_NONE) return error;
    for (size_t i = 0; i < recovery->files->count; i++) {
        file = recovery->files->all[i];
        file->used = file->generation > 0;
        if (file->generation < oldest) file->generation = 0;
    }
    return ERR_NONE;
}

int journal_recover(struct journal_files *files, struct journal_state *state,
                    struct journal_tail *tail, struct error_text *why) {
    struct recovery recovery = {.files = files, .state = state, .why = why};
    *tail = (struct journal_tail){0};
    journal_reader_init(&recovery.reader);
    journal_state_init(&recovery.newest);
    int error = recovery_recover(&recovery, tail);
    journal_state_close(&recovery.newest);
    journal_reader_close(&recovery.reader);
    return error;
}
