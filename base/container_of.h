/* From a member to the struct that holds it: what a callback gets is a part of what it belongs to.
 */
#ifndef BASE_CONTAINER_OF_H
#define BASE_CONTAINER_OF_H

#include <stddef.h>

/* `member` is the address of the field `field` of a `type`; evaluated once, never NULL. */
#define CONTAINER_OF(member, type, field) \
    ((type *)(void *)((char *)(member) - offsetof(type, field)))

#endif
