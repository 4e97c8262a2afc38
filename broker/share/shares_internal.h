/* What the files of the shares of a partition share. For others: shares.h. */
#ifndef BROKER_SHARE_SHARES_INTERNAL_H
#define BROKER_SHARE_SHARES_INTERNAL_H

#include "broker/share/shares.h"

struct shares {
    struct shares_options options;
    struct share *first; /* in the order of their numbers */
    size_t count;
    int32_t next_number;
    kafka_offset log_start;
    struct shares_walk *walks; /* under way */
    /* Of the leader. */
    bool leading;
    struct env_task send, tell;   /* outcomes; those that waited for nothing */
    struct env_task expire;       /* of what was held too long: some, in a turn */
    struct env_task letters;      /* there are some */
    struct env_timer *timer;      /* what was held too long, and what the log did not take */
    uint64_t paused_to_ms;        /* 0: it is not */
    bool refused;                 /* the log did not take something, the last time */
    struct share_commit *commits; /* that wait */
    struct begin *begins;         /* that the log has not taken yet, or not committed */
};

struct shares_walk {
    struct shares *shares;
    bool begun;
    int32_t number, most; /* whose turn it is; those from `most` on are in the commands */
    bool inside;          /* of the ranges of that one */
    kafka_offset at;
    struct snapshot_bytes commands;
    struct shares_walk *next, *prev;
};

/* Of a command in a walk's bytes: u8 this, u32 length. */
enum { SHARES_NOTE = 4, SHARES_NOTE_HEAD = 5 };

void shares_open_leader(struct shares *shares);
void shares_close_leader(struct shares *shares);
/* shares_time.c */
void shares_open_time(struct shares *shares);
void shares_stop_time(struct shares *shares); /* the lead is lost */
void shares_close_time(struct shares *shares);
/* The timer, for whatever comes first. */
void shares_watch(struct shares *shares);
/* True: something that waited may be given now. */
bool share_look_at_clock(struct share *share);

/* Whatever its leader has of it goes; who waits ends with that. */
void share_ends(struct share *share, int16_t error);
/* NULL: there is none. */
struct share *shares_numbered(const struct shares *shares, int32_t number);
/* With a number above that of all others. */
struct share *shares_add(struct shares *shares, struct kp_string group, int32_t number);
/* Its runs have become more, or fewer. */
void share_count(struct share *share);
/* shares_letters.c */
void shares_open_letters(struct shares *shares);
void shares_close_letters(struct shares *shares);
/* Whoever copies dead letters is told, at the end of the turn. */
void share_tell_letters(struct share *share);
/* Something may be there for who waits. */
void share_wake(struct share *share);
/* A BEGIN of it is applied; the DROP of one, perhaps again; a command with outcomes. */
void share_began(struct share *share);
void share_dropped(struct shares *shares, int32_t number);
void share_applied(struct share *share);

#endif
