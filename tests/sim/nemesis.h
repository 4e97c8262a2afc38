/*
 * Makes things go wrong: machines, disks, links and clocks, at random moments, then mends them.
 *
 *   nemesis_begin --- faults from time to time --- nemesis_mend (a majority) --- nemesis_mend (all)
 *
 * Happy path: which faults a run has, how often they come and how long they last is drawn once from
 * the seed: half of the runs have a few, half of them many. What was killed is started again after
 * a while. Invariants: the disk of at most one machine says that a sync failed; at most one is
 * wiped, given an old copy of itself, or damaged, and then the others' disks stay whole.
 */
#ifndef SIM_NEMESIS_H
#define SIM_NEMESIS_H

#include "tests/sim/run.h"

struct nemesis_options {
    struct node **nodes; /* those that suffer; kept by the caller */
    unsigned count;
    void (*start)(
        void *arg,
        unsigned place); /* starts the product on nodes[place], which is off and has power */
    bool (*may_start)(void *arg, unsigned place); /* NULL: always */
    /* Ends it in good order; the process exits some time after. NULL: the product cannot. */
    void (*stop)(void *arg, unsigned place);
    /* Whether that machine may lose its directory for good now. NULL: none may. */
    bool (*may_wipe)(void *arg, unsigned place);
    /* An old copy of its directory was taken; whether that may be put back now: everybody else must
     * know of something newer. NULL: of none. */
    void (*copied)(void *arg, unsigned place);
    bool (*may_restore)(void *arg, unsigned place);
    /* Segments of its were damaged. NULL: they never are. */
    void (*damaged)(void *arg, unsigned place);
    void *arg;
};

struct nemesis;
struct nemesis *nemesis_new(struct run *run, const struct nemesis_options *options);
void nemesis_begin(struct nemesis *nemesis);
/* The scenario tells of every death of one of the nodes, so that it is started again. */
void nemesis_died(struct nemesis *nemesis, struct node *node, enum node_death how);
/* No fault comes any more. Machines whose bit is set in `alive` are mended and run, with whole
 * links among them; the others are cut off, off or as they are. */
void nemesis_mend(struct nemesis *nemesis, uint32_t alive);
/* That machine hears nothing of the others for a while; nobody hears it either, now and then.
 * False: some link is cut already, or no fault comes any more. */
bool nemesis_deafen(struct nemesis *nemesis, unsigned place);
/* Starts that machine after a while, if it may be started then. */
void nemesis_let_start(struct nemesis *nemesis, unsigned place);
/* A log of that machine is about to be replaced by files: it may die in the middle of that. */
void nemesis_begins_anew(struct nemesis *nemesis, struct node *node);
/* nemesis_mend was called. */
bool nemesis_is_over(const struct nemesis *nemesis);
/* The machine that lost its directory, or has an old copy of it, as a bit; 0: none does. */
uint32_t nemesis_lost(const struct nemesis *nemesis);
/* Takes the directory of that machine. False: another one has lost something, or a disk is not
 * whole. */
bool nemesis_wipe(struct nemesis *nemesis, unsigned place);
/* What was lost is made good: that machine is as any other now. No other one loses anything, but by
 * nemesis_wipe. */
void nemesis_made_good(struct nemesis *nemesis);
/* Damages more of the machine that has damaged segments; if none has, of that one, if the run may.
 */
void nemesis_damage_more(struct nemesis *nemesis, unsigned place);
/* The machine whose segments are damaged, as a bit; 0: none. */
uint32_t nemesis_damaged(const struct nemesis *nemesis);
/* It has an old copy. */
bool nemesis_restored(const struct nemesis *nemesis);

#endif
