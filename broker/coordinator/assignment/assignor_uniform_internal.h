/* Between the files of the assignor "uniform". */
#ifndef BROKER_COORDINATOR_ASSIGNMENT_ASSIGNOR_UNIFORM_INTERNAL_H
#define BROKER_COORDINATOR_ASSIGNMENT_ASSIGNOR_UNIFORM_INTERNAL_H

#include "broker/coordinator/assignment/assignment.h"

/* What the member at `place` holds, ascending, all of its held_count. For mem_free. */
uint32_t *uniform_held(const struct assignment_input *input, uint32_t place);

/* Members that subscribe to different topics. `order`: of assignment_order; `owner`: nobody's. */
void uniform_assign_mixed(const struct assignment_input *input, const uint32_t *order,
                          uint32_t *owner);

#endif
