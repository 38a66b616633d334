/* SPDX-License-Identifier: Apache-2.0 */
/* One line of proc(5) that everybody gets wrong: the name in it may hold blanks and parentheses. */
#include "inventory/pid.h"

#include "inventory/line.h"

#include "base/num.h"

#include "base/banned.h"

enum {
    MS_PER_TICK = 10,            /* USER_HZ is 100 on every Linux that we move */
    PF_KTHREAD_BIT = 0x00200000, /* include/linux/sched.h, since 2.6.27 */
    /* Words after "pid (comm) ". */
    AT_STATE = 0,
    AT_FLAGS = 6,
    AT_USER_TICKS = 11,
    AT_SYSTEM_TICKS = 12,
};

/* A century of processor time: more is garbage, and sums of it must not wrap. */
static const uint64_t ticks_max = (uint64_t)100 * 366 * 86400 * 1000 / MS_PER_TICK;

bool pid_stat_parse(struct slice text, struct pid_stat *ret)
{
    const uint8_t *open = text.len ? memchr(text.data, '(', text.len) : NULL;
    const uint8_t *close = text.len ? memrchr(text.data, ')', text.len) : NULL;
    struct pid_stat st = {0};
    struct slice rest;
    struct slice state;
    uint64_t ticks = 0;

    if (!open || !close || close < open)
        return false;
    rest = slice_of(close + 1, (size_t)(text.data + text.len - close - 1));
    if (!line_nth(rest, AT_STATE, &state))
        return false;
    line_copy(st.comm, sizeof(st.comm), slice_of(open + 1, (size_t)(close - open - 1)));
    st.state = (char)state.data[0];
    st.is_kernel_thread = (line_nth_u64(rest, AT_FLAGS, 0) & PF_KTHREAD_BIT) != 0;
    if (num_add(line_nth_u64(rest, AT_USER_TICKS, 0), line_nth_u64(rest, AT_SYSTEM_TICKS, 0),
                &ticks) &&
        ticks <= ticks_max)
        st.cpu_ms = ticks * MS_PER_TICK;
    *ret = st;
    return true;
}

bool pid_is_name(const char *name)
{
    uint64_t pid = 0;

    return name[0] != '0' && line_u64(slice_str(name), 10, &pid) && pid <= INT32_MAX;
}
