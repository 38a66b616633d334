/* SPDX-License-Identifier: Apache-2.0 */
/* Cells of a table: found by the names of columns, read as numbers and texts, refused by name. */
#include "planner/engine/import_priv.h"

#include "base/num.h"
#include "base/auto.h"
#include "base/text.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/banned.h"

enum { NUMBER_MAX = 64 };

/* -- cells ------------------------------------------------------------------------------------ */

/* What tools write where they know nothing. */
static bool says_nothing(const char *text)
{
    static const char *const words[] = {"-",    "n/a",     "na",    "null",      "none",  "nan",
                                        "#n/a", "unknown", "undef", "undefined", "(null)"};
    char lower[16];
    size_t n = 0;

    while (isspace((unsigned char)*text))
        text++;
    for (; n < sizeof(lower) - 1 && text[n]; n++)
        lower[n] = (char)tolower((unsigned char)text[n]);
    if (text[n])
        return false;
    while (n > 0 && isspace((unsigned char)lower[n - 1]))
        n--;
    lower[n] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (text_equal(lower, words[i]))
            return true;
    }
    return n == 0;
}

const char *import_cell_at(const struct import_row *row, size_t place)
{
    if (place >= row->fields || says_nothing(row->field[place]))
        return "";
    return row->field[place];
}

const char *import_cell(const struct import_row *row, size_t column)
{
    return import_cell_at(row, row->place[column]);
}

struct estate_source import_row_source(const struct import_row *row)
{
    return import_source(row->im, row->line);
}

void import_row_refuse(struct import_row *row, size_t column, const char *why, bool whole_row)
{
    size_t place = row->place[column];
    struct import_refusal refusal = {.file = row->im->file,
                                     .line = row->line,
                                     .column = place < row->header_n ? row->header[place] : "",
                                     .value = place < row->fields ? row->field[place] : "",
                                     .why = why,
                                     .whole_row = whole_row};

    row->refused = true;
    import_refuse(row->im, &refusal);
}

const char *import_header_after(const struct import_row *row, size_t place, const char *prefix)
{
    const char *name = row->header[place];

    for (; *prefix; prefix++, name++) {
        if (tolower((unsigned char)*name) != tolower((unsigned char)*prefix))
            return NULL;
    }
    return *name ? name : NULL;
}

/* -- numbers ---------------------------------------------------------------------------------- */

/* Groups of three digits, "16,384" or "16.384" or "16 384", are one number. */
static bool ungroup(const char *text, char point, char out[static NUMBER_MAX])
{
    size_t n = 0, digits = 0;
    bool behind_point = false;

    for (; *text; text++) {
        if (isdigit((unsigned char)*text)) {
            digits++;
        } else if (*text == point && !behind_point) {
            behind_point = true;
        } else if (strchr(",. '", *text) && !behind_point && digits > 0 &&
                   strspn(text + 1, "0123456789") == 3) {
            continue;
        } else if (!strchr("eE+-", *text)) {
            return false;
        }
        if (n == NUMBER_MAX - 1)
            return false;
        out[n++] = *text == point ? '.' : *text;
    }
    out[n] = '\0';
    return digits > 0;
}

static bool parse_number(const struct import *im, const char *text, double *ret)
{
    char plain[NUMBER_MAX], trimmed[NUMBER_MAX];
    size_t len = strlen(text);

    while (len > 0 && (isspace((unsigned char)text[len - 1]) || text[len - 1] == '%'))
        len--;
    while (len > 0 && isspace((unsigned char)*text)) {
        text++;
        len--;
    }
    if (len == 0 || len >= sizeof(trimmed))
        return false;
    memcpy(trimmed, text, len);
    trimmed[len] = '\0';
    /* What is no group of three digits is a decimal point, wherever it is. */
    if (!ungroup(trimmed, im->comma_decimal ? ',' : '.', plain) &&
        !ungroup(trimmed, im->comma_decimal ? '.' : ',', plain))
        return false;
    return num_parse_f64(plain, ret, NULL) == 0 && isfinite(*ret);
}

bool import_number(struct import_row *row, size_t column, double *ret)
{
    const char *text = import_cell(row, column);
    double value;

    if (!*text)
        return false;
    if (!parse_number(row->im, text, &value)) {
        import_row_refuse(row, column, "not a number", false);
        return false;
    }
    if (value < 0 || value > 1e15) {
        import_row_refuse(row, column, value < 0 ? "below 0" : "too large", false);
        return false;
    }
    *ret = value;
    return true;
}

bool import_bytes(struct import_row *row, size_t column, double unit, uint64_t *ret)
{
    double value;

    if (!import_number(row, column, &value))
        return false;
    if (value * unit >= 9e18) {
        import_row_refuse(row, column, "more bytes than can be counted", false);
        return false;
    }
    *ret = (uint64_t)(value * unit + 0.5);
    return true;
}

bool import_percent(struct import_row *row, size_t column, double *ret)
{
    double value;

    if (!import_number(row, column, &value))
        return false;
    if (value > 100) {
        import_row_refuse(row, column, "above 100%", false);
        return false;
    }
    *ret = value;
    return true;
}

/* -- facts ------------------------------------------------------------------------------------ */

void import_field(struct import_row *row, size_t column, struct estate_host *h,
                  enum estate_field field)
{
    const char *why =
        estate_set(row->im->estate, h, field, import_cell(row, column), import_row_source(row));

    if (why)
        import_row_refuse(row, column, why, false);
}

void import_scaled(struct import_row *row, size_t column, struct estate_host *h,
                   enum estate_field field, double unit)
{
    uint64_t value;

    if (import_bytes(row, column, unit, &value))
        estate_set_u64(h, field, value, import_row_source(row));
}

void import_stat(struct import_row *row, size_t column, struct estate_host *h,
                 enum estate_metric metric, enum estate_quantile quantile, double unit)
{
    struct estate_usage *u;
    double value;

    if (metric == ESTATE_CPU_PERCENT ? !import_percent(row, column, &value)
                                     : !import_number(row, column, &value))
        return;
    u = estate_usage_of(row->im->estate, h, metric);
    if (!u)
        return;
    u->source = import_row_source(row);
    if (quantile < ESTATE_QUANTILES)
        u->quantile[quantile] = value * unit;
    else
        u->mean = value * unit;
}

void import_total(struct import_row *row, struct estate_host *h, size_t size, size_t used,
                  double unit)
{
    uint64_t size_bytes = 0, used_bytes = 0;
    bool has_size = import_bytes(row, size, unit, &size_bytes);
    bool has_used = import_bytes(row, used, unit, &used_bytes);
    struct estate_disk *d;

    if (!has_size && !has_used)
        return;
    d = estate_disk_add(row->im->estate, h, "all", import_row_source(row));
    if (!d)
        return;
    d->level = ESTATE_TOTAL;
    d->size_bytes = size_bytes;
    d->used_bytes = used_bytes;
    d->has_used = has_used;
}

bool import_time(const char *text, uint64_t *ret_ms)
{
    char rfc[TEXT_TIME_MAX];
    size_t len = strlen(text);
    uint64_t n;

    if (text_parse_time(text, ret_ms, NULL) == 0)
        return true;
    if (num_parse_u64(text, 1, INT64_MAX / 1000, &n, NULL) == 0) {
        *ret_ms = n < 100000000000 ? n * 1000 : n; /* seconds until the year 5138 */
        return true;
    }
    if ((len != 16 && len != 19) || (text[10] != ' ' && text[10] != 'T'))
        return false;
    return text_print(rfc, sizeof(rfc), "%.10sT%s%sZ", text, text + 11, len == 16 ? ":00" : "") ==
               0 &&
           text_parse_time(rfc, ret_ms, NULL) == 0;
}

void import_parts(struct import_row *row, size_t column, const char *separators,
                  struct estate_host *h, import_part_fn fn)
{
    auto_vec char **parts = NULL;

    if (text_split(import_cell(row, column), separators, &parts, NULL) < 0) {
        import_row_refuse(row, column, "no memory for its parts", false);
        return;
    }
    for (size_t i = 0; parts[i]; i++)
        fn(row, h, parts[i]);
}

void import_part_address(struct import_row *row, struct estate_host *h, const char *part)
{
    estate_address_add(row->im->estate, h, part, import_row_source(row));
}

/* -- systems ---------------------------------------------------------------------------------- */

static bool has_word(const char *text, const char *word)
{
    size_t len = strlen(word);

    for (; *text; text++) {
        size_t n = 0;

        while (n < len && tolower((unsigned char)text[n]) == word[n])
            n++;
        if (n == len)
            return true;
    }
    return false;
}

void import_os(struct import *im, struct estate_host *h, const char *name, struct estate_source s)
{
    static const struct {
        const char *word, *family;
    } families[] = {
        {"windows", "windows"}, {"linux", "linux"},  {"ubuntu", "linux"}, {"debian", "linux"},
        {"red hat", "linux"},   {"redhat", "linux"}, {"rhel", "linux"},   {"centos", "linux"},
        {"suse", "linux"},      {"sles", "linux"},   {"rocky", "linux"},  {"fedora", "linux"},
        {"photon", "linux"},    {"oracle", "linux"}, {"solaris", "unix"}, {"aix", "unix"},
        {"hp-ux", "unix"},      {"freebsd", "unix"}, {"esx", "other"},
    };

    if (!*name)
        return;
    (void)estate_set(im->estate, h, ESTATE_OS_NAME, name, s);
    for (size_t i = 0; i < ARRAY_LEN(families); i++) {
        if (has_word(name, families[i].word)) {
            (void)estate_set(im->estate, h, ESTATE_OS_FAMILY, families[i].family, s);
            break;
        }
    }
    if (h->arch == ESTATE_ARCH_UNKNOWN && has_word(name, "64-bit"))
        (void)estate_set(im->estate, h, ESTATE_ARCH, has_word(name, "arm") ? "arm64" : "x86_64", s);
    else if (h->arch == ESTATE_ARCH_UNKNOWN && has_word(name, "32-bit"))
        (void)estate_set(im->estate, h, ESTATE_ARCH, "x86", s);
}
