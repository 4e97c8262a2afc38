/* The ways from one protocol to the other, as a table. */
#include "broker/coordinator/migration/migration.h"

#include "broker/coordinator/migration/downgrade.h"
#include "broker/coordinator/migration/upgrade.h"

static bool downgrade(struct group_batch *batch, const struct consumer_group *group,
                      const struct metadata *metadata) {
    return migration_add_downgrade(batch, group, metadata, NULL);
}

const struct consumer_conversions migration_conversions = {.upgrade = migration_upgrade,
                                                           .upgraded = migration_upgraded,
                                                           .downgrade = downgrade};
