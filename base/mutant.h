/*
 * Deliberate bugs, to prove that the tests would find them. `if (MUTANT(7))` is never taken, and
 * costs nothing, but in the build with DRAVE_MUTANTS, where the program that runs the tests chooses
 * one number at its start, or the environment does (DRAVE_MUTANT).
 */
#ifndef BASE_MUTANT_H
#define BASE_MUTANT_H

enum mutant {
    MUTANT_ACK_BEFORE_FLUSH = 1, /* the journal reports rounds durable that were not synced */
    MUTANT_STALE_TAIL_ACCEPTED,  /* recovery takes rounds of a file's earlier life for its
                                    continuation */
    MUTANT_REUSE_BEFORE_SYNC, /* a journal file is reused once its entries are committed, synced in
                                 segments or not */
    MUTANT_ENTRY_CRC_IGNORED, /* recovery believes the bodies of entries */
    MUTANT_HARD_STATE_NOT_WRITTEN, /* term and vote are forgotten by a crash */
    MUTANT_UNCOMMITTED_IN_SEGMENT, /* write-behind takes entries that are not committed */
    MUTANT_DURABLE_AT_APPEND, /* a log reports entries durable before their round of the journal is
                               */
    MUTANT_TRUNCATION_NOT_WRITTEN, /* the journal does not say that the end of a log was cut */
    MUTANT_FAILED_SYNC_SURVIVED,   /* a round whose write or sync failed counts as durable */
    MUTANT_DIRECTORY_NOT_SYNCED, /* a segment counts as synced while its directory does not name it
                                  */
    MUTANT_SYNCED_BLOCK_WRITTEN, /* segments go on in the block in which their last sync ended */
    MUTANT_SEGMENT_NOT_SYNCED,   /* the journal is told of progress in a segment that was not synced
                                  */
    MUTANT_ROOM_NOT_COUNTED,     /* the room of the disk is what it was at the last look */
    MUTANT_JOURNAL_WITHOUT_LIMIT, /* the journal takes twice as many files as its limit has room for
                                   */

    MUTANT_START_NOT_SYNCED,      /* files below the log's start go before the disk knows of it */
    MUTANT_PREFIX_WITHOUT_STATE,  /* they go although no state of the appliers reaches as far */
    MUTANT_RETENTION_TAKES_YOUNG, /* retention deletes segments however young their newest record is
                                   */

    MUTANT_VOTE_NOT_PERSISTED = 20,   /* the term is recorded, the vote in it is not */
    MUTANT_MESSAGE_BEFORE_HARD_STATE, /* messages leave while the term and vote behind them are not
                                         durable */
    MUTANT_SOLE_VOTER_SAME_TERM,      /* a sole voter leads again in the term of its last life */
    MUTANT_NO_BARRIER,          /* a leader serves before an entry of its own term has committed */
    MUTANT_COMMIT_AT_APPEND,    /* the leader's commit index moves when it has appended */
    MUTANT_PERSISTED_AT_APPEND, /* a leader counts its entries as persisted when it has appended
                                   them */
    MUTANT_RESULT_UNPERSISTED,  /* a follower acknowledges entries that are not durable */
    MUTANT_STALE_COMPLETION,    /* completions of entries that were truncated away still count */
    MUTANT_WITNESS_IGNORED, /* a broker whose journal went back in time votes and acknowledges */
    MUTANT_HUNG_FLOW_KEPT,  /* nobody sees that entries do not arrive while the control connection
                               works */
    MUTANT_COMMIT_SET_BACK, /* the commit index of an AppendEntries is taken beyond what it brings
                             */
    MUTANT_START_ABOVE_COMMIT, /* the engine is started at the end of the log, as if all of it were
                                  committed */
    MUTANT_TERMS_BELOW_START_LOST, /* the engine is not told the terms below its start */
    MUTANT_BELOW_TRAIL_PASSED,    /* AppendEntries that reach below the engine's trail, or the log's
                                     start, are stepped as they are */
    MUTANT_QUIET_FOLLOWER_SLEEPS, /* a quiet follower does not wake when its leader's broker is gone
                                   */
    MUTANT_CONFIRM_SKIPPED, /* a leader takes a confirmation as given that it has only asked for */

    MUTANT_TAKES_NONE_KEPT, /* a follower whose disk was full gets nothing any more */

    MUTANT_DEDUP_WINDOW_OF_FOUR = 40, /* only four batches of a producer are remembered */
    MUTANT_BATCH_CRC_IGNORED,         /* a produced batch is believed without its checksum */
    MUTANT_IN_FLIGHT_KEPT,    /* batches in flight count as seen after the leadership in which they
                                 were sent is lost */
    MUTANT_RETRY_ACKED_EARLY, /* a retry of a batch in flight is acknowledged before the batch has
                                 committed */
    MUTANT_WATERMARK_AT_APPEND,    /* the watermark moves when the leader has appended */
    MUTANT_STRANGERS_TAKE_PLACES,  /* refusals take the places of producers with something committed
                                    */
    MUTANT_ANY_PRODUCER_ID,        /* ids that nobody was ever given are taken */
    MUTANT_DECISION_TOLD_EARLY,    /* a coordinator's decision is told before it has committed */
    MUTANT_GROUP_READ_UNCONFIRMED, /* a coordinator that was deposed and does not know it answers */
    MUTANT_VERDICT_UNCONFIRMED, /* a leader refuses a batch for good without asking whether it leads
                                 */
    MUTANT_SESSION_MISSES_MOVES, /* what moves at a partition of a fetch session is not looked at */
    MUTANT_LOG_START_AT_APPEND,  /* the start of a log moves when the leader has appended it */
    MUTANT_GROUPS_OF_SNAPSHOT_LOST, /* what a snapshot has of consumer groups is not taken */

    /* ---- Transactions ---- */

    MUTANT_MARKER_TWICE = 120, /* a marker that ends nothing is appended however often it comes */
    MUTANT_MARKERS_NOT_KEPT, /* what a snapshot has of markers, and what they aborted, is not taken
                              */
    MUTANT_OPEN_NOT_KEPT,    /* ... nor what it has of open transactions */
    MUTANT_STABLE_IS_WATERMARK, /* open transactions hold nobody back */
    MUTANT_LATE_MARKER_ENDS,    /* a marker that comes once more ends the next transaction, too */
    MUTANT_ABORTED_RANGE_SHORT, /* who reads only the first record of what was aborted is not told
                                 */
    MUTANT_MARKER_TERM_IGNORED, /* a marker that was meant for an earlier leader of the same broker
                                   is taken */

    MUTANT_STABLE_BY_MARKER_IN_FLIGHT, /* a transaction is over when its marker is appended */
    MUTANT_INVITATION_KEPT,     /* that a partition takes part holds beyond the transaction's end */
    MUTANT_OLD_INVITATION_KEPT, /* ... and is believed to a coordinator that is one no more */

    /* ---- Coordinators of transactions ---- */

    MUTANT_END_TOLD_EARLY = 140, /* that a transaction ends is told before it is decided */
    MUTANT_ADD_TOLD_EARLY,  /* that a partition is in a transaction is told before it is so for good
                             */
    MUTANT_COMPLETED_EARLY, /* a transaction is over when its first partition has its marker */
    MUTANT_TAKEOVER_FORGETS,     /* a new coordinator takes it that all markers are written */
    MUTANT_TAKEOVER_ABORTS,      /* ... aborts what was decided to be committed */
    MUTANT_NOT_VERIFIED,         /* nobody asks whether a partition takes part */
    MUTANT_OFFSETS_NOT_VERIFIED, /* ... whether the offsets of a group do */
    MUTANT_LEADERLESS_IS_GONE,   /* a partition that nobody leads needs no marker */
    MUTANT_TIME_BY_WALL_CLOCK,   /* what a taken over transaction has left goes by the wall clock */
    MUTANT_FENCE_KEEPS_EPOCH,    /* whose transaction is ended by others is not shut out */
    MUTANT_END_KEEPS_EPOCH,      /* an end does not raise the epoch with transaction.version 2 */
    MUTANT_EPOCH_RAISED_TWICE,   /* ... or raises it by two */
    MUTANT_INIT_KEEPS_EPOCH,     /* a new producer gets the epoch of the one before */
    MUTANT_OLD_EPOCH_ENDS,       /* a fenced producer ends transactions */

    /* ---- Offsets of transactions ---- */

    MUTANT_PENDING_OFFSET_SHOWN = 170, /* what a transaction commits counts before it ends */
    MUTANT_ABORTED_OFFSET_COMMITTED,   /* ... and if it is aborted */
    MUTANT_PENDING_OFFSET_REWINDS,     /* ... and over what was committed later */
    MUTANT_PENDING_OFFSETS_LOST,       /* ... and is forgotten when the coordinator moves */

    /* ---- Members of consumer groups ---- */

    MUTANT_OLD_OWNER_COMMITS = 80, /* a member commits in whatever generation or epoch it says */
    MUTANT_COMMIT_OVERTAKES,     /* a commit does not wait for the decision that is being written */
    MUTANT_SYNC_TOLD_EARLY,      /* an assignment is told although its record may not commit */
    MUTANT_PENDING_FORGOTTEN,    /* an id that was told is not known while a rebalance goes on */
    MUTANT_GENERATION_REUSED,    /* a rebalance ends in the generation of the one before */
    MUTANT_TOMBSTONE_LOST,       /* a member of KIP-848 that left is not taken out */
    MUTANT_STATIC_FENCED_TWICE,  /* a static member that came again is put back to who it was before
                                  */
    MUTANT_GIVEN_AWAY_EARLY,     /* what a member has to give back is free before it does */
    MUTANT_SESSIONS_NOT_BEGUN,   /* members of a coordinator that moved have no session */
    MUTANT_REBALANCE_TIMER_KEPT, /* the time to give partitions back runs on when they are */
    MUTANT_EPOCH_TOLD_EARLY,     /* an epoch is told although its record may not commit */
    MUTANT_LOST_ANSWER_FENCED, /* the epoch before is not taken from whom the new one did not reach
                                */
    MUTANT_FENCED_FOR_EVER,    /* a fenced member of KIP-848 may not join again while it is there */
    MUTANT_RECORD_MEMBERS_LOST, /* a new coordinator begins with no members */
    MUTANT_REGEX_CHANGE_MISSED, /* another regular expression is no new subscription */
    MUTANT_UPGRADE_FREES_ALL,   /* what members of the classic protocol own is free when their group
                                   is upgraded */
    MUTANT_DOWNGRADE_BEGINS_ANEW, /* a group that is downgraded begins with generation 1 */

    /* ---- Cleaning ---- */

    MUTANT_SWAP_BEFORE_START = 70,  /* segments are replaced before entries count as gone */
    MUTANT_CLEANED_NOT_SYNCED,      /* a cleaned segment takes its name before it is on the disk */
    MUTANT_MERGED_LEFTOVER_KEPT,    /* a segment that was merged into another is opened again */
    MUTANT_TOMBSTONE_WITHOUT_MARK,  /* tombstones go as soon as their replica is clean */
    MUTANT_MARK_WITHOUT_DEAD = 160, /* a mark does not wait for members that do not answer */
    MUTANT_HINT_KEPT, /* what was read last is looked for where it was, in a segment that was
                         replaced */

    /* ---- Mending what is damaged ---- */

    MUTANT_MENDED_UNCHECKED = 75, /* what a peer gives for a damaged entry is believed, and it gives
                                     other bytes */
    MUTANT_LATER_START_WITHOUT_STATE, /* a log begins later although no state reaches as far */

    /* ---- Logs that a leader gave as files ---- */

    MUTANT_LOG_BEGINS_IN_TWO = 110, /* that a log begins anew is a truncation and a progress */

    MUTANT_INSTALL_TOLD_EARLY, /* a log that begins anew is acknowledged before the journal says so
                                */

    MUTANT_STAGED_UNCHECKED,  /* files that were given are believed without their checksums,
                                 and other bytes are given */
    MUTANT_START_NOT_PINNED,  /* the start moves while what lies below it is being given away */
    MUTANT_STATE_BELOW_START, /* a state that does not reach to the start is believed to */

    /* ---- Configurations, and who is in a group ---- */

    MUTANT_CHANGE_BEFORE_BARRIER = 180, /* a leader changes the configuration before an entry of its
                                           own term has committed */
    MUTANT_CHANGES_TOGETHER,            /* a change counts as committed when it is appended */
    MUTANT_VOTERS_FROM_TABLE,           /* who is a member by the metadata counts as voting */
    MUTANT_LAST_VOTER_REMOVED,          /* a leader takes itself out, whoever is left */
    MUTANT_PROMOTED_BEHIND,             /* who joins votes at once */
    MUTANT_REPLICA_IDS_KEPT,            /* a replaced broker's replicas keep their ids */
    MUTANT_FILES_GO_EARLY,              /* a replica's files go when its plan is made */
    MUTANT_NEWCOMER_BOOTSTRAPPED,       /* who joins begins with a configuration of its own */
    MUTANT_APPEND_TO_OLD, /* what is appended to a list is, to what it was before another
                             change that is under way */

    /* ---- A lost majority ---- */

    MUTANT_PLAN_FORGETS_PARTITION = 190, /* of a lost majority of each topic only partition 0 is in
                                            the plan */
    MUTANT_RECOVERED_WITH_OLDEST, /* a group goes on with the oldest of the logs that are left
                                   */
    MUTANT_RETURNED_LET_IN,       /* who was given up and comes back is let in */
    MUTANT_LOST_LET_IN,      /* whom the metadata went on without is let in until it is replaced */
    MUTANT_NOT_ASKED_AROUND, /* who starts stands for election before the others have said
                                whether it belongs to them still */
    MUTANT_OTHER_HISTORY_TAKEN, /* a replica whose state is ahead of its log takes entries of a log
                                   that went on without what is in the state */

    /* ---- Share groups ---- */

    MUTANT_SHARE_ACK_EARLY = 210, /* an acknowledgement is answered before it has committed */
    MUTANT_SHARE_LOCKS_KEPT,      /* what members hold outlives the lead */
    MUTANT_SHARE_COUNT_LOST,      /* a record that comes back was given once less */
    MUTANT_SHARE_ANY_HOLDER,      /* whoever says what became of a record is believed */
    MUTANT_SHARE_GIVEN_MORE,      /* a record is given once more than it may be */
    MUTANT_SHARE_RELEASED_PASSED, /* the start passes records that came back */
    MUTANT_SHARE_ENDING_GIVEN,    /* a record is given while its end is being committed */
    MUTANT_SHARE_APPLIED_EARLY,   /* a leader's outcomes are its state before they have committed */
    MUTANT_SHARE_BEGUN_TWICE,     /* each that reads for a new group begins it */
    MUTANT_SHARES_NOT_KEPT,       /* what a snapshot has of records is not taken */
    MUTANT_SHARE_ABORTED_GIVEN,   /* a committed group gets what was aborted */
    MUTANT_SHARE_START_BEHIND,    /* the start of the log does not move that of groups */
    MUTANT_SHARE_KEY_FREED,       /* a key is free when one of its records is held no more */
    MUTANT_SHARE_EXPIRED_HELD,    /* records that a member holds are archived when they expire */

    /* ---- Features ---- */

    MUTANT_HIGHEST_LEVEL_LOST = 230, /* images do not say that a level was higher */

    /* ---- Delayed records ---- */

    MUTANT_DELAY_BY_OWN_CLOCK = 240, /* each replica counts from when it heard of a record */
    MUTANT_DELAY_RELEASED_EARLY,     /* records are delivered two seconds before their time */
    MUTANT_DELAY_KEY_BELOW,          /* one that is late comes before what was delivered */
    MUTANT_DELAY_FLIGHT_PASSED,      /* ... or behind what its leader could have waited for */
    MUTANT_DELAYS_NOT_KEPT,          /* what a snapshot has of pending records is not taken */
    MUTANT_DELAY_OVER_AT_APPEND,     /* a record is pending no more when its delivery is appended */
    MUTANT_DELAY_LEFT_BY_FOLLOWERS,  /* what is delivered is pending still where nobody leads */
    MUTANT_DELAY_CALLED_OFF_GOES,    /* what is being called off is delivered meanwhile */
    MUTANT_HELD_NOT_REMEMBERED,      /* batches of which records are held back can come again */
    MUTANT_HOLE_SHORT,               /* a hole ends before the last record that is hidden */
    MUTANT_HOLE_OVER_VISIBLE,        /* ... or at the end of the log, whatever is there */

    /* ---- Dead letters ---- */

    MUTANT_LETTER_ARCHIVED_EARLY = 260, /* a record is archived when its letter is sent */
    MUTANT_LETTER_MOVE_ANEW,     /* a batch of letters that was begun is begun once more, as another
                                    one */
    MUTANT_LETTER_MOVE_NOT_KEPT, /* what a snapshot has of it is not taken */
    MUTANT_LETTER_NUMBERS_KEPT,  /* the next one has the numbers of the last one */
    MUTANT_LETTER_OTHERS_AGAIN,  /* it is sent again with whatever is to be moved by then */

    /* ---- Identity ---- */

    /* A broker that lost its directory is let in under its old identity. */
    MUTANT_WIPED_REPLICA_VOTES = 60,
    MUTANT_MARK_PASSES_CLOSED,   /* the durable mark passes a partition that could not be opened,
                                    which is not tried again */
    MUTANT_REPLACED_OPENS_EARLY, /* and opens what the table says before it has reached that */
};

#ifdef DRAVE_MUTANTS
extern int mutant_chosen; /* 0: none */
#define MUTANT(number) (mutant_chosen == (number))
#else
#define MUTANT(number) 0
#endif

#endif
