/* SPDX-License-Identifier: Apache-2.0 */
/* The probe of this machine. */
#include "inventory/probe_tree.h"

#include "inventory/blk.h"

#include "base/err.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/banned.h"

static int local_open(const struct probe_tree *t, const char *path, int flags)
{
    int fd = open(path, flags);

    (void)t;
    return fd < 0 ? -errno : fd;
}

/* Plain readlink: a host has thousands of /proc/PID/fd links. */
static int local_link(struct probe *p, const char *path, char *out, size_t size, struct err *err)
{
    ssize_t len = readlink(path, out, size);

    (void)p;
    if (len < 0)
        return err_set(err, -errno, "read link '%s': %m", path);
    if ((size_t)len >= size)
        return err_set(err, -ENAMETOOLONG, "link '%s' is too long", path);
    out[len] = '\0';
    return 0;
}

static int local_space(struct probe *p, const char *mount, struct probe_space *ret, struct err *err)
{
    struct statvfs v;

    (void)p;
    if (statvfs(mount, &v) < 0)
        return err_set(err, -errno, "statvfs '%s': %m", mount);
    *ret = (struct probe_space){
        .total_bytes = v.f_blocks * v.f_frsize,
        .used_bytes = (v.f_blocks - v.f_bfree) * v.f_frsize,
        .available_bytes = v.f_bavail * v.f_frsize,
        .inodes = v.f_files,
        .inodes_used = v.f_files - v.f_ffree,
    };
    return 0;
}

static int local_content(struct probe *p, const char *device, struct probe_content *ret,
                         struct err *err)
{
    (void)p;
    return blk_content(device, ret, err);
}

static unsigned prefix_bits(const uint8_t *mask, size_t len)
{
    unsigned bits = 0;

    for (size_t i = 0; i < len; i++)
        bits += (unsigned)__builtin_popcount(mask[i]);
    return bits;
}

/* False for interfaces without an address of ours to tell. */
static bool addr_fill(const struct ifaddrs *ifa, struct probe_addr *ret)
{
    const void *addr = NULL;
    const void *mask = NULL;
    size_t len = 0;

    if (!ifa->ifa_addr || !ifa->ifa_netmask)
        return false;
    if (ifa->ifa_addr->sa_family == AF_INET) {
        addr = &((const struct sockaddr_in *)(const void *)ifa->ifa_addr)->sin_addr;
        mask = &((const struct sockaddr_in *)(const void *)ifa->ifa_netmask)->sin_addr;
        len = 4;
    } else if (ifa->ifa_addr->sa_family == AF_INET6) {
        addr = &((const struct sockaddr_in6 *)(const void *)ifa->ifa_addr)->sin6_addr;
        mask = &((const struct sockaddr_in6 *)(const void *)ifa->ifa_netmask)->sin6_addr;
        len = 16;
    } else {
        return false;
    }
    if (!inet_ntop(ifa->ifa_addr->sa_family, addr, ret->address, sizeof(ret->address)))
        return false;
    ret->prefix = prefix_bits(mask, len);
    return text_copy(ret->interface, sizeof(ret->interface), ifa->ifa_name) == 0;
}

static int local_addrs(struct probe *p, struct probe_addr *out, size_t max, size_t *ret_n,
                       struct err *err)
{
    struct ifaddrs *all = NULL;
    size_t n = 0;

    (void)p;
    if (getifaddrs(&all) < 0)
        return err_set(err, -errno, "list interface addresses: %m");
    for (const struct ifaddrs *ifa = all; ifa && n < max; ifa = ifa->ifa_next) {
        if (addr_fill(ifa, &out[n]))
            n++;
    }
    freeifaddrs(all);
    *ret_n = n;
    return 0;
}

static const struct probe_ops local_ops = {
    .name = "local",
    .free = probe_tree_free,
    .read = probe_tree_read,
    .list = probe_tree_list,
    .link = local_link,
    .stat = probe_tree_stat,
    .space = local_space,
    .content = local_content,
    .addrs = local_addrs,
};

int probe_local_new(struct probe **ret, struct err *err)
{
    struct probe_tree *t = calloc(1, sizeof(*t));

    if (!t)
        return err_set(err, -ENOMEM, "no memory for a probe");
    t->probe.ops = &local_ops;
    t->root_fd = -1;
    t->open = local_open;
    *ret = &t->probe;
    return 0;
}
