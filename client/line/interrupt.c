/* One handler for SIGINT and SIGTERM, which the program has once. */
#include "client/line/interrupt.h"

#include <signal.h>
#include <unistd.h>

#include "client/line/command.h"

static volatile sig_atomic_t signals_seen;
static volatile sig_atomic_t ends_at_once;

static void on_signal(int number) {
    (void)number;
    if (ends_at_once) {
        _exit(EXIT_DONE);
    }
    if (++signals_seen > 1) {
        _exit(EXIT_REFUSED);
    }
}

void interrupt_take(void) {
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

void interrupt_ends(bool at_once) {
    ends_at_once = at_once;
    interrupt_take();
}

bool interrupted(void) {
    return signals_seen > 0;
}
