/* What the files of the book share. For others: group_book.h. */
#ifndef SIM_GROUPS_BOOK_INTERNAL_H
#define SIM_GROUPS_BOOK_INTERNAL_H

#include "tests/sim/groups/group_book.h"

struct held {
    struct owned what;
    uint32_t tenure;
};

struct holder {
    struct book_group *group;
    struct holder *next; /* of the group */
    unsigned number, seat;
    uint64_t id_hash; /* of the id under which it was told something last */
    bool is_static, established, dead;
    uint64_t contact_us, clear_us; /* when what was answered had been sent; 0: never */
    uint32_t contact_term;         /* and the term in which it was answered */
    unsigned unknown;              /* requests without a true answer since then */
    struct owned_list holds;
    uint32_t tenures[HELD_MOST]; /* of what it holds */
};

/* Something that was told under an id, or that a record says of it. */
struct saying {
    uint64_t hash;
    bool logged;
    uint64_t told_us;
    int32_t epoch;
    unsigned holder;
};

struct commit {
    struct book_group *group;
    int32_t partition, epoch;
    int64_t offset;
    uint32_t tenure;
    uint64_t id_hash;
    unsigned holder;
    enum commit_outcome outcome;
    bool logged;
};

/* An id that the coordinator told and did not know. */
struct forgotten {
    unsigned seat;
    int64_t from, to; /* of its log, meanwhile */
    uint64_t refused_us;
};

/* What the log says of a member, as far as the rules need it. */
struct logged_member {
    uint64_t id_hash;
    int32_t epoch;
    struct owned_list has; /* assigned, or to be given back */
    struct logged_member *next;
};

struct book_group {
    struct book *book;
    char name[32];
    bool mixed;
    uint64_t session_us, rebalance_us;
    struct holder *holders;
    int64_t processed_to[HISTORY_PARTITIONS_MAX];
    bool *processed[HISTORY_PARTITIONS_MAX]; /* of each offset */
    size_t processed_room[HISTORY_PARTITIONS_MAX];
    int64_t committed[HISTORY_PARTITIONS_MAX], fetched[HISTORY_PARTITIONS_MAX],
        sent[HISTORY_PARTITIONS_MAX];
    /* What was told, and what records say: 64-bit hashes. */
    struct saying *told;
    size_t told_count, told_room;
    uint64_t *said;
    size_t said_count, said_room;
    /* The log, as far as it was given. */
    uint32_t last_tenure[HISTORY_PARTITIONS_MAX], last_commit[HISTORY_PARTITIONS_MAX];
    int64_t last_offset[HISTORY_PARTITIONS_MAX];
    bool is_consumer;                /* its last record is one of KIP-848 */
    int32_t epoch, assignment_epoch; /* the first: or the generation */
    uint64_t generation_shares;      /* who has what in that generation */
    struct logged_member *members;
    int64_t *ends; /* offsets at which it ceased to be one of KIP-848 with members */
    size_t end_count, end_room;
    struct forgotten *forgotten;
    size_t forgotten_count, forgotten_room;
};

struct book {
    struct run *run;
    const struct history *history;
    int32_t partitions;
    struct kp_uuid topic; /* all zeros: not known */
    struct book_group groups[BOOK_GROUPS_MAX];
    unsigned group_count, holders;
    uint32_t tenures;
    struct commit *commits;
    size_t commit_count, commit_room;
};

/* Of what is said of an id in an epoch; `list` NULL: nothing of partitions. */
uint64_t book_saying(struct kp_string id, int32_t epoch, const struct owned_list *list);
uint64_t book_text_hash(struct kp_string text);

#endif
