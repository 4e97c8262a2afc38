/*
 * Two streams that are connected with each other, on one loop, for tests of what stands on streams.
 */
#ifndef TESTS_UNIT_BASE_FIXTURE_PAIR_H
#define TESTS_UNIT_BASE_FIXTURE_PAIR_H

#include "tests/unit/base/fixture_loop.h"

/* Makes both ends; nobody has attached to them. The caller closes them. */
void pair_open(struct loop *loop, struct env_stream **client, struct env_stream **server);

#endif
