/*
 * The files of a bundle while it is made: what commands print, by the names that the archive gives
 * them.
 *
 * Happy path: bundle_run for every call, bundle_put for what is no call, bundle_hide when nobody is
 * to read names, bundle_pack. Failures: a call that fails leaves its sentences in place of its
 * output. Bounds: the caller runs a bounded number of calls.
 */
#ifndef CLIENT_BUNDLE_BUNDLE_FILES_H
#define CLIENT_BUNDLE_BUNDLE_FILES_H

#include <jansson.h>

#include "client/bundle/archive.h"
#include "client/line/command.h"

/* In front of every name in the archive. */
#define BUNDLE_FOLDER "drave-bundle/"
/* The file that tells which calls there are: {"files":{NAME:{"call":[WORD...],"exit","said"}}}. */
#define BUNDLE_MANIFEST "manifest.json"

struct bundle_file {
    char name[ARCHIVE_NAME];
    char *data; /* with a zero behind */
    size_t len;
};

struct bundle_files {
    const struct invocation *in; /* whom to ask */
    struct bundle_file *items;
    size_t count, room;
    json_t *calls; /* by the name of the file */
};

void bundle_files_open(struct bundle_files *files, const struct invocation *in);
void bundle_files_close(struct bundle_files *files);

void bundle_put(struct bundle_files *files, const char *name, const void *data, size_t len);

/* What is run: a command by its name, and itself. */
struct bundle_command {
    const char *name; /* "topic list" */
    int (*run)(struct invocation *in);
};

/* Runs it with these words, for people and for programs: FILE.txt and FILE.json; FILE.failed.txt,
 * with what it said, where it fails and prints nothing. `all`: with --all. What it printed as JSON;
 * NULL: nothing. Valid until the next call here. */
const char *bundle_run(struct bundle_files *files, const char *file,
                       const struct bundle_command *command, char **words, int word_count,
                       bool all);

/* The call as the manifest names it: the command, its words, its flags (without --). The caller's.
 */
json_t *bundle_call(const char *command, char **words, int word_count, const char *const *flags,
                    size_t flag_count);

/* Puts pseudonyms in the place of names of topics, groups, clients, hosts, addresses, directories
 * and transactions, in all files and in the calls. */
void bundle_hide(struct bundle_files *files);

/* All files but the manifest. */
void bundle_pack(const struct bundle_files *files, struct archive *archive, int64_t time_s);

#endif
