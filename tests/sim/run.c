/* What all scenarios need of a run; run.h says what. */
#include "tests/sim/run.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void run_count(struct run *run, enum rare kind, uint64_t by) {
    run->rare.count[kind] += by;
}

void run_count_tears(struct run *run, const struct node *node) {
    const struct disk_tears *tears = disk_tears(node_disk(node));

    run_count(run, RARE_TORN_WRITES, tears->writes);
    run_count(run, RARE_SYNCED_DESTROYED, tears->synced_blocks);
}

void run_fail(struct run *run, const char *format, ...) {
    va_list args;

    printf("FAILED seed %" PRIu64 " at %.3f ms: ", run->seed,
           (double)world_now_us(run->world) / 1000.0);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\n");
    fflush(stdout);
    _exit(1);
}

void run_say(struct run *run, const char *format, ...) {
    va_list args;

    if (!world_verbose(run->world)) return;
    printf("%12.3f      * ", (double)world_now_us(run->world) / 1000.0);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\n");
}
