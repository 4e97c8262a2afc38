/* Hashes by applied index; known_states.h has the rules. */
#include "tests/sim/queues/known_states.h"

#include <inttypes.h>

#include "base/mem.h"
#include "broker/partition/partition_internal.h"
#include "tests/sim/cluster_end.h"

uint64_t known_applied(const struct partition *partition) {
    return partition == NULL || partition->restoring != NULL ? 0 : partition->applied;
}

bool known_are_equal(struct cluster *cluster, const char *topic) {
    uint64_t first = 0;
    for (unsigned i = 0; i < cluster->count; i++) {
        if (cluster_is_out(cluster, i)) continue;
        uint64_t applied = known_applied(cluster_partition(cluster, i, topic, 0));
        if (first == 0) first = applied;
        if (applied == 0 || applied != first) return false;
    }
    return true;
}

uint64_t known_hash(struct snapshot_bytes *bytes) {
    struct slice whole = snapshot_bytes_whole(bytes);
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < whole.len; i++)
        hash = (hash ^ whole.data[i]) * UINT64_C(1099511628211);
    slice_unref(&whole);
    return hash == 0 ? 1 : hash;
}

void known_note(struct known_states *known, struct run *run, const struct known_state *state,
                const char *of) {
    while (known->capacity <= state->applied) {
        size_t before = known->capacity;
        known->hashes = mem_grow(known->hashes, before, &known->capacity, sizeof *known->hashes);
        for (size_t i = before; i < known->capacity; i++)
            known->hashes[i] = 0;
    }
    uint64_t *hash = &known->hashes[state->applied];
    if (*hash != 0 && *hash != state->hash)
        run_fail(run, "n%u has applied entry %" PRIu64 ", and knows of %s what others did not",
                 state->place + 1, state->applied, of);
    *hash = state->hash;
}
