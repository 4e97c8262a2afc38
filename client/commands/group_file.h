/*
 * Committed offsets in a file: JSON as `drave group export` prints it, or lines
 * "topic,partition,offset" as kafka-consumer-groups writes them (also with the group in front).
 */
#ifndef CLIENT_COMMANDS_GROUP_FILE_H
#define CLIENT_COMMANDS_GROUP_FILE_H

#include <jansson.h>

#include "client/commands/group_plan.h"

struct group_file {
    json_t *root;      /* {group, offsets: [{topic, partition, offset, metadata}]} */
    const char *group; /* NULL: the file does not say */
};

/* Reads it whole ("-": standard input); says what is wrong, with the line, and returns an exit
 * code. Close it in any case. */
int group_file_open(struct group_file *file, const char *path);
void group_file_close(struct group_file *file);

/* A row for each of its offsets; they point into the file. */
void group_file_plan(const struct group_file *file, struct plan *plan);

/* What export prints. */
json_t *group_file_of(const struct group_view *view);

#endif
