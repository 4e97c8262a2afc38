/*
 * Which cluster a call is about: -b, --profile, the environment, and the profile that is used.
 *
 * -b is first, then --profile, DRAVE_BOOTSTRAP, DRAVE_PROFILE, the profile of `drave profile use`,
 * and 127.0.0.1:9092. Invariant: what changes a cluster is refused under a profile with
 * read.only=true, also where -b names the brokers beside --profile or DRAVE_PROFILE.
 */
#ifndef CLIENT_PROFILE_PROFILE_USE_H
#define CLIENT_PROFILE_PROFILE_USE_H

#include "client/line/command.h"
#include "client/profile/profile_file.h"

/* Completes bootstrap and timeout of the call; their texts live as long as `profiles`, which is to
 * be freed in any case. EXIT_DONE, or the sentence was said: EXIT_USAGE for a profile that is not
 * there, EXIT_REFUSED for a change that it does not allow. */
int profile_apply(struct invocation *in, struct profiles *profiles);

#endif
