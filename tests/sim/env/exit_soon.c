/* The end of a process in good order, behind its last callback. */
#include "base/mem.h"
#include "tests/sim/env/node.h"

struct exit_event {
    struct event event; /* first */
    struct node *node;
    struct env *env;
};

/* Unless it has died meanwhile, and perhaps runs again. */
static void exit_now(struct event *event) {
    struct exit_event *exit = (struct exit_event *)event;
    if (node_env(exit->node) == exit->env) node_exit(exit->node);
    mem_free(exit);
}

void node_exit_soon(struct node *node) {
    struct exit_event *exit = mem_zalloc(sizeof *exit);
    *exit = (struct exit_event){.event.run = exit_now, .node = node, .env = node_env(node)};
    world_schedule(node_world(node), &exit->event, 0);
}
