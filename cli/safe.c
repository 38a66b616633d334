/* SPDX-License-Identifier: Apache-2.0 */
/* The pieces between what may stay are sanitized each by itself; lengths do not change. */
#include "cli/safe.h"

#include "base/text.h"

#include <string.h>

#include "base/banned.h"

/* How many bytes at p may stay as they are. */
static size_t kept(const char *p)
{
    size_t digits;

    if (*p == '\n')
        return 1;
    if (p[0] != '\033' || p[1] != '[')
        return 0;
    digits = strspn(p + 2, "0123456789;");
    return p[2 + digits] == 'm' ? 3 + digits : 0;
}

void safe_text(char *text)
{
    char *from = text, *p = text;

    for (;;) {
        size_t n = kept(p);
        char c = *p;

        if (c && n == 0) {
            p++;
            continue;
        }
        *p = '\0';
        text_sanitize(from);
        *p = c;
        if (!c)
            return;
        p += n;
        from = p;
    }
}
