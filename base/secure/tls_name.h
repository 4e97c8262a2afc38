/*
 * The name in a certificate as a text: what Java's X500Principal.getName() makes of it (RFC 2253),
 * because rules of who may do what are copied from brokers that have it from there.
 *
 * Happy path: tls_name_text. Failures: false for a name that has a zero byte, is not valid text, or
 * is longer than the room. It differs from what OpenSSL calls RFC 2253: only CN, C, L, ST, O, OU,
 * STREET, DC and UID have names, all others are numbers with what they hold in hexadecimal digits;
 * UTF-8 stays as it is; parts of one part stay in the order in which they are encoded.
 */
#ifndef BASE_SECURE_TLS_NAME_H
#define BASE_SECURE_TLS_NAME_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/x509.h>

bool tls_name_text(const X509_NAME *name, char *into, size_t room);

#endif
