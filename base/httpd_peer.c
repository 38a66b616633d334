/* SPDX-License-Identifier: Apache-2.0 */
/* How many connections one peer has: nobody takes all of them from everybody else. */
#include "base/httpd_priv.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/banned.h"

/* Who has one address of IPv6 has its whole /64. IPv4 that comes over IPv6 is IPv4. */
static struct httpd_peer peer_of(const struct sockaddr_storage *at)
{
    const struct in_addr *v4 = &((const struct sockaddr_in *)(const void *)at)->sin_addr;
    const struct in6_addr *v6 = &((const struct sockaddr_in6 *)(const void *)at)->sin6_addr;
    struct httpd_peer p = {.known = true};

    if (at->ss_family == AF_INET6 && !IN6_IS_ADDR_V4MAPPED(v6)) {
        p.is_v6 = true;
        memcpy(p.prefix, v6->s6_addr, sizeof(p.prefix));
    } else {
        memcpy(p.prefix, at->ss_family == AF_INET6 ? &v6->s6_addr[12] : (const uint8_t *)v4, 4);
    }
    return p;
}

static bool same_peer(const struct httpd_peer *a, const struct httpd_peer *b)
{
    return a->known && b->known && a->is_v6 == b->is_v6 &&
           memcmp(a->prefix, b->prefix, sizeof(a->prefix)) == 0;
}

/* A walk over all: some microseconds, and only for who comes. */
bool httpd_peer_admit(struct conn *c)
{
    struct sockaddr_storage at = {0};
    socklen_t len = sizeof(at);
    unsigned n = 0;

    if (getpeername(bufferevent_getfd(c->bev), (struct sockaddr *)&at, &len) < 0)
        return false; /* it is gone already */
    c->peer = peer_of(&at);
    for (const struct conn *i = LIST_FIRST(&c->httpd->connections); i; i = LIST_NEXT(i, link))
        n += same_peer(&i->peer, &c->peer);
    return n <= c->httpd->max_peer_connections;
}
