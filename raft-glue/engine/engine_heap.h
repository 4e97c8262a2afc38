/* The engine's memory: base/mem.h behind libraft's heap hook, so that raft_malloc never returns
 * NULL. */
#ifndef RAFT_GLUE_ENGINE_ENGINE_HEAP_H
#define RAFT_GLUE_ENGINE_ENGINE_HEAP_H

/* Installs the hook; before the first call of the engine, any number of times. */
void engine_heap_use(void);

#endif
