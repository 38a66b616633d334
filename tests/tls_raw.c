/* SPDX-License-Identifier: Apache-2.0 */
/* A TLS peer without manners, for tests of the server. */
#include "tests/tls_raw.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/banned.h"

struct tls_raw {
    SSL_CTX *ctx;
    SSL *ssl;
    int fd;
};

int tls_raw_connect_fd(int fd, uint16_t port)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    signal(SIGPIPE, SIG_IGN);
    return connect(fd, (struct sockaddr *)&at, sizeof(at));
}

int tls_raw_connect(uint16_t port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 && tls_raw_connect_fd(fd, port) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

struct tls_raw *tls_raw_over(int taken_fd)
{
    struct tls_raw *t = calloc(1, sizeof(*t));

    if (!t)
        abort();
    t->fd = taken_fd;
    t->ctx = SSL_CTX_new(TLS_client_method());
    t->ssl = SSL_new(t->ctx);
    SSL_set_fd(t->ssl, t->fd);
    if (SSL_connect(t->ssl) != 1) {
        tls_raw_drop(t, false);
        return NULL;
    }
    return t;
}

struct tls_raw *tls_raw_open(uint16_t port)
{
    const int fd = tls_raw_connect(port);

    return fd < 0 ? NULL : tls_raw_over(fd);
}

bool tls_raw_send(struct tls_raw *t, const void *data, size_t len)
{
    size_t sent;

    return SSL_write_ex(t->ssl, data, len, &sent) == 1;
}

size_t tls_raw_read(struct tls_raw *t, char *out, size_t size, uint64_t timeout_ms,
                    bool *ret_hung_up)
{
    struct pollfd p = {.fd = t->fd, .events = POLLIN};
    size_t len = 0, n;

    *ret_hung_up = false;
    while (len < size) {
        if (!SSL_has_pending(t->ssl) && poll(&p, 1, (int)timeout_ms) <= 0)
            break;
        if (SSL_read_ex(t->ssl, out + len, size - len, &n) != 1) {
            *ret_hung_up = true;
            break;
        }
        len += n;
    }
    return len;
}

int tls_raw_fd(const struct tls_raw *t)
{
    return t->fd;
}

void tls_raw_drop(struct tls_raw *taken_t, bool reset)
{
    const struct linger at_once = {.l_onoff = 1};

    if (reset)
        setsockopt(taken_t->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close(taken_t->fd);
    SSL_free(taken_t->ssl);
    SSL_CTX_free(taken_t->ctx);
    free(taken_t);
}
