/*
 * A share group as it is shown, by drave share describe, drave group describe and their like.
 *
 * Happy path: of a view whose leaders were asked, or not: then what they would say is unknown.
 * Failures: a partition of which nobody tells is said beside the table.
 */
#ifndef CLIENT_SHARING_SHARE_SHOW_H
#define CLIENT_SHARING_SHARE_SHOW_H

#include <jansson.h>

#include "client/sharing/share_view.h"

json_t *share_json(const struct share_view *view);
json_t *share_json_offsets(const struct share_view *view);
void share_print(const struct share_view *view);
void share_print_offsets(const struct share_view *view);

#endif
