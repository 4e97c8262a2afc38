/*
 * The rare events of a run, counted: a zero over many seeds means that the simulator is blind
 * there.
 *
 * The counts of one seed travel from its process to the driver as lines of text, and are added up
 * there.
 */
#ifndef SIM_RARE_H
#define SIM_RARE_H

#include <stdint.h>

enum rare {
    RARE_ELECTIONS,
    RARE_LOST_LEADERSHIPS,
    RARE_TRUNCATIONS,
    RARE_TORN_TAILS,
    RARE_FILES_REUSED,
    RARE_COPIED_FORWARD,
    RARE_DEDUP_HITS,
    RARE_WIPED_REFUSED,
    RARE_OLD_COPIES_REFUSED,
    RARE_TRANSFERS,
    RARE_LATE_STARTS,
    RARE_SENT_BELOW_START,
    RARE_TRAILS_CUT,
    RARE_TRAILS_EXTENDED,
    RARE_REANCHORED,
    RARE_FELL_QUIET,
    RARE_WOKE,
    RARE_STRANGERS_REFUSED,
    RARE_STRANGERS_CROWDED,
    RARE_CLIENTS_SENT_ON,
    RARE_DEPOSED,
    RARE_TWO_BELIEVE,
    RARE_TWINS_SEEN,
    RARE_COMMITTED,
    RARE_COMMITS_READ,
    RARE_TWO_COORDINATORS,
    RARE_DAMAGED_BLOCKS,
    RARE_DAMAGE_FOUND,
    RARE_LEFT_FOR_DAMAGE,
    RARE_SYNCED_DESTROYED,
    RARE_LITTLE_ROOM,
    RARE_ROOM_SHORT,
    RARE_ROOM_AGAIN,
    RARE_LEFT_FOR_ROOM,
    RARE_RECORDS_NOT_TAKEN,
    RARE_SESSION_FETCHES,
    RARE_NAMED, /* those above must not be zero over 200 seeds */
    RARE_STARTS = RARE_NAMED,
    RARE_KILLS,
    RARE_POWER_CUTS,
    RARE_TORN_WRITES,
    RARE_FATAL_ENDS,
    RARE_FAILED_SYNCS,
    RARE_FULL_DISKS,
    RARE_SLOW_DISKS,
    RARE_FAILED_OPEN, /* in the order of enum name_call */
    RARE_FAILED_CREATE,
    RARE_FAILED_MKDIR,
    RARE_FAILED_RENAME,
    RARE_FAILED_TRUNCATE,
    RARE_FAILED_SYNC_DIR,
    RARE_FAILED_LIST,
    RARE_PAUSES,
    RARE_CLOCK_JUMPS,
    RARE_PARTITIONS,
    RARE_ONE_WAY_CUTS,
    RARE_RESETS,
    RARE_HUNG_FLOWS,
    RARE_CLEAN_STOPS,
    RARE_FAST_FAILOVERS,
    RARE_UNKNOWN_RESULTS,
    RARE_ACKNOWLEDGED,
    RARE_READ_BACK,
    RARE_LOOKED_UP,
    RARE_KINDS
};

const char *rare_name(enum rare kind);
/* The kind of that name, or RARE_KINDS. */
enum rare rare_find(const char *name);

struct rare_counts {
    uint64_t count[RARE_KINDS];
};

#endif
