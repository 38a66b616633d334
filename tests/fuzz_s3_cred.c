/* SPDX-License-Identifier: Apache-2.0 */
/* The credentials and configuration files of the AWS tools. */
#include "tests/fuzz.h"

#include "transport/s3_cred.h"

#include <sys/mman.h>

#include "base/banned.h"

/* Nobody is asked for anything: not an instance, nor a service for a role that chance made up. */
static const char *get(void *arg, const char *name)
{
    if (strcmp(name, "AWS_EC2_METADATA_DISABLED") == 0)
        return "true";
    if (strcmp(name, "AWS_ENDPOINT_URL_STS") == 0)
        return "http://refused.example";
    return strncmp(name, "AWS_SHARED", 10) == 0 || strcmp(name, "AWS_CONFIG_FILE") == 0 ? arg
                                                                                        : NULL;
}

static void try_profile(const char *profile, char *path)
{
    const struct s3_cred_env env = {.get = get, .arg = path};
    const struct store_conf conf = {.profile = profile, .path_style = -1};
    struct s3_cred c = {0};
    struct err err = {0};

    if (s3_cred_load(&conf, &env, &c, &err) == 0 &&
        (c.access_key[0] == '\0' || c.secret_key[0] == '\0' || c.region[0] == '\0' ||
         strpbrk(c.secret_key, "\r\n")))
        abort();
    s3_cred_done(&c);
}

static void fuzz_run(struct slice input)
{
    auto_close int fd = memfd_create("cred", MFD_CLOEXEC);
    char path[64];

    /* A file may name a program that lends credentials: one that chance made up is not run. */
    if (input.len > 0 && memmem(input.data, input.len, "credential_process", 18))
        return;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (fd < 0 || (input.len > 0 && write(fd, input.data, input.len) != (ssize_t)input.len))
        return;
    try_profile(NULL, path);
    try_profile("work", path);
}

#ifndef GODWIT_LIBFUZZER
int main(int argc, char **argv)
{
    return fuzz_main("fuzz_s3_cred", argc, argv);
}
#endif
