/*
 * What the log of the coordinator may say of a group, judged record by record.
 *
 * Of commits: one of an earlier tenure never stands behind one of a later tenure; of one tenure the
 * later sent stands behind, unless what became of the earlier one is unknown; offsets do not go
 * back; whoever commits is a member in that generation, or has the partition, where the commit
 * stands. Of groups: generations and epochs grow, and a generation says once who has what.
 * In the end: what a member was told stands there, and so does every commit that was acknowledged,
 * and why an id was forgotten that a new member had been told.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "protocol/coordinator_records/classic_group_record.h"
#include "protocol/coordinator_records/consumer_group_record.h"
#include "protocol/coordinator_records/coordinator_record.h"
#include "protocol/coordinator_records/offset_record.h"
#include "tests/sim/groups/book_internal.h"
#include "tests/sim/groups/consumer_bytes.h"

enum { READ_MOST = 1 << 20 };

uint64_t book_text_hash(struct kp_string text) {
    return trace_content(text.data, text.len < 0 ? 0 : (size_t)text.len);
}

uint64_t book_saying(struct kp_string id, int32_t epoch, const struct owned_list *list) {
    uint64_t parts[] = {book_text_hash(id), (uint64_t)(int64_t)epoch, list != NULL,
                        list == NULL ? 0 : owned_hash(list)};
    return trace_content(parts, sizeof parts);
}

static void say(struct book_group *group, uint64_t hash) {
    group->said = mem_grow(group->said, group->said_count, &group->said_room, sizeof *group->said);
    group->said[group->said_count++] = hash;
}

static void say_both(struct book_group *group, struct kp_string id, int32_t epoch,
                     const struct owned_list *list) {
    say(group, book_saying(id, epoch, NULL));
    say(group, book_saying(id, epoch, list));
}

/* ---- Members ---- */

static struct logged_member **member_at(struct book_group *group, uint64_t id_hash) {
    struct logged_member **at = &group->members;
    while (*at != NULL && (*at)->id_hash != id_hash)
        at = &(*at)->next;
    return at;
}

static void member_goes(struct book_group *group, struct kp_string id) {
    struct logged_member **at = member_at(group, book_text_hash(id)), *member = *at;
    if (member == NULL) return;
    *at = member->next;
    mem_free(member);
}

static void member_is(struct book_group *group, struct kp_string id, int32_t epoch,
                      const struct owned_list *has) {
    struct logged_member **at = member_at(group, book_text_hash(id));
    if (*at == NULL) {
        *at = mem_zalloc(sizeof **at);
        (*at)->id_hash = book_text_hash(id);
    }
    (*at)->epoch = epoch;
    (*at)->has = *has;
}

/* ---- Groups of the classic protocol ---- */

static void all_go(struct book_group *group) {
    while (group->members != NULL) {
        struct logged_member *member = group->members;
        group->members = member->next;
        mem_free(member);
    }
}

static void classic_logged(struct book_group *group, const struct kp_classic_group_value *value,
                           int64_t offset) {
    uint64_t shares = (uint64_t)value->members.count;
    bool converted = group->is_consumer;
    group->is_consumer = false;
    all_go(group);
    for (int32_t i = 0; i < value->members.count; i++) {
        const struct kp_classic_group_member *one = &value->members.items[i];
        struct owned_list has;
        consumer_bytes_assignment(group->book->run, one->assignment, &has);
        shares += owned_hash(&has) * 31;
        member_is(group, one->member_id, value->generation, &has);
        say_both(group, one->member_id, value->generation, &has);
    }
    if (value->generation < group->epoch ||
        (value->generation == group->epoch && shares != group->generation_shares && !converted))
        run_fail(group->book->run,
                 "group %s: generation %d, at offset %" PRId64
                 " of its log, stands behind generation %d%s",
                 group->name, value->generation, offset, group->epoch,
                 value->generation == group->epoch ? ", which said something else" : "");
    run_count(group->book->run, RARE_STATIC_REPLACED,
              value->generation == group->epoch && value->members.count > 0 && !converted);
    run_count(group->book->run, RARE_DOWNGRADED, converted && value->members.count > 0);
    group->epoch = value->generation;
    group->generation_shares = shares;
}

/* ---- Groups of KIP-848 ---- */

/* With the last of them it is one of KIP-848 no more: it is empty, or was downgraded. */
static void consumer_goes(struct book_group *group, struct kp_string id, int64_t offset) {
    member_goes(group, id);
    if (group->members != NULL) return;
    group->ends = mem_grow(group->ends, group->end_count, &group->end_room, sizeof *group->ends);
    group->ends[group->end_count++] = offset;
}

static void take_list(const struct book *book, const struct kp_consumer_partitions *topics,
                      int32_t count, struct owned_list *list) {
    for (int32_t t = 0; t < count; t++)
        for (int32_t p = 0; p < topics[t].partitions.count; p++)
            owned_add(list, book_owned(book, topics[t].topic_id, topics[t].partitions.items[p]));
}

static void current_logged(struct book_group *group, struct kp_string id,
                           const struct kp_consumer_current_value *value) {
    struct owned_list has = {.count = 0};
    const struct logged_member *before = *member_at(group, book_text_hash(id));
    take_list(group->book, value->assigned.items, value->assigned.count, &has);
    say_both(group, id, value->member_epoch, &has);
    take_list(group->book, value->pending.items, value->pending.count, &has);
    if (before != NULL && before->epoch >= 0 && value->member_epoch >= 0 &&
        value->member_epoch < before->epoch)
        run_fail(group->book->run, "group %s: the epoch of a member goes back from %d to %d",
                 group->name, before->epoch, value->member_epoch);
    member_is(group, id, value->member_epoch, &has);
}

static void epoch_logged(struct book_group *group, int32_t *epoch, int32_t value, bool may_stay,
                         const char *what) {
    if (value < *epoch || (value == *epoch && !may_stay))
        run_fail(group->book->run, "group %s: its %s epoch %d stands behind %d", group->name, what,
                 value, *epoch);
    *epoch = value;
}

/* ---- Commits ---- */

/* A member of that generation; or one that has the partition, or is in the epoch in which it
 * commits. */
static bool commits_rightly(struct book_group *group, const struct commit *commit) {
    const struct logged_member *member = *member_at(group, commit->id_hash);
    struct owned what = {.partition = commit->partition};
    if (member == NULL) return false;
    if (member->epoch == commit->epoch) return true;
    return group->is_consumer && owned_has(&member->has, &what);
}

static void commit_logged(struct book_group *group, struct commit *commit, uint32_t number) {
    struct run *run = group->book->run;
    int32_t p = commit->partition;
    const struct commit *last = &group->book->commits[group->last_commit[p]];
    bool again = group->last_tenure[p] == commit->tenure && number < group->last_commit[p];
    if (commit->logged || commit->outcome == COMMIT_REFUSED)
        run_fail(run, "group %s: commit %u of member %u %s, and is in the log", group->name, number,
                 commit->holder, commit->logged ? "is there twice" : "was refused");
    if (commit->tenure < group->last_tenure[p])
        run_fail(
            run,
            "group %s: a commit of member %u, which had partition %d before, stands behind one "
            "of member %u",
            group->name, commit->holder, p, last->holder);
    if (!commits_rightly(group, commit))
        run_fail(run,
                 "group %s: a commit of member %u for partition %d in epoch %d stands where the "
                 "group is in %d, and it has no right to it",
                 group->name, commit->holder, p, commit->epoch, group->epoch);
    if (again && commit->outcome != COMMIT_UNKNOWN)
        run_fail(run, "group %s: commits of member %u changed places", group->name, commit->holder);
    if (!again && commit->offset < group->last_offset[p])
        run_fail(run,
                 "group %s: the committed offset of partition %d goes back from %" PRId64
                 " to %" PRId64,
                 group->name, p, group->last_offset[p], commit->offset);
    commit->logged = true;
    group->last_tenure[p] = commit->tenure;
    group->last_commit[p] = number;
    group->last_offset[p] = commit->offset;
}

static void offset_logged(struct book_group *group, const struct kp_offset_key *key,
                          const struct kp_offset_value *value) {
    struct book *book = group->book;
    char note[COMMIT_NOTE_MAX];
    uint32_t number;
    snprintf(note, sizeof note, "%.*s", value->metadata.len, value->metadata.data);
    if (sscanf(note, "commit %" SCNu32, &number) != 1 || number >= book->commit_count)
        run_fail(book->run, "group %s: nobody committed what the log has: '%s'", group->name, note);
    struct commit *commit = &book->commits[number];
    if (commit->group != group || commit->partition != key->partition ||
        commit->offset != value->offset)
        run_fail(book->run, "group %s: commit %u became another one", group->name, number);
    commit_logged(group, commit, number);
}

/* ---- Records ---- */

union any_key {
    struct kp_offset_key offset;
    struct kp_classic_group_key classic;
    struct kp_consumer_group_key group;
    struct kp_consumer_member_key member;
    struct kp_consumer_regex_key regex;
};

union any_value {
    struct kp_offset_value offset;
    struct kp_classic_group_value classic;
    struct kp_consumer_group_value group;
    struct kp_consumer_member_value member;
    struct kp_consumer_target_value target;
    struct kp_consumer_member_target_value member_target;
    struct kp_consumer_current_value current;
    struct kp_consumer_regex_value regex;
};

static void value_logged(struct book_group *group, int number, const union any_key *key,
                         const union any_value *value, int64_t offset) {
    switch (number) {
    case KP_RECORD_OFFSET: offset_logged(group, &key->offset, &value->offset); break;
    case KP_RECORD_CLASSIC_GROUP: classic_logged(group, &value->classic, offset); break;
    case KP_RECORD_CONSUMER_GROUP:
        if (!group->is_consumer && group->members == NULL) group->epoch = 0;
        epoch_logged(group, &group->epoch, value->group.epoch, !group->is_consumer, "own");
        run_count(group->book->run, RARE_UPGRADED, !group->is_consumer && group->members != NULL);
        group->is_consumer = true;
        break;
    case KP_RECORD_CONSUMER_TARGET:
        epoch_logged(group, &group->assignment_epoch, value->target.assignment_epoch, true,
                     "assignment's");
        break;
    case KP_RECORD_CONSUMER_CURRENT:
        current_logged(group, key->member.member, &value->current);
        break;
    default: break;
    }
}

/* A group that is taken away, and does not become a classic one with the same decision, may begin
 * anew. */
static void tombstone_logged(struct book_group *group, int number, const union any_key *key,
                             const struct logged_record *record) {
    if (number == KP_RECORD_CONSUMER_CURRENT)
        consumer_goes(group, key->member.member, record->offset);
    if (number == KP_RECORD_CONSUMER_TARGET) group->assignment_epoch = 0;
    if (number != KP_RECORD_CONSUMER_GROUP || !record->ends_batch) return;
    group->is_consumer = false;
    group->epoch = 0;
}

void book_logged(struct book *book, const struct logged_record *record) {
    const struct kp_record_type *type = kp_record_type_of(record->key, record->key_len);
    int64_t offset = record->offset;
    union any_key any;
    union any_value said;
    struct kp_arena arena;
    if (type == NULL || kp_record_key_decode(type, record->key, record->key_len, &any) != ERR_NONE)
        run_fail(book->run, "the log of the groups has a key that nobody can read");
    struct book_group *group = book_group_find(book, any.group.group);
    if (group == NULL) return;
    run_say(book->run, "group %s: offset %" PRId64 " has %s%s", group->name, offset, type->name,
            record->tombstone ? ", a tombstone" : "");
    if (record->tombstone) {
        tombstone_logged(group, type->number, &any, record);
        return;
    }
    kp_arena_init(&arena, READ_MOST);
    if (kp_record_value_decode(type, record->value, record->value_len, &arena, &said, NULL) !=
        ERR_NONE)
        run_fail(book->run, "the log of group %s has a record that nobody can read", group->name);
    value_logged(group, type->number, &any, &said, offset);
    kp_arena_close(&arena);
}

/* ---- Ids that were told ---- */

/* Judged in the end: this part of the log is not read yet. */
void book_forgot_id(struct book_group *group, unsigned seat, int64_t from, int64_t to) {
    group->forgotten = mem_grow(group->forgotten, group->forgotten_count, &group->forgotten_room,
                                sizeof *group->forgotten);
    group->forgotten[group->forgotten_count++] = (struct forgotten){
        .seat = seat, .from = from, .to = to, .refused_us = world_now_us(group->book->run->world)};
}

static bool ended_meanwhile(const struct book_group *group, const struct forgotten *forgotten) {
    for (size_t i = 0; i < group->end_count; i++)
        if (group->ends[i] >= forgotten->from && group->ends[i] < forgotten->to) return true;
    return false;
}

static void judge_forgotten(const struct book_group *group) {
    for (size_t i = 0; i < group->forgotten_count; i++) {
        const struct forgotten *one = &group->forgotten[i];
        if (!ended_meanwhile(group, one))
            run_fail(group->book->run,
                     "group %s: an id that seat %u had been told was not known any more at %" PRIu64
                     " ms, and what the log has from offset %" PRId64 " to %" PRId64
                     " does not say why",
                     group->name, one->seat, one->refused_us / 1000, one->from, one->to);
        run_count(group->book->run, RARE_IDS_FORGOTTEN, 1);
    }
}

/* ---- The end ---- */

static bool was_said(const struct book_group *group, uint64_t hash) {
    for (size_t i = 0; i < group->said_count; i++)
        if (group->said[i] == hash) return true;
    return false;
}

static void finish_group(const struct book_group *group) {
    judge_forgotten(group);
    for (size_t i = 0; i < group->told_count; i++) {
        const struct saying *told = &group->told[i];
        if (!was_said(group, told->hash))
            run_fail(group->book->run,
                     "group %s: member %u was told at %" PRIu64
                     " ms what it has in epoch %d, and the log does not say so",
                     group->name, told->holder, told->told_us / 1000, told->epoch);
    }
}

void book_finish(struct book *book) {
    for (unsigned i = 0; i < book->group_count; i++)
        finish_group(&book->groups[i]);
    for (size_t i = 0; i < book->commit_count; i++) {
        const struct commit *commit = &book->commits[i];
        if (commit->outcome == COMMIT_ACKNOWLEDGED && !commit->logged)
            run_fail(book->run, "group %s: commit %zu was acknowledged, and is not in the log",
                     commit->group->name, i);
    }
}
