/*
 * What the files of a group and of its shard share; private to raft-glue. They stand in floors: a
 * file uses those on lower floors, never one above or beside it, and notes in these structs what
 * the floors above act upon. From the ground up:
 *
 *   ground    raft_group_facts.c     what is known of a group
 *             shard_turn.c           what a turn gathers: news, records, clock
 *   outlets   raft_group_send.c      messages, behind hard state
 *             raft_group_deadline.c  when a group is due
 *             flow_control.c         how much peers may send
 *   calm      quiet.c                groups in which nothing happens
 *   parts     replicate.c            cursors of the followers
 *             read_index.c           does a majority still follow
 *             election.c             early tries to be elected
 *             transfer.c             who takes a leadership over
 *             raft_group_trail.c     what the engine knows of the log
 *             snapshot_offers.c      the beginning of the log, as files, for those who lack it
 *   votes     raft_group_voters.c    who votes
 *   roles     raft_group_role.c      what begins and ends with a role
 *             leader_fitness.c       segments that cannot be read, a full disk: who leads then
 *   the step  raft_group_step.c      one engine step, its effects in their order, what follows
 *             admit.c                what may reach the engine
 *   delivery  raft_group_apply.c     commits and roles to the owner
 *   fetching  snapshot_fetch.c       the beginning of the log, as files, from its leader
 *   causes    receive.c              frames to steps
 *             raft_group_start.c     the engine starts
 *             raft_group_change.c    steps to another configuration
 *             drain.c                a clean stop of the broker
 *   life      raft_group.c           open, close, members, what the log reports
 *   links     link_change.c          what a link that changed means for each group
 *   roof      shard.c                one loop: peers' events, timer, end of the turn
 *
 * Below all of them and without this header: peers.c, peer_link.c, peer_connection.c,
 * entry_frame.c, configuration.c, in this order above peer_frame.c; and engine_heap.c.
 */
#ifndef RAFT_GLUE_RAFT_GROUP_INTERNAL_H
#define RAFT_GLUE_RAFT_GROUP_INTERNAL_H

#include "raft-glue/state_internal.h"
#include "storage/log_types.h"

/* ======== Ground ======== */

/* ---- raft_group_facts.c (and the questions of raft_group.h) ---- */

/* NULL: none. */
struct member *raft_group_member(const struct raft_group *group, replica_id replica);
/* It needs room on the disk, and there is none for records that come to a leader, or to a follower
 * (disk_space.h). */
bool raft_group_lacks_room(const struct raft_group *group, enum disk_space_asker asker);
/* There is damage in its segments. */
bool raft_group_is_damaged(const struct raft_group *group);
/* Either: somebody else is to lead, if there is somebody. */
bool raft_group_is_unfit(const struct raft_group *group);
bool raft_group_has_member_at(const struct raft_group *group, const struct link *link);
/* Made at this opening, and nobody has led it yet. */
bool raft_group_is_new(const struct raft_group *group);
/* Until then others wait for the first replica of a new group, and it goes on trying: it may be
 * unable to open the group. */
uint64_t raft_group_patience_ends_ms(const struct raft_group *group);
/* While we lead: up to where its log is known to match ours; 0: nowhere. */
uint64_t member_match(const struct member *member);
/* When something of it came last: an admitted message, or for a quiet one a sign of life of its
 * broker. 0: never. */
uint64_t member_heard_ms(const struct member *member);
bool member_is_live(const struct member *member); /* connected, and not silent */
/* Of a majority of the voters it is so; of this replica always. */
bool raft_group_majority_is(const struct raft_group *group,
                            bool (*is)(const struct member *member));

/* ---- shard_turn.c (and shard_group) ---- */

void shard_add_group(struct shard *shard, struct raft_group *group);
void ids_row_add(struct ids_row *row, struct raft_group *group);    /* it is not there */
void ids_row_remove(struct ids_row *row, struct raft_group *group); /* it is there */
void shard_remove_group(struct shard *shard, struct raft_group *group);
/* The end of the turn comes. */
void shard_wake(struct shard *shard);
/* The group has something for the end of the turn. */
void shard_ready(struct raft_group *group);
struct raft_group *shard_take_news(struct shard *shard); /* NULL: no more */
/* Made when it is first asked for. */
struct link *shard_link(struct shard *shard, int32_t node);
/* Leaves with the turn; dropped if the link is down. */
void link_add_record(struct link *link, const struct peer_record *record);
uint64_t shard_now_ms(struct shard *shard);
/* The timer fires for the first deadline at the latest. */
void shard_arm(struct shard *shard);

/* ======== Outlets ======== */

/* ---- raft_group_send.c ---- */

/* Sends when the hard state allows it. */
void raft_group_send(struct raft_group *group, struct member *member, struct peer_record *record);
/* A message of the engine, other than AppendEntries. */
void raft_group_send_message(struct raft_group *group, struct member *member,
                             const struct raft_message *message);
/* Tells that leader of damage and room, although it asks nothing at present. */
void raft_group_send_state(struct raft_group *group, struct member *member);
/* More of the hard state is durable. */
void raft_group_send_held(struct raft_group *group);

/* ---- raft_group_deadline.c ---- */

/* After anything that may make the deadline earlier. */
void raft_group_rearm(struct raft_group *group);
void raft_group_rearm_later(struct raft_group *group); /* after what can only make it later */
void raft_group_arm_at(struct raft_group *group, uint64_t at_ms);
/* UINT64_MAX: never. The first is the earliest of the others. */
uint64_t raft_group_deadline_ms(const struct raft_group *group);
uint64_t raft_group_engine_deadline_ms(const struct raft_group *group);
uint64_t raft_group_read_index_deadline_ms(const struct raft_group *group);
uint64_t raft_group_transfer_deadline_ms(const struct raft_group *group);
uint64_t raft_group_leave_deadline_ms(const struct raft_group *group);

/* ---- flow_control.c ---- */

/* So much was received, which this turn hands to the journal. */
void flow_control_charge(struct shard *shard, uint64_t bytes);
void flow_control_end_turn(struct shard *shard);
void flow_control_on_time(struct shard *shard);
void flow_control_close(struct shard *shard);

/* ======== Calm ======== */

/* ---- quiet.c ---- */

/* Around the RAFT_TIMEOUT of a leader: whether its heartbeats ask the followers to be quiet. */
void quiet_tick_begins(struct raft_group *group);
void quiet_tick_ended(struct raft_group *group);
/* The question for that member, as it goes into an AppendEntries; `asks` says whether there is one.
 * Whatever else a leader sends ends its quiet. */
void quiet_ask(struct member *member, struct peer_record *record);
void quiet_sent(struct raft_group *group);
/* Whether this follower agrees to what its leader asks; before the step, which answers. */
bool quiet_agrees(const struct raft_group *group, const struct member *from,
                  const struct peer_record *record);
/* Behind that step. */
void quiet_follow(struct raft_group *group, struct member *from);
/* That member agreed. */
void quiet_agreed(struct member *member, const struct peer_record *record);
/* Behind each step: it may have been what wakes the group. */
void quiet_stepped(struct raft_group *group);
/* Nothing is as it was: the group wakes, if it is quiet, and is calm for no time. */
void quiet_end(struct raft_group *group);
/* It came up, or broke. */
void quiet_link_changed(struct raft_group *group, const struct link *link);
/* The engine has its own timeout again: a majority shows signs of life, or it leads no more. */
void quiet_stop_hurry(struct raft_group *group);
/* It is silent now, or not any more. */
void quiet_link_heard(struct raft_group *group, const struct link *link);

/* ======== Parts ======== */

/* ---- replicate.c ---- */

/* This replica leads a new term: nothing is known of the others. */
void replicate_begin(struct raft_group *group);
void replicate_end(struct raft_group *group);
/* The same for one that came into the configuration, or went. */
void replicate_renew(struct member *member);
/* The member goes away or moves: nothing of it may remain in lists and windows. */
void replicate_forget(struct member *member);
/* The engine wants this AppendEntries sent. */
void replicate_append(struct member *member, const struct raft_append_entries *args);
/* A result of that member was stepped. */
void replicate_acknowledged(struct member *member);
/* A result of it, which is not stepped yet, rejects an AppendEntries; its log ends with
 * `last_index`. */
void replicate_lacks(struct member *member, log_index last_index);
/* It says that it needs no files. */
void replicate_lacks_none(struct member *member);
/* That result rejected an AppendEntries behind `index`. */
void replicate_rejected(struct member *member, log_index index);
/* Asks those, too, whose heartbeat does not fall into the step that asks to be quiet. */
void replicate_ask_quiet(struct raft_group *group);
/* Tells it the commit index, if it needs to be told; part of the turn. */
void replicate_commit(struct member *member);
void replicate_link_up(struct member *member);
void replicate_link_down(struct member *member);
/* Frames of entries to that peer, as far as its windows allow. */
void replicate_fill(struct link *link);
/* For so long entries have waited for these windows, ever. */
uint64_t replicate_full_us(const struct link *link);

/* ---- read_index.c ---- */

/* Part of the turn: asks, and ends those that are confirmed, late or in vain. */
void read_index_deliver(struct raft_group *group);
void read_index_received(struct raft_group *group, struct member *from,
                         const struct peer_record *record);
void read_index_fail_all(struct raft_group *group, int error);

/* ---- election.c ---- */

void election_start(struct raft_group *group);
/* Looks who leads how much; before the calls for all groups that follow from one event. */
void election_count_leads(struct shard *shard);
void election_on_link_up(struct raft_group *group);
void election_on_link_down(struct raft_group *group);
void election_on_dead(struct raft_group *group, int32_t node);
/* That member said that it leads the present term no more. */
void election_on_resigned(struct raft_group *group, const struct member *from);
/* Behind a step: ends a try that is over. */
void election_note(struct raft_group *group);
/* Around the step of a timeout: whether it may be; what came of it. */
bool election_may_time_out(struct raft_group *group);
void election_timed_out(struct raft_group *group);
/* Before the engine hears of a timeout. */
void election_asks_again(struct raft_group *group);
/* A vote for ourselves is on disk, so the time of its try runs from now on. */
void election_hard_state_durable(struct raft_group *group);
/* Whether a vote request of that member may depose the leader that we know: its process is dead, or
 * it resigned; or we are a stand-by, which no timeout lets forget it, and it is silent
 * (raft_group_leader_is_silent) or stands itself. */
bool election_may_depose(const struct raft_group *group, const struct member *from);

/* ---- transfer.c ---- */

/* Who could take this group over from us, the best of them; NULL: nobody. */
struct member *transfer_target(const struct raft_group *group);
/* While this broker hands over, or a transfer is planned: chooses, and refuses submits for it.
 * Returns whom to transfer to now; NULL: nobody yet. */
struct member *transfer_decide(struct raft_group *group);
/* raft_group_transfer_begin; also of a leader that does not serve yet. */
int transfer_begin(struct raft_group *group, struct raft_group_transfer *transfer,
                   struct member *target);
/* Part of the turn: ends a planned one that is over. */
void transfer_deliver(struct raft_group *group);
void transfer_fail(struct raft_group *group, int error);

/* ---- raft_group_trail.c ---- */

/* The most entries that the engine may know about: it counts them in 32 bits. */
#define ENGINE_ENTRIES_MOST UINT64_C(0xe0000000)

/* The engine knows the log from `first` on, which is not above what it knew the first of; it knows
 * its end already. */
void engine_trail_extend(struct raft *raft, const struct partition_log *log, uint64_t first);
/* Behind RAFT_START: the entries below start_index are known, too. */
void raft_group_trail_begin(struct raft_group *group);
/* The engine wants to send a snapshot: that member lacks more than the trail covers. */
void raft_group_trail_reach(struct member *member);
/* Behind a step: true if the trail is too long, or begins before the log does, and `event` makes
 * the engine forget its beginning. */
bool raft_group_trail_forget(struct raft_group *group, struct raft_event *event);
/* A prefix of the log is gone: its terms are forgotten, if the engine need not be asked. */
void raft_group_trail_start_moved(struct raft_group *group);
/* Cuts off what an AppendEntries says below the log's start, before it is admitted: all of that was
 * committed. Returns how many entries. */
unsigned raft_group_trail_cut_gone(struct raft_group *group, struct raft_append_entries *args);
/* Cuts off what an admitted AppendEntries says below the trail, where the engine could not compare
 * it. Returns how many entries. */
unsigned raft_group_trail_cut_below(struct raft_group *group, struct raft_append_entries *args);

/* ======== Votes ======== */

/* ---- raft_group_voters.c ---- */

/* Within a step, before anything of it leaves. */
void raft_group_voters_note(struct raft_group *group, const struct raft_update *update);
/* The members are others now. */
void raft_group_voters_mirror(struct raft_group *group);
/* It is the only voter, by a change, and does not lead: its engine would do so at its timeout, in
 * this term, which somebody else may have led, and without a vote. */
bool raft_group_is_sole_follower(const struct raft_group *group);

/* ======== Offering ======== */

/* ---- snapshot_offers.c ---- */

/* A heartbeat of a member that is behind is due: offers it the files, if that is not under way, and
 * ends an offer that does not move. */
void snapshot_offer_tick(struct member *member);
/* It needs no files any more, or cannot have them from us. */
void snapshot_offer_end(struct member *member);
/* What it says of an offer, of the present one or not. The first: true if it needs no files; the
 * second: false if it asks for what was not offered. */
bool snapshot_refused(struct member *from, const struct snapshot_head *head,
                      enum snapshot_refusal reason);
bool snapshot_wanted(struct member *from, const struct snapshot_head *head,
                     const struct snapshot_want *want);
/* Part of the turn, behind the entries: reads a piece for that peer, if little waits for it. */
void snapshot_fill(struct link *link);
/* Of what is offered there, that was not asked for yet. */
uint64_t snapshot_left_bytes(const struct link *link);

/* ======== Fetching ======== */

/* ---- snapshot_fetch.c ---- */

/* The receiver's half. The payload stays the caller's; an offer or chunk that cannot be decoded
 * returns ERR_MALFORMED, and the link is broken. */
int snapshot_offered(struct raft_group *group, struct member *from,
                     const struct snapshot_head *head, struct slice payload);
int snapshot_chunk_came(struct raft_group *group, struct member *from,
                        const struct snapshot_head *head, struct slice payload);
/* A message was received: a fetch that was from the leader of another term is over. */
void snapshot_fetch_note(struct raft_group *group);
/* The member is not there any more, or was not for a while. */
void snapshot_fetch_link_down(struct member *member);
void snapshot_fetch_end(struct raft_group *group);
/* Files of a fetch that is over are there. */
void snapshot_fetch_left(struct raft_group *group);
void snapshot_fetch_rate_changed(struct shard *shard);
/* The log and its files have been replaced. */
void snapshot_installed(struct raft_group *group);

/* ======== Roles ======== */

/* ---- raft_group_role.c (and raft_group_stop) ---- */

/* Within a step: the engine's state changed. */
void raft_group_note_role(struct raft_group *group);
/* Behind each step: who leads. */
void raft_group_note_leader(struct raft_group *group);
bool raft_group_has_to_tell(const struct raft_group *group);
/* Tells the owner that the lead is lost, if it is and was not told; the group may be closed then.
 */
void raft_group_tell_lost(struct raft_group *group);
/* Tells the owner all of it; part of the turn. The group may be closed then. */
void raft_group_tell_role(struct raft_group *group);
/* Nothing that is damaged keeps it from applying any more. */
void raft_group_unblock(struct raft_group *group);

/* ---- leader_fitness.c ---- */

void leader_fitness_damage_found(struct raft_group *group,
                                 const struct partition_log_damage *damage);
void leader_fitness_mended(struct raft_group *group);
/* The log with the damage is not the group's any more. */
void leader_fitness_forget_damage(struct raft_group *group);
/* The disk has no room any more, or has some again. */
void leader_fitness_room_changed(struct shard *shard);
/* Part of the turn: a leader that is not fit to lead hands over to a replica that is, if one is in
 * sync. */
void leader_fitness_deliver(struct raft_group *group);

/* ======== The step ======== */

/* ---- raft_group_step.c (and raft_group_submit) ---- */

/* Steps the engine and carries out what it says. The event's time is set here. True: it took
 * entries into the log. */
bool raft_group_step(struct raft_group *group, struct raft_event *event);
/* Entries up to `index` are durable; does nothing if the engine knows. */
void raft_group_step_persisted(struct raft_group *group, log_index index);
/* Submits an entry that is sealed with the next index and the present term; the leader's. */
void raft_group_submit_sealed(struct raft_group *group, struct entry *entry,
                              enum raft_entry_type type);
/* The log is told the configuration of entry `index`, if that is in force or the last that has
 * committed: what the engine knows of it is what the entry says. */
void raft_group_tell_change(struct raft_group *group, log_index index);
/* The last configuration in the log is known to be committed: the engine is told. Nothing if it
 * knows. */
void raft_group_report_change(struct raft_group *group);
/* Transfers the leadership, if this broker hands over and there is somebody who has all. */
void raft_group_hand_over(struct raft_group *group);

/* ---- admit.c ---- */

/* Whether the engine may see this message of `from`. False: dropped and counted (or the group has
 * stopped). Terms are 32 bits here. */
bool raft_group_admit(struct raft_group *group, struct member *from, struct raft_message *message);
/* The same for what the engine does not look at: the entries of an AppendEntries that
 * raft_group_admit lets through. */
bool raft_group_admit_entries(struct raft_group *group, struct member *from,
                              const struct raft_append_entries *args, struct entry *const *entries);

/* ======== Causes of steps ======== */

/* ---- receive.c ---- */

void receive_records(struct shard *shard, int32_t node, struct slice payload);
void receive_entries(struct shard *shard, int32_t node, struct slice payload);
/* One of the kinds of snapshot_frame.h. */
void receive_snapshot(struct shard *shard, int32_t node, uint8_t kind, struct slice payload);

/* ---- raft_group_start.c ---- */

/* Goes on with the start as far as what is here allows; called again when more is. */
void raft_group_continue_start(struct raft_group *group);
/* Makes the engine, before its first start. */
void raft_group_init_engine(struct raft_group *group);
/* Part of the turn, when starting.anew says so: the engine of a sole voter that follows starts once
 * more, in the next term. */
void raft_group_start_anew(struct raft_group *group);
/* The engine of one that does not lead starts once more, with what the log has by now. */
void raft_group_restart(struct raft_group *group);
/* A read of the own log failed with an error that may pass: no further one until it is tried again.
 * False: it is damage that nobody else can mend, or behind the start. */
bool raft_group_read_later(struct raft_group *group, int error);
/* The group closes: nothing of an unfinished start remains. */
void raft_group_end_start(struct raft_group *group);

/* ---- raft_group_apply.c (and raft_group_restored) ---- */

/* The owner begins with the state that lies beside the log. False: it has none, which is too
 * little: the sentence is in `why`. */
bool raft_group_restore(struct raft_group *group, struct error_text *why);
/* Of what was read nothing is handed over any more. */
void raft_group_apply_cancel(struct raft_group *group);
/* `run` of group.applying.more. */
void raft_group_apply_more(struct env_task *task);
/* Hands over commits and tells about leadership; part of the turn. The group, which is pinned, may
 * be closed then. */
void raft_group_deliver(struct raft_group *group);

/* ---- drain.c (and shard_transfer_all) ---- */

/* A link came up: the other side must know if we stop. */
void drain_link_up(struct link *link);
/* Part of the turn: tells the owner when nothing is left to hand over. */
void drain_check(struct shard *shard);

/* ======== Life ======== */

/* ---- raft_group.c ---- */

/* Around a callback of the owner: a group that is closed inside lives until the last unpin. */
void raft_group_pin(struct raft_group *group);
void raft_group_unpin(struct raft_group *group);

/* ======== Links ======== */

/* ---- link_change.c ---- */

/* All groups are told, now or in later turns. */
void link_change_up(struct link *link);
void link_change_down(struct link *link, bool dead);
/* Now and then: which links are silent. */
void link_change_watch(struct shard *shard);
/* Nobody is asked any more whether this broker belongs to them: the groups may stand. */
void link_change_asked(struct shard *shard);
void link_change_goes_on(struct env_task *task); /* `run` of shard.change */

#endif
