/* What the process of a broker did, added up; cluster.h. */
#include "broker/metadata/metadata_group.h"
#include "raft-glue/raft_group.h"
#include "storage/journal/journal.h"
#include "tests/sim/cluster.h"

void cluster_count(struct sim_broker *broker) {
    struct run *run = broker->cluster->run;
    struct shard_stats shard;
    struct journal_stats journal;

    if (broker->broker == NULL || broker->stopping || broker_shard(broker->broker) == NULL) return;
    shard_stats_get(broker_shard(broker->broker), &shard);
    for (int cause = 0; cause < ELECTION_CAUSES; cause++)
        run_count(run, RARE_ELECTIONS, shard.elections[cause]);
    for (int loss = 0; loss < LOSSES; loss++)
        run_count(run, RARE_LOST_LEADERSHIPS, shard.leaderships_lost[loss]);
    run_count(run, RARE_TRUNCATIONS, shard.truncations);
    run_count(run, RARE_FAST_FAILOVERS, shard.fast_failovers);
    run_count(run, RARE_LATE_STARTS, shard.late_starts);
    run_count(run, RARE_SENT_BELOW_START, shard.sent_below_start);
    run_count(run, RARE_TRAILS_CUT, shard.trails_cut);
    run_count(run, RARE_TRAILS_EXTENDED, shard.trails_extended);
    run_count(run, RARE_REANCHORED, shard.reanchored);
    run_count(run, RARE_FELL_QUIET, shard.quiet_begun);
    run_count(run, RARE_WOKE, shard.quiet_ended);
    run_count(run, RARE_TRANSFERS, shard.transfers);
    run_count(run, RARE_CHANGES, shard.changes);
    run_count(run, RARE_STARTED_ANEW, shard.started_anew);
    run_count(run, RARE_DAMAGE_FOUND, shard.damaged_files);
    run_count(run, RARE_LOGS_MENDED, shard.mended_logs);
    run_count(run, RARE_LEFT_FOR_DAMAGE, shard.left_for_damage);
    run_count(run, RARE_LEFT_FOR_ROOM, shard.left_for_room);
    run_count(run, RARE_RECORDS_NOT_TAKEN, shard.not_taken);
    run_count(run, RARE_PREFIXES_OFFERED, shard.snapshots_offered);
    run_count(run, RARE_PREFIXES_INSTALLED, shard.snapshots_installed);
    struct raft_group *metadata = shard_group(broker_shard(broker->broker), METADATA_GROUP);
    if (metadata != NULL)
        run_count(run, RARE_METADATA_SHORTENED,
                  partition_log_first_index(raft_group_log(metadata)) > 1);
    journal_stats_get(log_store_journal(shard_store(broker_shard(broker->broker))), &journal);
    run_count(run, RARE_TORN_TAILS, journal.torn_tails);
    run_count(run, RARE_FILES_REUSED, journal.files_reused);
    run_count(run, RARE_COPIED_FORWARD, journal.entries_copied_forward);
}
