/* SPDX-License-Identifier: Apache-2.0 */
/* Starting helpers beside the test program, and reading logs line by line. */
#include "tests/s3_story.h"

#include "base/fd.h"
#include "base/text.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/banned.h"

enum { LOG_MAX = 64 << 20 };

static void become(const char *const *argv, int out)
{
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
    char *slash;

    if (n <= 0)
        _exit(126);
    path[n] = '\0';
    slash = strrchr(path, '/');
    if (!slash || text_copy(slash + 1, sizeof(path) - (size_t)(slash + 1 - path), argv[0]) < 0)
        _exit(126);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(out, STDOUT_FILENO);
    execv(path, (char **)(uintptr_t)argv);
    _exit(127);
}

void s3_story_start(struct s3_story_helper *h, const char *const *argv)
{
    char line[16] = "";
    int ends[2];
    FILE *said;

    assert_int_equal(0, pipe2(ends, O_CLOEXEC));
    h->pid = fork();
    assert_true(h->pid >= 0);
    if (h->pid == 0)
        become(argv, ends[1]);
    close(ends[1]);
    said = fdopen(ends[0], "re");
    assert_non_null(said);
    if (!fgets(line, sizeof(line), said))
        fail_msg("%s does not start", argv[0]);
    fclose(said);
    h->port = (unsigned)strtoul(line, NULL, 10);
}

void s3_story_stop(struct s3_story_helper *h)
{
    if (h->pid <= 0)
        return;
    kill(h->pid, SIGTERM);
    waitpid(h->pid, NULL, 0);
    h->pid = 0;
}

bool s3_story_line(const char *path, const char *word, size_t *at, char *out, size_t size)
{
    auto_buf struct buf log = {0};
    const char *text;

    if (fd_load(path, LOG_MAX, &log, NULL) < 0)
        return false;
    text = buf_cstr(&log);
    while (text && *at < log.len) {
        const char *line = text + *at;
        size_t len = strcspn(line, "\n");

        *at += len + 1;
        if (text_print(out, size, "%.*s", (int)len, line) == 0 && strstr(out, word))
            return true;
    }
    return false;
}

bool s3_story_says(const char *path, const char *word)
{
    char line[2048];
    size_t at = 0;

    return s3_story_line(path, word, &at, line, sizeof(line));
}

size_t s3_story_size(const char *path)
{
    struct stat st;

    return stat(path, &st) < 0 ? 0 : (size_t)st.st_size;
}

void s3_story_environment(void)
{
    static const char *const unset[] = {
        "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_CONFIG_FILE",     "AWS_SHARED_CREDENTIALS_FILE",
        "AWS_CA_BUNDLE",     "http_proxy",  "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"};

    for (size_t i = 0; i < ARRAY_LEN(unset); i++)
        unsetenv(unset[i]);
    setenv("HOME", "/nowhere", 1);
    setenv("AWS_ACCESS_KEY_ID", "AKIATEST", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "a/secret+of=tests", 1);
}
