/*
 * The metadata leader gives the cluster its secret, and the first users of its file, once all
 * brokers know that there are users (FEATURE_SECURITY_VERSION).
 *
 * Happy path: a look, when this broker begins to lead and whenever commands were applied; one
 * command when there is something to say. Users of the file are said once in this process's life,
 * and only while there is no user: who has deleted the last one does not get them back before a
 * restart. Failures: what did not succeed is tried at the next look, or at once when nobody
 * answered.
 */
#ifndef BROKER_METADATA_ASKING_USER_FOUNDING_H
#define BROKER_METADATA_ASKING_USER_FOUNDING_H

#include "broker/metadata/metadata_group.h"

struct user_founding;

/* `path`: of the file; "": none. ERR_INVALID with a sentence. Blocks. */
int user_founding_new(struct env *env, struct log *log, const char *path,
                      struct user_founding **founding, struct error_text *why);
/* Of which table it is the founding. */
void user_founding_open(struct user_founding *founding, const struct metadata *metadata,
                        struct metadata_group *group);
/* Before the group is closed; it is not open any more. NULL does nothing. */
void user_founding_close(struct user_founding *founding);
void user_founding_free(struct user_founding *founding); /* NULL does nothing */
void user_founding_look(struct user_founding *founding);

#endif
