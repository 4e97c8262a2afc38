/* Faults at random moments; nemesis.h says which and when. */
#include "tests/sim/nemesis.h"

#include <stdio.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"

enum fault {
    FAULT_KILL,
    FAULT_POWER_CUT,
    FAULT_DIE_AT_EFFECT,
    FAULT_POWER_CUT_ALL,
    FAULT_KILL_ALL,
    FAULT_PAUSE,
    FAULT_ISOLATE,
    FAULT_HALVES,
    FAULT_ONE_WAY,
    FAULT_RESET,
    FAULT_SLOW_LINK,
    FAULT_HUNG_FLOW,
    FAULT_SLOW_FLOW,
    FAULT_SLOW_DISK,
    FAULT_FAILED_SYNC,
    FAULT_FULL_DISK,
    FAULT_NAME_ERRORS,
    FAULT_CLOCK_JUMP,
    FAULT_CLEAN_STOP,
    FAULT_CHANGE_OF_GUARD,
    FAULT_WIPE,
    FAULT_OLD_COPY,
    FAULT_DAMAGE,
    FAULT_KINDS
};

struct patient {
    struct node *node;
    struct event restart;
    struct event room;  /* its disk has room again */
    struct event names; /* its calls about names succeed again */
    struct nemesis *nemesis;
    unsigned place;
};

struct nemesis {
    struct run *run;
    struct nemesis_options options;
    struct patient *patients;
    uint32_t enabled;     /* bit: enum fault */
    uint64_t interval_us; /* between faults, typically */
    uint64_t outage_us;   /* that something stays broken, at most */
    struct event next, heal, guard;
    unsigned cut_off; /* who comes back with the change of guard */
    bool begun, over;
    unsigned sync_victim; /* place */
    uint32_t lost, damaged;
    bool made_good;    /* what was lost */
    struct disk *copy; /* of the machine `copied` */
    unsigned copied;
    bool restored;
    uint32_t alive; /* after mending */
};

static struct world *world_of(const struct nemesis *nemesis) {
    return nemesis->run->world;
}

static uint64_t draw(struct nemesis *nemesis, uint64_t limit) {
    return world_below(world_of(nemesis), limit);
}

static uint64_t soon(struct nemesis *nemesis, uint64_t within_us) {
    return world_now_us(world_of(nemesis)) + 1 + draw(nemesis, within_us);
}

/* ---- Starting again ---- */

static void restart(struct event *event) {
    struct patient *patient = CONTAINER_OF(event, struct patient, restart);
    struct nemesis *nemesis = patient->nemesis;

    if (node_is_running(patient->node)) return;
    if (nemesis->options.may_start != NULL &&
        !nemesis->options.may_start(nemesis->options.arg, patient->place))
        return;
    node_power_on(patient->node);
    run_count(nemesis->run, RARE_STARTS, 1);
    if (!nemesis->over && (nemesis->enabled >> FAULT_NAME_ERRORS & 1) && draw(nemesis, 3) == 0)
        node_faults(patient->node)->name_error_in = 1 + draw(nemesis, 120);
    if (!nemesis->over && draw(nemesis, 8) == 0) /* dies while it starts */
        node_die_after(patient->node, 1 + draw(nemesis, 300),
                       draw(nemesis, 2) == 0 ? NODE_KILLED : NODE_POWER_CUT);
    nemesis->options.start(nemesis->options.arg, patient->place);
}

void nemesis_died(struct nemesis *nemesis, struct node *node, enum node_death how) {
    static const enum rare kinds[] = {[NODE_EXITED] = RARE_CLEAN_STOPS,
                                      [NODE_FATAL] = RARE_FATAL_ENDS,
                                      [NODE_KILLED] = RARE_KILLS,
                                      [NODE_POWER_CUT] = RARE_POWER_CUTS};

    run_count(nemesis->run, kinds[how], 1);
    if (node_survived_syncs(node) > 0)
        run_fail(nemesis->run, "n%d went on after a sync had failed", node_id(node));
    for (unsigned i = 0; i < nemesis->options.count; i++) {
        struct patient *patient = &nemesis->patients[i];
        if (patient->node != node) continue;
        node_faults(node)->sync_error_ppm = 0;
        if (!nemesis->over || (nemesis->alive >> i & 1))
            world_schedule(world_of(nemesis), &patient->restart,
                           soon(nemesis, nemesis->over ? 100000 : nemesis->outage_us));
    }
}

/* ---- Faults ---- */

static struct patient *any(struct nemesis *nemesis) {
    return &nemesis->patients[draw(nemesis, nemesis->options.count)];
}

/* In one direction; both: the halves do not hear each other. */
static void cut(struct nemesis *nemesis, uint32_t side, bool both) {
    for (unsigned i = 0; i < nemesis->options.count; i++)
        for (unsigned j = 0; j < nemesis->options.count; j++) {
            if ((side >> i & 1) == 0 || (side >> j & 1) != 0) continue;
            int a = node_id(nemesis->patients[i].node), b = node_id(nemesis->patients[j].node);
            network_block(nemesis->run->network, a, b, true);
            if (both) network_block(nemesis->run->network, b, a, true);
        }
    world_schedule(world_of(nemesis), &nemesis->heal, soon(nemesis, nemesis->outage_us * 2));
}

bool nemesis_deafen(struct nemesis *nemesis, unsigned place) {
    uint32_t others = ((UINT32_C(1) << nemesis->options.count) - 1) & ~(UINT32_C(1) << place);

    if (nemesis->over || nemesis->heal.place != 0) return false;
    cut(nemesis, others, draw(nemesis, 2) == 0);
    world_schedule(world_of(nemesis), &nemesis->heal, soon(nemesis, 1000000));
    return true;
}

void nemesis_let_start(struct nemesis *nemesis, unsigned place) {
    world_schedule(world_of(nemesis), &nemesis->patients[place].restart,
                   soon(nemesis, nemesis->outage_us));
}

bool nemesis_is_over(const struct nemesis *nemesis) {
    return nemesis->over;
}

static void heal_links(struct event *event) {
    struct nemesis *nemesis = CONTAINER_OF(event, struct nemesis, heal);
    if (!nemesis->over) network_heal_all(nemesis->run->network);
}

static void one_way(struct nemesis *nemesis) {
    int a = node_id(any(nemesis)->node), b = node_id(any(nemesis)->node);

    run_count(nemesis->run, RARE_ONE_WAY_CUTS, 1);
    if (a == b)
        cut(nemesis, UINT32_C(1) << draw(nemesis, nemesis->options.count), false);
    else
        network_block(nemesis->run->network, a, b, true);
    world_schedule(world_of(nemesis), &nemesis->heal, soon(nemesis, nemesis->outage_us * 2));
}

/* Of one connection, which nothing but the product makes anew. */
static void hung_flow(struct nemesis *nemesis, struct patient *from, struct patient *to) {
    if (network_hang_one(nemesis->run->network, node_id(from->node), node_id(to->node)))
        run_count(nemesis->run, RARE_HUNG_FLOWS, 1);
}

static void slow_disk(struct nemesis *nemesis, struct patient *patient) {
    struct node_faults *faults = node_faults(patient->node);

    run_count(nemesis->run, RARE_SLOW_DISKS, 1);
    if (draw(nemesis, 2) == 0)
        faults->disk_stalled_until_us = soon(nemesis, 4000000);
    else
        faults->disk_typical_us = 100 + draw(nemesis, 30000);
}

static void fail_sync(struct nemesis *nemesis) {
    struct patient *patient = &nemesis->patients[nemesis->sync_victim];

    if ((nemesis->lost | nemesis->damaged) == 0) node_faults(patient->node)->sync_error_ppm = 50000;
}

static void give_room(struct event *event) {
    struct patient *patient = CONTAINER_OF(event, struct patient, room);
    disk_set_capacity(node_disk(patient->node), UINT64_MAX / 2);
}

static void full_disk(struct nemesis *nemesis, struct patient *patient) {
    struct disk *disk = node_disk(patient->node);

    run_count(nemesis->run, RARE_FULL_DISKS, 1);
    disk_set_capacity(disk, disk_used_bytes(disk) + draw(nemesis, 65536));
    world_schedule(world_of(nemesis), &patient->room, soon(nemesis, 2 * nemesis->outage_us));
}

static void heal_names(struct event *event) {
    struct patient *patient = CONTAINER_OF(event, struct patient, names);
    node_faults(patient->node)->name_error_ppm = 0;
}

/* One call fails somewhere, or many for a while: making directories and files, renaming, cutting,
 * listing. */
static void name_errors(struct nemesis *nemesis, struct patient *patient) {
    struct node_faults *faults = node_faults(patient->node);

    if (draw(nemesis, 2) == 0) {
        faults->name_error_in = 1 + draw(nemesis, 60);
        return;
    }
    faults->name_error_ppm = 10000 + (uint32_t)draw(nemesis, 500000);
    world_schedule(world_of(nemesis), &patient->names, soon(nemesis, nemesis->outage_us));
}

static void kill_all(struct nemesis *nemesis, bool power) {
    for (unsigned i = 0; i < nemesis->options.count; i++) {
        if (power)
            node_power_cut(nemesis->patients[i].node);
        else
            node_kill(nemesis->patients[i].node);
    }
}

/* One is cut off, and may lead on there with entries that nobody gets; when it is back, with a slow
 * disk, another one dies at that moment: now the others need exactly the one whose log has to be
 * cut. */
static void begin_change_of_guard(struct nemesis *nemesis, struct patient *patient) {
    if (nemesis->guard.place != 0) return;
    run_count(nemesis->run, RARE_PARTITIONS, 1);
    nemesis->cut_off = patient->place;
    cut(nemesis, UINT32_C(1) << patient->place, true);
    world_schedule(world_of(nemesis), &nemesis->guard,
                   world_now_us(world_of(nemesis)) + 400000 + draw(nemesis, 1500000));
}

static void change_guard(struct event *event) {
    struct nemesis *nemesis = CONTAINER_OF(event, struct nemesis, guard);

    if (nemesis->over) return;
    for (unsigned i = 0; i < nemesis->options.count; i++) {
        bool dies = i != nemesis->cut_off && draw(nemesis, nemesis->options.count - 1) == 0;
        if (dies) node_kill(nemesis->patients[i].node);
    }
    node_faults(nemesis->patients[nemesis->cut_off].node)->disk_typical_us = 2000 +
                                                                             draw(nemesis, 20000);
    network_heal_all(nemesis->run->network);
}

/* One machine may lose what it has, while the others are whole. */
static bool may_lose(const struct nemesis *nemesis) {
    if ((nemesis->lost | nemesis->damaged) != 0 || nemesis->options.count < 3) return false;
    for (unsigned i = 0; i < nemesis->options.count; i++)
        if (node_failed_syncs(nemesis->patients[i].node) > 0) return false;
    return true;
}

static void lose(struct nemesis *nemesis, struct patient *patient, const char *how) {
    nemesis->lost = UINT32_C(1) << patient->place;
    run_say(nemesis->run, "n%d %s", node_id(patient->node), how);
    if (node_is_running(patient->node))
        node_kill(patient->node);
    else
        world_schedule(world_of(nemesis), &patient->restart, soon(nemesis, nemesis->outage_us));
}

/* The directory is gone, and with it the identity. */
static void wipe(struct nemesis *nemesis, struct patient *patient) {
    if (nemesis->options.may_wipe == NULL || !may_lose(nemesis)) return;
    if (!nemesis->options.may_wipe(nemesis->options.arg, patient->place)) return;
    lose(nemesis, patient, "loses its directory");
    disk_wipe(node_disk(patient->node));
}

bool nemesis_wipe(struct nemesis *nemesis, unsigned place) {
    uint32_t before = nemesis->lost;

    if (nemesis->made_good) nemesis->lost = 0;
    if (nemesis->over || !may_lose(nemesis)) {
        nemesis->lost = before;
        return false;
    }
    nemesis->made_good = false;
    lose(nemesis, &nemesis->patients[place], "loses its directory");
    disk_wipe(node_disk(nemesis->patients[place].node));
    return true;
}

/* First a copy is taken; another time it is put back. */
static void old_copy(struct nemesis *nemesis, struct patient *patient) {
    if (nemesis->options.may_restore == NULL || !may_lose(nemesis)) return;
    if (nemesis->copy == NULL) {
        if (!node_is_running(patient->node)) return;
        nemesis->copy = disk_clone_durable(node_disk(patient->node));
        nemesis->copied = patient->place;
        nemesis->options.copied(nemesis->options.arg, patient->place);
        return;
    }
    patient = &nemesis->patients[nemesis->copied];
    if (!nemesis->options.may_restore(nemesis->options.arg, patient->place)) return;
    lose(nemesis, patient, "is given an old copy of its directory");
    nemesis->restored = true;
    disk_restore(node_disk(patient->node), nemesis->copy);
}

/* The segments and indexes of one machine; its journal stays whole, because damage there ends a
 * broker. */
static void damage(struct nemesis *nemesis, struct patient *patient) {
    if (nemesis->options.damaged == NULL || (nemesis->damaged == 0 && !may_lose(nemesis))) return;
    while (nemesis->damaged != 0 && (nemesis->damaged >> patient->place & 1) == 0)
        patient = any(nemesis);
    for (uint64_t left = 1 + draw(nemesis, 4); left > 0; left--) {
        const char *end = draw(nemesis, 4) == 0 ? ".index" : ".log";
        enum disk_damage how = (enum disk_damage)draw(nemesis, DISK_DAMAGES);
        if (!disk_damage(node_disk(patient->node), "/groups/", end, how)) continue;
        run_count(nemesis->run, RARE_DAMAGED_BLOCKS, 1);
        nemesis->damaged = UINT32_C(1) << patient->place;
    }
    if (nemesis->damaged == 0) return;
    run_say(nemesis->run, "n%d has damaged segments", node_id(patient->node));
    nemesis->options.damaged(nemesis->options.arg, patient->place);
}

void nemesis_begins_anew(struct nemesis *nemesis, struct node *node) {
    bool dies = nemesis->enabled >> FAULT_DIE_AT_EFFECT & 1;
    if (nemesis->over || !dies || draw(nemesis, 3) > 0) return;
    node_die_after(node, 1 + draw(nemesis, 40),
                   draw(nemesis, 3) == 0 ? NODE_KILLED : NODE_POWER_CUT);
}

static void strike(struct nemesis *nemesis, enum fault fault) {
    struct world *world = world_of(nemesis);
    struct patient *patient = any(nemesis);
    struct node *node = patient->node;
    uint32_t all = (UINT32_C(1) << nemesis->options.count) - 1;

    switch (fault) {
    case FAULT_KILL: node_kill(node); break;
    case FAULT_POWER_CUT: node_power_cut(node); break;
    case FAULT_DIE_AT_EFFECT:
        node_die_after(node, 1 + draw(nemesis, 500),
                       draw(nemesis, 3) == 0 ? NODE_KILLED : NODE_POWER_CUT);
        break;
    case FAULT_POWER_CUT_ALL:
    case FAULT_KILL_ALL: kill_all(nemesis, fault == FAULT_POWER_CUT_ALL); break;
    case FAULT_PAUSE:
        run_count(nemesis->run, RARE_PAUSES, 1);
        node_pause(node, 10000 + draw(nemesis, 1 + nemesis->outage_us * 3));
        break;
    case FAULT_ISOLATE:
        run_count(nemesis->run, RARE_PARTITIONS, 1);
        cut(nemesis, UINT32_C(1) << patient->place, true);
        break;
    case FAULT_HALVES:
        run_count(nemesis->run, RARE_PARTITIONS, 1);
        cut(nemesis, (uint32_t)draw(nemesis, all), true);
        break;
    case FAULT_ONE_WAY: one_way(nemesis); break;
    case FAULT_RESET:
        run_count(nemesis->run, RARE_RESETS,
                  network_reset(nemesis->run->network, node_id(node), 0));
        break;
    case FAULT_SLOW_LINK:
        network_set_slow(nemesis->run->network, node_id(node), node_id(any(nemesis)->node),
                         draw(nemesis, 300000));
        world_schedule(world, &nemesis->heal, soon(nemesis, nemesis->outage_us * 2));
        break;
    case FAULT_HUNG_FLOW: hung_flow(nemesis, patient, any(nemesis)); break;
    case FAULT_SLOW_FLOW:
        network_slow_one(nemesis->run->network, node_id(node), node_id(any(nemesis)->node),
                         draw(nemesis, 1000000));
        break;
    case FAULT_SLOW_DISK: slow_disk(nemesis, patient); break;
    case FAULT_FAILED_SYNC: fail_sync(nemesis); break;
    case FAULT_FULL_DISK: full_disk(nemesis, patient); break;
    case FAULT_NAME_ERRORS: name_errors(nemesis, patient); break;
    case FAULT_CLOCK_JUMP:
        run_count(nemesis->run, RARE_CLOCK_JUMPS, 1);
        node_jump_wall_clock(node, (int64_t)draw(nemesis, 7200000) - 3600000);
        break;
    case FAULT_CLEAN_STOP:
        if (nemesis->options.stop != NULL && node_is_running(node))
            nemesis->options.stop(nemesis->options.arg, patient->place);
        break;
    case FAULT_CHANGE_OF_GUARD: begin_change_of_guard(nemesis, patient); break;
    case FAULT_WIPE: wipe(nemesis, patient); break;
    case FAULT_OLD_COPY: old_copy(nemesis, patient); break;
    case FAULT_DAMAGE: damage(nemesis, patient); break;
    case FAULT_KINDS: break;
    }
}

static void next_fault(struct event *event) {
    struct nemesis *nemesis = CONTAINER_OF(event, struct nemesis, next);
    enum fault fault = (enum fault)draw(nemesis, FAULT_KINDS);

    if (nemesis->over) return;
    /* A copy that was taken is put back soon: that is what it was taken for. */
    if (nemesis->copy != NULL && nemesis->lost == 0 && draw(nemesis, 4) == 0)
        fault = FAULT_OLD_COPY;
    for (unsigned i = 0; i < FAULT_KINDS && (nemesis->enabled >> fault & 1) == 0; i++)
        fault = (fault + 1) % FAULT_KINDS;
    if (nemesis->enabled >> fault & 1) strike(nemesis, fault);
    world_schedule(world_of(nemesis), event, soon(nemesis, 2 * nemesis->interval_us));
}

/* ---- Life ---- */

struct nemesis *nemesis_new(struct run *run, const struct nemesis_options *options) {
    struct nemesis *nemesis = mem_zalloc(sizeof *nemesis);
    bool many = world_chance(run->world, 500000);

    nemesis->run = run;
    nemesis->options = *options;
    nemesis->patients = mem_zalloc(options->count * sizeof *nemesis->patients);
    for (unsigned i = 0; i < options->count; i++) {
        nemesis->patients[i] = (struct patient){
            .node = options->nodes[i], .nemesis = nemesis, .place = i};
        nemesis->patients[i].restart.run = restart;
        nemesis->patients[i].room.run = give_room;
        nemesis->patients[i].names.run = heal_names;
    }
    nemesis->next.run = next_fault;
    nemesis->heal.run = heal_links;
    nemesis->guard.run = change_guard;
    for (unsigned fault = 0; fault < FAULT_KINDS; fault++)
        if (world_chance(run->world, many ? 700000 : 200000))
            nemesis->enabled |= UINT32_C(1) << fault;
    nemesis->interval_us = many ? 50000 + draw(nemesis, 400000) : 200000 + draw(nemesis, 1000000);
    nemesis->outage_us = 20000 + draw(nemesis, 2000000);
    nemesis->sync_victim = (unsigned)draw(nemesis, options->count);
    return nemesis;
}

void nemesis_begin(struct nemesis *nemesis) {
    CHECK(!nemesis->begun);
    nemesis->begun = true;
    for (unsigned i = 0; i < nemesis->options.count; i++) {
        struct node_faults *faults = node_faults(nemesis->patients[i].node);
        faults->cache_miss_ppm = (uint32_t)draw(nemesis, 600000);
        if (draw(nemesis, 4) == 0) {
            faults->stall_ppm = 500;
            faults->stall_us = 200000;
        }
    }
    if (nemesis->enabled != 0)
        world_schedule(world_of(nemesis), &nemesis->next, soon(nemesis, 2 * nemesis->interval_us));
}

static void mend_node(struct nemesis *nemesis, struct patient *patient) {
    struct node_faults *faults = node_faults(patient->node);
    uint64_t cache_miss = faults->cache_miss_ppm;

    *faults = (struct node_faults){.disk_typical_us = 300, .cache_miss_ppm = (uint32_t)cache_miss};
    disk_set_capacity(node_disk(patient->node), UINT64_MAX / 2);
    node_pause(patient->node, 0);
    node_die_never(patient->node);
    if (!node_is_running(patient->node))
        world_schedule(world_of(nemesis), &patient->restart, soon(nemesis, 100000));
}

/* Even among those that are whole a flow may hang: who sends must find that out. */
static void hang_flows(struct nemesis *nemesis, uint32_t alive) {
    if ((nemesis->enabled >> FAULT_HUNG_FLOW & 1) == 0) return;
    for (unsigned i = 0; i < nemesis->options.count; i++)
        for (unsigned j = 0; j < nemesis->options.count; j++)
            if (i != j && (alive >> i & alive >> j & 1) != 0 && draw(nemesis, 3) == 0)
                hung_flow(nemesis, &nemesis->patients[i], &nemesis->patients[j]);
}

void nemesis_mend(struct nemesis *nemesis, uint32_t alive) {
    nemesis->over = true;
    nemesis->alive = alive;
    network_heal_all(nemesis->run->network);
    run_say(nemesis->run, "mending %x", alive);
    for (unsigned i = 0; i < nemesis->options.count; i++) {
        struct patient *patient = &nemesis->patients[i];
        if (alive >> i & 1) {
            mend_node(nemesis, patient);
            continue;
        }
        world_unschedule(world_of(nemesis), &patient->restart);
        switch (draw(nemesis, 4)) {
        case 0: node_kill(patient->node); break;
        case 1: node_power_cut(patient->node); break;
        case 2: node_pause(patient->node, 100000000); break;
        default: cut(nemesis, UINT32_C(1) << i, true); break;
        }
    }
    hang_flows(nemesis, alive);
}

uint32_t nemesis_lost(const struct nemesis *nemesis) {
    return nemesis->made_good ? 0 : nemesis->lost;
}

void nemesis_made_good(struct nemesis *nemesis) {
    nemesis->made_good = true;
}

void nemesis_damage_more(struct nemesis *nemesis, unsigned place) {
    if (nemesis->options.damaged != NULL && may_lose(nemesis) && draw(nemesis, 4) > 0)
        nemesis->damaged = UINT32_C(1) << place;
    for (unsigned i = 0; i < nemesis->options.count; i++)
        for (unsigned left = 100; left > 0 && (nemesis->damaged >> i & 1) != 0; left--)
            disk_damage(node_disk(nemesis->patients[i].node), "/groups/", ".log", DISK_FLIPPED);
}

uint32_t nemesis_damaged(const struct nemesis *nemesis) {
    return nemesis->damaged;
}

bool nemesis_restored(const struct nemesis *nemesis) {
    return nemesis->restored;
}
