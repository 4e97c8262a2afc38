/*
 * Addresses as settings have them: "host:port", "[v6]:port", and lists of such with commas.
 *
 * Failures: what is no address is false, and the caller's sentence says where it stands. A host is
 * a name of RFC 1123 (with underscores, which people have) or an address; what looks like an IPv4
 * address and is none ("999.1.1.1") is refused, because it would be looked up as a name.
 */
#ifndef BASE_IO_HOST_PORT_H
#define BASE_IO_HOST_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HOST_MAX = 255,
    HOST_PORT_TEXT = HOST_MAX + 10, /* with brackets, colon, port and its end */
};

/* Of `len` bytes at `text` into `host`, which has room for HOST_MAX + 1 and may come out empty, and
 * 0 to 65535. */
bool host_port_parse(const char *text, size_t len, char *host, int32_t *port);

/* Writes it as it is read, an IPv6 address in brackets; returns `into`. */
const char *host_port_text(const char *host, int32_t port, char into[HOST_PORT_TEXT]);

/* The next piece between commas, without blanks around it. False at the end. */
bool host_port_next(const char **at, const char **piece, size_t *len);

enum host_kind {
    HOST_NAME,
    HOST_IPV4,
    HOST_IPV6,
};
enum host_kind host_kind(const char *host);
/* 0.0.0.0 and ::, however they are written: all addresses of this machine. */
bool host_is_any(const char *host);
bool host_is_loopback(const char *host); /* clients elsewhere do not reach it */
/* False: an address of many machines at a time (multicast, broadcast). */
bool host_is_one(const char *host);

#endif
