/* SPDX-License-Identifier: Apache-2.0 */
/* Loop devices and a BPF file system that go away with the process, also when it is killed. */
#ifndef GODWIT_TESTS_LOOP_DEVICE_H
#define GODWIT_TESTS_LOOP_DEVICE_H

#include "base/auto.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

enum { LOOP_DEVICE_PATH = 32 };

/* Mounts of our own: what is pinned there ends with this process. */
static inline bool loop_device_private_pins(void)
{
    return unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("bpf", "/sys/fs/bpf", "bpf", 0, NULL) == 0;
}

/* A fence that somebody tested on a device of this number may still stand. */
static inline int loop_device_unfence(int fd)
{
    int read_only = 0;

    return ioctl(fd, BLKROSET, &read_only) == 0 ? 0 : -errno;
}

/* A device on image, gone when the last descriptor of it is closed. Its descriptor or a negative
 * errno. */
static inline int loop_device_open(const char *image, char path[static LOOP_DEVICE_PATH])
{
    struct loop_config config = {.info = {.lo_flags = LO_FLAGS_AUTOCLEAR}};
    auto_close int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    auto_close int file = open(image, O_RDWR | O_CLOEXEC);

    if (control < 0 || file < 0)
        return -errno;
    config.fd = (unsigned)file;
    for (int tries = 0; tries < 32; tries++) {
        int n = ioctl(control, LOOP_CTL_GET_FREE);
        int fd;

        if (n < 0)
            return -errno;
        snprintf(path, LOOP_DEVICE_PATH, "/dev/loop%d", n);
        fd = open(path, O_RDWR | O_CLOEXEC);
        if (fd < 0)
            return -errno;
        if (ioctl(fd, LOOP_CONFIGURE, &config) == 0 && loop_device_unfence(fd) == 0)
            return fd;
        close(fd); /* somebody else was faster */
    }
    return -EBUSY;
}

/* As root and with loop devices, on one of which a test's place can be made. Says so when not: 77.
 */
static inline bool loop_device_is_here(int (*setup)(void **), int (*teardown)(void **))
{
    void *state = NULL;
    bool here = geteuid() == 0 && loop_device_private_pins() && setup(&state) == 0;

    if (state)
        teardown(&state);
    if (!here)
        puts("skipped: needs root and loop devices");
    return here;
}

#endif
