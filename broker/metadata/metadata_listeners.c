/* Who listens to the metadata, and what they are told. */
#include <utlist.h>

#include "broker/metadata/metadata_rows.h"

void metadata_listen(struct metadata *metadata, struct metadata_listener *listener) {
    DL_APPEND(metadata->listeners, listener);
}

void metadata_unlisten(struct metadata *metadata, struct metadata_listener *listener) {
    DL_DELETE(metadata->listeners, listener);
}

void metadata_tell_partition_added(const struct metadata *metadata,
                                   const struct metadata_partition *partition) {
    const struct metadata_listener *listener;
    DL_FOREACH(metadata->listeners, listener)
    if (listener->events->partition_added != NULL)
        listener->events->partition_added(listener->arg, partition);
}

void metadata_tell_replicas_changed(const struct metadata *metadata,
                                    const struct metadata_partition *partition) {
    const struct metadata_listener *listener;
    DL_FOREACH(metadata->listeners, listener)
    if (listener->events->replicas_changed != NULL)
        listener->events->replicas_changed(listener->arg, partition);
}

void metadata_tell_replica_left(const struct metadata *metadata,
                                const struct metadata_partition *partition,
                                const struct metadata_replica *replica) {
    const struct metadata_listener *listener;
    DL_FOREACH(metadata->listeners, listener)
    if (listener->events->replica_left != NULL)
        listener->events->replica_left(listener->arg, partition, replica);
}

void metadata_tell_topic_added(const struct metadata *metadata,
                               const struct metadata_topic *topic) {
    const struct metadata_listener *listener;
    DL_FOREACH(metadata->listeners, listener)
    if (listener->events->topic_added != NULL) listener->events->topic_added(listener->arg, topic);
}

void metadata_tell_topic_grown(const struct metadata *metadata,
                               const struct metadata_topic *topic) {
    const struct metadata_listener *listener;
    DL_FOREACH(metadata->listeners, listener)
    if (listener->events->topic_grown != NULL) listener->events->topic_grown(listener->arg, topic);
}

void metadata_tell_topic_removed(const struct metadata *metadata,
                                 const struct metadata_topic *topic) {
    const struct metadata_listener *listener;
    DL_FOREACH(metadata->listeners, listener)
    if (listener->events->topic_removed != NULL)
        listener->events->topic_removed(listener->arg, topic);
}

void metadata_tell_partition_removed(const struct metadata *metadata,
                                     const struct metadata_partition *partition) {
    const struct metadata_listener *listener;
    DL_FOREACH(metadata->listeners, listener)
    if (listener->events->partition_removed != NULL)
        listener->events->partition_removed(listener->arg, partition);
}

void metadata_tell_configs_changed(const struct metadata *metadata,
                                   const struct metadata_topic *topic) {
    const struct metadata_listener *listener;
    DL_FOREACH(metadata->listeners, listener)
    if (listener->events->configs_changed != NULL)
        listener->events->configs_changed(listener->arg, topic);
}

void metadata_tell_resource_changed(const struct metadata *metadata,
                                    const struct metadata_resource *resource) {
    const struct metadata_listener *listener;
    DL_FOREACH(metadata->listeners, listener)
    if (listener->events->resource_changed != NULL)
        listener->events->resource_changed(listener->arg, resource);
}

void metadata_tell_roster_changed(const struct metadata *metadata,
                                  const struct roster_broker *broker) {
    const struct metadata_listener *listener;
    DL_FOREACH(metadata->listeners, listener)
    if (listener->events->roster_changed != NULL)
        listener->events->roster_changed(listener->arg, broker);
}
