/* Who holds what, who was heard of, what was processed and committed; group_book.h has the rules.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "protocol/kafka_error.h"
#include "tests/sim/groups/book_internal.h"

/* ---- Lists ---- */

static bool same(const struct owned *a, const struct owned *b) {
    return a->partition == b->partition && kp_uuid_equal(a->topic, b->topic);
}

static size_t place_of(const struct owned_list *list, const struct owned *one) {
    size_t at = 0;
    while (at < list->count && !same(&list->items[at], one))
        at++;
    return at;
}

bool owned_has(const struct owned_list *list, const struct owned *one) {
    return place_of(list, one) < list->count;
}

void owned_add(struct owned_list *list, struct owned one) {
    if (list->count < HELD_MOST && !owned_has(list, &one)) list->items[list->count++] = one;
}

void owned_remove(struct owned_list *list, size_t at) {
    list->items[at] = list->items[--list->count];
}

uint64_t owned_hash(const struct owned_list *list) {
    uint64_t hash = list->count;
    for (size_t i = 0; i < list->count; i++)
        hash += trace_content(&list->items[i], sizeof list->items[i]);
    return hash;
}

/* ---- Life ---- */

struct book *book_new(struct run *run, const struct history *history, int32_t partitions) {
    struct book *book = mem_zalloc(sizeof *book);
    CHECK(partitions <= HISTORY_PARTITIONS_MAX);
    book->run = run;
    book->history = history;
    book->partitions = partitions;
    return book;
}

void book_topic(struct book *book, struct kp_uuid id) {
    book->topic = id;
}

struct kp_uuid book_topic_id(const struct book *book) {
    return book->topic;
}

struct owned book_owned(const struct book *book, struct kp_uuid topic, int32_t partition) {
    if (kp_uuid_equal(topic, book->topic)) return (struct owned){.partition = partition};
    return (struct owned){topic, partition};
}

struct book_group *book_group_new(struct book *book, const char *name, bool mixed,
                                  uint64_t session_us, uint64_t rebalance_us) {
    CHECK(book->group_count < BOOK_GROUPS_MAX);
    struct book_group *group = &book->groups[book->group_count++];
    *group = (struct book_group){
        .book = book, .mixed = mixed, .session_us = session_us, .rebalance_us = rebalance_us};
    snprintf(group->name, sizeof group->name, "%s", name);
    for (int32_t p = 0; p < book->partitions; p++)
        group->committed[p] = group->fetched[p] = group->sent[p] = group->last_offset[p] = -1;
    return group;
}

struct book_group *book_group_find(struct book *book, struct kp_string name) {
    for (unsigned i = 0; i < book->group_count; i++)
        if (kp_string_is(name, book->groups[i].name)) return &book->groups[i];
    return NULL;
}

const char *book_group_name(const struct book_group *group) {
    return group->name;
}

bool book_group_is_mixed(const struct book_group *group) {
    return group->mixed;
}

static uint64_t now_us(const struct book_group *group) {
    return world_now_us(group->book->run->world);
}

/* ---- Members ---- */

struct holder *holder_new(struct book_group *group, unsigned seat, bool is_static) {
    struct holder *holder = mem_zalloc(sizeof *holder);
    *holder = (struct holder){.group = group,
                              .next = group->holders,
                              .number = ++group->book->holders,
                              .seat = seat,
                              .is_static = is_static};
    group->holders = holder;
    return holder;
}

unsigned holder_number(const struct holder *holder) {
    return holder->number;
}

const struct owned_list *holder_holds(const struct holder *holder) {
    return &holder->holds;
}

uint32_t holder_tenure(const struct holder *holder, const struct owned *one) {
    size_t at = place_of(&holder->holds, one);
    return at < holder->holds.count ? holder->tenures[at] : 0;
}

/* A dynamic member may have lost its connection without knowing it: then it has as long as it
 * pauses between heartbeats, and this (decision 32). */
enum { PATIENCE_US = 1000000 };

/* When the coordinator can have given it up, at the earliest. */
static uint64_t safe_until_us(const struct holder *holder) {
    uint64_t session_us = holder->contact_us +
                          (holder->is_static ? holder->group->session_us : PATIENCE_US);
    uint64_t rebalance_us = holder->clear_us + holder->group->rebalance_us;
    if (holder->contact_us == 0 || holder->clear_us == 0) return 0;
    return session_us < rebalance_us ? session_us : rebalance_us;
}

/* Its instance is its own now: whatever process had it before is none of the group any more. */
static void take_over(struct holder *holder) {
    for (struct holder *other = holder->group->holders; other != NULL; other = other->next)
        if (other != holder && other->seat == holder->seat) other->holds.count = 0;
}

void book_instance_comes(struct book_group *group, unsigned seat) {
    for (struct holder *other = group->holders; other != NULL; other = other->next)
        if (other->seat == seat) other->contact_us = 0;
}

void holder_heard(struct holder *holder, uint64_t sent_us, bool clear, uint32_t in_term) {
    if (holder->is_static) take_over(holder);
    if (in_term == 0) {
        holder->unknown++;
        return;
    }
    holder->contact_us = sent_us;
    holder->contact_term = in_term;
    if (clear) holder->clear_us = sent_us;
    holder->unknown = 0;
}

void holder_unknown(struct holder *holder) {
    holder->unknown++;
}

unsigned holder_unknowns(const struct holder *holder) {
    return holder->unknown;
}

static void let_go(struct holder *holder, size_t at) {
    owned_remove(&holder->holds, at);
    holder->tenures[at] = holder->tenures[holder->holds.count];
}

/* Somebody else may not have it now. */
static void nobody_has(const struct holder *holder, const struct owned *one) {
    struct book_group *group = holder->group;
    for (struct holder *other = group->holders; other != NULL; other = other->next) {
        size_t at = place_of(&other->holds, one);
        if (other == holder || at == other->holds.count) continue;
        if (now_us(group) < safe_until_us(other))
            run_fail(group->book->run,
                     "group %s: member %u is told partition %d, which member %u has: it was heard "
                     "of %" PRIu64 " ms ago, and may rely on it for %" PRIu64 " ms more",
                     group->name, holder->number, one->partition, other->number,
                     (now_us(group) - other->contact_us) / 1000,
                     (safe_until_us(other) - now_us(group)) / 1000);
        run_count(group->book->run, RARE_PARTITIONS_LOST, 1);
        let_go(other, at);
    }
}

static void note_told(struct book_group *group, const struct holder *holder, uint64_t hash,
                      int32_t epoch) {
    group->told = mem_grow(group->told, group->told_count, &group->told_room, sizeof *group->told);
    group->told[group->told_count++] = (struct saying){
        .hash = hash, .told_us = now_us(group), .epoch = epoch, .holder = holder->number};
}

void holder_told_epoch(struct holder *holder, struct kp_string id, int32_t epoch) {
    holder->established = true;
    holder->id_hash = book_text_hash(id);
    note_told(holder->group, holder, book_saying(id, epoch, NULL), epoch);
}

void holder_told(struct holder *holder, struct kp_string id, int32_t epoch,
                 const struct owned_list *list, uint32_t in_term) {
    struct book *book = holder->group->book;
    holder->established = true;
    holder->id_hash = book_text_hash(id);
    note_told(holder->group, holder, book_saying(id, epoch, list), epoch);
    for (size_t i = 0; i < list->count; i++) {
        const struct owned *one = &list->items[i];
        if (owned_has(&holder->holds, one)) continue;
        /* Later it may be old news. */
        if (in_term != 0 && now_us(holder->group) < safe_until_us(holder)) nobody_has(holder, one);
        holder->tenures[holder->holds.count] = ++book->tenures;
        owned_add(&holder->holds, *one);
        run_count(book->run, RARE_PARTITIONS_TOLD, 1);
    }
}

void holder_gives_up(struct holder *holder, const struct owned *one) {
    size_t at = place_of(&holder->holds, one);
    if (at < holder->holds.count) let_go(holder, at);
}

void holder_gives_up_all(struct holder *holder) {
    holder->holds.count = 0;
}

void holder_died(struct holder *holder) {
    holder->dead = true;
}

void holder_refused(struct holder *holder, int16_t code, bool excused, uint32_t in_term) {
    struct book_group *group = holder->group;
    run_count(group->book->run, RARE_MEMBERS_FENCED, holder->established);
    /* Before it was told a generation nothing of it is written: a new coordinator knows nothing. */
    bool known = holder->established || holder->contact_term == in_term;
    if (excused || in_term == 0 || !known) return;
    /* Whose generation is behind when its group is downgraded is told so (decision 31). */
    if (code == KAFKA_ILLEGAL_GENERATION && book_group_is_mixed(group)) return;
    /* Whose time is over is not known any more; this says that it is, in another epoch. */
    bool is_late = now_us(group) >= safe_until_us(holder);
    if (is_late && code != KAFKA_FENCED_MEMBER_EPOCH) return;
    run_fail(group->book->run,
             "group %s: member %u hears %s, and was heard of %" PRIu64 " ms ago: it has %" PRIu64
             " ms more",
             group->name, holder->number, kafka_error_name(code),
             (now_us(group) - holder->contact_us) / 1000,
             is_late ? 0 : (safe_until_us(holder) - now_us(group)) / 1000);
}

/* ---- Records ---- */

void book_processed(struct holder *holder, int32_t partition, int64_t from, int64_t to) {
    struct book_group *group = holder->group;
    bool **processed = &group->processed[partition];
    for (int64_t offset = from; offset < to; offset++) {
        size_t *room = &group->processed_room[partition], before = *room;
        while ((size_t)offset >= *room) {
            *processed = mem_grow(*processed, *room, room, sizeof **processed);
            memset(*processed + before, 0, *room - before);
            before = *room;
        }
        run_count(group->book->run, RARE_PROCESSED_AGAIN, (*processed)[offset]);
        (*processed)[offset] = true;
    }
    int64_t *end = &group->processed_to[partition];
    while ((size_t)*end < group->processed_room[partition] && (*processed)[*end])
        (*end)++;
}

int64_t book_processed_to(const struct book_group *group, int32_t partition) {
    return group->processed_to[partition];
}

int64_t book_committed(const struct book_group *group, int32_t partition) {
    return group->committed[partition];
}

int64_t book_last_fetched(const struct book_group *group, int32_t partition) {
    return group->fetched[partition];
}

/* ---- Commits ---- */

uint32_t book_commit(struct holder *holder, int32_t partition, uint32_t tenure, int32_t epoch,
                     int64_t offset, char *note) {
    struct book_group *group = holder->group;
    struct book *book = group->book;
    if (offset > group->processed_to[partition])
        run_fail(book->run,
                 "group %s: member %u commits offset %" PRId64
                 " of partition %d, and record %" PRId64 " was never processed",
                 group->name, holder->number, offset, partition, group->processed_to[partition]);
    book->commits = mem_grow(book->commits, book->commit_count, &book->commit_room,
                             sizeof *book->commits);
    uint32_t number = (uint32_t)book->commit_count++;
    book->commits[number] = (struct commit){.group = group,
                                            .partition = partition,
                                            .epoch = epoch,
                                            .offset = offset,
                                            .tenure = tenure,
                                            .id_hash = holder->id_hash,
                                            .holder = holder->number};
    if (offset > group->sent[partition]) group->sent[partition] = offset;
    snprintf(note, COMMIT_NOTE_MAX, "commit %" PRIu32, number);
    return number;
}

void book_commit_ended(struct book *book, uint32_t number, enum commit_outcome outcome) {
    struct commit *commit = &book->commits[number];
    int64_t *committed = &commit->group->committed[commit->partition];
    commit->outcome = outcome;
    if (outcome == COMMIT_ACKNOWLEDGED && commit->offset > *committed) *committed = commit->offset;
    run_count(book->run, RARE_MEMBERS_COMMITTED, outcome == COMMIT_ACKNOWLEDGED);
    run_count(book->run, RARE_COMMITS_REFUSED, outcome == COMMIT_REFUSED);
}

static bool may_be_committed(const struct book_group *group, int32_t partition, int64_t offset) {
    const struct book *book = group->book;
    for (size_t i = 0; i < book->commit_count; i++) {
        const struct commit *commit = &book->commits[i];
        if (commit->group == group && commit->partition == partition && commit->offset == offset &&
            commit->outcome == COMMIT_UNKNOWN)
            return true;
    }
    return false;
}

void book_fetched(struct book_group *group, int32_t partition, int64_t floor, int64_t offset) {
    group->fetched[partition] = offset;
    if (offset >= floor && offset <= group->sent[partition]) return;
    if (may_be_committed(group, partition, offset)) return;
    run_fail(group->book->run,
             "group %s has committed offset %" PRId64 " of partition %d, acknowledged, and reads "
             "%" PRId64,
             group->name, floor, partition, offset);
}
