/* One sentence for each way in which the system refuses. */
#include "base/io/listen_error.h"

enum { PORTS_OF_ROOT = 1024 };

static int denied(struct error_text *why, const struct listen_place *place) {
    if (place->port < PORTS_OF_ROOT)
        return error_set(
            why, ERR_DENIED,
            "cannot %s on %s: this user may not open ports below 1024; name a higher one in %s, or give the process CAP_NET_BIND_SERVICE",
            place->what, place->address, place->setting);
    return error_set(
        why, ERR_DENIED,
        "cannot %s on %s: this user may not open that port; see what restricts it (systemd, SELinux, a container), or name another one in %s",
        place->what, place->address, place->setting);
}

int listen_error_set(struct error_text *why, int error, const struct listen_place *place) {
    switch (error) {
    case ERR_BUSY:
        return error_set(
            why, error,
            "cannot %s on %s: that port is in use by another program; stop it, or name another one in %s",
            place->what, place->address, place->setting);
    case ERR_NAME:
        return error_set(why, error, "cannot %s on %s: the name does not resolve; correct it in %s",
                         place->what, place->address, place->setting);
    case ERR_INVALID:
        return error_set(
            why, error,
            "cannot %s on %s: this machine does not have that address; name one of its own (see: ip address), or 0.0.0.0 for all, in %s",
            place->what, place->address, place->setting);
    case ERR_DENIED: return denied(why, place);
    default:
        return error_set(why, error, "cannot %s on %s: %s; name another address in %s", place->what,
                         place->address, error_phrase(error), place->setting);
    }
}
