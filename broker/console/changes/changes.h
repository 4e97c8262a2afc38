/*
 * What the console changes, when it has a token: each as a POST with a form, which says with
 * dry_run=1 what would happen, and the command that does the same, and without it does it.
 *
 * Happy path: change_guard lets a request in by its head, before anything of its body is read;
 * change_of has its route, which asks brokers as any client does (broker/console/asking/inquiry.h).
 * Failures: 401 without the token, 403 from a page of somebody else, 415 for what is no form; what
 * a broker refuses is said in its words. Invariants: the token is compared in a time that does not
 * depend on where it differs, and never said; no cookie stands for it, so that no page of a
 * stranger can make a browser send it along; each change that was tried is a line of the log.
 */
#ifndef BROKER_CONSOLE_CHANGES_CHANGES_H
#define BROKER_CONSOLE_CHANGES_CHANGES_H

#include "broker/console/asking/inquiry.h"

/* NULL: there is no such change. */
void (*change_of(const struct http_request *request))(struct inquiry *inquiry);
/* 0: it may. Else the status that it is refused with, and the sentence (static). */
int change_guard(const struct http_request *request, const char *token, const char **text);

/* The routes. */
void change_create_topic(struct inquiry *inquiry);
void change_delete_topic(struct inquiry *inquiry);
void change_add_partitions(struct inquiry *inquiry);
void change_move_leader(struct inquiry *inquiry);
void change_settings(struct inquiry *inquiry);
void change_delete_group(struct inquiry *inquiry);
void change_drain(struct inquiry *inquiry);
void change_seek(struct inquiry *inquiry);
void change_share_reset(struct inquiry *inquiry);
void change_produce(struct inquiry *inquiry);

#endif
