/*
 * The file of the first users: lines NAME:MECHANISM:ITERATIONS:SALT:STOREDKEY:SERVERKEY, the last
 * three in base64, as `drave user hash` writes them. Empty lines and those that begin with # say
 * nothing.
 *
 * Happy path: all lines into a table. Failures: ERR_INVALID with a sentence that names the file and
 * the line, and never what is in it: who has read the keys can try passwords. A file that others
 * than its owner may read is refused.
 */
#ifndef BROKER_USERS_USERS_FILE_H
#define BROKER_USERS_USERS_FILE_H

#include "base/error.h"
#include "broker/users/user_table.h"

/* `into` is empty; close it also after an error. Blocks. */
int users_file_read(const char *path, struct user_table *into, struct error_text *why);
/* One line, without its end. False: it is none. `key->name` is the caller's then. */
bool users_file_line(const char *line, size_t len, struct user_key *key);

#endif
