/* SPDX-License-Identifier: Apache-2.0 */
/* Hooks over base/proc.h: argv and environment are built here, nothing is ever interpreted. */
#include "agent/hook.h"

#include "base/err.h"
#include "base/gw.h"
#include "base/num.h"
#include "base/proc.h"
#include "base/text.h"

#include <ctype.h>
#include <inttypes.h>

#include "base/banned.h"

enum {
    ARGV_MAX = 128,
    ENV_FIXED = 5, /* GODWIT_WORKLOAD, _EPOCH, _SIDE, _DIRECTION and the end */
    ENV_TEXT_MAX = PATH_MAX + 128,
    TIMEOUT_DEFAULT_MS = 5 * 60 * 1000,
    LAST_LINE_MAX = 160,
};

static int argv_from_array(const struct js *hook, char ***ret, struct err *err)
{
    size_t n = js_len(hook);
    auto_vec char **vec = NULL;

    if (n == 0 || n > ARGV_MAX)
        return err_set_gw(err, GW_BAD_DOCUMENT, -EINVAL, "a hook of %zu words", n);
    vec = calloc(n + 1, sizeof(*vec));
    if (!vec)
        return err_set(err, -ENOMEM, "hook: %m");
    for (size_t i = 0; i < n; i++) {
        const char *word = js_as_str(js_at(hook, i), NULL);

        if (!word)
            return err_set_gw(err, GW_BAD_DOCUMENT, -EINVAL, "a hook's words are strings");
        vec[i] = strdup(word);
        if (!vec[i])
            return err_set(err, -ENOMEM, "hook: %m");
    }
    *ret = TAKE(vec);
    return 0;
}

static int argv_new(const struct js *hook, char ***ret, struct err *err)
{
    auto_vec char **vec = NULL;
    int r;

    if (js_kind(hook) == JS_ARR)
        return argv_from_array(hook, ret, err);
    if (js_kind(hook) != JS_STR)
        return err_set_gw(err, GW_BAD_DOCUMENT, -EINVAL,
                          "a hook is a string or an array of strings");
    r = text_split(js_as_str(hook, ""), " \t", &vec, err);
    if (r < 0)
        return r;
    if (text_vec_len(vec) == 0)
        return err_set_gw(err, GW_BAD_DOCUMENT, -EINVAL, "an empty hook");
    *ret = TAKE(vec);
    return 0;
}

/* A volume's name as part of a variable's: upper case, what does not fit becomes '_'. */
static void variable_name(const char *name, char out[static ASSIGNMENT_NAME_MAX + 1])
{
    size_t i = 0;

    for (; i < ASSIGNMENT_NAME_MAX && name[i] != '\0'; i++) {
        unsigned char c = (unsigned char)name[i];

        out[i] = isalnum(c) ? (char)toupper(c) : '_';
    }
    out[i] = '\0';
}

static int env_add(char **env, size_t *n, const char *key, const char *value, struct err *err)
{
    char text[ENV_TEXT_MAX];
    int r = text_print(text, sizeof(text), "%s=%s", key, value);

    if (r < 0)
        return err_set(err, r, "environment %s: %m", key);
    env[*n] = strdup(text);
    if (!env[*n])
        return err_set(err, -ENOMEM, "environment of a hook: %m");
    (*n)++;
    return 0;
}

static int env_add_volumes(const struct hook_run *run, char **env, size_t *n, struct err *err)
{
    const struct assignment *a = run->assignment;
    char name[ASSIGNMENT_NAME_MAX + 1];
    char key[ASSIGNMENT_NAME_MAX + 32];
    int r = 0;

    for (size_t i = 0; r == 0 && i < a->volumes_n; i++) {
        variable_name(a->volumes[i].name, name);
        r = text_print(key, sizeof(key), "GODWIT_VOLUME_%s", name);
        if (r == 0)
            r = env_add(env, n, key, run->devices ? run->devices[i] : a->volumes[i].device, err);
    }
    return r;
}

static int env_new(const struct hook_run *run, char ***ret, struct err *err)
{
    auto_vec char **env = calloc(run->assignment->volumes_n + ENV_FIXED, sizeof(*env));
    char epoch[NUM_TEXT_MAX];
    size_t n = 0;
    int r;

    if (!env)
        return err_set(err, -ENOMEM, "environment of a hook: %m");
    text_print(epoch, sizeof(epoch), "%" PRIu64, run->epoch);
    r = env_add(env, &n, "GODWIT_WORKLOAD", run->assignment->workload, err);
    if (r == 0)
        r = env_add(env, &n, "GODWIT_EPOCH", epoch, err);
    if (r == 0)
        r = env_add(env, &n, "GODWIT_SIDE", run->assignment->side, err);
    if (r == 0 && run->direction)
        r = env_add(env, &n, "GODWIT_DIRECTION", run->direction, err);
    if (r == 0)
        r = env_add_volumes(run, env, &n, err);
    if (r < 0)
        return r;
    *ret = TAKE(env);
    return 0;
}

int hook_run_one(const struct hook_run *run, const struct js *hook, struct buf *out,
                 int *ret_status, struct err *err)
{
    auto_vec char **argv = NULL;
    auto_vec char **env = NULL;
    struct proc_run proc;
    int r;

    r = argv_new(hook, &argv, err);
    if (r == 0)
        r = env_new(run, &env, err);
    if (r < 0)
        return r;
    proc = (struct proc_run){
        .argv = (const char *const *)argv,
        .env = (const char *const *)env,
        .cwd = run->cwd,
        .timeout_ms = run->timeout_ms ? run->timeout_ms : TIMEOUT_DEFAULT_MS,
        .stop = run->stop,
    };
    r = proc_run(&proc, out, ret_status, err);
    return r < 0 ? err_add(err, r, "hook '%s'", argv[0]) : 0;
}

static const char *hook_name(const struct js *hook)
{
    return js_kind(hook) == JS_ARR ? js_as_str(js_at(hook, 0), "") : js_as_str(hook, "");
}

static int run_and_judge(const struct hook_run *run, const struct js *hook, struct buf *out,
                         struct err *err)
{
    auto_buf struct buf said = {.max = HOOK_OUTPUT_MAX};
    char line[LAST_LINE_MAX];
    int status = 0;
    int r;

    r = hook_run_one(run, hook, &said, &status, err);
    if (out && said.len > 0 && out->len + said.len <= HOOK_OUTPUT_MAX)
        buf_append(out, said.data, said.len);
    if (r < 0) {
        /* A hook that hung or is not there failed; trying it again is the operator's choice. */
        if (err && err->gw == GW_NONE)
            err->gw = GW_HOOK_FAILED;
        if (err)
            err->retryable = false;
        return r;
    }
    if (status == 0)
        return 0;
    text_last_line((const char *)said.data, said.len, line, sizeof(line));
    return err_set_gw(err, GW_HOOK_FAILED, -EIO, "hook '%s' ended with %d%s%s", hook_name(hook),
                      status, line[0] ? ": " : "", line);
}

int hook_run_list(const struct hook_run *run, const struct js *list, struct buf *out,
                  struct err *err)
{
    int r = 0;

    if (js_kind(list) == JS_NULL)
        return 0;
    if (js_kind(list) == JS_STR)
        return run_and_judge(run, list, out, err);
    if (js_kind(list) != JS_ARR)
        return err_set_gw(err, GW_BAD_DOCUMENT, -EINVAL, "hooks are an array");
    for (size_t i = 0; r == 0 && i < js_len(list); i++)
        r = run_and_judge(run, js_at(list, i), out, err);
    return r;
}
