/* SPDX-License-Identifier: Apache-2.0 */
/* A TLS peer on loopback without manners: it sends any bytes at any time, and verifies nothing. */
#ifndef GODWIT_TESTS_TLS_RAW_H
#define GODWIT_TESTS_TLS_RAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tls_raw;

/* Connect a TCP socket that is there: 0 or -1. */
int tls_raw_connect_fd(int fd, uint16_t port);
/* A connected TCP socket, -1 on failure. */
int tls_raw_connect(uint16_t port);
/* The same after a handshake, NULL on failure. */
struct tls_raw *tls_raw_open(uint16_t port);
/* Handshake over a socket that is connected. Consumes it. */
struct tls_raw *tls_raw_over(int taken_fd);
/* All of it; false when the peer is gone. */
bool tls_raw_send(struct tls_raw *t, const void *data, size_t len);
/*
 * Read into out until it is full, the peer hangs up or timeout_ms is over without a byte. Returns
 * the bytes read; *ret_hung_up tells of the second.
 */
size_t tls_raw_read(struct tls_raw *t, char *out, size_t size, uint64_t timeout_ms,
                    bool *ret_hung_up);
int tls_raw_fd(const struct tls_raw *t);
/* Close the socket with no farewell; reset = with an RST. */
void tls_raw_drop(struct tls_raw *taken_t, bool reset);

#endif
