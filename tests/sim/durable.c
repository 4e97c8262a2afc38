/* The durable journal of a machine, read as recovery would; durable.h says why. */
#include "tests/sim/durable.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/check.h"

struct reading {
    struct run *run;
    int node; /* whose disk it is */
    const char *path;
    bool may_fail;
    void (*each)(void *arg, const struct journal_group *group);
    void *arg;
};

static void main_read(struct env *env, void *arg) {
    struct reading *reading = arg;
    struct error_text why = {.text = ""};
    int error = journal_read(env, reading->path, reading->each, reading->arg, &why);

    if (error != ERR_NONE && error != ERR_NOT_FOUND && !reading->may_fail)
        run_fail(reading->run, "the durable journal of n%d cannot be read: %s (%s)", reading->node,
                 why.text, error_phrase(error));
}

void durable_read(struct run *run, struct node *node, const char *path, bool may_fail,
                  void (*each)(void *arg, const struct journal_group *group), void *arg) {
    struct reading reading = {run, node_id(node), path, may_fail, each, arg};
    struct node *reader = node_new_over(run->world, NODE_MAX - 1,
                                        disk_clone_durable(node_disk(node)));

    node_start(reader, main_read, &reading);
    node_exit(reader);
    node_free(reader);
}

/* ---- Entering ---- */

struct entering {
    struct ledger *ledger;
    char who[16];
};

static void enter(void *arg, const struct journal_group *group) {
    struct entering *entering = arg;

    for (size_t i = 0; i < group->entry_count; i++) {
        const struct entry *entry = group->entries[i];
        ledger_entry(entering->ledger, entering->who, entry);
        if (entry->index <= group->commit)
            ledger_committed(entering->ledger, entering->who, entry->group, entry->index,
                             entry->term);
    }
}

void durable_enter(struct run *run, struct node *node, const char *path, struct ledger *ledger) {
    struct entering entering = {.ledger = ledger};

    snprintf(entering.who, sizeof entering.who, "n%d", node_id(node));
    durable_read(run, node, path, false, enter, &entering);
}
