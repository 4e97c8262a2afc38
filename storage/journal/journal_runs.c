/* Runs, and what was seen of the journals of others, as the records of the journal tell of them. */
#include "storage/journal/journal_runs.h"

#include <string.h>

#include "base/mem.h"

void journal_lineage_close(struct journal_lineage *lineage) {
    mem_free(lineage->witnesses);
}

const struct journal_witness *journal_lineage_witness(const struct journal_lineage *lineage,
                                                      uint64_t directory) {
    for (size_t i = 0; i < lineage->witness_count; i++)
        if (lineage->witnesses[i].directory == directory) return &lineage->witnesses[i];
    return NULL;
}

static void apply_witness(struct journal_lineage *lineage, const struct journal_record *record) {
    struct journal_witness *witness = (struct journal_witness *)journal_lineage_witness(
        lineage, record->directory);
    if (witness == NULL) {
        size_t bytes = (lineage->witness_count + 1) * sizeof *lineage->witnesses;
        lineage->witnesses = mem_realloc(lineage->witnesses, bytes);
        witness = &lineage->witnesses[lineage->witness_count++];
    }
    *witness = (struct journal_witness){
        .directory = record->directory, .run = record->run, .sequence = record->sequence};
}

/* A round that is repeated tells of the same run once more. */
static void apply_run(struct journal_lineage *lineage, const struct journal_record *record) {
    if (record->run == 0) {
        lineage->disowned = true;
        return;
    }
    for (size_t i = 0; i < lineage->run_count; i++)
        if (lineage->runs[i].id == record->run) return;
    if (lineage->run_count == JOURNAL_RUNS_MAX)
        memmove(lineage->runs, lineage->runs + 1, --lineage->run_count * sizeof lineage->runs[0]);
    lineage->runs[lineage->run_count++] = (struct journal_run){.id = record->run,
                                                               .begin = record->sequence};
}

void journal_lineage_apply(struct journal_lineage *lineage, const struct journal_record *record) {
    if (record->kind == JOURNAL_RUN) {
        apply_run(lineage, record);
    } else {
        apply_witness(lineage, record);
    }
}

void journal_lineage_add_runs_to(const struct journal_lineage *lineage,
                                 struct journal_round *round) {
    for (size_t i = 0; i < lineage->run_count; i++) {
        struct journal_record run = {
            .kind = JOURNAL_RUN, .run = lineage->runs[i].id, .sequence = lineage->runs[i].begin};
        journal_round_add(round, &run, NULL);
    }
}

void journal_lineage_add_to(const struct journal_lineage *lineage, struct journal_round *round) {
    struct journal_record disowned = {.kind = JOURNAL_RUN, .run = 0};
    if (lineage->disowned) journal_round_add(round, &disowned, NULL);
    journal_lineage_add_runs_to(lineage, round);
    for (size_t i = 0; i < lineage->witness_count; i++) {
        const struct journal_witness *seen = &lineage->witnesses[i];
        struct journal_record witness = {.kind = JOURNAL_WITNESS,
                                         .directory = seen->directory,
                                         .run = seen->run,
                                         .sequence = seen->sequence};
        journal_round_add(round, &witness, NULL);
    }
}

bool journal_lineage_covers(const struct journal_lineage *lineage, uint64_t run,
                            uint64_t sequence) {
    for (size_t i = 0; i < lineage->run_count; i++) {
        if (lineage->runs[i].id != run) continue;
        return i + 1 == lineage->run_count || sequence <= lineage->runs[i + 1].begin;
    }
    /* Of a run that is forgotten. */
    return lineage->run_count > 0 && sequence <= lineage->runs[0].begin;
}
