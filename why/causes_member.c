/* One member, or none: nobody is there, it is stuck, does not poll, does not commit. */
#include <inttypes.h>
#include <string.h>

#include "why/diagnosis_internal.h"

#include "base/secure/shell_word.h"

enum { AGAIN_LEAST = 3, RESTARTS_LEAST = 3 };

/* ---- Nobody ---- */

bool why_no_members(const struct why_facts *facts, const struct why_sums *sums,
                    struct why_finding *finding) {
    char group[SHELL_WORD_ROOM];
    if (facts->member_count > 0) {
        return false;
    }
    const struct why_partition *worst = why_worst(facts, NULL);
    for (size_t i = 0; i < facts->event_count; i++) {
        finding->since_age_ms = facts->events[i].age_ms;
    }
    why_show(finding, "members", "none");
    why_show_lag(finding, sums->lag, sums->age_ms);
    why_show_age(finding, "last commit", worst->commit_age_ms);
    why_next(finding, "Start its consumers; if it is not wanted any more: drave group delete %s",
             shell_word_in(facts->group, group));
    return true;
}

/* ---- Stuck ---- */

static bool stands_still(const struct why_facts *facts, const struct why_partition *partition) {
    int64_t still_ms = partition->moved_age_ms != WHY_UNKNOWN ? partition->moved_age_ms
                                                              : partition->commit_age_ms;
    return partition->committed != WHY_UNKNOWN && still_ms >= facts->window_ms;
}

static bool fetches(const struct why_facts *facts, const struct why_partition *partition) {
    return partition->reader.known && partition->reader.seen_age_ms <= facts->window_ms / 2;
}

/* It is given the same records again and again. */
static bool is_read_again(const struct why_facts *facts, const struct why_partition *partition) {
    const struct why_reader *reader = &partition->reader;
    return stands_still(facts, partition) && fetches(facts, partition) &&
           reader->again >= AGAIN_LEAST;
}

static bool is_of(const struct why_event *event, const struct why_member *member) {
    return strcmp(event->client_id, member->client_id) == 0 &&
           strcmp(event->host, member->host) == 0;
}

/* How often a process like that of its member came anew while the committed offset stood there. */
static int restarts_of(const struct why_facts *facts, const struct why_partition *partition) {
    const struct why_member *owner = why_owner(facts, partition);
    int64_t still_ms = partition->moved_age_ms != WHY_UNKNOWN ? partition->moved_age_ms
                                                              : partition->commit_age_ms;
    int count = 0;
    for (size_t i = 0; owner && i < facts->event_count; i++) {
        const struct why_event *event = &facts->events[i];
        bool comes = event->what == KP_GROUP_JOINED || event->what == KP_GROUP_REPLACED;
        count += comes && event->age_ms <= still_ms && event->age_ms <= 5 * facts->window_ms &&
                 is_of(event, owner);
    }
    return count;
}

/* Others of the same client id and host would count as one another. */
static bool is_like_others(const struct why_facts *facts, const struct why_member *member) {
    size_t like = 0;
    for (size_t i = 0; i < facts->member_count; i++) {
        like += strcmp(facts->members[i].client_id, member->client_id) == 0 &&
                strcmp(facts->members[i].host, member->host) == 0;
    }
    return like > 1;
}

static bool is_restarted(const struct why_facts *facts, const struct why_partition *partition) {
    return stands_still(facts, partition) && partition->member != WHY_NOBODY &&
           !is_like_others(facts, why_owner(facts, partition)) &&
           restarts_of(facts, partition) >= RESTARTS_LEAST;
}

bool why_stuck(const struct why_facts *facts, const struct why_sums *sums,
               struct why_finding *finding) {
    char group[SHELL_WORD_ROOM];
    const struct why_partition *again = why_worst(facts, is_read_again);
    const struct why_partition *worst = again ? again : why_worst(facts, is_restarted);
    if (!worst) {
        return false;
    }
    finding->since_age_ms = worst->moved_age_ms != WHY_UNKNOWN ? worst->moved_age_ms
                                                               : worst->commit_age_ms;
    why_show_partition(finding, worst);
    why_show(finding, "offset", "%" PRId64, worst->committed);
    if (worst->member != WHY_NOBODY) {
        why_show_member(finding, why_owner(facts, worst));
    }
    why_show_age(finding, "committed offset moved", finding->since_age_ms);
    if (again) {
        why_show(finding, "fetched again", "%" PRId32 " times from %" PRId64 " to %" PRId64,
                 worst->reader.again, worst->committed, worst->reader.furthest);
        why_show_age(finding, "last fetch", worst->reader.seen_age_ms);
    } else {
        why_show(finding, "member came anew", "%d times", restarts_of(facts, worst));
    }
    why_show_lag(finding, worst->lag, worst->age_ms);
    why_next(
        finding,
        "Look at the record: drave consume %s -p %" PRId32 " -o %" PRId64
        " -n 1 --json. To pass over it, stop the consumers and: drave group seek %s --to %" PRId64
        " -t %s:%" PRId32 " --yes",
        worst->topic, worst->partition, worst->committed, shell_word_in(facts->group, group),
        worst->committed + 1, worst->topic, worst->partition);
    (void)sums;
    return true;
}

/* ---- Not polling ---- */

/* It is there for long enough that it should have fetched. */
static bool is_settled(const struct why_facts *facts, const struct why_member *member) {
    for (size_t i = 0; i < facts->event_count; i++) {
        if (facts->events[i].age_ms < facts->window_ms / 2 &&
            strcmp(facts->events[i].member_id, member->id) == 0) {
            return false;
        }
    }
    return facts->unsettled_ms == WHY_UNKNOWN;
}

/* One that is fetched speaks for all of its member's. */
static bool polls(const struct why_facts *facts, int32_t member) {
    for (size_t i = 0; i < facts->partition_count; i++) {
        if (facts->partitions[i].member == member && fetches(facts, &facts->partitions[i])) {
            return true;
        }
    }
    return false;
}

static bool is_not_polled(const struct why_facts *facts, const struct why_partition *partition) {
    const struct why_member *owner = why_owner(facts, partition);
    bool no_commits = partition->commit_age_ms == WHY_UNKNOWN ||
                      partition->commit_age_ms > facts->window_ms / 2;
    return owner && partition->watched && !polls(facts, partition->member) && no_commits &&
           is_settled(facts, owner);
}

bool why_not_polling(const struct why_facts *facts, const struct why_sums *sums,
                     struct why_finding *finding) {
    const struct why_partition *worst = why_worst(facts, is_not_polled);
    (void)sums;
    if (!worst) {
        return false;
    }
    const struct why_member *owner = why_owner(facts, worst);
    finding->since_age_ms = worst->reader.known ? worst->reader.seen_age_ms : worst->commit_age_ms;
    why_show_member(finding, owner);
    why_show_partition(finding, worst);
    why_show_age(finding, "last heartbeat", owner->heard_age_ms);
    if (worst->reader.known) {
        why_show_age(finding, "last fetch", worst->reader.seen_age_ms);
    } else {
        why_show(finding, "last fetch", "none that its broker remembers");
    }
    why_show_age(finding, "last commit", worst->commit_age_ms);
    why_show_lag(finding, worst->lag, worst->age_ms);
    why_next(
        finding,
        "Its client lives and does not ask for records: its application works for long, or hangs, between two polls. Look at "
        "what client %s at %s does; it is thrown out when max.poll.interval.ms is over.",
        owner->client_id, owner->host);
    return true;
}

/* ---- Uncommitted ---- */

static int64_t lag_of_reader(const struct why_partition *partition) {
    int64_t left = partition->end - partition->reader.furthest;
    return left > 0 ? left : 0;
}

/* Records are fetched and the committed offset stays. One record less than was fetched is what a
 * client commits that names the last one instead of the next. */
static bool is_uncommitted(const struct why_facts *facts, const struct why_partition *partition) {
    bool ever = partition->committed != WHY_UNKNOWN;
    int64_t from = ever && partition->committed > partition->log_start ? partition->committed
                                                                       : partition->log_start;
    int64_t lag = partition->end - from;
    int64_t still_ms = ever ? partition->moved_age_ms : partition->age_ms;
    return fetches(facts, partition) && partition->reader.furthest > from && lag > 1 &&
           partition->reader.again < AGAIN_LEAST && lag_of_reader(partition) <= lag / 2 &&
           still_ms != WHY_UNKNOWN && still_ms > facts->window_ms / 4;
}

bool why_uncommitted(const struct why_facts *facts, const struct why_sums *sums,
                     struct why_finding *finding) {
    const struct why_partition *worst = why_worst(facts, is_uncommitted);
    (void)sums;
    if (!worst) {
        return false;
    }
    finding->since_age_ms = worst->moved_age_ms != WHY_UNKNOWN ? worst->moved_age_ms
                                                               : worst->age_ms;
    why_show_partition(finding, worst);
    if (worst->member != WHY_NOBODY) {
        why_show_member(finding, why_owner(facts, worst));
    }
    why_show(finding, "fetched up to", "%" PRId64 " of %" PRId64, worst->reader.furthest,
             worst->end);
    why_show_age(finding, "last fetch", worst->reader.seen_age_ms);
    if (worst->committed == WHY_UNKNOWN) {
        why_show(finding, "last commit", "none");
    } else {
        why_show_age(finding, "committed offset moved", worst->moved_age_ms);
    }
    why_show_lag(finding, worst->lag, worst->age_ms);
    why_show(finding, "lag by what is fetched", "%" PRId64 " records", lag_of_reader(worst));
    why_next(
        finding,
        "Its records are fetched, and the offsets are not committed: let the application commit what it has "
        "processed, or set enable.auto.commit=true. It may also have stopped asking its client for records.");
    return true;
}
