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
        run_fail(reading->run, "the durable journal of n%d cannot be read: %s (%s)", reading->node, why.text,
                 error_phrase(error));
}

void durable_read(struct run *run, struct node *node, const char *path, bool may_fail,
                  void (*each)(void *arg, const struct journal_group *group), void *arg) {
    struct reading reading = {run, node_id(node), path, may_fail, each, arg};
    struct node *reader = node_new_over(run->world, NODE_MAX - 1, disk_clone_durable(node_disk(node)));

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
            ledger_committed(entering->ledger, entering->who, entry->group, entry->index, entry->term);
    }
}

void durable_enter(struct run *run, struct node *node, const char *path, struct ledger *ledger) {
    struct entering entering = {.ledger = ledger};

    snprintf(entering.who, sizeof entering.who, "n%d", node_id(node));
    durable_read(run, node, path, false, enter, &entering);
}

/* ---- One entry ---- */

struct search {
    uint64_t group, index;
    uint32_t term;
    bool found;
};

static void look(void *arg, const struct journal_group *group) {
    struct search *search = arg;

    if (group->group != search->group) return;
    if (search->index <= group->progress) {
        search->found = true;
        return;
    }
    for (size_t i = 0; i < group->entry_count; i++)
        if (group->entries[i]->index == search->index) search->found = group->entries[i]->term == search->term;
}

bool durable_has(struct run *run, struct node *node, const char *path, uint64_t group, uint64_t index, uint32_t term) {
    struct search search = {.group = group, .index = index, .term = term};

    durable_read(run, node, path, false, look, &search);
    return search.found;
}

/* ---- The entry of an offset ---- */

struct offset_search {
    uint64_t group;
    int64_t offset;
    bool (*is_it)(void *arg, struct entry *entry);
    void *arg;
    struct durable_place place;
    bool found;
};

static void look_for_offset(void *arg, const struct journal_group *group) {
    struct offset_search *search = arg;

    if (group->group != search->group) return;
    search->place.older = group->progress > 0 &&
                          (group->entry_count == 0 || group->entries[0]->base_offset > search->offset);
    for (size_t i = 0; i < group->entry_count; i++) {
        struct entry *entry = group->entries[i];
        if (search->offset < entry->base_offset || search->offset >= entry->base_offset + entry->records) continue;
        if (!search->is_it(search->arg, entry)) continue;
        search->place = (struct durable_place){.index = entry->index, .term = entry->term};
        search->found = true;
    }
}

bool durable_find(struct run *run, struct node *node, const char *path, uint64_t group, int64_t offset,
                  bool (*is_it)(void *arg, struct entry *entry), void *arg, struct durable_place *place) {
    struct offset_search search = {.group = group, .offset = offset, .is_it = is_it, .arg = arg};

    durable_read(run, node, path, false, look_for_offset, &search);
    *place = search.place;
    return search.found;
}
