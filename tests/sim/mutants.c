/* The table of deliberate bugs; mutants.h says what for. */
#include "tests/sim/mutants.h"

#include <stddef.h>

#include "base/mutant.h"

#define ROW(name, scenario, seeds) {MUTANT_##name, #name, scenario, seeds}

/* clang-format off */ /* one a line, however many: they come from many sides */
const struct mutant_row mutant_rows[] = {
    ROW(ACK_BEFORE_FLUSH, "journal", 20),
    ROW(STALE_TAIL_ACCEPTED, "journal", 20),
    ROW(REUSE_BEFORE_SYNC, "journal", 20),
    ROW(JOURNAL_WITHOUT_LIMIT, "journal", 20),
    ROW(ENTRY_CRC_IGNORED, "journal", 60),
    ROW(HARD_STATE_NOT_WRITTEN, "journal", 20),
    ROW(UNCOMMITTED_IN_SEGMENT, "voters", 100),
    ROW(DURABLE_AT_APPEND, "voters", 100),
    ROW(TRUNCATION_NOT_WRITTEN, "journal", 20),
    ROW(FAILED_SYNC_SURVIVED, "journal", 20),
    ROW(DIRECTORY_NOT_SYNCED, "voters", 20),
    ROW(VOTE_NOT_PERSISTED, "voters", 20),
    ROW(MESSAGE_BEFORE_HARD_STATE, "voters", 100),
    ROW(SOLE_VOTER_SAME_TERM, "voters", 100),
    ROW(NO_BARRIER, "voters", 100),
    ROW(COMMIT_AT_APPEND, "voters", 100),
    ROW(PERSISTED_AT_APPEND, "voters", 100),
    ROW(RESULT_UNPERSISTED, "voters", 100),
    ROW(STALE_COMPLETION, "voters", 100),
    ROW(WITNESS_IGNORED, "cluster", 200),
    ROW(DEDUP_WINDOW_OF_FOUR, "cluster", 100),
    ROW(BATCH_CRC_IGNORED, "cluster", 100),
    ROW(IN_FLIGHT_KEPT, "cluster", 100),
    ROW(RETRY_ACKED_EARLY, "cluster", 50),
    ROW(WATERMARK_AT_APPEND, "cluster", 100),
    ROW(WIPED_REPLICA_VOTES, "cluster", 50),
    ROW(COMMIT_SET_BACK, "voters", 100),
    ROW(MARK_PASSES_CLOSED, "cluster", 100),
    ROW(HUNG_FLOW_KEPT, "voters", 200),
    ROW(START_ABOVE_COMMIT, "voters", 100),
    ROW(TERMS_BELOW_START_LOST, "voters", 100),
    ROW(BELOW_TRAIL_PASSED, "voters", 100),
    ROW(STRANGERS_TAKE_PLACES, "cluster", 200),
    ROW(ANY_PRODUCER_ID, "cluster", 50),
    ROW(DECISION_TOLD_EARLY, "cluster", 100),
    ROW(GROUP_READ_UNCONFIRMED, "cluster", 200),
    ROW(VERDICT_UNCONFIRMED, "cluster", 200),
    ROW(DAMAGED_LEADS, "cluster", 100),
    ROW(SYNCED_BLOCK_WRITTEN, "voters", 40),
    ROW(QUIET_FOLLOWER_SLEEPS, "voters", 100),
    ROW(CONFIRM_SKIPPED, "cluster", 100),
    ROW(SEGMENT_NOT_SYNCED, "voters", 40),
    ROW(TAKES_NONE_KEPT, "cluster", 200),
    ROW(ROOM_NOT_COUNTED, "cluster", 300),
    ROW(SESSION_MISSES_MOVES, "cluster", 20),
    ROW(GROUPS_OF_SNAPSHOT_LOST, "cluster", 20),
    {0, NULL, NULL, 0},
};
/* clang-format on */
