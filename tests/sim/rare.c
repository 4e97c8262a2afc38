/* Names of the rare events. */
#include "tests/sim/rare.h"

#include <string.h>

static const char *const names[RARE_KINDS] = {
    [RARE_ELECTIONS] = "elections",
    [RARE_LOST_LEADERSHIPS] = "lost leaderships",
    [RARE_TRUNCATIONS] = "truncations",
    [RARE_TORN_TAILS] = "torn tails",
    [RARE_FILES_REUSED] = "journal files reused",
    [RARE_COPIED_FORWARD] = "entries copied forward",
    [RARE_DEDUP_HITS] = "dedup hits",
    [RARE_WIPED_REFUSED] = "wiped directories refused",
    [RARE_OLD_COPIES_REFUSED] = "old copies refused",
    [RARE_TRANSFERS] = "planned transfers",
    [RARE_LATE_STARTS] = "engines started behind entry 1",
    [RARE_SENT_BELOW_START] = "entries sent from below a start",
    [RARE_TRAILS_CUT] = "trails cut",
    [RARE_TRAILS_EXTENDED] = "trails extended",
    [RARE_REANCHORED] = "appends below a trail",
    [RARE_FELL_QUIET] = "groups that fell quiet",
    [RARE_WOKE] = "quiet groups that woke",
    [RARE_STRANGERS_REFUSED] = "ids refused that nobody was given",
    [RARE_STRANGERS_CROWDED] = "new producers refused",
    [RARE_CLIENTS_SENT_ON] = "clients sent to other brokers",
    [RARE_DEPOSED] = "leaders deposed on purpose",
    [RARE_TWO_BELIEVE] = "two that believed to lead",
    [RARE_TWINS_SEEN] = "batches recognised on a second connection",
    [RARE_COMMITTED] = "offsets committed",
    [RARE_COMMITS_READ] = "committed offsets read",
    [RARE_TWO_COORDINATORS] = "two that believed to be a group's coordinator",
    [RARE_DAMAGED_BLOCKS] = "damaged blocks",
    [RARE_DAMAGE_FOUND] = "damaged segments found",
    [RARE_LEFT_FOR_DAMAGE] = "leads handed over for damage",
    [RARE_SYNCED_DESTROYED] = "synced blocks destroyed by torn writes",
    [RARE_LITTLE_ROOM] = "small disks",
    [RARE_ROOM_SHORT] = "records refused for room",
    [RARE_ROOM_AGAIN] = "room that came back",
    [RARE_LEFT_FOR_ROOM] = "leads handed over for room",
    [RARE_RECORDS_NOT_TAKEN] = "records that a full follower did not take",
    [RARE_SESSION_FETCHES] = "fetches that went on with a session",
    [RARE_STARTS] = "starts",
    [RARE_KILLS] = "kills",
    [RARE_POWER_CUTS] = "power cuts",
    [RARE_TORN_WRITES] = "torn writes",
    [RARE_FATAL_ENDS] = "fatal ends",
    [RARE_FAILED_SYNCS] = "failed syncs",
    [RARE_FULL_DISKS] = "full disks",
    [RARE_SLOW_DISKS] = "slow disks",
    [RARE_FAILED_OPEN] = "failed opens",
    [RARE_FAILED_CREATE] = "failed creates",
    [RARE_FAILED_MKDIR] = "failed mkdirs",
    [RARE_FAILED_RENAME] = "failed renames",
    [RARE_FAILED_TRUNCATE] = "failed truncates",
    [RARE_FAILED_SYNC_DIR] = "failed syncs of directories",
    [RARE_FAILED_LIST] = "failed listings",
    [RARE_PAUSES] = "pauses",
    [RARE_CLOCK_JUMPS] = "clock jumps",
    [RARE_PARTITIONS] = "partitions",
    [RARE_ONE_WAY_CUTS] = "one-way cuts",
    [RARE_RESETS] = "connections reset",
    [RARE_HUNG_FLOWS] = "hung flows",
    [RARE_CLEAN_STOPS] = "clean stops",
    [RARE_FAST_FAILOVERS] = "fast failovers",
    [RARE_UNKNOWN_RESULTS] = "unknown results",
    [RARE_ACKNOWLEDGED] = "acknowledged",
    [RARE_READ_BACK] = "read back",
    [RARE_LOOKED_UP] = "looked up on the disks",
};

const char *rare_name(enum rare kind) {
    return names[kind];
}

enum rare rare_find(const char *name) {
    enum rare kind = 0;

    while (kind < RARE_KINDS && strcmp(names[kind], name) != 0)
        kind++;
    return kind;
}
