/* Who knows that the journal of a broker was beyond the copy of it; old_copy.h says why. */
#include "tests/sim/old_copy.h"

#include "broker/api/services.h"
#include "storage/journal/journal.h"
#include "storage/little_endian.h"
#include "tests/sim/cluster.h"

enum {
    WRITTEN_UNREPORTED = 8
}; /* rounds that may be in the copy and were not reported to the journal's owner */

static struct journal *journal_of(const struct sim_broker *broker) {
    if (broker->broker == NULL || !broker->ready || broker->stopping) return NULL;
    return log_store_journal(shard_store(broker_shard(broker->broker)));
}

void old_copy_taken(struct cluster *cluster, unsigned place) {
    const struct sim_broker *broker = &cluster->brokers[place];
    const struct journal *journal = journal_of(broker);

    if (journal == NULL) return;
    const struct metadata *metadata = broker_services(broker->broker)->metadata;
    const struct metadata_broker *entry = metadata_broker_of(metadata, (int32_t)place + 1);
    if (entry == NULL) return;
    cluster->copy = (struct old_copy){.place = place,
                                      .directory = le_get_u64(entry->directory),
                                      .sequence = journal_sequence(journal) + WRITTEN_UNREPORTED};
}

static void look_at(struct old_copy *copy, const struct sim_broker *broker) {
    const struct journal *journal = journal_of(broker);

    if (journal == NULL || copy->knows[broker->place].durable) return;
    if (copy->knows[broker->place].run == broker->broker) {
        copy->knows[broker->place].durable = journal_sequence(journal) >
                                             copy->knows[broker->place].sequence + 1;
        return;
    }
    const struct journal_witness *witness = journal_witness_of(journal, copy->directory);
    if (witness == NULL || witness->sequence <= copy->sequence) return;
    copy->knows[broker->place].run = broker->broker;
    copy->knows[broker->place].sequence = journal_sequence(journal);
}

void old_copy_look(struct cluster *cluster) {
    for (unsigned i = 0; i < cluster->count && cluster->copy.sequence > 0; i++)
        if (i != cluster->copy.place) look_at(&cluster->copy, &cluster->brokers[i]);
}

bool old_copy_is_known(const struct cluster *cluster) {
    for (unsigned i = 0; i < cluster->count; i++)
        if (i != cluster->copy.place && !cluster->copy.knows[i].durable) return false;
    return cluster->copy.sequence > 0;
}
