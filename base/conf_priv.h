/* SPDX-License-Identifier: Apache-2.0 */
/* What conf.c (reading, keys) and conf_save.c (writing) share; only theirs. */
#ifndef GODWIT_BASE_CONF_PRIV_H
#define GODWIT_BASE_CONF_PRIV_H

#include "base/conf.h"

#include <stdbool.h>

struct conf_entry {
    char *section;
    char *key;
    char *value;
    char *origin; /* "set" once conf_set changed it */
};

struct conf {
    struct conf_entry *entries; /* in the order of their first appearance */
    size_t n;
    size_t cap;
};

enum { CONF_FILE_MAX = 1 << 20 };

bool conf_is_set(const struct conf_entry *e);

#endif
