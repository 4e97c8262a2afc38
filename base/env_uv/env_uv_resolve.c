/*
 * What a host name means now. The resolver runs in libuv's pool; an address is told at the end of
 * the turn, without it.
 *
 * Invariant: `resolved` is called once, or never after a cancel; the memory stays while libuv still
 * has the request.
 */
#include <netdb.h>
#include <string.h>

#include "base/container_of.h"
#include "base/env_uv/env_uv_internal.h"
#include "base/mem.h"

struct env_resolve {
    struct env *env;
    void (*resolved)(void *arg, const char (*addresses)[ENV_ADDRESS_SIZE], unsigned n);
    void *arg;
    char addresses[ENV_RESOLVE_MOST][ENV_ADDRESS_SIZE];
    unsigned count;
    struct env_task tell; /* for what needs no resolver */
    uv_getaddrinfo_t request;
    bool pending, canceled; /* libuv will still call back; nobody waits any more */
};

static void free_resolve(struct env_resolve *resolve) {
    resolve->env->ending--;
    mem_free(resolve);
}

static void resolve_finish(struct env_resolve *resolve) {
    if (!resolve->canceled) {
        env_uv_disown(resolve->env);
        resolve->env->ending++;
        resolve->resolved(resolve->arg, (const char(*)[ENV_ADDRESS_SIZE])resolve->addresses,
                          resolve->count);
    }
    free_resolve(resolve);
}

static void on_tell(struct env_task *task) {
    resolve_finish(CONTAINER_OF(task, struct env_resolve, tell));
}

static void resolve_add(struct env_resolve *resolve, const struct sockaddr *address) {
    char *into = resolve->addresses[resolve->count];
    int status = address->sa_family == AF_INET
                     ? uv_ip4_name((const struct sockaddr_in *)address, into, ENV_ADDRESS_SIZE)
                     : uv_ip6_name((const struct sockaddr_in6 *)address, into, ENV_ADDRESS_SIZE);
    if (status == 0) resolve->count++;
}

static void on_addresses(uv_getaddrinfo_t *request, int status, struct addrinfo *list) {
    struct env_resolve *resolve = request->data;
    (void)status; /* an error gives no list */
    for (const struct addrinfo *at = list; at != NULL && resolve->count < ENV_RESOLVE_MOST;
         at = at->ai_next)
        if (at->ai_family == AF_INET || at->ai_family == AF_INET6)
            resolve_add(resolve, at->ai_addr);
    uv_freeaddrinfo(list);
    resolve->pending = false;
    resolve_finish(resolve);
}

struct env_resolve *env_resolve(
    struct env *env, const char *host,
    void (*resolved)(void *arg, const char (*addresses)[ENV_ADDRESS_SIZE], unsigned n), void *arg) {
    struct env_resolve *resolve = mem_zalloc(sizeof *resolve);
    struct sockaddr_storage address = {0};
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    const char *name = env_uv_host(host);
    resolve->env = env;
    resolve->resolved = resolved;
    resolve->arg = arg;
    resolve->tell.run = on_tell;
    resolve->request.data = resolve;
    env_uv_own(env);
    if (uv_ip4_addr(name, 0, (struct sockaddr_in *)&address) == 0 ||
        uv_ip6_addr(name, 0, (struct sockaddr_in6 *)&address) == 0) {
        resolve_add(resolve, (struct sockaddr *)&address);
        env_defer(env, &resolve->tell);
    } else if (uv_getaddrinfo(&env->loop, &resolve->request, on_addresses, host, NULL, &hints) ==
               0) {
        resolve->pending = true;
    } else {
        env_defer(env, &resolve->tell); /* a name longer than any: it has no address */
    }
    return resolve;
}

void env_resolve_cancel(struct env_resolve *resolve) {
    if (resolve == NULL) return;
    resolve->canceled = true;
    env_defer_cancel(resolve->env, &resolve->tell);
    env_uv_disown(resolve->env);
    resolve->env->ending++;
    /* When it is running already, it runs to its end. */
    if (resolve->pending)
        uv_cancel((uv_req_t *)&resolve->request);
    else
        free_resolve(resolve);
}
