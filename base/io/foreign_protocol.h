/*
 * What somebody speaks who does not frame what they send: seen by the first four bytes, which would
 * be a length.
 *
 * Each of these is a length above 256 MiB, more than any frame here may have, so nobody who frames
 * is taken for one of them.
 */
#ifndef BASE_IO_FOREIGN_PROTOCOL_H
#define BASE_IO_FOREIGN_PROTOCOL_H

#include <stdint.h>

/* "TLS", "HTTP" ...; NULL: none that is known. `first` is big-endian, as a length is read. Static
 * memory. */
const char *foreign_protocol(uint32_t first);

#endif
