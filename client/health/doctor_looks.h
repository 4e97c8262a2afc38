/*
 * The looks of drave doctor, and what they share: doctor_checks.c (brokers, partitions, disks,
 * load), doctor_hosts.c (machines), doctor_traffic.c (links, clients, groups), doctor_sums.c;
 * doctor_table.c has their numbers. Nobody else's.
 */
#ifndef CLIENT_HEALTH_DOCTOR_LOOKS_H
#define CLIENT_HEALTH_DOCTOR_LOOKS_H

#include "client/health/doctor.h"

/* ---- doctor_sums.c ---- */

void doctor_find(struct finding *finding, enum verdict verdict, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Over all brokers; NULL for the label: of all labels. */
double doctor_sum(const struct patient *patient, const char *metric, const char *label);
/* The broker that says most of it; NULL: none says any. */
const struct broker_seen *doctor_most(const struct patient *patient, const char *metric,
                                      const char *label, double *value);
/* Of a histogram of one broker: how many values, and the part of them that is above `bound`. */
double doctor_part_above(const struct kp_broker_status_response *said, const char *metric,
                         double bound, double *count);

/* ---- doctor_checks.c ---- */

void doctor_look_reached(const struct patient *patient, struct finding *finding);
void doctor_look_alive(const struct patient *patient, struct finding *finding);
void doctor_look_metadata(const struct patient *patient, struct finding *finding);
void doctor_look_number(const struct patient *patient, struct finding *finding);
void doctor_look_versions(const struct patient *patient, struct finding *finding);
void doctor_look_clocks(const struct patient *patient, struct finding *finding);
void doctor_look_racks(const struct patient *patient, struct finding *finding);
void doctor_look_leaderless(const struct patient *patient, struct finding *finding);
void doctor_look_min_insync(const struct patient *patient, struct finding *finding);
void doctor_look_replicas(const struct patient *patient, struct finding *finding);
void doctor_look_single(const struct patient *patient, struct finding *finding);
void doctor_look_leads(const struct patient *patient, struct finding *finding);
void doctor_look_away(const struct patient *patient, struct finding *finding);
void doctor_look_full(const struct patient *patient, struct finding *finding);
void doctor_look_journal(const struct patient *patient, struct finding *finding);
void doctor_look_sync(const struct patient *patient, struct finding *finding);
void doctor_look_lying(const struct patient *patient, struct finding *finding);
void doctor_look_torn(const struct patient *patient, struct finding *finding);
void doctor_look_turns(const struct patient *patient, struct finding *finding);
void doctor_look_memory(const struct patient *patient, struct finding *finding);
void doctor_look_unrest(const struct patient *patient, struct finding *finding);

/* ---- doctor_hosts.c ---- */

void doctor_look_files(const struct patient *patient, struct finding *finding);
void doctor_look_file_system(const struct patient *patient, struct finding *finding);
void doctor_look_direct(const struct patient *patient, struct finding *finding);
void doctor_look_swap(const struct patient *patient, struct finding *finding);
void doctor_look_budgets(const struct patient *patient, struct finding *finding);
void doctor_look_certificates(const struct patient *patient, struct finding *finding);

/* ---- doctor_traffic.c ---- */

void doctor_look_links(const struct patient *patient, struct finding *finding);
void doctor_look_ready(const struct patient *patient, struct finding *finding);
void doctor_look_restarts(const struct patient *patient, struct finding *finding);
void doctor_look_lag(const struct patient *patient, struct finding *finding);
void doctor_look_many(const struct patient *patient, struct finding *finding);
void doctor_look_majority(const struct patient *patient, struct finding *finding);
void doctor_look_damage(const struct patient *patient, struct finding *finding);
void doctor_look_uneven(const struct patient *patient, struct finding *finding);
void doctor_look_refused(const struct patient *patient, struct finding *finding);
void doctor_look_errors(const struct patient *patient, struct finding *finding);
void doctor_look_tiny(const struct patient *patient, struct finding *finding);
void doctor_look_old_clients(const struct patient *patient, struct finding *finding);
void doctor_look_order(const struct patient *patient, struct finding *finding);
void doctor_look_log(const struct patient *patient, struct finding *finding);
void doctor_look_near_loss(const struct patient *patient, struct finding *finding);
void doctor_look_missed(const struct patient *patient, struct finding *finding);
void doctor_look_group_lag(const struct patient *patient, struct finding *finding);
void doctor_look_rebalances(const struct patient *patient, struct finding *finding);
void doctor_look_folded(const struct patient *patient, struct finding *finding);

#endif
