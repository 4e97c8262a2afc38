/* Facts about groups, and the contradictions among them; ledger.h says which. */
#include "tests/sim/ledger.h"

#include <inttypes.h>
#include <string.h>
#include <uthash.h>

#include "base/mem.h"

struct entry_key {
    uint64_t group, index, term;
};

struct entry_fact {
    struct entry_key key;
    uint64_t content;
    UT_hash_handle hh;
};

struct place_key {
    uint64_t group, at; /* at: an index, or a term */
};

struct place_fact {
    struct place_key key;
    uint64_t value; /* the term of the committed entry, or the replica that leads */
    UT_hash_handle hh;
};

struct last_fact {
    uint64_t group, last;
    UT_hash_handle hh;
};

struct ledger {
    struct run *run;
    struct entry_fact *entries;
    struct place_fact *committed, *leaders, *processes;
    struct last_fact *last;
};

struct ledger *ledger_new(struct run *run) {
    struct ledger *ledger = mem_zalloc(sizeof *ledger);

    ledger->run = run;
    return ledger;
}

uint64_t ledger_content(const struct entry *entry) {
    return trace_content(entry->header, ENTRY_HEADER_SIZE) * 31 +
           trace_content(entry->body.data, entry->body.len);
}

static struct entry_fact *find_entry(const struct ledger *ledger, uint64_t group, uint64_t index,
                                     uint64_t term) {
    struct entry_key key = {group, index, term};
    struct entry_fact *fact;

    HASH_FIND(hh, ledger->entries, &key, sizeof key, fact);
    return fact;
}

void ledger_entry(struct ledger *ledger, const char *who, const struct entry *entry) {
    struct entry_fact *fact = find_entry(ledger, entry->group, entry->index, entry->term);

    if (fact != NULL) {
        if (fact->content != ledger_content(entry))
            run_fail(ledger->run,
                     "log matching: %s has other bytes at group %" PRIu64 ", index %" PRIu64
                     ", term %u than were seen before",
                     who, entry->group, entry->index, entry->term);
        return;
    }
    fact = mem_zalloc(sizeof *fact);
    fact->key = (struct entry_key){entry->group, entry->index, entry->term};
    fact->content = ledger_content(entry);
    HASH_ADD(hh, ledger->entries, key, sizeof fact->key, fact);
}

bool ledger_knows(const struct ledger *ledger, uint64_t group, uint64_t index, uint32_t term) {
    return find_entry(ledger, group, index, term) != NULL;
}

static struct place_fact *find_place(struct place_fact *table, uint64_t group, uint64_t at) {
    struct place_key key = {group, at};
    struct place_fact *fact;

    HASH_FIND(hh, table, &key, sizeof key, fact);
    return fact;
}

static void note_last(struct ledger *ledger, uint64_t group, uint64_t index) {
    struct last_fact *fact;

    HASH_FIND(hh, ledger->last, &group, sizeof group, fact);
    if (fact == NULL) {
        fact = mem_zalloc(sizeof *fact);
        fact->group = group;
        HASH_ADD(hh, ledger->last, group, sizeof fact->group, fact);
    }
    if (fact->last < index) fact->last = index;
}

void ledger_committed(struct ledger *ledger, const char *who, uint64_t group, uint64_t index,
                      uint32_t term) {
    struct place_fact *fact = find_place(ledger->committed, group, index);

    if (fact != NULL) {
        if (fact->value != term)
            run_fail(ledger->run,
                     "two entries are committed at group %" PRIu64 ", index %" PRIu64
                     ": of term %" PRIu64 ", and by %s of term %u",
                     group, index, fact->value, who, term);
        return;
    }
    fact = mem_zalloc(sizeof *fact);
    fact->key = (struct place_key){group, index};
    fact->value = term;
    HASH_ADD(hh, ledger->committed, key, sizeof fact->key, fact);
    note_last(ledger, group, index);
}

uint32_t ledger_committed_term(const struct ledger *ledger, uint64_t group, uint64_t index) {
    struct place_fact *fact = find_place(ledger->committed, group, index);

    return fact == NULL ? 0 : (uint32_t)fact->value;
}

uint64_t ledger_last_committed(const struct ledger *ledger, uint64_t group) {
    struct last_fact *fact;

    HASH_FIND(hh, ledger->last, &group, sizeof group, fact);
    return fact == NULL ? 0 : fact->last;
}

void ledger_lose(struct ledger *ledger, uint64_t group, uint64_t last,
                 uint32_t (*term_at)(void *arg, uint64_t index), void *arg) {
    struct place_fact *fact, *next;
    struct last_fact *end;

    HASH_ITER(hh, ledger->committed, fact, next) {
        uint64_t at = fact->key.at;
        uint32_t term = fact->key.group != group || at > last ? 0 : term_at(arg, at);
        /* 0 within the log: its beginning is gone, and that was committed. */
        if (fact->key.group != group || (at <= last && (term == 0 || term == fact->value)))
            continue;
        HASH_DELETE(hh, ledger->committed, fact);
        mem_free(fact);
    }
    HASH_FIND(hh, ledger->last, &group, sizeof group, end);
    if (end != NULL && end->last > last) end->last = last;
}

void ledger_leader(struct ledger *ledger, uint64_t group, uint32_t term, uint64_t replica) {
    struct place_fact *fact = find_place(ledger->leaders, group, term);

    if (fact != NULL) {
        if (fact->value != replica)
            run_fail(ledger->run,
                     "two leaders in group %" PRIu64 ", term %u: replicas %" PRIu64 " and %" PRIu64,
                     group, term, fact->value, replica);
        return;
    }
    fact = mem_zalloc(sizeof *fact);
    fact->key = (struct place_key){group, term};
    fact->value = replica;
    HASH_ADD(hh, ledger->leaders, key, sizeof fact->key, fact);
}

void ledger_led_by(struct ledger *ledger, uint64_t group, uint32_t term, uint64_t process) {
    struct place_fact *fact = find_place(ledger->processes, group, term);

    if (fact == NULL) {
        fact = mem_zalloc(sizeof *fact);
        fact->key = (struct place_key){group, term};
        fact->value = process;
        HASH_ADD(hh, ledger->processes, key, sizeof fact->key, fact);
    }
    if (fact->value != process)
        run_fail(ledger->run, "group %" PRIu64 ", term %u: it is led again, by another process",
                 group, term);
}
