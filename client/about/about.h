/*
 * The commands that speak about the table of commands: help, completion, reference. Their rows have
 * no function of their own (`run` is NULL), because the table would then stand both above and below
 * them.
 */
#ifndef CLIENT_ABOUT_ABOUT_H
#define CLIENT_ABOUT_ABOUT_H

#include "client/line/command.h"

/* Runs the one that `in` names; returns an exit code. */
int about_run(struct invocation *in);

#endif
